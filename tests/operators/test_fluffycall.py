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

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.operators import fluffycall
from tests.operators.fluffycall import ANNA, BRUNO, POINTS
from tests.operators.harness import Labels
from tests.operators.matrix import parse
from tests.operators.suite import OperatorSuite

LABELS: Final = Labels(
    laws={
        "billing": "TDDDG s. 10 (unverified)",
        "tax": "HGB s. 257, AO s. 147",
        "contract": "GDPR Art. 6(1)(b)",
        "security": "GDPR Art. 6(1)(f)",
        "claim": "GDPR Art. 17(3)(e)",
        "not portable": "GDPR Art. 20(1)",
    },
    gaps={
        "alarm": "promises that there is none",
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
call_contents | both  | always        | gap 1 alarm
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
account_data  | Bruno | always        | redact 1, keep 1 tax 2035-01-01
call_metadata | Anna  | inside        | keep 2 billing 2026-08-05, keep 1 billing 2027-01-05
call_metadata | Anna  | after         | redact 1, keep 1 billing 2027-01-05, gap 1 linked
call_metadata | Anna  | hold          | redact 1, keep 1 billing+claim open, keep 1 claim open
call_metadata | Bruno | inside        | keep 1 billing 2026-08-05, keep 1 billing 2027-01-05,
              |       |               | keep 1 billing open
call_metadata | Bruno | after         | keep 1 billing 2027-01-05, keep 1 billing open, gap 1 linked
call_metadata | Bruno | hold          | keep 2 billing+claim open, keep 1 claim open
call_contents | both  | always        | gap 1 alarm
invoices      | Anna  | always        | keep 1 tax 2035-01-01
invoices      | Bruno | always        | erase 1, keep 1 tax 2035-01-01
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


class TestFluffycall(OperatorSuite):
    """The tests of every operator, on fluffycall's folder."""

    name = "fluffycall"
    page = "fluffycall.en.txt"
    people = (ANNA, BRUNO)
    points = POINTS
    matrix = parse(EXPECTED, people, points)
    labels = LABELS
    database = "FLUFFYCALL_DATABASE"
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
