"""Callr: its page as a policy, and every right of two customers whose calls cross.

Expected outcomes are written by hand from the page and the law. The calls, by when they fall out
of the year from the payment of their bill (`tests.operators.callr`):

- c1, Anna to Bruno, c2, Bruno to Anna, and c5 to Bruno from a caller who withheld the number: paid
  2025-03-01, needed before 2026-03-01
- c3, Anna to Rennes: paid 2023-12-05, needed no more
- c4, Bruno to Anna: paid 2025-12-01, needed before 2026-12-01
- c7, Bruno to Rennes: not paid yet, needed without a date

Anna's company had c1 and c2 recorded. It keeps the recording of c1, with a transcript in France
and one at Azure; that of c2 it deleted. Of c3 only the call names a recording.
"""

from __future__ import annotations

import datetime as dt
import json
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Final

import pytest
from attrs import evolve

from dsr.policy.lint import lint
from dsr.policy.model import Policy, Stage
from tests.operators import callr
from tests.operators.callr import (
    AFTER,
    ANNA,
    AZURE,
    BRUNO,
    CARLA,
    HELD,
    INSIDE,
    RECORDING,
    TRANSCRIPT,
)
from tests.operators.harness import OPERATORS, Labels, Office, cells, copied
from tests.operators.matrix import Case, parse
from tests.operators.routine import parse_days
from tests.operators.suite import OperatorSuite
from tests.servers.postgresql import postgresql

__all__ = ["postgresql"]

LABELS: Final = Labels(
    laws={
        "billing": "CPCE L34-1, L34-2 (unverified); GDPR Art. 17(1)(a)",
        "identity": "CPCE L34-1 II bis (unverified); GDPR Art. 17(3)(b)",
        "vouchers": "Code de commerce L123-22; GDPR Art. 17(3)(b)",
        "contract": "GDPR Arts. 17(1)(a), 6(1)(b)",
        "contact": "GDPR Arts. 17(1)(a), 6(1)(f)",
        "claim": "GDPR Art. 17(3)(e)",
        "not portable": "GDPR Art. 20(1)",
        "customer": "GDPR Art. 28(3)(e)",
    },
    gaps={"unable": "the store cannot restrict"},
)

