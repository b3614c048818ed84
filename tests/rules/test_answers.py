"""What an answer must say: rules of law.md that letters and packages carry."""

from __future__ import annotations

import datetime as dt
import html
import io
import json
import re
import sqlite3
import zipfile
from pathlib import Path
from typing import Final

import pytest
from attrs import evolve

from dsr import identify
from dsr.connectors.sql import from_config
from dsr.desk import Desk
from dsr.identity import FileSender, OneTimePin
from dsr.model import Gap, Keep, Kind, Receipt, Record, Right, Tally
from dsr.package import (
    Cover,
    Package,
    decided,
    extension,
    forwarded,
    letter,
    lifting,
    no_data,
    not_identifiable,
    notice,
    refusal,
    reminder,
)
from dsr.package.letters import Letter
from dsr.policy.model import Category, Policy, Recipient, Retention, Stage
from dsr.settings import Context
from tests.package.filling import export, record
from tests.shelf import shelf
from tests.things import CATEGORY, EVA, NOOR, NOW, OPERATOR, ledger, policy, request

LANGUAGES: Final = ("en", "de", "fr")
#: The remedies as Arts. 77 to 79 name them, in the words of the Regulation's own translations.
COURT: Final = {
    "en": "effective judicial remedy",
    "de": "wirksamen gerichtlichen Rechtsbehelf",
    "fr": "recours juridictionnel effectif",
}
DAY: Final = dt.date(2027, 2, 23)


def cover(right: Right = "access", language: str = "en", **categories: Category) -> Cover:
    asked = evolve(request(right), language=language)
    return Cover.of(Policy(OPERATOR, categories), asked, NOW)


def words(page: str) -> str:
    """Return a page's text with single spaces."""
    text = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def answered(about: Cover, *steps: Keep | Gap, **found: Record) -> str:
    """Return the letter of a package with a record of each category named, and these steps."""
    with Package(about) as package:
        for category, each in found.items():
            package.add(export(category), each)
        for step in steps:
            package.add(step, None)
        archive = zipfile.ZipFile(io.BytesIO(b"".join(package.chunks())))
    return words(archive.read("letter.html").decode())


def one(category: str) -> Record:
    return record({"src": EVA.value}, category)


# --- reasons and remedies ----------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refusal_names_reason_authority_and_remedy(language: str) -> None:
    """Rule 6 (GDPR Art. 12(4)): a refusal, whole or in part, says why and where to turn."""
    asked = cover("erasure", language, calls=CATEGORY)
    for told in (
        refusal(asked, "a court forbids it"),
        refusal(asked, "a court forbids it", categories=["calls"]),
        answered(asked, Keep("cdr", "calls", "k", "a court forbids it", "ZPO"), calls=one("calls")),
    ):
        assert "a court forbids it" in words(told)
        assert "BfDI" in told
        assert COURT[language] in words(told)


def test_a_refusal_without_reason_cannot_be_built() -> None:
    """Rule 6 (GDPR Art. 12(4)): not as a letter, not as a part of one, not without authority."""
    asked = cover("erasure", calls=CATEGORY)
    for blank in ("", " \n"):
        with pytest.raises(ValueError, match="needs a reason"):
            Letter(asked, "refusal", blank)
        with pytest.raises(ValueError, match="needs a reason"):
            refusal(asked, blank, categories=["calls"])
        with pytest.raises(ValueError, match="needs a reason"):
            extension(asked, blank, DAY)
        tally = Tally(keep={(blank, "AO", None): 1})
        kept = Receipt("r1", "erasure", "incomplete", NOW, {"cdr": {"calls": tally}}, {})
        with pytest.raises(ValueError, match="without a reason"):
            letter(asked, kept)
        with pytest.raises(ValueError, match="without a reason"):
            answered(asked, Keep("cdr", "calls", "k", blank, "AO"))
    with pytest.raises(ValueError, match="names the supervisory authority"):
        evolve(asked, operator=evolve(OPERATOR, authority=" "))


def test_a_refusal_by_national_law_cites_it() -> None:
    """Rule 24 (GDPR Art. 23, BDSG s. 34(1) no. 2): the letter names the provision."""
    told = words(refusal(cover(), "kept for backup only", law="BDSG § 34(1) no. 2(b)"))
    assert "Legal provision: BDSG § 34(1) no. 2(b)" in told


# --- access ------------------------------------------------------------------------------------


