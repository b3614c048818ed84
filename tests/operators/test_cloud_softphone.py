"""Cloud Softphone: the page for providers as a policy, and every right of two users of the app.

Expected outcomes are written by hand from the page and the law. Every night `dsr sweep` runs,
before people ask.

- Anna uses the app: her account is needed until she uninstalls it, the copy of her address book
  is not. Bruno uninstalled it on 2026-05-01, and everything of his goes 7 days after: at `after`
  nothing is left by which he could be known, or asked for a PIN. A hold keeps his account and what
  the logs say of him, and not his address book.
- Each stands in the other's address book: until his goes, three entries concern each of them, two
  of their own book and one of the other's. Bruno's number had another holder before 2025, and
  entries bear no date: the one about his number is left to a person (law 7).
- The log is rotated every night, and a file goes when its last entry is 7 days old: that of 24
  April is gone, that of 30 April (a line of Bruno's) goes on 7 May, that of 1 May (one of both) on
  8 May. A rotated file is a record, too, but says nothing of anybody by itself.
- The usage reports are under a pseudonym that no account leads to (Art. 11): a gap until the
  person states it.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Final

import pytest
from attrs import evolve

from dsr.errors import PolicyError
from tests.operators import cloud_softphone
from tests.operators.cloud_softphone import AFTER, ANNA, BRUNO, HELD, INSIDE
from tests.operators.harness import Labels, Office, cells, copied, tally_cells
from tests.operators.matrix import Case, parse
from tests.operators.routine import parse_days
from tests.operators.suite import OperatorSuite
from tests.servers.postgresql import postgresql

__all__ = ["postgresql"]

LABELS: Final = Labels(
    laws={
        "contract": "GDPR Arts. 17(1)(a), 6(1)(b)",
        "claim": "GDPR Art. 17(3)(e)",
        "owner": "GDPR Art. 5(1)(e)",
    },
    gaps={
        "unable": "the store cannot restrict",
        "undated": "bears no time",
        "pseudonym": "searched by usage and none is known",
    },
)
#: The hold: a claim against Bruno, on his account and on log lines that name him.
EXPECTED: Final = """
[access]
sip_credentials | Anna  | always        | export 1
sip_credentials | Bruno | inside, hold  | export 1
sip_credentials | Bruno | after         | -
address_book    | Anna  | inside        | export 3
address_book    | Anna  | after, hold   | export 2
address_book    | Bruno | inside        | export 2, gap 1 undated
address_book    | Bruno | hold          | gap 1 undated
address_book    | Bruno | after         | -
ip_logs         | Anna  | inside, hold  | export 2
ip_logs         | Bruno | inside        | export 2
ip_logs         | Bruno | hold          | export 4
ip_logs         | both  | after         | -
usage_data      | Anna  | always        | gap 1 pseudonym
usage_data      | Bruno | inside, hold  | gap 1 pseudonym
usage_data      | Bruno | after         | -

[portability]
sip_credentials | Anna  | always        | export 1
sip_credentials | Bruno | inside, hold  | export 1
sip_credentials | Bruno | after         | -
address_book    | Anna  | inside        | export 3
address_book    | Anna  | after, hold   | export 2
address_book    | Bruno | inside        | export 2, gap 1 undated
address_book    | Bruno | hold          | gap 1 undated
address_book    | Bruno | after         | -
ip_logs         | Anna  | inside, hold  | export 2
ip_logs         | Bruno | inside        | export 2
ip_logs         | Bruno | hold          | export 4
ip_logs         | both  | after         | -
usage_data      | Anna  | always        | gap 1 pseudonym
usage_data      | Bruno | inside, hold  | gap 1 pseudonym
usage_data      | Bruno | after         | -

[rectification]
sip_credentials | Anna  | always        | rectify 1
sip_credentials | Bruno | inside        | rectify 1
sip_credentials | Bruno | hold          | keep 1 claim open
sip_credentials | Bruno | after         | -
address_book    | Anna  | inside        | unchanged 3
address_book    | Anna  | after, hold   | unchanged 2
address_book    | Bruno | inside        | unchanged 2, gap 1 undated
address_book    | Bruno | hold          | gap 1 undated
address_book    | Bruno | after         | -
ip_logs         | Anna  | inside, hold  | unchanged 2
ip_logs         | Bruno | inside        | unchanged 2
ip_logs         | Bruno | hold          | unchanged 4
ip_logs         | both  | after         | -
usage_data      | Anna  | always        | gap 1 pseudonym
usage_data      | Bruno | inside, hold  | gap 1 pseudonym
usage_data      | Bruno | after         | -

