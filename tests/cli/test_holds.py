"""Holds at the command line: add, list, release."""

from __future__ import annotations

import datetime as dt
import sqlite3

import pytest

from tests.cli.office import EVA, Office

CASE = ("--case", "12 O 34/26", "--reason", "defence of legal claims", "--law", "Art. 17(3)(e)")


def _kept(office: Office, request: str) -> int:
    """Count the call records that the plan keeps for the hold."""
    keeps = office.document("plan", request, code=4)["stores"]["cdr"]["call_records"]["keep"]
    return sum(each["count"] for each in keeps if "12 O 34/26" in each["reason"])


def test_a_hold_keeps_until_it_is_released(office: Office) -> None:
    """From `add` on the next plan keeps what it covers; from `release` on no longer."""
    office.edit('keep = [{ period = "6 months", anchor = "billed_at", law = "TDDDG § 10", '
                'reason = "the bill may be challenged" }]', "")  # fmt: skip
    request = office.verified("erasure")
    assert _kept(office, request) == 0
    hold = office.document("hold", "add", *CASE, "--category", "call_records")["hold"]
    plan = office.document("plan", request, code=4)["stores"]
    assert "do" not in plan["cdr"]["call_records"] or not plan["cdr"]["call_records"]["do"]
    everything = _kept(office, request)
    assert everything > 0
    released = {"hold": hold, "released": True, "freed": {}, "problems": []}
    assert office.document("hold", "release", hold) == released
    assert _kept(office, request) == 0
    other = office.document("hold", "add", *CASE, "--phone", "+44 20 7946 0018")["hold"]
    assert 0 < _kept(office, request) < everything  # her calls with the other one
    office.call("hold", "release", other)


def test_a_hold_that_comes_during_a_confirmed_run_wins(office: Office) -> None:
    """Law 5: a hold placed after the plan was confirmed still keeps its records."""
    request = office.verified("erasure")
    token = office.document("plan", request, code=4)["token"]
    before = office.stores()
    office.call("hold", "add", *CASE)
    receipt = office.document("run", request, "--confirm", token, code=4)
    assert not any(each["do"] for store in receipt["stores"].values() for each in store.values())
    assert office.stores() == before


def test_list_says_all_but_whose_data_it_is(office: Office) -> None:
    """Holds of the file and of the ledger are listed; the person they are about is not shown."""
    text = office.config.read_text("utf-8")
    own = (
        '\n[[holds]]\ncase = "A-1"\nreason = "audit"\nlaw = "AO § 147"\nground = "17(3)(b)"\n'
        'jurisdiction = "DE"\nuntil = 2031-01-01\n'
    )
    office.config.write_text(text + own, "utf-8")
    span = ("--since", "2026-01-01", "--before", "2026-02-01T00:00:00+00:00")
    only = ("--category", "call_records", "--field", "src", "--field", "dst")
    hold = office.document("hold", "add", *CASE, "--phone", EVA, *span, *only)["hold"]
    document = office.document("hold", "list")
    assert document["holds"] == [
        {
            "hold": "config-1",
            "case": "A-1",
            "reason": "audit",
            "law": "AO § 147",
            "ground": "17(3)(b)",
            "jurisdiction": "DE",
            "until": "2031-01-01",
            "categories": [],
            "since": None,
            "before": None,
            "fields": [],
            "subject": False,
        },
        {
            "hold": hold,
            "case": "12 O 34/26",
            "reason": "defence of legal claims",
            "law": "Art. 17(3)(e)",
            "ground": "17(3)(e)",
            "jurisdiction": "",
            "until": None,
            "categories": ["call_records"],
            "since": "2025-12-31T23:00:00+00:00",  # midnight in Berlin
            "before": "2026-02-01T00:00:00+00:00",
            "fields": ["dst", "src"],
            "subject": True,
        },
    ]
    table = office.call("hold", "list").stdout
    assert "until it is released" in table
    assert "of one person: call_records, only dst, src" in table
    assert "of everybody: all categories" in table