def test_access_is_tailored_and_complete() -> None:
    """Rule 7 (GDPR Art. 15(1)(a)-(h), 15(2)): each point, for what holds something, no more."""
    calls = Category(
        role="controller",
        purposes=("billing",),
        basis="contract",
        origin="third party",
        title="Calls",
        sources=("Carrier GmbH",),
        recipients=(
            Recipient("Transit Inc.", "controller", "US", "clauses 2021/914", dt.date(2027, 6, 28)),
        ),
        keep=(Retention("8 years", "HGB § 257", anchor="invoiced_at", whole_years=True),),
        stages=(Stage("14 months", "anonymise"), Stage("26 months")),
    )
    other = evolve(CATEGORY, title="Something else", purposes=("nothing of theirs",))
    told = answered(cover(call_records=calls, other=other), call_records=one("call_records"))
    for said in (
        "We confirm that we process personal data about you",
        "Purposes billing",  # (a)
        "1 record, with the fields src",  # (b)
        "Transit Inc., as controller, United States",  # (c)
        "Anonymised automatically 14 months after the call.",  # (d)
        "Deleted automatically 26 months after the call.",
        "8 years after the invoice",
        "counted from the end of that calendar year (statutory retention, HGB § 257)",
        "Art. 16",  # (e)
        "Art. 17",
        "Art. 18",
        "Art. 21",
        "Art. 77",  # (f)
        "others provided it: Carrier GmbH",  # (g)
        "No decision about you is made solely by automated means",  # (h)
        "Transit Inc., United States: clauses 2021/914 (valid until 27 June 2027)",  # 15(2)
    ):
        assert said in told
    assert "Something else" not in told
    assert "nothing of theirs" not in told


def test_an_ended_safeguard_is_not_claimed() -> None:
    """Rule 7 (GDPR Arts. 15(2), 46): a safeguard past its validity is told as such."""
    to = Recipient("Host Inc.", country="US", safeguard="Privacy Shield")
    past = evolve(to, safeguard_until=dt.date(2020, 7, 16))
    told = answered(cover(calls=evolve(CATEGORY, recipients=(past,))), calls=one("calls"))
    assert "Privacy Shield (no longer valid since 16 July 2020)" in told
    today = evolve(to, safeguard_until=NOW.date())  # the first day on which it is not valid
    told = answered(cover(calls=evolve(CATEGORY, recipients=(today,))), calls=one("calls"))
    assert "no longer valid" in told
    last = evolve(to, safeguard_until=NOW.date() + dt.timedelta(days=1))
    told = answered(cover(calls=evolve(CATEGORY, recipients=(last,))), calls=one("calls"))
    assert "(valid until 23 November 2026)" in told


def test_recipients_are_named_or_it_is_said_why_not() -> None:
    """Rule 8 (CJEU C-154/21): names; a kind of recipients only with why naming is impossible."""
    named = Recipient("Carrier GmbH", country="DE")
    unnamed = Recipient(kind="foreign carriers", impossible="the number called decides")
    told = answered(cover(calls=evolve(CATEGORY, recipients=(named, unnamed))), calls=one("calls"))
    assert "Carrier GmbH, as processor, Germany" in told
    assert "foreign carriers, as processor. It cannot be named: the number called decides" in told


def test_the_copy_is_the_record_itself(tmp_path: Path) -> None:
    """Rule 9 (GDPR Art. 15(3), CJEU C-487/21): free, electronic, equal to what is stored.

    The column's text, its time zone and its microseconds; the times of the hour that comes
    twice at the end of summer time stay two.
    """
    stored = [
        ("+4930901820", "2026-10-25T02:30:00.123456+02:00", 7, "0012"),
        ("+4930901820", "2026-10-25T02:30:00.123456+01:00", 8, None),
    ]
    with sqlite3.connect(tmp_path / "cdr.db") as db:
        db.execute("CREATE TABLE cdr (src TEXT, start TEXT, seconds INTEGER, code TEXT)")
        db.executemany("INSERT INTO cdr VALUES (?, ?, ?, ?)", stored)
    db.close()
    table = {"category": "calls", "at": "start", "sides": [{"phone": "src"}], "key": ["seconds"]}
    url = f"sqlite:///{tmp_path / 'cdr.db'}"
    store = from_config("cdr", {"url": url, "tables": {"cdr": table}}, Context("DE", tmp_path))
    archive, told = _exported(tmp_path, store, EVA.value, calls=CATEGORY)
    lines = [json.loads(each) for each in archive.read("data/calls.jsonl").splitlines()]
    copied = [(each["src"], each["start"], each["seconds"], each.get("code")) for each in lines]
    assert sorted(copied, key=lambda row: str(row[2])) == stored
    assert "The first copy is free of charge" in told
    assert "nothing is summarised" in told


