"""The letters say what the law wants said: tailored, complete, with remedies."""

from __future__ import annotations

import datetime as dt
import html
import re
from html.parser import HTMLParser

import pytest
from attrs import evolve

from dsr.model import Identifier, Receipt, Right, Tally
from dsr.package import Cover, Package, decided, extension, letter, no_data, notice, refusal
from dsr.package.letters import KINDS, Letter
from dsr.policy.model import Recipient
from tests.package.filling import CATEGORIES, cover, export, gap, keep, record, unzipped
from tests.things import NOW


def words(page: str) -> str:
    """Return a page's text with single spaces."""
    text = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def answered(*categories: str, right: Right = "access", language: str = "en") -> str:
    with Package(cover(right, language)) as package:
        for name in categories:
            package.add(export(name), record({"src": "+4930901820"}, name))
        return words(unzipped(package).read("letter.html").decode())


def test_access_tells_what_article_15_lists() -> None:
    """Art. 15(1)(a) to (h) and 15(2), from the policy of the category."""
    text = answered("call_records")
    assert "billing, fault repair" in text  # (a)
    assert "1 record, with the fields src" in text  # (b)
    assert "Carrier GmbH, as processor, Germany" in text  # (c)
    assert "Kept until 6 months after the bill even where its erasure is requested" in text  # (d)
    assert "(statutory retention, TDDDG § 10)" in text
    for article in ("Art. 16", "Art. 17", "Art. 18", "Art. 21"):  # (e)
        assert article in text
    assert "(Art. 77 GDPR). For us it is: BfDI" in text  # (f)
    assert "Arts. 78 and 79 GDPR" in text  # the judicial remedy, Art. 12(4)
    assert "it arose from your use of the service" in text  # (g)
    assert "No decision about you is made solely by automated means" in text  # (h)
    assert "Transit Inc., United States: standard clauses 2021/914" in text  # 15(2)


def test_automated_decisions_come_with_their_review() -> None:
    """Art. 15(1)(h) with 22(3): the logic, and a person who reviews it."""
    assert "Many calls block. You may ask that a person reviews" in answered("scores")


def test_the_letter_is_tailored() -> None:
    """Only categories that hold something are named; consent only where it is the basis."""
    text = answered("address_book")
    assert "Address book" in text
    assert "Calls" not in text
    assert "TDDDG" not in text
    assert "you may withdraw it at any time" in text
    assert "you may withdraw it at any time" not in answered("call_records")


def test_withheld_categories_are_named_too() -> None:
    """What is withheld is held: confirmed, with the reason, its law and its date."""
    with Package(cover()) as package:
        package.add(keep(), None)
        text = words(unzipped(package).read("letter.html").decode())
    assert "We process personal data about you, but this package holds no copy" in text
    assert "Calls" in text
    assert "another person's rights GDPR Art. 15(4) 1 March 2027" in text


def test_what_was_not_searched_makes_no_negative() -> None:
    """A store that could not be read: found nothing so far, not "we hold nothing" (law 11)."""
    with Package(cover()) as package:
        package.add(gap(), None)
        text = words(unzipped(package).read("letter.html").decode())
    assert "this answer is not final" in text
    assert "We do not process personal data" not in text
    assert "unknown number the file is damaged" in text


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "wir verarbeiten keine personenbezogenen Daten über Sie"),
        ("de-AT", "wir verarbeiten keine personenbezogenen Daten über Sie"),
        ("fr_CH", "Nous ne traitons pas de données à caractère personnel vous concernant"),
        ("tlh", "We do not process personal data about you"),
    ],
)
def test_a_person_is_answered_in_their_language(language: str, text: str) -> None:
    """The language of the request, without its region; English where there is no translation."""
    assert text in answered(language=language)


def test_portability_is_answered_as_such() -> None:
    """Art. 20 has its own letter: provided and observed data, to take along."""
    text = answered("call_records", right="portability")
    assert "Art. 20 GDPR" in text
    assert "another provider without hindrance" in text


def receipt(right: Right = "erasure") -> Receipt:
    stores = {
        "cdr": {
            "call_records": Tally(
                do={"redact": 20, "erase": 1},
                keep={("billing dispute", "TDDDG § 10", dt.date(2027, 2, 1)): 3},
            )
        },
        "old_cdr": {"call_records": Tally(do={"erase": 4})},
        "logs": {"scores": Tally(gaps={"the file is damaged": 1})},
    }
    return Receipt("r1", right, "incomplete", NOW, stores, {"cdr": NOW})