def test_no_hold_is_told(office: Office) -> None:
    """An empty list is a sentence, not silence."""
    assert office.call("hold", "list").stdout == "No hold stands.\n"
    assert office.document("hold", "list") == {"holds": []}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("hold", "release", "feedbeef"), "the ledger has no hold of this id"),
        (("hold", "add", *CASE, "--category", "cals"), "there is no category cals"),
        (("hold", "add", *CASE, "--until", "soon"), "--until is not a date"),
        (("hold", "add", *CASE, "--since", "soon"), "--since is not a date"),
        (("hold", "add", *CASE, "--phone", "030 1"), "this is not a phone number"),
        (("hold", "add", *CASE, "--jurisdiction", "Germany"), "this says not whose law it is"),
        (("hold", "add", *CASE, "--ground", "17(3)(b)"), "names another exception"),
        (
            ("hold", "add", *CASE, "--since", "2026-02-01", "--before", "2026-01-01"),
            "ends before it begins",
        ),
    ],
)
def test_a_hold_that_means_nothing_is_refused(
    office: Office, words: tuple[str, ...], said: str
) -> None:
    """A typo must not place a hold on nothing, nor release nothing in silence."""
    code = 1 if "release" in words else 2
    assert said in office.error(*words, code=code)
    assert office.document("hold", "list") == {"holds": []}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("47 CFR s. 42.6",), "does not tell on which exception"),
        (("47 CFR s. 42.6", "--ground", "17(3)(b)"), "keeps nothing"),
        (("47 CFR s. 42.6", "--ground", "17(3)(b)", "--jurisdiction", "US"), "keeps nothing"),
        (("47 CFR s. 42.6", "--ground", "17(3)(b)", "--jurisdiction", "DE"), "keeps nothing"),
        (("47 CFR s. 42.6", "--ground", "17(3)(e)"), "foreign law is none of the grounds"),
        (("47 CFR s. 42.6; GDPR Art. 17(3)(e)",), "foreign law is none of the grounds"),
        (("records rule", "--ground", "17(3)(b)"), "until its jurisdiction says so"),
        (("records rule", "--ground", "17(3)(b)", "--jurisdiction", "GB"), "keeps nothing"),
        (("§ 176 TKG", "--ground", "17(3)(b)", "--jurisdiction", "DE"), "does not apply"),
    ],
)
def test_a_duty_of_foreign_law_places_no_hold(
    office: Office, words: tuple[str, ...], said: str
) -> None:
    """Rule 14 (GDPR Art. 17(3)(b)): eighteen months of the law of the USA keep nothing.

    Neither by oversight nor under another name; the ledger has nothing of it, so that the next
    run is not stopped.
    """
    case = ("--case", "toll records", "--reason", "regulatory compliance", "--law")
    assert said in office.error("hold", "add", *case, *words, code=2)
    assert office.document("hold", "list") == {"holds": []}
    assert office.document("check")["errors"] == []


@pytest.mark.parametrize(
    "words",
    [
        ("AO § 147", "--ground", "17(3)(b)", "--jurisdiction", "de"),
        ("Directive 2006/112/EC Art. 369(2)", "--ground", "17(3)(b)"),
        ("records rule", "--ground", "17(3)(b)", "--jurisdiction", "EU"),
        ("Companies Act 2014", "--ground", "17(3)(b)", "--jurisdiction", "IE"),
        ("Fed. R. Civ. P. 37(e)", "--ground", "17(3)(e)"),
        ("DSGVO Art. 17 Abs. 3 lit. e",),
    ],
)
def test_a_duty_of_the_union_places_one(office: Office, words: tuple[str, ...]) -> None:
    """Rule 14 (GDPR Art. 17(3)): the other side of the border; `dsr check` has nothing to say."""
    office.document("hold", "add", "--case", "A", "--reason", "r", "--law", *words)
    (hold,) = office.document("hold", "list")["holds"]
    assert hold["jurisdiction"] in {"", "DE", "EU", "IE"}
    assert office.document("check")["errors"] == []