def _exported(
    folder: Path, store: object, number: str, **categories: Category
) -> tuple[zipfile.ZipFile, str]:
    """Return the package and its letter, as a desk hands them over to who holds `number`."""
    folder = folder / number
    folder.mkdir()
    pins = folder / "pins"
    desk = Desk(
        stores=(store,),  # type: ignore[arg-type]  # a connector
        policy=policy(**categories),
        ledger=ledger(folder),
        pin=OneTimePin(FileSender(pins)),
    )
    asked = desk.open("access", [identify("phone", number, "DE")], now=NOW)
    desk.challenge(asked.id, now=NOW)
    pin = json.loads(pins.read_text("utf-8").splitlines()[-1])["pin"]
    desk.export(desk.verify(asked.id, pin, now=NOW), folder / "out.zip", now=NOW)
    archive = zipfile.ZipFile(folder / "out.zip")
    told = words(archive.read("letter.html").decode())
    return archive, told.replace(asked.id, "ID")


def test_no_data_is_said_alike_to_everybody(tmp_path: Path) -> None:
    """Rule 11 (GDPR Art. 15(1)): an explicit no, after verification, in the same words."""
    empty = shelf(tmp_path, "cdr", ["phone"], "calls")
    empty.put("k", category="calls", at=None, who=[["phone", "+4930901899", ["src"]]], data={})
    _, eva = _exported(tmp_path, empty, EVA.value, calls=CATEGORY)
    _, noor = _exported(tmp_path, empty, NOOR.value, calls=CATEGORY)
    assert eva == noor
    assert "We do not process personal data about you" in eva
    assert "BfDI" in eva
    assert "We do not process personal data about you" in words(no_data(cover()))


def test_who_cannot_be_identified_is_told_what_would_help() -> None:
    """Rule 12 (GDPR Art. 11(2)): says so, and which further information reopens Arts. 15-20."""
    told = words(not_identifiable(cover()))
    assert "Art. 11(2) GDPR" in told
    assert "Arts. 15 to 20" in told
    assert "the pseudonymous usage id that your app shows" in told
    assert "an IP address from which you used the service, with date, time and time zone" in told
    assert "a SIP address that you used" not in told
    assert words(not_identifiable(cover(), ())) == told  # "such as" needs an example
    only: tuple[Kind, ...] = ("sip",)
    assert "a SIP address that you used" in words(not_identifiable(cover(), only))
    assert "BfDI" in told


def test_automated_blocking_is_told_with_human_review() -> None:
    """Rule 23 (GDPR Arts. 15(1)(h), 22(3)): solely automated or not, and a person who reviews."""
    fraud = evolve(CATEGORY, automated="Calls above 50 EUR a day are blocked.")
    told = answered(cover(fraud=fraud, calls=CATEGORY), fraud=one("fraud"), calls=one("calls"))
    assert (
        "decisions about you are made solely by automated means (Art. 22 GDPR): Calls above 50 EUR"
        " a day are blocked. You may ask that a person reviews such a decision, state your view"
        " and contest it (Art. 22(3) GDPR)."
    ) in told
    assert told.count("No decision about you is made solely by automated means") == 1


def test_inferred_data_is_named_where_it_does_not_go_along() -> None:
    """Rule 25 (GDPR Art. 20(1), WP242 rev.01): a score stays out of portability, and is named."""
    score = evolve(CATEGORY, origin="inferred", basis="legitimate interests", title="Fraud score")
    why = "not data that the person provided or that was observed, on consent or contract"
    left = Keep("scores", "score", "k", why, "GDPR Art. 20(1)")
    asked = cover("portability", calls=CATEGORY, score=score)
    told = answered(asked, left, calls=one("calls"))
    assert f"Fraud score 1 {why} GDPR Art. 20(1)" in told
    assert "Fraud score" in answered(cover("access", score=score), score=one("score"))


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "recordings and transcripts are complete as they are stored, and nothing is summa"),
        ("de", "Aufnahmen und Transkripte sind vollständig, so wie sie gespeichert sind; nichts"),
        ("fr", "conversations enregistrées et leurs transcriptions sont complets"),
    ],
)
def test_recordings_come_whole(language: str, said: str) -> None:
    """Rule 34 (GDPR Art. 15(3)): the audio or a complete transcript, never a summary."""
    assert said in answered(cover("access", language, calls=CATEGORY), calls=one("calls"))


# --- who else is told --------------------------------------------------------------------------


def test_recipients_of_an_act_are_listed() -> None:
    """Rule 19 (GDPR Art. 19): the person is told of each recipient, and of each exception."""
    calls = evolve(
        CATEGORY,
        recipients=(
            Recipient("Carrier GmbH", country="DE", notify="privacy@carrier.example"),
            Recipient("Old Carrier SA", exempt="it was wound up in 2024"),
        ),
    )
    untouched = evolve(CATEGORY, recipients=(Recipient("Printer AG"),))
    tallies = {"calls": Tally(do={"erase": 2}), "mail": Tally(do={"unchanged": 1})}
    done = Receipt("r1", "erasure", "done", NOW, {"cdr": tallies}, {"cdr": NOW})
    told = words(letter(cover("erasure", calls=calls, mail=untouched), done))
    assert "Carrier GmbH, Germany" in told
    assert "Old Carrier SA. It is not told: it was wound up in 2024" in told
    assert "Printer AG" not in told