[erasure]
sip_credentials | Anna  | always        | keep 1 contract open
sip_credentials | Bruno | inside        | erase 1
sip_credentials | Bruno | hold          | restrict 1, keep 1 claim open
sip_credentials | Bruno | after         | -
address_book    | Anna  | inside        | erase 3
address_book    | Anna  | after, hold   | erase 2
address_book    | Bruno | inside        | erase 2, gap 1 undated
address_book    | Bruno | hold          | gap 1 undated
address_book    | Bruno | after         | -
ip_logs         | both  | inside        | redact 1, unchanged 1
ip_logs         | Anna  | hold          | unchanged 1, keep 1 claim open
ip_logs         | Bruno | hold          | unchanged 2, keep 2 claim open
ip_logs         | both  | after         | -
usage_data      | Anna  | always        | gap 1 pseudonym
usage_data      | Bruno | inside, hold  | gap 1 pseudonym
usage_data      | Bruno | after         | -

[restriction]
sip_credentials | Anna  | always        | restrict 1
sip_credentials | Bruno | inside, hold  | restrict 1
sip_credentials | Bruno | after         | -
address_book    | Anna  | inside        | gap 3 unable
address_book    | Anna  | after, hold   | gap 2 unable
address_book    | Bruno | inside        | gap 2 unable, gap 1 undated
address_book    | Bruno | hold          | gap 1 undated
address_book    | Bruno | after         | -
ip_logs         | both  | inside        | unchanged 1, gap 1 unable
ip_logs         | Anna  | hold          | unchanged 1, gap 1 unable
ip_logs         | Bruno | hold          | unchanged 2, gap 2 unable
ip_logs         | both  | after         | -
usage_data      | Anna  | always        | gap 1 pseudonym
usage_data      | Bruno | inside, hold  | gap 1 pseudonym
usage_data      | Bruno | after         | -

[objection]
sip_credentials | Anna  | always        | unchanged 1
sip_credentials | Bruno | inside, hold  | unchanged 1
sip_credentials | Bruno | after         | -
address_book    | Anna  | inside        | unchanged 3
address_book    | Anna  | after, hold   | unchanged 2
address_book    | Bruno | inside        | unchanged 2, gap 1 undated
address_book    | Bruno | hold          | gap 1 undated
address_book    | Bruno | after         | -
ip_logs         | Anna  | inside, hold  | unchanged 2
ip_logs         | Bruno | inside        | unchanged 2
ip_logs         | Bruno | hold          | unchanged 4
ip_logs         | both  | after         | -
usage_data      | Anna  | always        | gap 1 pseudonym
usage_data      | Bruno | inside, hold  | gap 1 pseudonym
usage_data      | Bruno | after         | -