#: Anna's contract runs. Bruno's ended on 2025-12-31: who he was is kept until the end of 2030, what
#: explains vouchers until the end of 2035. A document is needed for three months, to be checked.
#: The hold: Bruno disputes a bill; his calls stay, and the lines of the list about them.
EXPECTED: Final = """
[access]
customer_data  | both  | always        | export 1
contacts       | both  | always        | export 1
billing_data   | Anna  | always        | export 1
billing_data   | Bruno | always        | export 2
documents      | both  | always        | export 1
call_records   | Anna  | always        | export 4
call_records   | Bruno | always        | export 5
recording_list | both  | always        | export 2
recordings     | both  | always        | keep 1 customer open
transcripts    | both  | always        | keep 2 customer open

[portability]
customer_data  | both  | always        | export 1
contacts       | both  | always        | keep 1 not portable open
billing_data   | Anna  | always        | keep 1 not portable open
billing_data   | Bruno | always        | keep 2 not portable open
documents      | both  | always        | export 1
call_records   | Anna  | always        | export 4
call_records   | Bruno | always        | export 5
recording_list | both  | always        | export 2
recordings     | both  | always        | keep 1 customer open
transcripts    | both  | always        | keep 2 customer open

[rectification]
customer_data  | both  | always        | rectify 1
contacts       | both  | always        | unchanged 1
billing_data   | Anna  | always        | unchanged 1
billing_data   | Bruno | always        | unchanged 2
documents      | both  | always        | unchanged 1
call_records   | Anna  | always        | unchanged 4
call_records   | Bruno | always        | unchanged 5
recording_list | both  | always        | unchanged 2
recordings     | both  | always        | keep 1 customer open
transcripts    | both  | always        | keep 2 customer open

[erasure]
customer_data  | Anna  | always        | keep 1 contract open
customer_data  | Bruno | always        | restrict 1, keep 1 identity+vouchers 2036-01-01
contacts       | Anna  | always        | keep 1 contact open
contacts       | Bruno | always        | erase 1
billing_data   | Anna  | always        | restrict 1, keep 1 vouchers 2036-01-01
billing_data   | Bruno | always        | erase 1, restrict 1, keep 1 vouchers 2036-01-01
documents      | Anna  | always        | keep 1 contract 2026-05-01
documents      | Bruno | always        | erase 1
call_records   | Anna  | inside        | redact 1, keep 2 billing 2026-03-01,
               |       |               | keep 1 billing 2026-12-01
call_records   | Anna  | after         | redact 3, keep 1 billing 2026-12-01
call_records   | Anna  | hold          | redact 1, restrict 2, keep 1 billing+claim open,
               |       |               | keep 2 claim open
call_records   | Bruno | inside        | keep 3 billing 2026-03-01, keep 1 billing 2026-12-01,
               |       |               | keep 1 billing open
call_records   | Bruno | after         | redact 3, keep 1 billing 2026-12-01, keep 1 billing open
call_records   | Bruno | hold          | restrict 3, keep 2 billing+claim open, keep 3 claim open
recording_list | both  | inside, after | redact 1, keep 1 customer open
recording_list | both  | hold          | restrict 2, keep 2 claim open
recordings     | both  | always        | keep 1 customer open
transcripts    | both  | always        | keep 2 customer open

[restriction]
customer_data  | both  | always        | restrict 1
contacts       | both  | always        | restrict 1
billing_data   | Anna  | always        | restrict 1
billing_data   | Bruno | always        | restrict 2
documents      | both  | always        | gap 1 unable
call_records   | Anna  | always        | restrict 4
call_records   | Bruno | always        | restrict 5
recording_list | both  | always        | restrict 2
recordings     | both  | always        | keep 1 customer open
transcripts    | both  | always        | keep 2 customer open

[objection]
customer_data  | both  | always        | unchanged 1
contacts       | both  | always        | restrict 1
billing_data   | Anna  | always        | unchanged 1
billing_data   | Bruno | always        | unchanged 2
documents      | both  | always        | unchanged 1
call_records   | Anna  | always        | unchanged 4
call_records   | Bruno | always        | unchanged 5
recording_list | both  | always        | unchanged 2
recordings     | both  | always        | keep 1 customer open
transcripts    | both  | always        | keep 2 customer open

[withdrawal]
customer_data  | both  | always        | unchanged 1
contacts       | both  | always        | unchanged 1
billing_data   | Anna  | always        | unchanged 1
billing_data   | Bruno | always        | unchanged 2
documents      | both  | always        | unchanged 1
call_records   | Anna  | always        | unchanged 4
call_records   | Bruno | always        | unchanged 5
recording_list | both  | always        | unchanged 2
recordings     | both  | always        | keep 1 customer open
transcripts    | both  | always        | keep 2 customer open
"""

