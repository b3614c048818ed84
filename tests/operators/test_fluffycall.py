"""fluffycall: its page as a policy, and every right of two customers whose calls cross.

Expected outcomes are written by hand from the page and the law. The calls, by when they fall out
of the six months from their bill (`tests.operators.fluffycall`):

- c1, Anna to Bruno, and c2, Anna to Paris: billed 2026-02-05, needed before 2026-08-05
- c3, Bruno to Anna: billed 2026-07-05, needed before 2027-01-05
- c4, Bruno to Paris: not billed yet, needed without a date
- a recording of c1, which must not exist

Of Anna's two lines in the security log one lies in a rotated file, which is a record, too, but says
nothing of her.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Final

import pytest

from tests.operators import fluffycall
from tests.operators.fluffycall import AFTER, ANNA, BRUNO, HELD, INSIDE
from tests.operators.harness import Labels, Office, cells, copied
from tests.operators.matrix import Case, parse
from tests.operators.routine import parse_days
from tests.operators.suite import OperatorSuite
from tests.servers.postgresql import postgresql

__all__ = ["postgresql"]

LABELS: Final = Labels(
    laws={
        "billing": "TDDDG s. 10 (unverified); GDPR Art. 17(1)(a)",
        "tax": "HGB s. 257, AO s. 147; GDPR Art. 17(3)(b)",
        "contract": "GDPR Arts. 17(1)(a), 6(1)(b)",
        "security": "GDPR Arts. 17(1)(a), 6(1)(f)",
        "claim": "GDPR Art. 17(3)(e)",
        "not portable": "GDPR Art. 20(1)",
        "customer": "GDPR Art. 28(3)(e)",
    },
    gaps={
        "alarm": "the policy says that there is none",
        "unable": "the store cannot restrict",
        "linked": "leads to a record in store spool that is not done",
    },
)

#: Anna's contract runs. Bruno's ended on 2026-07-31: his name and account explain vouchers until
#: the end of 2034, his e-mail address and telephone explain nothing. Vouchers stay 8 years and
#: letters 6 from the end of their year: those of 2017 and 2019 may go, those of 2026 not.
#: The hold: a claim against Bruno, on call metadata and security logs.
EXPECTED: Final = """
[access]
account_data  | both  | always        | export 1
call_metadata | both  | always        | export 3
call_contents | both  | always        | export 1, gap 1 alarm
invoices      | Anna  | always        | export 1
invoices      | Bruno | always        | export 2
letters       | Anna  | always        | export 1
letters       | Bruno | always        | export 2
security_logs | Anna  | always        | export 3
security_logs | Bruno | always        | export 1

[portability]
account_data  | both  | always        | export 1
call_metadata | both  | always        | export 3
call_contents | both  | always        | keep 1 not portable open, gap 1 alarm
invoices      | Anna  | always        | keep 1 not portable open
invoices      | Bruno | always        | keep 2 not portable open
letters       | Anna  | always        | keep 1 not portable open
letters       | Bruno | always        | keep 2 not portable open
security_logs | Anna  | always        | keep 3 not portable open
security_logs | Bruno | always        | keep 1 not portable open

[rectification]
account_data  | both  | always        | rectify 1
call_metadata | both  | always        | unchanged 3
call_contents | both  | always        | gap 1 alarm
invoices      | Anna  | always        | unchanged 1
invoices      | Bruno | always        | unchanged 2
letters       | Anna  | always        | unchanged 1
letters       | Bruno | always        | unchanged 2
security_logs | Anna  | always        | unchanged 3
security_logs | Bruno | always        | unchanged 1

[erasure]
account_data  | Anna  | always        | keep 1 contract open
account_data  | Bruno | always        | redact 1, restrict 1, keep 1 tax 2035-01-01
call_metadata | Anna  | inside        | keep 2 billing 2026-08-05, keep 1 billing 2027-01-05
call_metadata | Anna  | after         | redact 1, keep 1 billing 2027-01-05, gap 1 linked
call_metadata | Anna  | hold          | redact 1, restrict 1, keep 1 billing+claim open,
              |       |               | keep 1 claim open
call_metadata | Bruno | inside        | keep 1 billing 2026-08-05, keep 1 billing 2027-01-05,
              |       |               | keep 1 billing open
call_metadata | Bruno | after         | keep 1 billing 2027-01-05, keep 1 billing open, gap 1 linked
call_metadata | Bruno | hold          | restrict 1, keep 2 billing+claim open, keep 1 claim open
call_contents | both  | always        | gap 1 alarm
invoices      | Anna  | always        | restrict 1, keep 1 tax 2035-01-01
invoices      | Bruno | always        | erase 1, restrict 1, keep 1 tax 2035-01-01
letters       | Anna  | always        | keep 1 tax 2033-01-01
letters       | Bruno | always        | erase 1, keep 1 tax 2033-01-01
security_logs | Anna  | inside        | redact 1, unchanged 1, keep 1 security 2026-08-05
security_logs | Anna  | after, hold   | redact 2, unchanged 1
security_logs | Bruno | inside, after | keep 1 security 2026-08-10
security_logs | Bruno | hold          | keep 1 claim+security open