[withdrawal]
sip_credentials | Anna  | always        | unchanged 1
sip_credentials | Bruno | inside, hold  | unchanged 1
sip_credentials | Bruno | after         | -
address_book    | Anna  | inside        | unchanged 3
address_book    | Anna  | after, hold   | unchanged 2
address_book    | Bruno | inside        | unchanged 2, gap 1 undated
address_book    | Bruno | hold          | gap 1 undated
address_book    | Bruno | after         | -
ip_logs         | Anna  | inside, hold  | unchanged 2
ip_logs         | Bruno | inside        | unchanged 2
ip_logs         | Bruno | hold          | unchanged 4
ip_logs         | both  | after         | -
usage_data      | Anna  | always        | gap 1 pseudonym
usage_data      | Bruno | inside, hold  | gap 1 pseudonym
usage_data      | Bruno | after         | -
"""

#: "all Personal Data will be removed from our servers within a period of 7 days": Bruno's account
#: with its password, his address book and his lines in the log. The card about him in Anna's book
#: is hers, and keeps nothing. Usage reports, which no account leads to, go two months after each.
ROUTINE: Final = """
[2026-05-06 23:59:59 | the last second of the log of 30 April]
ip_logs         | erase 1           | Anna: 24/Apr
usage_data      | erase 1           | others: 4 u-55d0aa
[2026-05-07 23:59:59 | the last second of the seven days after Bruno uninstalled the app]
ip_logs         | erase 1           | Bruno: 30/Apr
[2026-05-08 00:00:00 | seven days after Bruno uninstalled the app]
sip_credentials | erase 1           | Bruno: 2 account, 2 sip, 2 password, 2 disp, 2 push, 2 phone
address_book    | erase 2, keep 1 owner open | Bruno: BEGIN
ip_logs         | erase 1           | Anna: 01/May; Bruno: 01/May
[2026-06-13 23:59:59 | the last second of two months after Anna's first report]
-
[2026-06-14 00:00:00 | two months after Anna's first report]
usage_data      | erase 1           | Anna: 1 u-7f31c0
[2026-06-19 23:59:59 | the last second of two months after Bruno's report]
-
[2026-06-20 00:00:00 | two months after Bruno's report]
usage_data      | erase 1           | Bruno: 3 u-90ab12
"""
#: The claim keeps his account and what the logs say of him; his address book is no part of it.
HELD_ROUTINE: Final = """
[2026-05-08 00:00:00 | seven days after Bruno uninstalled the app]
sip_credentials | keep 1 claim open |
address_book    | erase 2, keep 1 owner open | Bruno: BEGIN
ip_logs         | erase 1, keep 2 claim open | Anna: 24/Apr
usage_data      | erase 1           | others: 4 u-55d0aa
"""


class TestCloudSoftphone(OperatorSuite):
    """The tests of every operator, on Cloud Softphone's folder."""

    name = "cloud-softphone"
    page = "cloud-softphone.md"
    people = (ANNA, BRUNO)
    points = (INSIDE, AFTER, HELD)
    matrix = parse(EXPECTED, people, points)
    labels = LABELS
    daily = True
    routine = parse_days(ROUTINE, cloud_softphone.BERLIN)
    held_routine = parse_days(HELD_ROUTINE, cloud_softphone.BERLIN)
    database = "CLOUD_SOFTPHONE_DATABASE"
    #: A Saturday, Christmas Day and the Sunday after it.
    due: ClassVar = {
        dt.date(2026, 1, 31): dt.date(2026, 3, 2),
        dt.date(2026, 11, 25): dt.date(2026, 12, 28),
    }
    open_points = frozenset(
        {
            "controller",
            "transfers",
            "uninstall_signal",
            "legal_obligations",
            "rotation",
            "usage_end",
            "contacts_of_others",
            "sip_passwords",
            "articles",
        }
    )
    #: No authority; a safeguard that is void, four times; rotation without a number.
    refused = frozenset(
        {
            "operator.authority",
            "categories.sip_credentials.recipients[0].safeguard",
            "categories.address_book.recipients[0].safeguard",
            "categories.ip_logs.recipients[0].safeguard",
            "categories.usage_data.recipients[0].safeguard",
            "categories.ip_logs.retention",
        }
    )

    @classmethod
    def fill(cls, folder: Path, url: str) -> None:
        """Fill the stores."""
        cloud_softphone.fill(folder, url)

    @classmethod
    def facts(cls, folder: Path, url: str) -> Mapping[str, set[str]]:
        """Look at them."""
        return cloud_softphone.facts(folder, url)

    # --- what only Cloud Softphone has ---------------------------------------------------

    def test_no_answer_holds_a_password(self, office: Office) -> None:
        """Art. 32: the SIP account is in the answer, its password is in no member of it."""
        answer = office.fulfil("access", ANNA, INSIDE)
        (account,) = answer.records("sip_credentials")
        assert account["sip"] == "2001@voice.example"
        assert answer.package is not None
        with zipfile.ZipFile(answer.package) as archive:
            whole = b"".join(archive.read(name) for name in archive.namelist())
        assert not [each for each in cloud_softphone.PASSWORDS if each.encode() in whole]
        assert b"password" not in whole

    def test_whose_address_book_an_entry_is_in_is_never_told(self, office: Office) -> None:
        """Rule 27 (GDPR Art. 15(4)): Anna learns that her number is somebody's entry, not whose."""
        answer = office.fulfil("access", ANNA, INSIDE)
        (entry,) = (each for each in answer.records("address_book") if each["fn"] == "Anna")
        assert "C-2002" not in str(entry)
        assert "2002" not in str(entry)

    def test_the_entry_goes_from_the_other_book_and_nothing_else(self, office: Office) -> None:
        """Art. 17(1), law 7: of Bruno's book only the card with Anna's number goes."""
        book = office.folder / "address-books" / "C-2002" / "contacts.vcf"
        anna, carla = book.read_bytes().split(b"END:VCARD\r\n")[:2]
        assert b"FN:Anna" in anna
        office.fulfil("erasure", ANNA, INSIDE)
        assert book.read_bytes() == carla + b"END:VCARD\r\n"

    def test_a_log_line_keeps_the_other_partys_part(self, office: Office) -> None:
        """Law 7: of the line that names both, Anna's erasure leaves Bruno's address."""
        office.fulfil("erasure", ANNA, INSIDE)
        (line,) = (each for each in cloud_softphone.log_lines(office.folder) if "/push" in each)
        assert "to=2002@voice.example" in line
        assert "2001@voice.example" not in line
        assert "198.51.100.31" not in line

    def test_a_stated_pseudonym_is_searched(self, office: Office) -> None:
        """Rule 12 (GDPR Art. 11(2)): no account leads to the usage id.

        The person reads it in the app.
        """
        stated = evolve(ANNA, who={**ANNA.who, "usage": cloud_softphone.USAGE["Anna"]})
        access = office.fulfil("access", stated, INSIDE)
        assert cells(access.receipt, LABELS)["usage_data"] == "export 2"
        erasure = office.fulfil("erasure", stated, INSIDE)
        assert cells(erasure.receipt, LABELS)["usage_data"] == "erase 2"
        left = [each for facts in self.seen(office).values() for each in facts if " u-" in each]
        assert sorted(each.split()[1] for each in left) == ["u-55d0aa", "u-90ab12"]

    @pytest.mark.parametrize("since", ["2025-01-01 00:00:00", None])
    def test_the_card_in_anothers_book_is_not_the_persons(
        self, since: str | None, office: Office
    ) -> None:
        """Law 7: whether or not the number had another holder, only Anna's end ends her book."""
        book = office.folder / "address-books" / "C-2001" / "contacts.vcf"
        before = book.read_bytes()
        with sqlite3.connect(office.folder / "operator.db") as db:
            db.execute("UPDATE sip_accounts SET phone_since = ? WHERE id = 2", (since,))
        swept = office.swept(AFTER.now)
        assert swept.complete
        assert book.read_bytes() == before
        assert not (book.parent.parent / "C-2002" / "contacts.vcf").exists()
        assert not [each for each in self.seen(office)["Bruno"] if each.startswith("2 ")]

    def test_an_expired_safeguard_keeps_nobodys_data(self, office: Office) -> None:
        """Art. 5(1)(e): the framework is good until 2027; exports stop, the seven days do not."""
        later = dt.datetime(2027, 1, 1, tzinfo=cloud_softphone.BERLIN)
        with pytest.raises(PolicyError, match="past its validity"):
            office.desk.check_policy(now=later)
        swept = office.swept(later)
        assert swept.complete
        assert swept.stores["accounts"]["sip_credentials"].do == {"erase": 1}
        assert not self.seen(office)["Bruno"]

    @pytest.mark.parametrize("who", ["Anna", "Bruno"])
    def test_postgresql_comes_to_the_same(
        self, who: str, postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The tables hold for the database that an operator runs, too."""
        monkeypatch.setenv(self.database, postgresql)
        config = copied(self.name, tmp_path)
        self.fill(tmp_path, postgresql)
        office = Office.at(config)
        office.hold(HELD)
        swept = office.swept(HELD.now)
        assert tally_cells(swept.stores, LABELS) == self.held_routine[0].cells
        before = self.facts(tmp_path, postgresql)
        person = ANNA if who == "Anna" else BRUNO
        answer = office.answer(office.verified("erasure", person, HELD.now), HELD.now)
        assert cells(answer.receipt, LABELS) == self.matrix.rows[Case("erasure", who, "hold")]
        after = self.facts(tmp_path, postgresql)
        assert all(after[owner] == before[owner] for owner in before.keys() - {who})
        office.close()
