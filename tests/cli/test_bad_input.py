"""What people type wrong: each a clear error, its exit code, what to do next; nothing changes."""

from __future__ import annotations

import datetime as dt
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dsr import NotVerified, load
from tests.cli.office import EVA, Office


@pytest.fixture(autouse=True)
def _nothing_changes(office: Office) -> Iterator[None]:
    """Whatever is wrong, no store is touched."""
    before = office.stores()
    yield
    assert office.stores() == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("access", "--phone", "030 12"), "this is not a phone number: write it with country code"),
        (("access", "--phone", "call me"), "this is not a phone number"),
        (("access", "--phone", "030 23125-100 or 030 23125-111"), "this is not a phone number"),
        (("access", "--sip", "sip:@"), "this is not a SIP address: write a SIP address, such as"),
        (("access", "--email", "eva"), "this is not an e-mail address: write an e-mail"),
        (("access",), "a request needs an identifier: give a phone number"),
        (("eraser", "--phone", EVA), "this is none of the rights: use one of access, portability"),
        (
            ("rectification", "--phone", EVA),
            "needs the fields to correct: give each as FIELD=VALUE",
        ),
        (("rectification", "--phone", EVA, "--set", "Eva Müller"), "--set needs FIELD=VALUE"),
        (
            ("access", "--phone", EVA, "--set", "fn=Eva"),
            "fields to correct do not belong to access",
        ),
        (("access", "--phone", EVA, "--received", "31.12.2026"), "--received is not a date: write"),
        (("access", "--phone", EVA, "--received", "2199-01-01"), "received in the future: check"),
        (("access", "--phone", EVA, "--language", "xx"), "use one of de, en"),
    ],
)
def test_open_refuses(office: Office, words: tuple[str, ...], told: str) -> None:
    """A malformed request is refused at the door (exit code 2), and none is registered."""
    assert told in office.error("open", *words, code=2)
    assert office.document("list") == {"requests": []}


def test_an_unknown_number_learns_nothing(office: Office) -> None:
    """A number that is nobody's here gets the answers of a wrong PIN, never "not a customer"."""
    stranger = office.challenged("access", phone="+44 20 7946 0999")
    known = office.challenged("access")
    told = [
        office.error("verify", request, stdin="000000x", code=3) for request in (stranger, known)
    ]
    assert told[0] == told[1]
    told = [office.error("plan", request, code=3).replace(request, "ID")
            for request in (stranger, known)]  # fmt: skip
    assert told[0] == told[1]


WRONG = "error: the PIN is not right, or no longer valid: check it, or ask for a new one"


@pytest.mark.parametrize(
    "guess", ["x", "12345", "\uff11\uff12\uff13\uff14\uff15\uff16", "0" * 400, "\x00", "-1"]
)
def test_a_wrong_pin(office: Office, guess: str) -> None:
    """What is not the PIN, however odd, is not verified (exit code 3)."""
    request = office.challenged("erasure")
    assert office.error("verify", request, stdin=guess, code=3) == WRONG
    assert office.error("plan", request, code=3).startswith(f"error: request {request} is not ver")


def test_bytes_that_are_no_text_are_no_pin(office: Office) -> None:
    """Input that is no UTF-8 is told as such, not as a traceback."""
    request = office.challenged("erasure")
    result = office.call("verify", request, stdin=b"\xff\xfe\n", code=2)
    assert "standard input is not text: " in result.stderr


def test_an_expired_pin(office: Office) -> None:
    """A PIN is worth nothing when its minutes are over; the answer does not tell what it was."""
    request = office.challenged("erasure")
    desk = load(office.config).desk()
    with desk.ledger, pytest.raises(NotVerified) as caught:
        desk.verify(request, office.pin(), now=dt.datetime.now(dt.UTC) + dt.timedelta(minutes=11))
    assert f"error: {caught.value}" == WRONG


def test_a_replayed_pin(office: Office) -> None:
    """A PIN works once: not a second time, and not for another request."""
    request = office.verified("erasure")
    assert office.error("verify", request, stdin=office.pin(), code=3) == WRONG
    used = office.pin()
    other = office.challenged("erasure")
    if office.pin() != used:  # one in a million
        assert office.error("verify", other, stdin=used, code=3) == WRONG


def test_too_many_guesses(office: Office) -> None:
    """After five failures even the right PIN is refused, and support is told what else to offer."""
    request = office.challenged("erasure")
    for _ in range(5):
        office.call("verify", request, stdin="000000x", code=3)
    told = office.error("verify", request, stdin=office.pin(), code=3)
    assert "the limit is reached: offer another way to verify" in told


