"""CloudContactPro: its page as a policy, and every right of two customers whose calls cross.

Expected outcomes are written by hand from the page and the law. The calls, by when they fall out
of the three months from their bill (`tests.operators.cloudcontactpro`):

- c1, Anna to Bruno, and c2, Bruno to Anna: billed 2026-01-05, needed before 2026-04-05
- c3, Anna to Wyoming: billed 2025-03-05, needed no more, though less than 18 months old
- c4, Bruno to Wyoming, of 2024-10-05: needed no more; its 18 months end with 2026-04-04
- c5, Bruno to Anna: not billed yet, needed without a date
- c7, Anna to Carla: billed 2026-03-05, needed before 2026-06-05

`dsr sweep` runs every night, before people ask: on 5 April 2026 it has deleted c4, Bruno's ticket
of three years ago, his subscription after three years without activity and his risk score, and
Anna's first visit, 14 months old, is nobody's any more. The invoice of 2016 went on 1 January.
"""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Final

import pytest
from attrs import evolve

from dsr.errors import PolicyError
from dsr.policy.stages import border
from tests.operators import cloudcontactpro
from tests.operators.cloudcontactpro import (
    AFTER,
    ANNA,
    BRUNO,
    DENVER,
    FOREIGN,
    HELD,
    INSIDE,
    SECRET,
)
from tests.operators.harness import Labels, Office, cells, copied
from tests.operators.matrix import Case, parse
from tests.operators.routine import parse_days
from tests.operators.suite import OperatorSuite
from tests.servers.postgresql import postgresql

__all__ = ["postgresql"]

LABELS: Final = Labels(
    laws={
        "billing": "ePrivacy Directive Art. 6(2); GDPR Art. 17(1)(a)",
        "tax": "VAT Directive 2006/112/EC Art. 369(2) (unverified); GDPR Art. 17(3)(b)",
        "contract": "GDPR Arts. 17(1)(a), 6(1)(b)",
        "fraud": "GDPR Arts. 17(1)(a), 6(1)(f)",
        "claim": "GDPR Art. 17(3)(e)",
        "not portable": "GDPR Art. 20(1)",
        "customer": "GDPR Art. 28(3)(e)",
    },
    gaps={},
)

