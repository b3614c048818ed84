"""Who makes a request, and who agrees to a plan, at the command line."""

from __future__ import annotations

from dsr.config import load
from tests.cli.office import EVA, Office
from tests.cli.staff import Staff

WHY = ("--reason", "known at the counter")


def test_two_of_the_staff_decide(office: Office) -> None:
    """Rule 39 (GDPR Art. 12(6)): one decision is not enough, nor the same person's twice."""
    staff = Staff.of(office, "ada", "ben")
    request = office.document("open", "access", "--phone", EVA, "--as", "ada")["request"]
    told = office.document("vouch", request, *WHY, "--as", "ada", stdin=staff.code("ada"), code=3)
    assert (told["status"], told["method"]) == ("open", "person")
    again = staff.code("ada", later=1)
    office.document("vouch", request, *WHY, "--as", "ada", stdin=again, code=3)
    told = office.document("vouch", request, *WHY, "--as", "ben", stdin=staff.code("ben"))
    assert (told["status"], told["method"]) == ("verified", "decision of two people")
    office.call("plan", request, "--as", "ada", code=4)


def test_a_code_counts_once(office: Office) -> None:
    """Rule 43 (RFC 6238 s. 5.2): who reads a code over a shoulder cannot use it again."""
    staff = Staff.of(office, "ada", "ben")
    request = office.document("open", "access", "--phone", EVA, "--as", "ada")["request"]
    code = staff.code("ada")
    office.call("vouch", request, *WHY, "--as", "ada", stdin=code, code=3)
    told = office.error("vouch", request, *WHY, "--as", "ada", stdin=code, code=3)
    assert "was used" in told


def test_commands_that_act_name_who_acts(office: Office) -> None:
    """Rule 45 (GDPR Art. 32(4)): once anybody is listed; the audit trail has the name."""
    request = office.document("open", "access", "--phone", EVA)["request"]
    Staff.of(office, "ada", "ben")
    assert "say who acts" in office.error("challenge", request, code=2)
    assert "nobody of this name" in office.error("challenge", request, "--as", "eve", code=1)
    office.call("challenge", request, "--as", "ada")
    office.call("show", request)  # looking is no act
    with load(office.config).desk().ledger as ledger:
        found = [each.by for each in ledger.entries(request)]
    assert found[-1] == "ada"
    assert found[0] == ""


def test_a_role_that_is_lacking_is_told(office: Office) -> None:
    """Rule 45 (GDPR Art. 32(4)): who takes requests in can neither carry them out nor hold."""
    staff = Staff.of(office, "ada", "ben")
    staff.add("carl", ("open",))
    request = office.document("open", "access", "--phone", EVA, "--as", "carl")["request"]
    for words in (
        ("challenge", request),
        ("refuse", request, "--reason", "x", "--by", "C", "--law", "GDPR Art. 20(1)"),
        ("sweep",),
        ("hold", "add", "--case", "A", "--reason", "r", "--law", "GDPR Art. 17(3)(e)"),
        ("audit",),
    ):
        assert "has not the role" in office.error(*words, "--as", "carl", code=1)
    assert "has not the role" in office.error(
        "vouch", request, *WHY, "--as", "carl", stdin="123456", code=1
    )


def test_four_eyes(office: Office) -> None:
    """Rule 43 (GDPR Art. 32): an erasure waits for two codes, whoever says to carry it out.

    `--as` is a name that anybody can type: with one code alone nobody is two people.
    """
    staff = Staff.of(office, "ada", "ben")
    office.edit("[identity]", '[identity]\nfour_eyes = ["erasure"]')
    request = office.document("open", "erasure", "--phone", EVA, "--as", "ada")["request"]
    office.call("challenge", request, "--as", "ada")
    office.call("verify", request, "--as", "ada", stdin=office.pin())
    token = office.document("plan", request, "--as", "ada", code=4)["token"]
    run = ("run", request, "--confirm", token, "--as", "ada")
    before = office.stores()
    assert "approval of two people" in office.error(*run, code=2)
    approve = ("approve", request, "--token", token, "--as")
    office.call(*approve, "ada", stdin=staff.code("ada"))
    for name in ("ada", "ben"):
        words = ("run", request, "--confirm", token, "--as", name)
        assert "approval of two people" in office.error(*words, code=2)
    assert office.stores() == before
    told = office.error(
        "approve", request, "--token", "other", "--as", "ben", stdin=staff.code("ben"), code=2
    )
    assert "not the token of the last plan" in told
    office.call(*approve, "ben", stdin=staff.code("ben", later=1))
    office.call(*run, code=4)
    assert office.stores() != before


def test_a_challenge_for_a_telephone_needs_a_store_that_vouches(office: Office) -> None:
    """Bad input: it is told which setting is missing."""
    request = office.document("open", "access", "--phone", EVA)["request"]
    assert "identity.sip" in office.error("challenge", request, "--sip", code=2)
    assert "identity.login" in office.error("verify", request, "--by", "login", stdin="x", code=2)


def test_levels_are_checked_when_they_are_read(office: Office) -> None:
    """Rules 40, 43 (LG Bonn, 29 OWi 1/20; GDPR Art. 12(6)): what proves nothing is refused."""
    for levels, told in (
        ('{ access = "standing-pin" }', "a standing PIN is never enough"),
        ('{ access = "sip" }', "names sip, which cannot be shown here"),
        ('{ access = "" }', "is no level"),
    ):
        text = office.config.read_text("utf-8")
        office.edit("[identity]", f"[identity]\nlevels = {levels}")
        assert told in office.error("check", code=2)
        office.config.write_text(text, "utf-8")