@pytest.mark.parametrize("own", [False, True])
def test_a_hold_that_contradicts_another_is_refused(office: Office, own: bool) -> None:
    """GDPR Art. 17(3): one case cannot end on two days; refused by name, and runs go on.

    So it is with a hold of the file. Once the other is released, the hold is placed.
    """
    scope = (*CASE, "--phone", EVA, "--category", "call_records")
    if own:
        text = office.config.read_text("utf-8")
        table = (
            '\n[[holds]]\ncase = "12 O 34/26"\nreason = "r"\nlaw = "Art. 17(3)(e)"\n'
            f'categories = ["call_records"]\nphone = "{EVA}"\n'
        )
        office.config.write_text(text + table, "utf-8")
        first = "config-1"
    else:
        first = office.document("hold", "add", *scope)["hold"]
    told = office.error("hold", "add", *scope, "--until", "2199-01-01", code=2)
    assert f"contradicts hold {first}" in told
    assert [each["hold"] for each in office.document("hold", "list")["holds"]] == [first]
    assert office.document("check")["errors"] == []
    office.document("hold", "add", *scope)  # the same end is no contradiction
    if not own:
        for each in office.document("hold", "list")["holds"]:
            office.call("hold", "release", each["hold"])
        office.document("hold", "add", *scope, "--until", "2199-01-01")


def test_a_hold_that_is_over_contradicts_nothing(office: Office) -> None:
    """A case that goes on after its hold has ended gets another hold."""
    office.document("hold", "add", *CASE, "--until", "2026-01-01")
    office.document("hold", "add", *CASE, "--until", "2199-01-01")
    assert office.document("check")["errors"] == []


def test_a_hold_of_the_file_tells_its_ground(office: Office) -> None:
    """Rule 14 (GDPR Art. 17(3)): in the file, too, a law that names no exception needs its ground.

    With the ground of a duty, or of a claim, a statute of the USA is an error of the policy.
    """
    text = office.config.read_text("utf-8")
    table = '\n[[holds]]\ncase = "A"\nreason = "r"\nlaw = "47 CFR s. 42.6"\n'
    office.config.write_text(text + table, "utf-8")
    assert "holds[0].ground: the law does not tell" in office.error("check", code=2)
    for ground in ("17(3)(b)", "17(3)(e)"):
        office.config.write_text(text + table + f'ground = "{ground}"\n', "utf-8")
        (told,) = office.document("check", code=2)["errors"]
        assert "hold config-1." in told
    whose = 'ground = "17(3)(b)"\njurisdiction = "Germany"\n'
    office.config.write_text(text + table + whose, "utf-8")
    assert "holds[0].jurisdiction: this says not whose" in office.error("check", code=2)


def test_the_last_day_of_a_hold_is_the_one_before(office: Office) -> None:
    """`--until` names the first day on which the hold no longer holds (half-open, as all spans)."""
    today = dt.date.today()  # noqa: DTZ011  (a day, and the machine's zone does not matter below)
    request = office.verified("erasure")
    for days, holds in ((0, False), (-1, False), (2, True)):
        until = str(today + dt.timedelta(days=days))
        hold = office.document("hold", "add", *CASE, "--until", until)["hold"]
        assert bool(_kept(office, request)) == holds, until
        office.call("hold", "release", hold)


def test_a_released_hold_forgets_whose_it_was(office: Office) -> None:
    """Once released, the ledger no longer holds the person that a hold was about."""
    hold = office.document("hold", "add", *CASE, "--phone", EVA)["hold"]
    office.call("hold", "release", hold)
    db = sqlite3.connect(office.folder / "dsr-ledger.db")
    try:
        assert db.execute("SELECT subject FROM dsr_holds WHERE id = ?", [hold]).fetchall() == [
            (None,)
        ]
    finally:
        db.close()
