"""After a restored backup: what was erased since it was made is erased again.

A backup brings back what people had erased (GDPR Art. 17; law.md rule 21). As long as one may,
`[ledger] backups` keeps closed requests sealed, with the digests of what was confirmed: exactly
that is done again, and nothing that came since.
"""

from __future__ import annotations

import datetime as dt

from dsr.apply import Case, apply
from dsr.confirm import Permit
from dsr.model import WRITES, Receipt
from dsr.stores import Stores
from dsr.survey import Progress, quiet

__all__ = ["replay"]


def replay(
    stores: Stores,
    now: dt.datetime,
    since: dt.datetime | None = None,
    progress: Progress = quiet,
) -> list[Receipt]:
    """Do again what requests closed at or after `since` (all, if None) did; return new receipts.

    They are unsigned. Call it with the time at which the backup was made, or earlier: what is
    not there is no error. Requests that were not closed are carried on by `resume`.
    """
    digester = stores.ledger.digester()
    cases = []
    for request, subject in stores.ledger.sealed(since):
        confirmed = stores.ledger.plan(request.id)
        if request.right in WRITES and confirmed is not None:
            cases.append(Case(request, subject, Permit(confirmed, digester, again=True)))
    return apply(stores, cases, now, progress) if cases else []