[restriction]
account_data  | both  | always        | restrict 1
call_metadata | both  | always        | restrict 3
call_contents | both  | always        | gap 1 alarm
invoices      | Anna  | always        | restrict 1
invoices      | Bruno | always        | restrict 2
letters       | Anna  | always        | gap 1 unable
letters       | Bruno | always        | gap 2 unable
security_logs | Anna  | always        | unchanged 1, gap 2 unable
security_logs | Bruno | always        | gap 1 unable

[objection]
account_data  | both  | always        | unchanged 1
call_metadata | both  | always        | unchanged 3
call_contents | both  | always        | gap 1 alarm
invoices      | Anna  | always        | unchanged 1
invoices      | Bruno | always        | unchanged 2
letters       | Anna  | always        | unchanged 1
letters       | Bruno | always        | unchanged 2
security_logs | Anna  | always        | unchanged 1, gap 2 unable
security_logs | Bruno | always        | gap 1 unable

[withdrawal]
account_data  | both  | always        | unchanged 1
call_metadata | both  | always        | unchanged 3
call_contents | both  | always        | gap 1 alarm
invoices      | Anna  | always        | unchanged 1
invoices      | Bruno | always        | unchanged 2
letters       | Anna  | always        | unchanged 1
letters       | Bruno | always        | unchanged 2
security_logs | Anna  | always        | unchanged 3
security_logs | Bruno | always        | unchanged 1
"""

#: "automatically deleted after 6 months": c0, c2 and c5 were billed with c1; the recording that
#: must not exist keeps c1 alone, as the only way to it. c4 has no bill, and no end. Zoe's contract
#: ended on 2026-01-10, Bruno's on 2026-07-31: six months later what no voucher needs goes. Vouchers
#: and what explains them go 8 years after the end of their year, letters 6.
ROUTINE: Final = """
[2026-08-04 23:59:59 | the last second of the six months after January's bill]
account_data  | redact 1           | others: account_data 1 email, account_data 1 phone
invoices      | erase 1            | Bruno: R-2017-0815
letters       | erase 2            | Bruno: 2019-11-02-offer; others: 2019-03-01-contract
security_logs | erase 1            | Anna: 2026-06-02
call_contents | gap 1 alarm        |
[2026-08-05 00:00:00 | six months after January's bill]
call_metadata | erase 3, gap 1 linked | Anna: c2; others: c0, c2, c5
call_contents | gap 1 alarm        |
[2027-01-04 23:59:59 | the last second of the six months after June's bill]
call_metadata | gap 1 linked       |
call_contents | gap 1 alarm        |
[2027-01-05 00:00:00 | six months after June's bill]
call_metadata | erase 1, gap 1 linked | Anna: c3; Bruno: c3
call_contents | gap 1 alarm        |
[2027-01-30 23:59:59 | the last second of the six months after the end of Bruno's contract]
call_metadata | gap 1 linked       |
call_contents | gap 1 alarm        |
[2027-01-31 00:00:00 | six months after the end of Bruno's contract]
account_data  | redact 1           | Bruno: account_data 3 email, account_data 3 phone
call_metadata | gap 1 linked       |
call_contents | gap 1 alarm        |
[2034-12-31 23:59:59 | the last second of the eight years for vouchers of 2026]
letters       | erase 2            | Anna: 2026-01-10-contract; Bruno: 2026-07-01-notice
call_metadata | gap 1 linked       |
call_contents | gap 1 alarm        |
[2035-01-01 00:00:00 | eight years after the end of 2026]
account_data  | erase 2            | Bruno: account_data; others: account_data 1
invoices      | erase 3            | Anna: R-2026; Bruno: R-2026; others: R-2026
call_metadata | gap 1 linked       |
call_contents | gap 1 alarm        |
"""
#: The claim is against Bruno: his call with Anna stays by it, that of others goes.
HELD_ROUTINE: Final = """
[2026-08-05 00:00:00 | six months after January's bill]
account_data  | redact 1           | others: account_data 1 email, account_data 1 phone
invoices      | erase 1            | Bruno: R-2017-0815
letters       | erase 2            | Bruno: 2019-11-02-offer; others: 2019-03-01-contract
security_logs | erase 1            | Anna: 2026-06-02
call_metadata | erase 3, keep 1 claim open | Anna: c2; others: c0, c2, c5
call_contents | gap 1 alarm        |
[2027-01-05 00:00:00 | six months after June's bill]
call_metadata | keep 2 claim open  |
call_contents | gap 1 alarm        |
"""


class TestFluffycall(OperatorSuite):
    """The tests of every operator, on fluffycall's folder."""

    name = "fluffycall"
    page = "fluffycall.en.txt"
    people = (ANNA, BRUNO)
    points = (INSIDE, AFTER, HELD)
    matrix = parse(EXPECTED, people, points)
    labels = LABELS
    routine = parse_days(ROUTINE, fluffycall.BERLIN)
    held_routine = parse_days(HELD_ROUTINE, fluffycall.BERLIN)
    database = "FLUFFYCALL_DATABASE"
    #: Easter moves an end of a month to the Tuesday after.
    due: ClassVar = {
        dt.date(2026, 3, 5): dt.date(2026, 4, 7),
        dt.date(2026, 8, 31): dt.date(2026, 9, 30),
    }
    open_points = frozenset(
        {
            "identity",
            "authority",
            "metadata_role",
            "six_months",
            "recipients",
            "security_logs",
            "blocking",
            "account_periods",
            "legal_bases",
            "recordings",
        }
    )
    #: No authority to complain to; carriers and network operators without their names.
    refused = frozenset({"operator.authority", "categories.call_metadata.recipients[0].name"})

    @classmethod
    def fill(cls, folder: Path, url: str) -> None:
        """Fill the stores."""
        fluffycall.fill(folder, url)

    @classmethod
    def facts(cls, folder: Path, url: str) -> Mapping[str, set[str]]:
        """Look at them."""
        return fluffycall.facts(folder, url)

    # --- what only fluffycall has --------------------------------------------------------

    def test_a_recording_is_an_alarm_and_nobody_erases_it_in_silence(self, office: Office) -> None:
        """The page: "Call contents are not recorded or stored." One that is there is shown."""
        recording = office.folder / "spool" / "2026" / "01" / "20" / "c1.wav"
        before = recording.read_bytes()
        access = office.fulfil("access", ANNA, AFTER)
        erasure = office.fulfil("erasure", ANNA, AFTER)
        for answer in (access, erasure):
            (reason,) = answer.receipt.stores["spool"]["call_contents"].gaps
            assert "the policy says that there is none" in reason
        assert len(access.records("call_contents")) == 1
        assert erasure.receipt.state == "incomplete"
        assert recording.read_bytes() == before

    def test_calls_of_the_numbers_former_holder_are_nobodys_who_asks(self, office: Office) -> None:
        """Rule 28 (GDPR Art. 5(1)(f)): the number was Zoe's until 10 January 2026: so is c0."""
        answer = office.fulfil("access", ANNA, INSIDE)
        assert {each["call_id"] for each in answer.records("call_metadata")} == {"c1", "c2", "c3"}
        (account,) = answer.records("account_data")
        assert account["name"] == "Anna Albrecht"

    def test_what_was_kept_goes_when_its_time_is_over(self, office: Office) -> None:
        """Rule 15 (GDPR Art. 5(1)(e)): no new request is needed.

        The other party's number survives.
        """
        answer = office.fulfil("erasure", ANNA, INSIDE)
        assert {"c2 +493023125201", "c3 493023125201"} <= self.seen(office)["Anna"]
        (receipt,) = office.desk.resume(now=AFTER.now)
        assert receipt.request == answer.request
        after = self.seen(office)
        assert "c2 +493023125201" not in after["Anna"]
        assert {"c3 493023125201", "c1 03023125201"} <= after["Anna"]
        assert "c2 0033199001234" in after["others"]

    def test_data_that_must_be_kept_is_no_wider_than_the_duty(self, office: Office) -> None:
        """Rule 15 (GDPR Art. 5(1)(e)): vouchers need Bruno's name and IBAN, not his e-mail."""
        office.fulfil("erasure", BRUNO, INSIDE)
        kept = {each for each in self.seen(office)["Bruno"] if each.startswith("account_data")}
        assert {each.partition(" 3 ")[2].partition("=")[0] for each in kept} == {
            "account",
            "company",
            "name",
            "iban",
        }

    def test_where_the_customer_controls_call_metadata_the_request_goes_there(
        self, office: Office
    ) -> None:
        """Rule 37 (GDPR Art. 28(3)(e)): decided so, calls are forwarded and not touched."""
        before = {each for each in self.seen(office)["Anna"] if each.startswith("c")}
        other = office.changed('role = "controller"\ncontroller = ""\n', "")
        answer = other.fulfil("erasure", ANNA, AFTER)
        row = self.matrix.rows[Case("erasure", "Anna", "after")]
        assert cells(answer.receipt, LABELS) == {**row, "call_metadata": "keep 3 customer open"}
        assert {each for each in self.seen(office)["Anna"] if each.startswith("c")} == before
        other.close()

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
        answer = office.fulfil("erasure", person, HELD)
        assert cells(answer.receipt, LABELS) == self.matrix.rows[Case("erasure", who, "hold")]
        after = self.facts(tmp_path, postgresql)
        assert all(after[owner] == before[owner] for owner in before.keys() - {who})
        office.close()
