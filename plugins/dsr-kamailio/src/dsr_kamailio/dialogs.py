"""Calls in progress, as Kamailio's `dlg.list` shows them: found, and left to end."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from dsr.model import Found, Identifier, Lock, Record
from dsr_kamailio.parties import NAMED, Parties

__all__ = ["dialogs"]

_REASON: Final = "call in progress"
_ENDED: Final = 5  # the state that Kamailio's dialog module calls deleted
_CALLER: Final = ("from_uri", "caller_contact")
_CALLEE: Final = ("to_uri", "callee_contact")


def dialogs(
    found: Sequence[Mapping[str, Any]], who: Sequence[Identifier], category: str, parties: Parties
) -> Iterator[Found]:
    """Yield the calls that one of `who` is in, locked until they time out at the latest.

    A call that has ended is forgotten within seconds, and is no call in progress.
    """
    calls = [each for each in who if each.kind == "call"]
    people = [each for each in who if each.kind in NAMED]
    for dialog in found:
        if dialog.get("state") == _ENDED:
            continue
        data = {
            "callid": str(dialog.get("call-id", "")),
            "from_uri": str(dialog.get("from_uri", "")),
            "to_uri": str(dialog.get("to_uri", "")),
            "caller_contact": _contact(dialog, "caller"),
            "callee_contact": _contact(dialog, "callee"),
        }
        about = {each: set[str]() for each in calls if each.value == data["callid"]}
        for party in (_CALLER, _CALLEE):
            for each in people:
                if any(parties.speaks(data[name], each) for name in party):
                    about.setdefault(each, set()).update(party)
        if not about:
            continue
        record = _record(dialog, data, category)
        for each, names in about.items():
            yield Found(each, record, record.personal & names)


def _contact(dialog: Mapping[str, Any], party: str) -> str:
    side = dialog.get(party)
    return str(side.get("contact", "")) if isinstance(side, Mapping) else ""


def _record(dialog: Mapping[str, Any], data: Mapping[str, str], category: str) -> Record:
    place = f"{dialog.get('h_entry')}:{dialog.get('h_id')}"
    names = frozenset({*_CALLER, *_CALLEE})
    return Record(
        key=json.dumps(["dialog", place, data["callid"]]),
        category=category,
        data=data,
        at=_moment(dialog.get("start_ts")) or _moment(dialog.get("init_ts")),
        personal=frozenset(name for name in names if data[name]),
        lock=Lock(_REASON, _end(dialog)),
    )


def _end(dialog: Mapping[str, Any]) -> dt.datetime | None:
    """Return when it times out; before it is set up, its lifetime has not begun to run."""
    begun, lifetime = dialog.get("init_ts"), dialog.get("lifetime")
    if not dialog.get("timeout") and isinstance(begun, int) and isinstance(lifetime, int):
        return _moment(begun + lifetime)
    return _moment(dialog.get("timeout"))


def _moment(value: object) -> dt.datetime | None:
    return dt.datetime.fromtimestamp(value, dt.UTC) if isinstance(value, int) and value else None