#: Anna's contract runs, and one of her two tickets is not resolved. Bruno's contract ended on
#: 2025-12-31: no law of the Union asks for the seven years after it. The one-stop shop asks for ten
#: from the end of the year of supply: what was supplied in 2015 may go, although it was billed in
#: 2016. Bruno's risk score is of 2026-03-06: thirty days end with 2026-04-04; Anna's is of
#: 2026-03-20. The hold: a claim against Bruno, on calls and tickets, which stay though due.
EXPECTED: Final = """
[access]
account_data     | both  | always        | export 1
billing_data     | both  | always        | export 1
call_records     | Anna  | always        | export 5
call_records     | Bruno | inside, hold  | export 4
call_records     | Bruno | after         | export 3
communications   | Anna  | always        | keep 1 customer open
communications   | Bruno | always        | keep 2 customer open
tickets          | Anna  | always        | export 2
tickets          | Bruno | inside, hold  | export 1
tickets          | Bruno | after         | -
marketing        | Anna  | always        | export 1
marketing        | Bruno | inside        | export 1
marketing        | Bruno | after, hold   | -
analytics        | Anna  | inside        | export 2
analytics        | Anna  | after, hold   | export 1
analytics        | Bruno | always        | export 1
fraud_prevention | Anna  | always        | export 1
fraud_prevention | Bruno | inside        | export 1
fraud_prevention | Bruno | after, hold   | -

[portability]
account_data     | both  | always        | export 1
billing_data     | both  | always        | keep 1 not portable open
call_records     | Anna  | always        | export 5
call_records     | Bruno | inside, hold  | export 4
call_records     | Bruno | after         | export 3
communications   | Anna  | always        | keep 1 customer open
communications   | Bruno | always        | keep 2 customer open
tickets          | Anna  | always        | export 2
tickets          | Bruno | inside, hold  | export 1
tickets          | Bruno | after         | -
marketing        | Anna  | always        | export 1
marketing        | Bruno | inside        | export 1
marketing        | Bruno | after, hold   | -
analytics        | Anna  | inside        | export 2
analytics        | Anna  | after, hold   | export 1
analytics        | Bruno | always        | export 1
fraud_prevention | Anna  | always        | keep 1 not portable open
fraud_prevention | Bruno | inside        | keep 1 not portable open
fraud_prevention | Bruno | after, hold   | -

[rectification]
account_data     | both  | always        | rectify 1
billing_data     | both  | always        | unchanged 1
call_records     | Anna  | always        | unchanged 5
call_records     | Bruno | inside, hold  | unchanged 4
call_records     | Bruno | after         | unchanged 3
communications   | Anna  | always        | keep 1 customer open
communications   | Bruno | always        | keep 2 customer open
tickets          | Anna  | always        | unchanged 2
tickets          | Bruno | inside, hold  | unchanged 1
tickets          | Bruno | after         | -
marketing        | Anna  | always        | unchanged 1
marketing        | Bruno | inside        | unchanged 1
marketing        | Bruno | after, hold   | -
analytics        | Anna  | inside        | unchanged 2
analytics        | Anna  | after, hold   | unchanged 1
analytics        | Bruno | always        | unchanged 1
fraud_prevention | Anna  | always        | unchanged 1
fraud_prevention | Bruno | inside        | unchanged 1
fraud_prevention | Bruno | after, hold   | -

[erasure]
account_data     | Anna  | always        | keep 1 contract open
account_data     | Bruno | always        | erase 1
billing_data     | both  | always        | restrict 1, keep 1 tax 2036-01-01
call_records     | Anna  | inside        | redact 1, keep 2 billing 2026-04-05,
                 |       |               | keep 1 billing 2026-06-05, keep 1 billing open
call_records     | Anna  | after         | redact 3, keep 1 billing 2026-06-05, keep 1 billing open
call_records     | Anna  | hold          | redact 1, restrict 2, keep 1 billing 2026-06-05,
                 |       |               | keep 1 billing+claim open, keep 2 claim open
call_records     | Bruno | inside        | redact 1, keep 2 billing 2026-04-05, keep 1 billing open
call_records     | Bruno | after         | redact 2, keep 1 billing open
call_records     | Bruno | hold          | restrict 3, keep 1 billing+claim open, keep 3 claim open
communications   | Anna  | always        | keep 1 customer open
communications   | Bruno | always        | keep 2 customer open
tickets          | Anna  | always        | erase 1, keep 1 contract open
tickets          | Bruno | inside        | erase 1
tickets          | Bruno | after         | -
tickets          | Bruno | hold          | restrict 1, keep 1 claim open
marketing        | Anna  | always        | erase 1
marketing        | Bruno | inside        | erase 1
marketing        | Bruno | after, hold   | -
analytics        | Anna  | inside        | erase 2
analytics        | Anna  | after, hold   | erase 1
analytics        | Bruno | always        | erase 1
fraud_prevention | Anna  | always        | keep 1 fraud 2026-04-19
fraud_prevention | Bruno | inside        | keep 1 fraud 2026-04-05
fraud_prevention | Bruno | after, hold   | -

[restriction]
account_data     | both  | always        | restrict 1
billing_data     | both  | always        | restrict 1
call_records     | Anna  | always        | restrict 5
call_records     | Bruno | inside, hold  | restrict 4
call_records     | Bruno | after         | restrict 3
communications   | Anna  | always        | keep 1 customer open
communications   | Bruno | always        | keep 2 customer open
tickets          | Anna  | always        | restrict 2
tickets          | Bruno | inside, hold  | restrict 1
tickets          | Bruno | after         | -
marketing        | Anna  | always        | restrict 1
marketing        | Bruno | inside        | restrict 1
marketing        | Bruno | after, hold   | -
analytics        | Anna  | inside        | restrict 2
analytics        | Anna  | after, hold   | restrict 1
analytics        | Bruno | always        | restrict 1
fraud_prevention | Anna  | always        | restrict 1
fraud_prevention | Bruno | inside        | restrict 1
fraud_prevention | Bruno | after, hold   | -

[objection]
account_data     | both  | always        | unchanged 1
billing_data     | both  | always        | unchanged 1
call_records     | Anna  | always        | unchanged 5
call_records     | Bruno | inside, hold  | unchanged 4
call_records     | Bruno | after         | unchanged 3
communications   | Anna  | always        | keep 1 customer open
communications   | Bruno | always        | keep 2 customer open
tickets          | Anna  | always        | unchanged 2
tickets          | Bruno | inside, hold  | unchanged 1
tickets          | Bruno | after         | -
marketing        | Anna  | always        | erase 1
marketing        | Bruno | inside        | erase 1
marketing        | Bruno | after, hold   | -
analytics        | Anna  | inside        | unchanged 2
analytics        | Anna  | after, hold   | unchanged 1
analytics        | Bruno | always        | unchanged 1
fraud_prevention | Anna  | always        | restrict 1
fraud_prevention | Bruno | inside        | restrict 1
fraud_prevention | Bruno | after, hold   | -

[withdrawal]
account_data     | both  | always        | unchanged 1
billing_data     | both  | always        | unchanged 1
call_records     | Anna  | always        | unchanged 5
call_records     | Bruno | inside, hold  | unchanged 4
call_records     | Bruno | after         | unchanged 3
communications   | Anna  | always        | keep 1 customer open
communications   | Bruno | always        | keep 2 customer open
tickets          | Anna  | always        | unchanged 2
tickets          | Bruno | inside, hold  | unchanged 1
tickets          | Bruno | after         | -
marketing        | Anna  | always        | erase 1
marketing        | Bruno | inside        | erase 1
marketing        | Bruno | after, hold   | -
analytics        | Anna  | inside        | erase 2
analytics        | Anna  | after, hold   | erase 1
analytics        | Bruno | always        | erase 1
fraud_prevention | Anna  | always        | unchanged 1
fraud_prevention | Bruno | inside        | unchanged 1
fraud_prevention | Bruno | after, hold   | -
"""