def test_a_receipt_says_done_kept_and_not_reached() -> None:
    """Counts by category over all stores, reasons with law and date, and what is left open."""
    text = words(letter(cover("erasure"), receipt()))
    assert "Calls: 5 records erased" in text
    assert "Calls: 20 records emptied of what is about you" in text
    assert "3 billing dispute TDDDG § 10 1 February 2027" in text
    assert "Scores 1 the file is damaged" in text
    assert "Art. 17 GDPR" in text
    assert "BfDI" in text


def test_a_receipt_claims_only_what_was_proved() -> None:
    """It names the stores that were read again, and when, and says that it says no more."""
    text = words(letter(cover("erasure"), receipt()))
    assert "cdr: 23 Nov 2026, 13:00:00" in text  # Berlin's clock
    assert "old_cdr" not in text
    assert "nothing about systems that are not named here" in text


def test_recipients_are_told_where_something_changed() -> None:
    """Art. 19: the recipients of the changed categories are listed."""
    assert "Carrier GmbH, Germany" in words(letter(cover("erasure"), receipt()))
    nothing = Receipt("r1", "erasure", "done", NOW, {}, {})
    text = words(letter(cover("erasure"), nothing))
    assert "Art. 19" not in text
    assert "We found nothing about you" in text
    assert "we cannot say that nothing is left" in text


@pytest.mark.parametrize(
    "right",
    ["access", "portability", "rectification", "erasure", "restriction", "objection", "withdrawal"],
)
@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_every_right_has_its_letter(right: Right, language: str) -> None:
    """Each right in each language: no text is missing."""
    text = words(letter(cover(right, language), receipt(right)))
    assert "BfDI" in text


def test_a_receipt_without_reasons_cannot_be_told() -> None:
    """Art. 12(4): what is kept or missing has a reason, or there is no letter."""
    for tally in (Tally(keep={("", "law", None): 1}), Tally(gaps={"": 1})):
        bare = Receipt("r1", "erasure", "incomplete", NOW, {"cdr": {"call_records": tally}}, {})
        with pytest.raises(ValueError, match="12\\(4\\)"):
            letter(cover("erasure"), bare)


@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_refusal_and_extension_have_reason_and_remedies(language: str) -> None:
    """Arts. 12(3), 12(4): the reason, the authority, the court; the new day where there is one."""
    told = words(refusal(cover("erasure", language), "we cannot identify you (Art. 11)"))
    assert "we cannot identify you (Art. 11)" in told
    assert "BfDI" in told
    later = words(extension(cover("erasure", language), "12 systems", dt.date(2027, 2, 23)))
    assert "12 systems" in later
    assert re.search(r"23\.? (February|Februar|février) 2027", later)
    for write in (refusal, lambda c, r: extension(c, r, dt.date(2027, 2, 23))):
        with pytest.raises(ValueError, match="12\\(3\\)"):
            write(cover(), " ")


def every(about: Cover) -> dict[str, str]:
    """Return a letter of every kind, and what a recipient is told, by kind."""
    restricted = Receipt("r1", about.request.right, "restricted", NOW, {}, {})
    told = {
        kind: Letter(about, kind, ATTACK, ATTACK, (ATTACK,), dt.date(2027, 1, 1)).html()
        for kind in KINDS
    }
    return told | {
        "receipt": letter(about, receipt()),
        "restricted": letter(about, restricted),
        "notice": notice(about, Recipient(ATTACK), "rectify", {"scores": 1}, [ODD]),
    }


ATTACK = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7 * 7 }}{reason}\u202e"
ODD = Identifier("sip", ATTACK, since=NOW, until=NOW)


