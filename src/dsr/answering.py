"""When requests are due, and the answers that act on nothing: longer, refused, in doubt.

Functions over policy, ledger, request and `now`; `Desk` hands them out. What they record and the
letter that goes with it come together: a letter that cannot be written records nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Final

from attrs import field, frozen

from dsr.errors import InputError, RequestError
from dsr.ledger import Doubt, Ledger
from dsr.model import Kind, Request
from dsr.package import Cover, letters
from dsr.policy import deadlines
from dsr.policy.model import Policy, period
from dsr.policy.refusals import Refusal

__all__ = [
    "PERSONAL",
    "Answered",
    "Standing",
    "alarms",
    "asked",
    "doubt",
    "extend",
    "refuse",
    "standing",
]

#: The kinds of identifier that lead to a person, not to one call or file.
PERSONAL: Final[tuple[Kind, ...]] = ("phone", "sip", "email", "account", "usage", "ip")


@frozen
class Answered:
    """A request after an answer, and the letter to the person (a page of HTML)."""

    request: Request
    letter: str = field(repr=False)


@frozen
class Standing:
    """How a request stands against its deadline, in the operator's calendar days.

    `days_left` to the strict last day, negative once it is over; None when no answer is awaited.
    `paused_until` is the second date while a prompt doubt about who asks is open (GDPR Art.
    12(6)); the strict date, `request.due`, stands beside it.
    """

    request: Request
    days_left: int | None
    paused_until: dt.date | None = None

    @property
    def overdue(self) -> bool:
        """Whether the strict last day is over and no answer was given."""
        return self.days_left is not None and self.days_left < 0


def standing(
    policy: Policy, ledger: Ledger, requests: Iterable[Request], now: dt.datetime
) -> Iterator[Standing]:
    """Yield how each request stands."""
    doubts = ledger.open_doubts()
    today = now.astimezone(policy.operator.zone).date()
    for each in requests:
        left = (each.due - today).days if _awaits_answer(ledger, each) else None
        yield Standing(each, left, _paused_until(policy, each, doubts.get(each.id), now))


def alarms(policy: Policy, ledger: Ledger, now: dt.datetime) -> list[Standing]:
    """Return the requests that end within the policy's alarm, or are over; soonest first."""
    today = now.astimezone(policy.operator.zone).date()
    within = (today + period(policy.deadlines.alarm) - today).days
    found = [
        each
        for each in standing(policy, ledger, ledger.requests(), now)
        if each.days_left is not None and each.days_left <= within
    ]
    return sorted(found, key=lambda each: each.request.due)


def _awaits_answer(ledger: Ledger, request: Request) -> bool:
    """Return whether the person still has an answer to come.

    Who was told what is kept, and until when, has one; who was told that something could not be
    reached has not.
    """
    if request.state != "incomplete":
        return request.state in {"open", "verified", "confirmed"}
    receipt = ledger.receipt(request.id)
    return receipt is None or any(
        tally.gaps for categories in receipt.stores.values() for tally in categories.values()
    )


def _paused_until(
    policy: Policy, request: Request, doubt: Doubt | None, now: dt.datetime
) -> dt.date | None:
    zone = policy.operator.zone
    if doubt is None or not deadlines.is_prompt(request.received, doubt.asked, zone):
        return None
    return deadlines.paused_until(request, zone, policy.deadlines, doubt.asked, now)


def extend(policy: Policy, ledger: Ledger, request: str, reason: str, now: dt.datetime) -> Answered:
    """Extend the period of a request by two further months (GDPR Art. 12(3), law.md rule 3).

    `reason` is told to the person, and kept in the audit trail: it names nobody. The same
    once more writes the letter again. Raises `InputError` without a reason, `RequestNotFound`,
    and `RequestError` when the first month is over, or the request is closed or was extended
    with another reason.
    """
    if not reason.strip():
        what = "an extension needs its reason (GDPR Art. 12(3))"
        raise InputError(what, "say what makes the request complex, or how many there are")
    found = ledger.get(request)
    zone = policy.operator.zone
    end = deadlines.extended(found.received, zone, policy.deadlines).day
    if found.extended and _noted(ledger, request, "extended", reason):
        return Answered(found, letters.extension(Cover.of(policy, found, now), reason, found.due))
    last = deadlines.month_end(found.received, zone, policy.deadlines)
    if now.astimezone(zone).date() > last:
        what = f"request {request} could be extended until {last}, and no longer"
        raise RequestError(what, "answer it at once, or refuse it with its reason (dsr refuse)")
    letter = letters.extension(Cover.of(policy, found, now), reason, end)
    ledger.extend(request, end, reason, now)
    return Answered(ledger.get(request), letter)


def refuse(
    policy: Policy,
    ledger: Ledger,
    request: str,
    refusal: Refusal,
    now: dt.datetime,
    *,
    helpful: Iterable[Kind],
) -> Answered:
    """Refuse a request and close it: its identifiers are forgotten (GDPR Art. 12(4), 11(2)).

    `helpful` are the kinds of identifier by which a person who cannot be identified could be
    found after all; a new request with one of them starts over. The same refusal once more
    writes the letter again. Raises `InputError` when the refusal does not fit the right,
    `RequestNotFound`, and `RequestError` when the request is closed or being carried out.
    """
    found = ledger.get(request)
    refusal.check_right(found.right)
    cover = Cover.of(policy, found, now)
    if refusal.cause == "not identifiable":
        letter = letters.not_identifiable(cover, tuple(helpful))
    else:
        letter = letters.refusal(cover, refusal.reason, law=refusal.source)
    again = found.state == "refused" and _noted(ledger, request, "refused", refusal.decision)
    if not again:
        ledger.refuse(request, refusal.decision, now)
    return Answered(ledger.get(request), letter)


def doubt(policy: Policy, ledger: Ledger, request: str, reason: str, now: dt.datetime) -> Standing:
    """Record a doubt about who makes a request, and that the person was asked (Art. 12(6)).

    It is raised before verification, and pauses nothing unless promptly after receipt
    (`dsr.policy.deadlines.PROMPTLY`). `reason` names nobody. Raises `InputError` without a
    reason, and what `Ledger.add_doubt` raises.
    """
    if not reason.strip():
        what = "a doubt needs its reason (GDPR Art. 12(6))"
        raise InputError(what, "say what makes it reasonable to doubt who asks")
    ledger.add_doubt(request, reason, now)
    return next(standing(policy, ledger, [ledger.get(request)], now))


def asked(policy: Policy, ledger: Ledger, request: str, now: dt.datetime) -> str:
    """Return the letter that asks the person to settle an open doubt (GDPR Art. 12(6)).

    On the day of the doubt it asks, later it reminds; it asks for no identity document. Raises
    `RequestNotFound`, or `RequestError` where no doubt is open.
    """
    found, open_ = ledger.get(request), ledger.open_doubts().get(request)
    if open_ is None:
        what = f"no doubt about request {request} is open"
        raise RequestError(what, "raise it with its reason (dsr doubt)")
    zone = policy.operator.zone
    is_first = open_.asked.astimezone(zone).date() == now.astimezone(zone).date()
    write = letters.doubted if is_first else letters.reminder
    return write(Cover.of(policy, found, now), open_.reason)


def _noted(ledger: Ledger, request: str, event: str, note: str) -> bool:
    """Return whether just this was recorded of the request before."""
    return any(each.event == event and each.note == note for each in ledger.entries(request))
