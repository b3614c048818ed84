"""Recipients are told of corrections, erasures and restrictions of what they got (Art. 19).

A request has one notice for each recipient and act, made when a run ends, in the transaction of
its receipt. Its facts wait sealed in the ledger until somebody hands it over; then it is written
in the operator's first language. A recipient whom the policy exempts is on record with the reason.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, cast

from attrs import evolve, frozen

from dsr.errors import DeliveryError
from dsr.ledger import Ledger, Notice
from dsr.model import Identifier, Receipt, Verb
from dsr.package import Act, Cover, notice, save_text
from dsr.policy.model import Policy, Recipient

__all__ = ["Told", "hand_over", "lifted", "tell"]

#: What recipients are told of what was done: data that was emptied is erased.
_TELLS: Final[Mapping[Verb, Act]] = {
    "erase": "erase",
    "redact": "erase",
    "rectify": "rectify",
    "annotate": "annotate",
    "restrict": "restrict",
}
_ARTICLE: Final[Mapping[Act, str]] = {
    "erase": "GDPR Art. 17(1)",
    "rectify": "GDPR Art. 16",
    "annotate": "GDPR Art. 16",
    "restrict": "GDPR Art. 18",
    "lift": "GDPR Art. 18(3)",
}

#: act -> category -> records
Acts = Mapping[Act, Mapping[str, int]]


@frozen
class Told:
    """A notice that was handed over: a page for people, and its facts as JSON."""

    notice: Notice
    page: Path
    facts: Path


def tell(policy: Policy, ledger: Ledger, receipt: Receipt, now: dt.datetime) -> None:
    """Have recipients told of what a run did, beyond what the last receipt says.

    Call it in the transaction of the receipt, before it is saved and the person is forgotten.
    """
    acts = _acts(receipt)
    if not any(_received(policy, name) for counts in acts.values() for name in counts):
        return
    before = ledger.receipt(receipt.request)
    known = _acts(before) if before else {}
    for act, counts in acts.items():
        new = {name: n for name, n in counts.items() if known.get(act, {}).get(name) != n}
        _add(policy, ledger, receipt.request, act, new, now)


def lifted(policy: Policy, ledger: Ledger, request: str, now: dt.datetime) -> None:
    """Have recipients told that what a request restricted is so no longer.

    Call it in the transaction that closes the request, before the ledger forgets the person.
    """
    receipt = ledger.receipt(request)
    acts = _acts(receipt) if receipt else {}
    counts = Counter(acts.get("restrict", {})) + Counter(acts.get("annotate", {}))
    _add(policy, ledger, request, "lift", counts, now)


def _acts(receipt: Receipt) -> Acts:
    found: dict[Act, Counter[str]] = {}
    for categories in receipt.stores.values():
        for name, tally in categories.items():
            for verb, count in tally.do.items():
                if verb == "restrict" and tally.restricts_kept(receipt.right):
                    continue  # Art. 19 speaks of restrictions under Art. 18
                if count and verb in _TELLS:
                    found.setdefault(_TELLS[verb], Counter())[name] += count
    return found


def _add(  # noqa: PLR0917  (what a notice is made of)
    policy: Policy,
    ledger: Ledger,
    request: str,
    act: Act,
    counts: Mapping[str, int],
    now: dt.datetime,
) -> None:
    """Keep a notice for each recipient of the categories, or why it is exempt."""
    told: dict[str, Recipient] = {}
    records: dict[str, dict[str, int]] = {}
    exempt: dict[str, str] = {}
    for name, count in counts.items():
        for each in _received(policy, name):
            if reason := each.exempt or ("" if each.name else each.impossible):
                exempt.setdefault(each.title, reason)
            else:
                known = told.setdefault(each.title, each)
                told[each.title] = evolve(known, notify=known.notify or each.notify)
                records.setdefault(each.title, {})[name] = count
    for title, recipient in told.items():
        facts = _facts(ledger, request, act, recipient, records[title])
        ledger.add_notice(request, title, act, facts, now)
    for title, reason in exempt.items():
        if title not in told:
            ledger.exempt_notice(request, title, act, reason, now)


def _received(policy: Policy, name: str) -> tuple[Recipient, ...]:
    category = policy.categories.get(name)
    return category.recipients if category else ()


def _facts(
    ledger: Ledger, request: str, act: Act, recipient: Recipient, records: Mapping[str, int]
) -> dict[str, Any]:
    """Return what a notice tells, with what one that waits already tells."""
    waits = ledger.waiting_notice(request, recipient.title, act)
    corrects = act in {"rectify", "annotate"}
    return {
        "role": recipient.role,
        "notify": recipient.notify,
        "records": {**(waits["records"] if waits else {}), **records},
        "person": [
            {"kind": i.kind, "value": i.value, "since": _text(i.since), "until": _text(i.until)}
            for i in ledger.subject(request).identifiers
        ],
        "changes": dict(ledger.get(request).changes) if corrects else {},
    }


def hand_over(policy: Policy, ledger: Ledger, folder: Path, now: dt.datetime) -> list[Told]:
    """Write every notice that waits into `folder`, and forget their texts in the ledger.

    `folder` is made if need be. A crash, and the same again, writes the same files again. Raises
    `DeliveryError` when a file cannot be written: what was not written goes on waiting.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"the folder for the notices cannot be made: {error.strerror}"
        raise DeliveryError(what, "choose another") from None
    done = []
    for each in ledger.waiting_notices():
        facts = ledger.waiting_notice(each.request, each.recipient, each.act)
        if facts is None:  # somebody else has just handed it over
            continue
        told = _written(policy, ledger, each, facts, folder)
        ledger.hand_notice(each, now)
        done.append(told)
    return done


def _written(
    policy: Policy, ledger: Ledger, each: Notice, facts: Mapping[str, Any], folder: Path
) -> Told:
    act = cast("Act", each.act)
    request = evolve(ledger.get(each.request), changes=facts["changes"])
    cover = Cover.of(policy, request, each.at)
    recipient = Recipient(each.recipient, facts["role"], notify=facts["notify"])
    stem = f"notice-{each.request}-{each.number}-{each.at.astimezone(dt.UTC):%Y%m%dT%H%M%S}"
    told = Told(each, folder / f"{stem}.html", folder / f"{stem}.json")
    save_text(
        notice(cover, recipient, act, facts["records"], _identifiers(facts["person"])), told.page
    )
    operator = policy.operator
    document = {
        "request": each.request,
        "act": act,
        "article": _ARTICLE[act],
        "at": each.at.isoformat(),
        "operator": {
            "name": operator.legal_name or operator.name,
            "contact": operator.contact,
            "dpo": operator.dpo,
        },
        "recipient": {"name": each.recipient, "role": facts["role"], "notify": facts["notify"]},
        "records": facts["records"],
        "person": facts["person"],
        "changes": facts["changes"],
    }
    save_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", told.facts)
    return told


def _identifiers(person: Iterable[Mapping[str, Any]]) -> list[Identifier]:
    return [Identifier(i["kind"], i["value"], _time(i["since"]), _time(i["until"])) for i in person]


def _text(at: dt.datetime | None) -> str | None:
    return at.isoformat() if at else None


def _time(text: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None