#: "26 months (anonymized after 14 months)": visit 2, of 2025-02-05, is nobody's from 2026-04-05 and
#: gone on 2027-04-05. Calls go after 18 months, tickets 3 years after their resolution (T-2 has
#: none), marketing after 3 years of inactivity, accounts 7 years after their end. c5 was never
#: billed: from when the three months for its bill count is not known: it stays, and is told.
ROUTINE: Final = """
[2026-04-04 23:59:59 | the last second of April's periods]
billing_data     | erase 1            | Bruno: I-2016-0007
[2026-04-05 00:00:00 | 14, 18, 26 and 36 months, and 30 days, are over]
analytics        | erase 1, redact 1  | Anna: visit 2; others: visit 1
                 |                    | +others: visit 2 None None None /login
call_records     | erase 1            | Bruno: c4; others: c4
fraud_prevention | erase 1            | Bruno: score 2
marketing        | erase 1            | Bruno: subscriber
tickets          | erase 1            | Bruno: T-3
[2027-04-04 23:59:59 | the last second of the 26 months after Anna's visit]
analytics        | redact 2           | Bruno: visit 4; others: visit 5
                 |                    | +others: visit 4 None None None /cancel
                 |                    | +others: visit 5 None None None /login
call_records     | erase 2            | Anna: c3; others: c0, c3
fraud_prevention | erase 2            | Anna: score 1; others: score 3
[2027-04-05 00:00:00 | 26 months after Anna's visit]
analytics        | erase 1            | others: visit 2
[2028-06-01 23:59:59 | the last second of the 3 years after Anna's ticket was resolved]
analytics        | erase 4            | Anna: visit 3; others: visit 4, visit 5, visit 6
call_records     | erase 4, keep 1 billing open | Anna: c1, c2, c7; Bruno: c1, c2; others: c6, c7
tickets          | erase 1            | others: T-4
[2028-06-02 00:00:00 | 3 years after Anna's ticket was resolved]
call_records     | keep 1 billing open |
tickets          | erase 1            | Anna: T-1
[2029-02-28 23:59:59 | the last second of 3 years of inactivity]
call_records     | keep 1 billing open |
[2029-03-01 00:00:00 | 3 years of inactivity]
call_records     | keep 1 billing open |
marketing        | erase 2            | Anna: subscriber; others: subscriber
[2032-12-30 23:59:59 | the last second of the 7 years after Bruno's contract]
account_data     | erase 1            | others: account 1
call_records     | keep 1 billing open |
[2032-12-31 00:00:00 | 7 years after Bruno's contract]
account_data     | erase 1            | Bruno: account 3
call_records     | keep 1 billing open |
"""
#: The claim keeps Bruno's call and his ticket, and nothing else of his.
HELD_ROUTINE: Final = """
[2026-04-05 00:00:00 | 14, 18, 26 and 36 months, and 30 days, are over]
analytics        | erase 1, redact 1  | Anna: visit 2; others: visit 1
                 |                    | +others: visit 2 None None None /login
billing_data     | erase 1            | Bruno: I-2016-0007
call_records     | keep 1 claim open  |
fraud_prevention | erase 1            | Bruno: score 2
marketing        | erase 1            | Bruno: subscriber
tickets          | keep 1 claim open  |
"""