def test_a_recipient_learns_what_it_needs() -> None:
    """Rule 19 (GDPR Arts. 16, 17(1), 18, 19): the act, the data, the person, nothing else."""
    to = Recipient("Carrier GmbH", notify="privacy@carrier.example")
    asked = evolve(cover("rectification", "fr", calls=CATEGORY))
    asked = evolve(asked, request=evolve(asked.request, changes={"name": "Eva Mueller"}))
    acts = {
        "erase": "we have erased",
        "rectify": "we have corrected",
        "annotate": "contests its accuracy",
        "restrict": "we have restricted",
        "lift": "has been lifted",
    }
    for act, said in acts.items():
        told = words(notice(asked, to, act, {"calls": 2}, [EVA]))  # type: ignore[arg-type]
        assert said in told  # in the operator's language, not in the person's
        assert "To: Carrier GmbH" in told
        assert "Calls: 2 records" in told
        assert "Phone number: +4930901820" in told
        assert ("Eva Mueller" in told) == (act in {"rectify", "annotate"})
    with pytest.raises(ValueError, match="not told of export"):
        notice(asked, to, "export", {}, [])  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_decides_instead_is_named(language: str) -> None:
    """Rule 37 (GDPR Arts. 4(7), 28(3)(e)): what is processed for a customer goes to it."""
    content = evolve(CATEGORY, role="processor", controller="Kunde AG", title="Mailbox")
    asked = cover("access", language, calls=CATEGORY, mailbox=content)
    told = words(forwarded(asked, {"Kunde AG": ["mailbox"], "Other SE": ["calls"]}))
    assert re.search(r"Kunde AG ?: Mailbox", told)
    assert "BfDI" in told
    assert COURT[language] in told
    why = "processed for Kunde AG, to whom the request goes"
    mixed = answered(asked, Keep("box", "mailbox", "k", why, "GDPR Art. 28"), calls=one("calls"))
    part = mixed[mixed.index("Mailbox") :]
    assert "Kunde AG" in part
    assert "billing" not in part[: part.index("Kunde AG")]  # its purposes are not ours to tell


# --- decisions ---------------------------------------------------------------------------------


def test_a_restriction_is_told_of_before_it_ends() -> None:
    """Rule 17 (GDPR Art. 18(3)): the letter names the day and the reason, while it stands."""
    told = words(lifting(cover("restriction"), "the accuracy has been verified", DAY))
    assert "The restriction ends on 23 February 2027. Until then it stays." in told
    assert "the accuracy has been verified" in told
    with pytest.raises(ValueError, match="needs a reason"):
        lifting(cover("restriction"), "", DAY)


def test_a_rejected_objection_has_its_grounds() -> None:
    """Rule 22 (GDPR Art. 21(1)): who carries on says which compelling grounds it relies on."""
    told = words(decided(cover("objection"), "rejected", "fraud on this line", DAY))
    assert "compelling legitimate grounds" in told
    assert "fraud on this line" in told
    assert "23 February 2027" in told
    with pytest.raises(ValueError, match="needs a reason"):
        decided(cover("objection"), "rejected", "")
    upheld = words(decided(cover("objection"), "upheld"))
    assert "erase the data (Art. 17(1)(c) GDPR)" in upheld


def test_a_rejected_correction_keeps_the_persons_version() -> None:
    """Rule 18 (GDPR Arts. 16, 18(1)(a)): the letter says that both versions stay side by side."""
    told = words(decided(cover("rectification"), "rejected", "the switch logged it so", DAY))
    assert "every later copy shows both" in told
    tallies = {"calls": Tally(do={"annotate": 1, "restrict": 1})}
    noted = Receipt("r1", "rectification", "restricted", NOW, {"cdr": tallies}, {"cdr": NOW})
    told = words(letter(cover("rectification", calls=CATEGORY), noted))
    assert "1 record kept as it is, with your version beside it" in told
    assert "We will tell you before a restriction is lifted (Art. 18(3) GDPR)." in told


def test_doubts_of_identity_are_told() -> None:
    """Rule 5 (GDPR Art. 12(6)): a reminder names the doubt, and asks for no identity document."""
    told = words(reminder(cover(), "the number changed hands in March"))
    assert "the number changed hands in March" in told
    assert "no copy of an identity document" in told
    with pytest.raises(ValueError, match="needs a reason"):
        reminder(cover(), "")