#: "We store CDRs for 3 years", of which numbers one, from the payment of the bill (CPCE, decided).
#: Recordings and transcripts go after two years, the one at Azure too; the list of recordings names
#: nobody after three, and has no line a year after the customer deleted the recording.
ROUTINE: Final = """
[2026-02-28 23:59:59 | the last second of the year after February's bill was paid]
billing_data   | erase 1             | Bruno: F-2014-090
call_records   | redact 1            | Anna: c3; others: c3
contacts       | erase 1             | Bruno: contact
documents      | erase 2             | Bruno: 2014-01-02-kbis; others: 2014-01-03-kbis
[2026-03-01 00:00:00 | a year after February's bill was paid]
call_records   | redact 4            | Anna: c1, c2; Bruno: c1, c2, c5; others: c5, c6
[2026-11-14 23:59:59 | the last second of three years after Anna's call to Rennes]
documents      | erase 1             | Anna: 2026-02-01-kbis
[2026-11-15 00:00:00 | three years after Anna's call to Rennes]
call_records   | erase 1             |
[2026-12-01 00:00:00 | a year after November's bill was paid]
call_records   | redact 1            | Anna: c4; Bruno: c4
[2027-01-14 23:59:59 | the last second of the year after the customer deleted a recording]
-
[2027-01-15 00:00:00 | a year after the customer deleted a recording]
recording_list | erase 1             | Anna: rec-2; Bruno: rec-2
[2027-02-09 23:59:59 | the last second of two years after the call that was recorded]
-
[2027-02-10 00:00:00 | two years after the call that was recorded]
recordings     | erase 1             | others: recordings/
transcripts    | erase 2             | others: transcripts/, azure/
[2028-02-09 23:59:59 | the last second of three years after it]
-
[2028-02-10 00:00:00 | three years after it]
call_records   | erase 1             |
recording_list | redact 1            | Anna: rec-1; Bruno: rec-1
[2028-11-05 00:00:00 | three years after Bruno's call to Anna]
call_records   | erase 4             |
"""
#: Bruno disputes a bill: his calls stay with the numbers of both, and the lines of the list.
HELD_ROUTINE: Final = """
[2026-03-01 00:00:00 | a year after February's bill was paid]
billing_data   | erase 1             | Bruno: F-2014-090
call_records   | redact 2, keep 3 claim open | Anna: c3; others: c3, c6
contacts       | erase 1             | Bruno: contact
documents      | erase 2             | Bruno: 2014-01-02-kbis; others: 2014-01-03-kbis
[2027-02-10 00:00:00 | two years after the call that was recorded]
call_records   | erase 1, keep 4 claim open |
documents      | erase 1             | Anna: 2026-02-01-kbis
recording_list | keep 1 claim open   |
recordings     | erase 1             | others: recordings/
transcripts    | erase 2             | others: transcripts/, azure/
"""
_LINES: Final = ("data/recordings.jsonl", "data/transcripts.jsonl")
_CUSTOMER: Final = "the customer who had the call recorded"
#: The stores of what was said in a call, each with its category, and the one file in it.
_CONTENT: Final = {
    ("recordings", "recordings"): RECORDING,
    ("transcripts", "transcripts"): TRANSCRIPT,
    ("azure", "transcripts"): AZURE,
}
#: What dsr.toml decides of recordings and transcripts: without it Callr is their controller.
_PROCESSOR: Final = 'role = "processor"\ncontroller = "the customer who had the call recorded"\n'