#: What the page promises to delete or anonymise: the day on which the last records lie that are
#: due on 5 April 2026.
_DUE_IN_APRIL: Final = (
    ("account_data", "closed_at", "delete", dt.date(2019, 4, 5)),  # 7 years
    ("call_records", "", "delete", dt.date(2024, 10, 5)),  # 18 months
    ("tickets", "resolved_at", "delete", dt.date(2023, 4, 5)),  # 3 years
    ("marketing", "last_active_at", "delete", dt.date(2023, 4, 5)),  # 3 years
    ("analytics", "", "anonymise", dt.date(2025, 2, 5)),  # 14 months
    ("analytics", "", "delete", dt.date(2024, 2, 5)),  # 26 months
)

#: The duty of the operator's seat, as somebody might write it into dsr.toml.
_FOREIGN: Final = """
[[holds]]
case = "toll records"
reason = "18 months minimum for regulatory compliance"
law = "47 CFR s. 42.6"
categories = ["call_records"]
ground = "17(3)(b)"
"""

#: The same as a duty of the category: 18 months, as the page has them.
_DUTY: Final = """
[[categories.call_records.keep]]
period = "18 months"
ground = "17(3)(b)"
jurisdiction = "US"
law = "47 CFR s. 42.6"
reason = "regulatory compliance"
"""