@pytest.mark.parametrize("command", ["challenge", "verify", "plan", "run", "show"])
def test_an_unknown_request(office: Office, command: str) -> None:
    """An id that the ledger does not hold is a mistake in the command (exit code 2)."""
    stdin = "123456" if command == "verify" else ""
    told = office.error(command, "0123456789ab", stdin=stdin, code=2)
    assert "dsr list" in told


@pytest.mark.parametrize(
    ("out", "code", "told"),
    [
        ("no/such/folder.zip", 1, "the package cannot be written: No such file or directory: ch"),
        ("s3://bucket/folder/", 2, "this is not the place of an object: write s3://BUCKET/KEY"),
    ],
)
def test_a_package_that_cannot_be_put_there(office: Office, out: str, code: int, told: str) -> None:
    """Nothing is left half written, and the request can be run again."""
    request = office.verified("access")
    path = out if "://" in out else str(office.folder / out)
    assert told in office.error("run", request, "--out", path, code=code)
    assert not list(office.folder.rglob("*.part"))
    office.call("run", request, "--out", str(office.folder / "p.zip"), code=4)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('country = "DE"   ', 'contry = "DE"', 'operator.contry: did you mean "country"?'),
        ('country = "DE"   ', 'country = "XX"  ', "write a two-letter country code"),
        ('timezone = "Europe/Berlin"            # deadlines', 'timezone = "Berlin"  #',
         "operator.timezone: write an IANA time zone"),
        ("[categories.logs]", "[categorys.logs]", 'categorys: did you mean "categories"?'),
        ("digits = 6", 'digits = "6"', "identity.one-time-pin.digits has the wrong type"),
        ("digits = 6", "digits = 4", "digits is a whole number from 6 to 8"),
        ('key = "file:dsr.key"', 'key = "file:other.key"', "cannot be read (No such file or dir"),
        ('key = "file:dsr.key"', 'key = "env:DSR_NO_SUCH"', "DSR_NO_SUCH is not set: set it to"),
        ('key = "file:dsr.key"', 'key = "file:dsr.toml"', "make one with"),
        ('connector = "vcards"', 'connector = "vcard"', "stores.contacts.connector"),
        ('category = "logs"', 'category = "log"', "[categories.log]"),
        ('accounts = "numbers"', 'accounts = "nobody"', "identity.accounts names no store"),
        ('erase = "redact"                      # in', 'erase = "burn" #', '"delete" or "redact"'),
        (
            'keep = [{ period = "6 months"',
            'keep = [{ period = "half a year"',
            "write a period such as",
        ),
        ("[operator]", "[operator", "is not valid TOML: "),
    ],
)  # fmt: skip
def test_a_mistake_in_the_configuration(office: Office, old: str, new: str, told: str) -> None:
    """Every command names the key and the fix, and does nothing (exit code 2)."""
    office.edit(old, new)
    if "dsr.toml" in new:
        office.config.chmod(0o600)
    for words in (("check",), ("open", "access", "--phone", EVA), ("list",)):
        assert told in office.error(*words, code=2)


def test_a_key_that_others_can_read(office: Office) -> None:
    """The key unseals whom requests are about: dsr refuses to use one that is open to all."""
    (office.folder / "dsr.key").chmod(0o644)
    assert "chmod 600 " in office.error("list", code=2)


def test_a_configuration_that_is_no_text(office: Office) -> None:
    """A file of another encoding is told as such."""
    office.config.write_bytes(b'[operator]\nname = "\xe9"\n')
    assert "cannot be read (UnicodeDecodeError): check its" in office.error("list", code=2)


def test_no_configuration(office: Office) -> None:
    """Who has none is told how to get one."""
    office.config.unlink()
    assert "write one with `dsr init`, or name another" in office.error("list", code=2)


def test_a_ledger_that_cannot_be_opened(office: Office) -> None:
    """A ledger in a folder that is not there: exit code 1, and what to look at."""
    office.edit("sqlite:///dsr-ledger.db", "sqlite:///no/such/folder/ledger.db")
    assert "check that its folder exists" in office.error("list", code=1)


def test_the_sender_of_pins_is_down(office: Office, unused_port: int) -> None:
    """A PIN that could not be sent is said to be so (exit code 1), without number or PIN."""
    office.edit('sender = "file:pins.jsonl"', f'sender = "http://127.0.0.1:{unused_port}/"')
    request = office.document("open", "access", "--phone", EVA)["request"]
    told = office.error("challenge", request, code=1)
    assert "the sender of PINs cannot be reached" in told
    assert "try again" in told


def test_the_disk_of_a_script(office: Office, tmp_path: Path) -> None:
    """`dsr list | head -1` is no error of dsr's: a reader that leaves is not told about."""
    for _ in range(3):
        office.document("open", "access", "--phone", EVA)
    command = f"python -m dsr list --config {office.config} | true"
    run = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, check=False)  # noqa: S602  (a pipe of the shell is what is tested)
    assert b"Traceback" not in run.stderr
