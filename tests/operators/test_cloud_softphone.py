"""Cloud Softphone: the page for providers as a policy, and every right of two users of the app.

Expected outcomes are written by hand from the page and the law.

- Anna uses the app: her account is needed until she uninstalls it, the copy of her address book
  is not. Bruno uninstalled it on 2026-05-01, and everything of his goes 7 days after.
- Each stands in the other's address book: three entries concern each of them, two of their own
  book and one of the other's. Bruno's number had another holder before 2025, and entries bear no
  date: the one about his number is left to a person (law 7).
- Two log lines name each of them. One of Anna's lies in a rotated file, which is a record, too,
  but says nothing of her.
- The usage reports are under a pseudonym that no account leads to (Art. 11): a gap until the
  person states it.
"""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Final

from attrs import evolve

from tests.operators import cloud_softphone
from tests.operators.cloud_softphone import AFTER, ANNA, BRUNO, HELD, INSIDE
from tests.operators.harness import Labels, Office, cells
from tests.operators.matrix import parse
from tests.operators.suite import OperatorSuite

LABELS: Final = Labels(
    laws={"contract": "GDPR Arts. 17(1)(a), 6(1)(b)", "claim": "GDPR Art. 17(3)(e)"},
    gaps={
        "unable": "the store cannot restrict",
        "undated": "bears no time",
        "pseudonym": "searched by usage and none is known",
    },
)
#: The hold: a claim against Bruno, on his account and on log lines that name him.
EXPECTED: Final = """
[access]
sip_credentials | both  | always        | export 1
address_book    | Anna  | always        | export 3
address_book    | Bruno | always        | export 2, gap 1 undated
ip_logs         | Anna  | always        | export 3
ip_logs         | Bruno | always        | export 2
usage_data      | both  | always        | gap 1 pseudonym

[portability]
sip_credentials | both  | always        | export 1
address_book    | Anna  | always        | export 3
address_book    | Bruno | always        | export 2, gap 1 undated
ip_logs         | Anna  | always        | export 3
ip_logs         | Bruno | always        | export 2
usage_data      | both  | always        | gap 1 pseudonym

[rectification]
sip_credentials | Anna  | always        | rectify 1
sip_credentials | Bruno | inside, after | rectify 1
sip_credentials | Bruno | hold          | keep 1 claim open
address_book    | Anna  | always        | unchanged 3
address_book    | Bruno | always        | unchanged 2, gap 1 undated
ip_logs         | Anna  | always        | unchanged 3
ip_logs         | Bruno | always        | unchanged 2
usage_data      | both  | always        | gap 1 pseudonym

[erasure]
sip_credentials | Anna  | always        | keep 1 contract open
sip_credentials | Bruno | inside, after | erase 1
sip_credentials | Bruno | hold          | restrict 1, keep 1 claim open
address_book    | Anna  | always        | erase 3
address_book    | Bruno | always        | erase 2, gap 1 undated
ip_logs         | Anna  | inside, after | redact 2, unchanged 1
ip_logs         | Anna  | hold          | redact 1, unchanged 1, keep 1 claim open
ip_logs         | Bruno | inside, after | redact 2
ip_logs         | Bruno | hold          | keep 2 claim open
usage_data      | both  | always        | gap 1 pseudonym

[restriction]
sip_credentials | both  | always        | restrict 1
address_book    | Anna  | always        | gap 3 unable
address_book    | Bruno | always        | gap 2 unable, gap 1 undated
ip_logs         | Anna  | always        | unchanged 1, gap 2 unable
ip_logs         | Bruno | always        | gap 2 unable
usage_data      | both  | always        | gap 1 pseudonym

[objection]
sip_credentials | both  | always        | unchanged 1
address_book    | Anna  | always        | unchanged 3
address_book    | Bruno | always        | unchanged 2, gap 1 undated
ip_logs         | Anna  | always        | unchanged 3
ip_logs         | Bruno | always        | unchanged 2
usage_data      | both  | always        | gap 1 pseudonym

[withdrawal]
sip_credentials | both  | always        | unchanged 1
address_book    | Anna  | always        | unchanged 3
address_book    | Bruno | always        | unchanged 2, gap 1 undated
ip_logs         | Anna  | always        | unchanged 3
ip_logs         | Bruno | always        | unchanged 2
usage_data      | both  | always        | gap 1 pseudonym
"""


class TestCloudSoftphone(OperatorSuite):
    """The tests of every operator, on Cloud Softphone's folder."""

    name = "cloud-softphone"
    page = "cloud-softphone.md"
    people = (ANNA, BRUNO)
    points = (INSIDE, AFTER, HELD)
    matrix = parse(EXPECTED, people, points)
    labels = LABELS
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
        lines = (office.folder / "logs" / "access.log").read_text("utf-8").splitlines()
        (line,) = (each for each in lines if "/push" in each)
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