class TestCloudContactPro(OperatorSuite):
    """The tests of every operator, on CloudContactPro's folder."""

    name = "cloudcontactpro"
    page = "cloudcontactpro.txt"
    people = (ANNA, BRUNO)
    points = (INSIDE, AFTER, HELD)
    matrix = parse(EXPECTED, people, points)
    labels = LABELS
    daily = True
    routine = parse_days(ROUTINE, DENVER)
    held_routine = parse_days(HELD_ROUTINE, DENVER)
    database = "CLOUDCONTACTPRO_DATABASE"
    #: 30 days, or the month where it is shorter. No calendar: neither Easter nor a Sunday moves it.
    due: ClassVar = {
        dt.date(2026, 3, 5): dt.date(2026, 4, 4),
        dt.date(2026, 1, 31): dt.date(2026, 2, 28),
        dt.date(2025, 1, 30): dt.date(2025, 2, 28),
        dt.date(2027, 2, 1): dt.date(2027, 3, 1),
        dt.date(2028, 1, 31): dt.date(2028, 2, 29),
    }
    open_points = frozenset(
        {
            "representative",
            "thirty_days",
            "maximum",
            "foreign_law",
            "call_role",
            "controllers",
            "seven_years",
            "billing_period",
            "unsolved_tickets",
            "inactivity",
            "withdrawal",
            "anonymous",
            "fraud",
            "recipients",
            "identity",
        }
    )
    #: 30 days without the cap; a minimum without maximum, by the law of the United States; consent
    #: without a way to withdraw it, twice; recipients without their names, in all eight categories.
    refused = frozenset(
        {
            "deadlines.promise",
            "categories.call_records.keep",
            "categories.call_records.keep[0].jurisdiction",
            "categories.marketing.withdraw",
            "categories.analytics.withdraw",
            "categories.account_data.recipients[0].name",
            "categories.billing_data.recipients[0].name",
            "categories.call_records.recipients[0].name",
            "categories.communications.recipients[0].name",
            "categories.tickets.recipients[0].name",
            "categories.marketing.recipients[0].name",
            "categories.analytics.recipients[0].name",
            "categories.fraud_prevention.recipients[0].name",
        }
    )

    @classmethod
    def fill(cls, folder: Path, url: str) -> None:  # noqa: ARG003  (all is in the database)
        """Fill the stores."""
        cloudcontactpro.fill(url)

    @classmethod
    def facts(cls, folder: Path, url: str) -> Mapping[str, set[str]]:  # noqa: ARG003  (as above)
        """Look at them."""
        return cloudcontactpro.facts(url)

    # --- whose law ------------------------------------------------------------------------

    def test_a_hold_under_the_law_of_the_seat_is_refused(self, office: Office) -> None:
        """Rule 14 (GDPR Art. 17(3)(b)): 47 CFR s. 42.6 is no law of the Union: nothing may run.

        It names no jurisdiction, so that the seat's counts; saying "US" changes nothing. Once the
        hold is released the same plan runs, and what it would have held is gone.
        """
        for hold in (FOREIGN, evolve(FOREIGN, id="toll-2", case="again", jurisdiction="US")):
            office.desk.ledger.add_hold(hold, INSIDE.now)  # as an older ledger may hold it
        export = office.verified("access", ANNA, INSIDE.now)
        erase = office.verified("erasure", ANNA, INSIDE.now)
        before = self.seen(office)
        for grant in (export, erase):
            with pytest.raises(PolicyError) as told:
                office.answer(grant, INSIDE.now)
            assert "hold toll-records.jurisdiction: a legal duty is one of Union or" in str(
                told.value
            )
            assert "hold toll-2.jurisdiction: " in str(told.value)
            assert "GDPR Art. 17(3)(b)" in str(told.value)
        assert self.seen(office) == before
        for name in ("toll-records", "toll-2"):
            office.desk.release_hold(name, now=INSIDE.now)
        answer = office.answer(erase, INSIDE.now)
        row = self.matrix.rows[Case("erasure", "Anna", "inside")]
        assert cells(answer.receipt, LABELS) == row

    def test_such_a_hold_in_the_configuration_is_refused_too(self, office: Office) -> None:
        """Rule 14 (GDPR Art. 17(3)(b)): as it stands in the file; a person may still ask."""
        office.close()
        text = (office.folder / "dsr.toml").read_text("utf-8")
        (office.folder / "held.toml").write_text(text + _FOREIGN, "utf-8")
        held = Office.at(office.folder / "held.toml")
        grant = held.verified("erasure", BRUNO, AFTER.now)
        before = self.seen(held)
        with pytest.raises(PolicyError, match=r"jurisdiction: a legal duty .* keeps nothing"):
            held.answer(grant, AFTER.now)
        assert self.seen(held) == before
        held.close()

    def test_eighteen_months_keep_nothing_against_a_request(self, office: Office) -> None:
        """Rule 14 (GDPR Art. 17(3)(b)): c3 is 13 months old, its bill is settled, and it goes."""
        answer = office.fulfil("erasure", ANNA, INSIDE)
        assert not [each for each in self.seen(office)["Anna"] if each.startswith("c3 ")]
        assert "c3 13075550142" in self.seen(office)["others"]
        kept = answer.receipt.stores["calls"]["call_records"].keep
        assert not [law for _, law, _ in kept if "17(3)(b)" in law or "CFR" in law]

    def test_a_duty_under_the_law_of_the_seat_keeps_nothing(self, office: Office) -> None:
        """Rule 14 (GDPR Art. 17(3)(b)): written into dsr.toml, it stops runs, and is in no receipt.

        c4 is inside its 18 months, and its bill is settled: without that duty Bruno's number goes.
        """
        office.close()
        text = (office.folder / "dsr.toml").read_text("utf-8")
        (office.folder / "duty.toml").write_text(text + _DUTY, "utf-8")
        bound = Office.at(office.folder / "duty.toml")
        grant = bound.verified("erasure", BRUNO, INSIDE.now)
        before = self.seen(bound)
        for run in (lambda: bound.answer(grant, INSIDE.now), lambda: bound.swept(AFTER.now)):
            with pytest.raises(
                PolicyError, match=r"call_records\.keep\[1\]\.jurisdiction: a legal"
            ):
                run()
        assert self.seen(bound) == before
        bound.close()
        lawful = Office.at(office.folder / "dsr.toml")
        answer = lawful.answer(lawful.desk.verified(grant.request.id), INSIDE.now)
        tally = answer.receipt.stores["calls"]["call_records"]
        assert dict(tally.do) == {"redact": 1}
        assert {law for _, law, _ in tally.keep} == {LABELS.laws["billing"]}
        assert "c4 +33199004002" in before["Bruno"] - self.seen(lawful)["Bruno"]
        lawful.close()

    def test_a_claim_before_a_court_of_the_seat_is_a_ground(self, office: Office) -> None:
        """Rule 13 (GDPR Art. 17(3)(e)): a claim holds wherever it is tried, until released."""
        answer = office.fulfil("erasure", BRUNO, HELD)
        kept = answer.receipt.stores["support"]["tickets"].keep
        assert dict(kept) == {
            ("hold 2:26-cv-00071: claim for unpaid calls", "GDPR Art. 17(3)(e)", None): 1
        }
        office.desk.release_hold("claim-7", now=HELD.now)
        (receipt,) = office.desk.resume(now=HELD.now)
        found = cells(receipt, LABELS)
        assert found["tickets"] == "erase 1"
        assert found["call_records"] == "redact 3, keep 1 billing open"

    def test_a_minimum_alone_runs_nothing(self, office: Office) -> None:
        """Rule 14 (GDPR Art. 5(1)(e)): decided in words, the page's own 18 months still stop it."""
        office.close()
        text = (office.folder / "dsr.toml").read_text("utf-8")
        begin = text.index("[categories.call_records]")
        end = text.index("[unresolved.controllers]")
        other = office.folder / "minimum.toml"
        other.write_text(text[:begin] + text[end:], "utf-8")
        minimum = Office.at(other)
        with pytest.raises(PolicyError) as told:
            minimum.desk.check_policy(now=INSIDE.now)
        assert "categories.call_records.keep: a minimum without a maximum" in str(told.value)
        assert "categories.call_records.keep[0].jurisdiction: a legal duty" in str(told.value)
        minimum.close()

    def test_an_invoice_is_kept_by_union_law(self, office: Office) -> None:
        """Rules 13, 31 (GDPR Art. 17(3)(b)): counted from the year of supply, not of the bill."""
        answer = office.fulfil("erasure", BRUNO, AFTER)
        tally = answer.receipt.stores["billing"]["billing_data"]
        assert dict(tally.do) == {"erase": 1, "restrict": 1}
        left = {each for each in self.seen(office)["Bruno"] if each.startswith("I-")}
        assert {each.split()[0] for each in left} == {"I-2026-0002"}
        assert LABELS.laws["tax"] in office.letter(answer)

    # --- how long -------------------------------------------------------------------------

    @pytest.mark.parametrize(("category", "anchor", "act", "last"), _DUE_IN_APRIL)
    def test_what_the_page_promises_to_delete_is_due_on_its_day(
        self, category: str, anchor: str, act: str, last: dt.date, office: Office
    ) -> None:
        """Rule 15 (GDPR Art. 5(1)(e)): what lies on that day in Denver goes on 5 April, not before.

        Invoices and risk scores are not in the page's list.
        """
        stages = office.configuration.policy.categories[category].stages
        (stage,) = (each for each in stages if (each.anchor, each.act) == (anchor, act))
        begins = dt.datetime.combine(last, dt.time(), DENVER)
        ends = dt.datetime.combine(last + dt.timedelta(days=1), dt.time(), DENVER)
        assert border(stage, dt.date(2026, 4, 4), DENVER) == begins
        assert border(stage, dt.date(2026, 4, 5), DENVER) == ends

    def test_what_was_anonymised_is_nobodys(self, office: Office) -> None:
        """Rule 20 (EDPB 2025 erasure action): nothing joins it to a person, so no right finds it.

        Two of Anna's visits are younger than 14 months; an older one of somebody is only a page.
        """
        (old,) = (each for each in self.seen(office)["others"] if each.startswith("visit 1 "))
        assert old == "visit 1 None None None /pricing"
        access = office.fulfil("access", ANNA, INSIDE)
        assert [each["id"] for each in access.records("analytics")] == [2, 3]
        erasure = office.fulfil("erasure", ANNA, INSIDE)
        assert dict(erasure.receipt.stores["web"]["analytics"].do) == {"erase": 2}
        assert "web" in erasure.receipt.proved
        left = self.seen(office)
        assert not [each for each in left["Anna"] if each.startswith("visit")]
        assert old in left["others"]

    def test_what_is_anonymised_joins_nobody_across_stores(self, office: Office) -> None:
        """Rule 20 (EDPB 2025 erasure action): from month 14 on no id, hash or address is in it.

        Neither her account nor the id in her cookie, which a younger visit bears, leads there.
        """
        stated = evolve(ANNA, who={**ANNA.who, "usage": "v-5a01"})
        office.swept(INSIDE.now)
        before = office.fulfil("access", stated, INSIDE)
        assert [each["id"] for each in before.records("analytics")] == [2, 3, 6]
        swept = office.swept(AFTER.now)
        assert dict(swept.stores["web"]["analytics"].do) == {"redact": 1, "erase": 1}
        (visit,) = (each for each in cloudcontactpro.visits(_database(office)) if each["id"] == 2)
        assert {name for name, value in visit.items() if value} == {"id", "seen_at", "page"}
        after = office.fulfil("access", stated, AFTER)
        assert [each["id"] for each in after.records("analytics")] == [3, 6]
        erasure = office.fulfil("erasure", stated, AFTER)
        assert dict(erasure.receipt.stores["web"]["analytics"].do) == {"erase": 2}
        assert "visit 2 None None None /login" in self.seen(office)["others"]

    def test_the_answer_says_how_long(self, office: Office) -> None:
        """Rule 7 (GDPR Art. 15(1)(d)): each line of the page's list stands in the letter."""
        letter = office.letter(office.fulfil("access", ANNA, INSIDE))
        for sentence in (
            "Deleted automatically 7 years after the end of the contract.",
            "Deleted automatically 18 months after the call.",
            "Kept until 3 months after the bill even where its erasure is requested",
            "Deleted automatically 3 years after the resolution of the ticket.",
            "Until consent is withdrawn.",
            "Deleted automatically 3 years after your last activity.",
            "Anonymised automatically 14 months after the date of the record.",
            "Deleted automatically 26 months after the date of the record.",
        ):
            assert sentence in letter

    def test_traffic_data_goes_when_the_bill_stands(self, office: Office) -> None:
        """Rule 29 (ePrivacy Directive Art. 6(2)): on 5 April in Denver, without a new request.

        It is 5 April in Europe six hours before: the operator's calendar counts.
        """
        answer = office.fulfil("erasure", ANNA, INSIDE)
        assert {"c1 011493023125401", "c2 +493023125401"} <= self.seen(office)["Anna"]
        before = self.seen(office)["Bruno"]
        (receipt,) = office.desk.resume(now=AFTER.now)
        assert receipt.request == answer.request
        left = {each.split()[0] for each in self.seen(office)["Anna"] if each.startswith("c")}
        assert left == {"c5", "c7"}
        assert self.seen(office)["Bruno"] == before

    # --- whose data -----------------------------------------------------------------------

    def test_calls_of_the_numbers_former_holder_are_nobodys_who_asks(self, office: Office) -> None:
        """Rule 28 (GDPR Art. 5(1)(f)): the number was Zoe's until 15 January 2025: so is c0."""
        answer = office.fulfil("access", ANNA, INSIDE)
        calls = {each["call_id"] for each in answer.records("call_records")}
        assert calls == {"c1", "c2", "c3", "c5", "c7"}
        (account,) = answer.records("account_data")
        assert account["name"] == "Anna Albrecht"

    def test_content_goes_to_the_customers_who_control_it(self, office: Office) -> None:
        """Rule 37 (Art. 28(3)(e)): to each its own; calls are answered; no receipt names customers.

        Anna's company had the one, Bruno's the other of the two texts that concern him.
        """
        grant = office.verified("access", BRUNO, AFTER.now)
        answer = office.answer(grant, AFTER.now)
        tally = answer.receipt.stores["messages"]["communications"]
        assert dict(tally.keep) == {
            (
                "processed for its controller, to whom the request goes",
                "GDPR Art. 28(3)(e)",
                None,
            ): 2
        }
        assert answer.receipt.state == "incomplete"
        assert "pallets" not in _whole(answer.package)
        handed = office.desk.handover(grant, office.folder / "out", now=AFTER.now)
        texts = {each.controller: _texts(Path(each.package.path)) for each in handed.packages}
        assert texts == {
            "Albrecht Logistik": ["The pallets leave at noon."],
            "Brun Conseil SAS": ["Merci, see you on Monday."],
        }
        assert handed.request.state == "done"
        assert handed.letter is not None
        assert "Albrecht Logistik" in handed.letter.read_text("utf-8")

    def test_an_erasure_leaves_content_to_the_customer(self, office: Office) -> None:
        """Rule 37 (Arts. 17(1), 28(3)(e)): once handed over, it holds the request open no more."""
        grant = office.verified("erasure", BRUNO, AFTER.now)
        before = {each for each in self.seen(office)["others"] if each.startswith("message")}
        assert office.answer(grant, AFTER.now).receipt.state == "incomplete"
        handed = office.desk.handover(grant, office.folder / "out", now=AFTER.now)
        assert {each.controller for each in handed.packages} == {
            "Albrecht Logistik",
            "Brun Conseil SAS",
        }
        assert handed.request.state == "incomplete"  # an invoice, and a call without a bill
        after = {each for each in self.seen(office)["others"] if each.startswith("message")}
        assert after == before
        receipt = office.desk.ledger.receipt(handed.request.id)
        assert receipt is not None
        assert office.desk.waiting_for_others(receipt) == {}

    def test_a_visit_without_a_login_is_found_by_the_id_in_the_cookie(self, office: Office) -> None:
        """Rule 12 (Art. 11(2)): no account leads to it; the person who states the id gets it."""
        stated = evolve(ANNA, who={**ANNA.who, "usage": "v-5a01"})
        for person, visits in ((ANNA, [2, 3]), (stated, [2, 3, 6])):
            answer = office.fulfil("access", person, INSIDE)
            assert [each["id"] for each in answer.records("analytics")] == visits
        office.fulfil("erasure", stated, INSIDE)
        left = {each for facts in self.seen(office).values() for each in facts}
        assert not [each for each in left if "v-5a01" in each or "198.51.100.41" in each]

    def test_a_risk_score_is_told_and_not_portable(self, office: Office) -> None:
        """Rules 23, 25 (Arts. 15(1)(h), 20(1), 22(3)): inferred; it blocks; a person reviews."""
        access = office.fulfil("access", BRUNO, INSIDE)
        (score,) = access.records("fraud_prevention")
        assert (score["score"], score["because"]) == (71, "night calls abroad")
        letter = office.letter(access)
        assert "A high score stops calls abroad from an account by itself" in letter
        assert "You may ask that a person reviews such a decision" in letter
        assert "night calls abroad" not in _whole(
            office.fulfil("portability", BRUNO, INSIDE).package
        )

    # --- who answers, and when ------------------------------------------------------------

    def test_the_answer_names_who_represents_the_operator(self, office: Office) -> None:
        """Rule 7 (Arts. 13(1)(a), 15(1)(c), 15(2), 27): in the Union; recipients; safeguards."""
        access = office.fulfil("access", ANNA, INSIDE)
        erasure = office.fulfil("erasure", ANNA, INSIDE)
        for answer in (access, erasure):
            letter = office.letter(answer)
            assert (
                "Representative in the Union (Art. 27 GDPR):"
                " Union Representative Ltd (example), 1 Example Street, Dublin, Ireland"
            ) in letter
            assert "307-224-8409" in letter
        letter = office.letter(access)
        assert (
            "Prairie Carrier Inc. (example), United States: standard contractual clauses" in letter
        )
        assert (
            "Letterbird Inc. (example), United States: EU-U.S. Data Privacy Framework,"
            " Decision (EU) 2023/1795 (valid until 31 December 2026)"
        ) in letter

    def test_thirty_days_and_two_months_more(self, office: Office) -> None:
        """Rules 3, 4 (Art. 12(3)): "30 days", never past the month; three months from receipt.

        "in which case we will inform you of the extension and the reasons for it".
        """
        received = dt.datetime(2027, 2, 1, 23, 30, tzinfo=DENVER)  # 2 February in Europe
        who = ANNA.identifiers("US")
        request = office.desk.open("access", who, now=received, received=received)
        assert request.due == dt.date(2027, 3, 1)
        reason = "calls of nine years lie in an archive that is read by hand"
        last = dt.datetime(2027, 3, 1, 23, 59, 59, tzinfo=DENVER)
        answered = office.desk.extend(request.id, reason, now=last)
        assert answered.request.due == dt.date(2027, 5, 1)
        assert reason in answered.letter
        assert "1 May 2027" in answered.letter

    def test_marketing_ends_at_once(self, office: Office) -> None:
        """Rule 22 (Arts. 7(3), 21(3)): objected to or withdrawn, no reason to keep stands in it."""
        told = office.letter(office.fulfil("access", ANNA, INSIDE))
        assert "Follow the link at the end of any of our messages" in told
        office.fulfil("objection", ANNA, INSIDE)
        office.fulfil("withdrawal", BRUNO, INSIDE)
        left = self.seen(office)
        for name in ("Anna", "Bruno"):
            assert not [each for each in left[name] if each.startswith("subscriber")]
        assert [each for each in left["others"] if each.startswith("subscriber")]

    def test_no_answer_holds_a_second_factor(self, office: Office) -> None:
        """Art. 32: the page's "Multi-factor authentication": its secret is in no member."""
        whole = _whole(office.fulfil("access", ANNA, INSIDE).package)
        assert "anna" in whole.casefold()
        assert SECRET not in whole
        assert "totp" not in whole

    @pytest.mark.parametrize("who", ["Anna", "Bruno"])
    def test_postgresql_comes_to_the_same(
        self, who: str, postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The table holds for the database that an operator runs, too."""
        monkeypatch.setenv(self.database, postgresql)
        config = copied(self.name, tmp_path)
        self.fill(tmp_path, postgresql)
        office = Office.at(config)
        office.swept(INSIDE.now)
        before = self.facts(tmp_path, postgresql)
        person = ANNA if who == "Anna" else BRUNO
        answer = office.fulfil("erasure", person, INSIDE)
        assert cells(answer.receipt, LABELS) == self.matrix.rows[Case("erasure", who, "inside")]
        after = self.facts(tmp_path, postgresql)
        assert all(after[owner] == before[owner] for owner in before.keys() - {who})
        office.close()


def _database(office: Office) -> str:
    return f"sqlite:///{office.folder / 'operator.db'}"


def _whole(package: Path | None) -> str:
    """Return all members of a package as one text."""
    assert package is not None
    with zipfile.ZipFile(package) as archive:
        return "".join(archive.read(name).decode("utf-8") for name in archive.namelist())


def _texts(package: Path) -> list[str]:
    """Return what the messages in a customer's package say."""
    with zipfile.ZipFile(package) as archive:
        lines = archive.read("data/communications.jsonl").decode("utf-8").splitlines()
    return [json.loads(each)["text"] for each in lines]