class _Tags(HTMLParser):
    """Follows what is opened and closed; `open` is what is not closed, or closed out of turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002  (the parser passes it)
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open[-1:] == [tag]:
            self.open.pop()
        else:
            self.open.append(f"/{tag}")


def _unclosed(page: str) -> list[str]:
    tags = _Tags()
    tags.feed(page)
    return tags.open


@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_every_kind_in_every_language(language: str) -> None:
    """Each kind is a whole page of its own, with its own subject, and the remedies (Art. 12(4))."""
    letters = every(cover("rectification", language))
    subjects = {re.findall(r"<h1>(.*?)</h1>", page)[0] for page in letters.values()}
    assert len(subjects) == len(KINDS) + 2  # the two receipts have the right as their subject
    for kind, page in letters.items():
        assert page.startswith(
            f'<!DOCTYPE html>\n<html lang="{language if kind != "notice" else "en"}">'
        )
        assert _unclosed(page) == []
        assert ("BfDI" in page) == (kind != "notice")
        assert not re.search(r"https?:|src=[\"']|{\w+}(?!\u202e)", page)


@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_no_letter_runs_what_it_tells(language: str) -> None:
    """Markup, template code and placeholders in reasons and names are shown as text."""
    for kind, page in every(cover("rectification", language)).items():
        assert not re.search(r"<script|<img", page)
        if kind not in {"receipt", "restricted"}:
            assert ATTACK in html.unescape(page)


def test_dates_that_differ_are_one_line() -> None:
    """Seventy dates of one reason are one line, from the first to the last."""
    keep: dict[tuple[str, str, dt.date | None], int] = {
        ("statutory retention", "AO § 147", dt.date(2034 + year, 1, 1)): 10 for year in range(3)
    }
    keep["court case", "GDPR Art. 17(3)(e)", None] = 2
    keep["statutory retention", "AO § 147", None] = 3  # the anchor is missing in these
    tally = Tally(keep=keep)
    kept = Receipt("r1", "erasure", "incomplete", NOW, {"cdr": {"calls": tally}}, {})
    told = words(letter(cover("erasure"), kept))
    assert "30 statutory retention AO § 147 between 1 January 2034 and 1 January 2036" in told
    assert "2 court case GDPR Art. 17(3)(e) no date known" in told
    assert "3 statutory retention AO § 147 no date known" in told
    german = words(letter(cover("erasure", "de"), kept))
    assert "30 gesetzliche Aufbewahrungspflicht AO § 147 zwischen dem 1. Januar 2034" in german
    assert "Art. 17(3)(e) DSGVO" in german
    assert "entre le 1er janvier 2034" in words(letter(cover("erasure", "fr"), kept))


def test_data_that_should_not_exist_is_told_so() -> None:
    """What the policy says is not there, and is there, comes with the answer and its alarm."""
    there = evolve(CATEGORIES["recordings"], present="no")
    with Package(cover(categories={"recordings": there})) as package:
        package.add(export("recordings"), record({"src": "1"}, "recordings"))
        text = words(unzipped(package).read("letter.html").decode())
    assert "data of this kind should not exist" in text
    assert "should not exist" not in answered("recordings")


def test_withdrawal_is_as_easy_as_consent() -> None:
    """GDPR Art. 7(3): where consent is the basis, the answer says how it is withdrawn."""
    consent = evolve(CATEGORIES["address_book"], withdraw="Settings, Privacy")
    with Package(cover(categories={"address_book": consent})) as package:
        package.add(export("address_book"), record({"src": "1"}, "address_book"))
        text = words(unzipped(package).read("letter.html").decode())
    assert "You may withdraw your consent at any time. How: Settings, Privacy" in text


def test_the_operator_is_named_in_full() -> None:
    """GDPR Art. 13(1)(a), (b): the company behind the brand, its representative, its DPO."""
    about = cover()
    operator = evolve(
        about.operator,
        legal_name="Example Holding Inc.",
        representative="Rep B.V., Amsterdam",
        dpo="dpo@example.org",
    )
    text = words(no_data(evolve(about, operator=operator)))
    assert "Example Telekom GmbH Example Holding Inc." in text
    assert "Representative in the Union (Art. 27 GDPR): Rep B.V., Amsterdam" in text
    assert "Data protection officer: dpo@example.org" in text


@pytest.mark.parametrize(
    ("right", "ground", "kind"),
    [
        ("objection", "", "objection"),
        ("restriction", "18(1)(d)", "objection"),
        ("restriction", "18(1)(a)", "dispute"),
        ("rectification", "", "dispute"),
    ],
)
def test_what_is_decided_is_told(right: Right, ground: str, kind: str) -> None:
    """Arts. 18(1), 21(1): objections and disputes are decided either way, and nothing else is."""
    about = cover(right)
    about = evolve(about, request=evolve(about.request, ground=ground))
    for outcome, verdict in (("upheld", ""), ("rejected", "not ")):
        page = decided(about, outcome, "why")  # type: ignore[arg-type]
        said = {"objection": "follow your objection", "dispute": "accept your correction"}[kind]
        assert re.search(f"<h1>We (do )?{verdict}{said}</h1>", page)
    with pytest.raises(ValueError, match="upheld or rejected"):
        decided(about, "", "why")
    with pytest.raises(ValueError, match="only objections and disputes"):
        decided(cover("erasure"), "upheld", "why")