class TestCallr(OperatorSuite):
    """The tests of every operator, on Callr's folder."""

    name = "callr"
    page = "callr.txt"
    people = (ANNA, BRUNO)
    points = (INSIDE, AFTER, HELD)
    matrix = parse(EXPECTED, people, points)
    labels = LABELS
    routine = parse_days(ROUTINE, callr.PARIS)
    held_routine = parse_days(HELD_ROUTINE, callr.PARIS)
    database = "CALLR_DATABASE"
    #: Ascension Day, the national holiday, and the Tuesday after Easter.
    due: ClassVar = {
        dt.date(2026, 4, 14): dt.date(2026, 5, 15),
        dt.date(2026, 6, 14): dt.date(2026, 7, 15),
        dt.date(2026, 3, 5): dt.date(2026, 4, 7),
    }
    open_points = frozenset(
        {
            "complaint",
            "roles",
            "three_years",
            "customer_periods",
            "recording_periods",
            "deleted_recordings",
            "customer_copies",
            "azure",
            "recipients",
            "data_centres",
            "legal_bases",
            "identity",
        }
    )
    #: Nobody is named to whom a person may complain.
    refused = frozenset({"operator.authority"})

    @classmethod
    def fill(cls, folder: Path, url: str) -> None:
        """Fill the stores."""
        callr.fill(folder, url)

    @classmethod
    def facts(cls, folder: Path, url: str) -> Mapping[str, set[str]]:
        """Look at them."""
        return callr.facts(folder, url)

    @pytest.fixture
    def controlling(self, office: Office) -> Office:
        """Decide the other way: Callr is the controller of recordings and transcripts, too."""
        both = f"{_PROCESSOR}\n[categories.transcripts]\n{_PROCESSOR}"
        return office.changed(both, "\n[categories.transcripts]\n")

    # --- what only Callr has -------------------------------------------------------------

    @pytest.mark.parametrize(("file", "stage"), [("policy.toml", 0), ("dsr.toml", 1)])
    def test_three_years_of_calls_are_a_warning(
        self, file: str, stage: int, office: Office
    ) -> None:
        """Rule 33 (CPCE L34-1, L34-2, R10-13): "We store CDRs for 3 years", billing gives one.

        The page's period stays a warning also where the numbers go after a year: counsel sees it.
        """
        promised = tomllib.loads((OPERATORS / self.name / file).read_text("utf-8"))
        stages = promised["categories"]["call_records"]["stages"]
        assert stages[stage] == {"period": "3 years"}
        policy = office.configuration.policy
        calls = evolve(
            policy.categories["call_records"], stages=tuple(Stage(**each) for each in stages)
        )
        policy = evolve(policy, categories={**policy.categories, "call_records": calls})
        found = list(lint(policy, (), INSIDE.now.date()))
        (problem,) = (each for each in found if each.place.endswith(".period"))
        assert problem.kind == "warning"
        assert problem.place == f"categories.call_records.stages[{stage}].period"
        assert "more than the year for billing" in problem.text
        assert "CPCE L34-1, L34-2, R10-13" in problem.source

    def test_a_mixed_request_splits(self, office: Office) -> None:
        """Rule 37 (Art. 28(3)(e)): calls are answered, recordings go to the customer, at Azure too.

        The receipt names the store at the sub-processor by itself.
        """
        before = _files(office)
        access = office.fulfil("access", BRUNO, AFTER)
        erasure = office.fulfil("erasure", BRUNO, AFTER)
        for answer in (access, erasure):
            for store, category in _CONTENT:
                tally = answer.receipt.stores[store][category]
                ((reason, law, until),) = tally.keep
                assert reason == f"processed for {_CUSTOMER}, to whom the request goes"
                assert (law, until, dict(tally.do)) == ("GDPR Art. 28(3)(e)", None, {})
            assert "pour le compte de notre client qui a fait enregistrer" in office.letter(answer)
        assert len(access.records("call_records")) == 5
        assert _members(access.package) == []
        assert _files(office) == before

    def test_the_customer_gets_what_is_its_own_to_answer(self, office: Office) -> None:
        """Rule 37 (Art. 28(3)(e)): the audio and both transcripts, and no call data of Callr's."""
        grant = office.verified("access", BRUNO, AFTER.now)
        office.answer(grant, AFTER.now)
        handed = office.desk.handover(grant, office.folder / "out", now=AFTER.now)
        (package,) = handed.packages
        assert package.records == {"recordings": 1, "transcripts": 2}
        assert sorted(_members(Path(package.package.path))) == sorted(_files(office).values())
        assert handed.request.state == "done"

    def test_the_year_ends_whatever_the_customer_keeps(self, office: Office) -> None:
        """Rule 29 (ePrivacy Directive Art. 6(2)): a recording that stays keeps no call's number.

        The line in the list stays with it, as the only way to it.
        """
        office.fulfil("erasure", ANNA, AFTER)
        left = self.seen(office)["Anna"]
        assert not [each for each in left if each.startswith(("c1", "c2", "c3", "rec-2"))]
        assert "rec-1 calling=+33199003001" in left
        assert "c1 dialled=0199003002" in self.seen(office)["Bruno"]

    def test_what_was_kept_goes_when_its_time_is_over(self, office: Office) -> None:
        """Rule 15 (GDPR Art. 5(1)(e)): without a new request, c1 and c2 lose theirs on 1 March."""
        answer = office.fulfil("erasure", ANNA, INSIDE)
        assert "c1 calling=+33199003001" in self.seen(office)["Anna"]
        (receipt,) = office.desk.resume(now=AFTER.now)
        assert receipt.request == answer.request
        left = {each for each in self.seen(office)["Anna"] if each.startswith("c")}
        assert {each for each in left if each[:3] in {"c1 ", "c2 ", "c3 "}} == set()
        assert "c4 dialled=0033199003001" in left

    def test_a_recording_that_its_customer_deleted_is_told(self, office: Office) -> None:
        """Art. 15(1): it was made, the customer deleted it on that day, and nothing of it is left.

        Nor is a call in the way that names a recording of which nothing at all is left.
        """
        answer = office.fulfil("access", BRUNO, AFTER)
        lines = {each["recording"]: each for each in answer.records("recording_list")}
        assert lines["rec-2"]["deleted_on"] == "2026-01-15"
        assert lines["rec-2"]["deleted_by"] == "customer"
        assert lines["rec-1"]["deleted_on"] is None
        told = office.fulfil("access", ANNA, AFTER)
        calls = {each["call_id"]: each["recording"] for each in told.records("call_records")}
        assert calls["c3"] == "rec-3"
        for each in (answer, told):
            assert not any(t.gaps for s in each.receipt.stores.values() for t in s.values())
            assert {"recordings", "transcripts", "azure"} <= each.receipt.proved.keys()
            assert sum(each.receipt.stores["recordings"]["recordings"].keep.values()) == 1

    def test_nothing_is_left_of_a_deleted_recording(self, office: Office) -> None:
        """Law 4: where the only recording is gone, its stores have no line, and are proved."""
        for each in _CONTENT.values():
            (office.folder / each).unlink()
        answer = office.fulfil("erasure", ANNA, AFTER)
        row = self.matrix.rows[Case("erasure", "Anna", "after")]
        gone = {
            name: cell for name, cell in row.items() if name not in {"recordings", "transcripts"}
        }
        assert cells(answer.receipt, LABELS) == {**gone, "recording_list": "redact 2"}
        assert {store for store, _ in _CONTENT} <= answer.receipt.proved.keys()
        assert not [each for each in self.seen(office)["Anna"] if each.startswith("rec-")]

    def test_a_transcript_that_outlived_its_recording_is_found(self, office: Office) -> None:
        """Law 4: the customer deleted the recording, its transcript stayed at Azure, and shows."""
        (office.folder / RECORDING).unlink()
        (office.folder / TRANSCRIPT).unlink()
        answer = office.fulfil("erasure", ANNA, AFTER)
        found = cells(answer.receipt, LABELS)
        assert "recordings" not in found
        assert found["transcripts"] == "keep 1 customer open"
        assert sum(answer.receipt.stores["azure"]["transcripts"].keep.values()) == 1
        assert "transcripts" not in answer.receipt.stores

    def test_the_answer_is_the_audio_and_the_whole_transcript(self, controlling: Office) -> None:
        """Rule 34 (Art. 15(4)): where Callr is the controller, both as stored, never a summary."""
        for person in (ANNA, BRUNO):
            answer = controlling.fulfil("access", person, INSIDE)
            found = cells(answer.receipt, LABELS)
            assert (found["recordings"], found["transcripts"]) == ("export 1", "export 2")
            stored = sorted((controlling.folder / each).read_bytes() for each in _CONTENT.values())
            assert sorted(_members(answer.package)) == stored
        controlling.close()

    def test_erased_at_the_sub_processor_too(self, controlling: Office) -> None:
        """Arts. 17(1), 19: where Callr is the controller; the letter names who receives them."""
        before = self.seen(controlling)
        answer = controlling.fulfil("erasure", ANNA, AFTER)
        row = self.matrix.rows[Case("erasure", "Anna", "after")]
        whole = {"recording_list": "redact 2", "recordings": "erase 1", "transcripts": "erase 2"}
        assert cells(answer.receipt, LABELS) == {**row, **whole}
        assert {store for store, _ in _CONTENT} <= answer.receipt.proved.keys()
        assert _files(controlling) == {}
        assert self.seen(controlling)["Bruno"] == before["Bruno"]
        letter = controlling.letter(answer)
        assert "Microsoft Ireland Operations Limited (Azure, West Europe), Pays-Bas" in letter
        controlling.close()

    def test_a_customer_may_delete_between_plan_and_run(self, controlling: Office) -> None:
        """Law 2: "You can delete these recordings at any time": twice is success, nothing fails."""
        grant = controlling.verified("erasure", ANNA, AFTER.now)
        plan = controlling.desk.plan(grant, now=AFTER.now)
        (controlling.folder / RECORDING).unlink()
        receipt = controlling.desk.apply(grant, plan.token, now=AFTER.now)
        assert not any(t.gaps for each in receipt.stores.values() for t in each.values())
        assert {store for store, _ in _CONTENT} <= receipt.proved.keys()
        assert _files(controlling) == {}
        controlling.close()

    def test_a_withheld_number_stays_withheld(self, office: Office) -> None:
        """Rule 35 (Directive 2002/58/EC Art. 8): Bruno sees the call c5, not who made it."""
        answer = office.fulfil("access", BRUNO, INSIDE)
        (call,) = (each for each in answer.records("call_records") if each["call_id"] == "c5")
        assert (call["calling"], call["caller_id"]) == ("withheld", "anonymous")
        assert answer.package is not None
        with zipfile.ZipFile(answer.package) as archive:
            whole = b"".join(archive.read(name) for name in archive.namelist())
        assert CARLA[1:].encode() not in whole

    def test_letters_are_french_to_the_last_word(self, office: Office) -> None:
        """Art. 12(1): titles, purposes, reasons to keep and exempt recipients, and the CNIL."""
        access = office.letter(office.fulfil("access", BRUNO, INSIDE))
        english = {*_worded(office.configuration.policy)} - {""}
        assert not [each for each in english if each in access]
        assert "Données client" in access
        assert "TELEHOUSE (TH2), en qualité de sous-traitant, France" in access
        erasure = office.letter(office.fulfil("erasure", ANNA, HELD))
        assert not [each for each in english if each in erasure]
        assert "(CNIL)" in erasure
        no_notice = "Pas de notification : il héberge nos machines et ne peut pas les lire"
        assert f"EQUINIX (PA2), France. {no_notice}" in erasure

    def test_letters_in_english_for_who_asks(self, office: Office) -> None:
        """Art. 12(1): the second language that Callr answers in; its page is in English."""
        who = ANNA.identifiers(office.configuration.context.region)
        request = office.desk.open("access", who, now=INSIDE.now, language="en")
        office.desk.challenge(request.id, now=INSIDE.now)
        grant = office.desk.verify(request.id, office.pin(), now=INSIDE.now)
        letter = office.letter(office.answer(grant, INSIDE.now))
        assert "Call data records" in letter
        assert "Données" not in letter

    @pytest.mark.parametrize("who", ["Anna", "Bruno"])
    def test_postgresql_comes_to_the_same(
        self, who: str, postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The table holds for the database that an operator runs, too."""
        monkeypatch.setenv(self.database, postgresql)
        config = copied(self.name, tmp_path)
        self.fill(tmp_path, postgresql)
        before = self.facts(tmp_path, postgresql)
        office = Office.at(config)
        person = ANNA if who == "Anna" else BRUNO
        answer = office.fulfil("erasure", person, AFTER)
        assert cells(answer.receipt, LABELS) == self.matrix.rows[Case("erasure", who, "after")]
        after = self.facts(tmp_path, postgresql)
        assert all(after[owner] == before[owner] for owner in before.keys() - {who})
        office.close()


def _worded(policy: Policy) -> Iterator[str]:
    """Yield what the policy says of its categories in words that a person reads."""
    for each in policy.categories.values():
        yield from (each.title, *each.purposes, *each.sources, each.controller)
        yield from (one.exempt for one in each.recipients)
        yield from (text for keep in each.keep for text in (keep.reason, keep.law))
        yield from (stage.law for stage in each.stages)


def _files(office: Office) -> dict[Path, bytes]:
    """Return what is left of recordings and transcripts."""
    paths = [office.folder / each for each in _CONTENT.values()]
    return {each: each.read_bytes() for each in paths if each.exists()}


def _members(package: Path | None) -> list[bytes]:
    """Return the recordings and transcripts in a package, as bytes."""
    assert package is not None
    with zipfile.ZipFile(package) as archive:
        held = [each for each in archive.namelist() if each in _LINES]
        lines = [line for each in held for line in archive.read(each).splitlines()]
        return [archive.read(json.loads(line)["_file"]) for line in lines]
