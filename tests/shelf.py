"""A real, small store for tests of the engine: records in one JSON file, with faults on demand.

It passes the connector suite (tests/testing/test_shelf.py) like any other connector.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen

from dsr.errors import ConfigurationError, Refused, StoreUnavailable
from dsr.model import Found, Identifier, Kind, Lock, Record, Unread


class Crash(BaseException):
    """The process dies here: no `except Exception` may survive it."""


@frozen
class Shelf:
    """Reads only. `path` holds `{"rows": {key: row}, "down": bool, "refuse": [key], ...}`.

    A row is `{"who": [[kind, value, [field, ...]], ...], "data": {}, "at": iso or null,
    "category": str, "links": [[kind, value, since, until], ...], "lock": reason or null}`.
    """

    path: Path = field(repr=False)
    name: str
    accepts: frozenset[Kind]
    categories: frozenset[str]

    def state(self) -> dict[str, Any]:
        try:
            state: dict[str, Any] = json.loads(self.path.read_text("utf-8"))
        except FileNotFoundError:
            raise StoreUnavailable(self.name, "it is not there") from None
        return state

    def save(self, state: Mapping[str, Any]) -> None:
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(state), "utf-8")
        fresh.replace(self.path)

    def put(self, key: str, **row: Any) -> None:
        state = self.state() if self.path.exists() else {"rows": {}}
        state["rows"][key] = row
        self.save(state)

    def set(self, **faults: Any) -> None:
        self.save(self.state() | faults)

    def rows(self) -> dict[str, Any]:
        rows: dict[str, Any] = self.state()["rows"]
        return rows

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        state = self.state()
        self.save(state | {"reads": state.get("reads", 0) + 1})
        yield from self.found(state, who)

    def found(self, state: dict[str, Any], who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        """Find without counting the reading."""
        if state.get("down"):
            raise StoreUnavailable(self.name, "it does not answer", "try again later")
        asked = {(each.kind, each.value): each for each in who}
        for key, row in sorted(state["rows"].items()):
            data = row.get("data", {})
            speaks = [
                (asked.get((kind, value)), {f for f in fields if data.get(f) not in (None, "")})
                for kind, value, fields in row["who"]
            ]
            record = _record(key, row, _personal(row))
            for identifier, about in speaks:
                if identifier is not None and (about or not any(f for *_, f in row["who"])):
                    yield Found(identifier, record, frozenset(about))
        if state.get("broken"):
            yield Unread("a part of it is damaged")

    def _written(self, state: dict[str, Any], key: str) -> None:
        if state.get("gone"):
            raise StoreUnavailable(self.name, "it went down")
        if key in state.get("refuse", ()):
            raise Refused(self.name, "it refuses a record")
        state["writes"] = state.get("writes", 0) + 1
        state.setdefault("order", []).append(key)
        self.save(state)
        if state["writes"] == state.get("crash_after"):
            raise Crash


def _personal(row: Mapping[str, Any]) -> frozenset[str]:
    """Return the fields that speak about anybody, as far as they hold something."""
    data = row.get("data", {})
    named = frozenset[str]().union(*(fields for *_, fields in row["who"]))
    return frozenset(name for name in named if data.get(name) not in (None, ""))


def _record(key: str, row: Mapping[str, Any], personal: frozenset[str]) -> Record:
    return Record(
        key=key,
        category=row["category"],
        data=row.get("data", {}),
        at=_time(row.get("at")),
        personal=personal,
        links=tuple(
            Identifier(kind, value, _time(since), _time(until))
            for kind, value, since, until in row.get("links", ())
        ),
        lock=Lock(row["lock"]) if row.get("lock") else None,
        restricted=row.get("restricted", False),
    )


def _time(text: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None


@frozen
class WritableShelf(Shelf):
    """Has every verb, and lists what has grown old."""

    def aged(self, category: str, anchor: str, before: dt.datetime) -> Iterator[Record | Unread]:
        state = self.state()
        if state.get("down"):
            raise StoreUnavailable(self.name, "it does not answer", "try again later")
        rows = [row for row in state["rows"].values() if row["category"] == category]
        if anchor and not any(anchor in row.get("data", {}) for row in rows):
            what = f'store {self.name} has no times called "{anchor}"'
            raise ConfigurationError(what, "correct the stage")
        for key, row in sorted(state["rows"].items()):
            at = _time(row["data"].get(anchor) if anchor else row.get("at"))
            if row["category"] == category and at is not None and at < before:
                yield _record(key, row, _personal(row))
        if state.get("broken"):
            yield Unread("a part of it is damaged")

    def erase(self, keys: Sequence[str]) -> None:
        for key in keys:
            state = self.state()
            if state["rows"].pop(key, None) is not None:
                self._written(state, key)

    def redact(self, fields: Mapping[str, frozenset[str]]) -> None:
        for key, names in fields.items():
            state = self.state()
            row = state["rows"].get(key)
            if row is not None and any(row["data"].get(name) for name in names):
                row["data"].update(dict.fromkeys(names))
                self._written(state, key)

    def rectify(self, key: str, changes: Mapping[str, object]) -> None:
        state = self.state()
        row = state["rows"].get(key)
        if row is None or changes.keys() - row["data"].keys():
            raise Refused(self.name, "a field to correct does not exist")
        row["data"].update(changes)
        self._written(state, key)

    def restrict(self, keys: Sequence[str], on: bool) -> None:
        for key in keys:
            state = self.state()
            if key in state["rows"]:
                state["rows"][key]["restricted"] = on
                self._written(state, key)


@frozen
class LockingShelf(WritableShelf):
    """Can lock its records, as a bucket with Object Lock can."""

    def lock(self, keys: Sequence[str], on: bool) -> None:
        for key in keys:
            state = self.state()
            row = state["rows"].get(key)
            if row is not None and row.get("held", False) != on:
                row["held"] = on
                self._written(state, key)

    def erase(self, keys: Sequence[str]) -> None:
        self.lock(keys, on=False)
        super().erase(keys)

    def held(self) -> set[str]:
        return {key for key, row in self.rows().items() if row.get("held")}


def shelf(folder: Path, name: str, accepts: Sequence[Kind], *categories: str) -> WritableShelf:
    """Return an empty store with every verb."""
    made = WritableShelf(folder / f"{name}.json", name, frozenset(accepts), frozenset(categories))
    made.save({"rows": {}})
    return made


def read_only(store: Shelf) -> Shelf:
    """Return the same store without its verbs."""
    return Shelf(store.path, store.name, store.accepts, store.categories)


def down(store: WritableShelf) -> WritableShelf:
    """Return the store, not answering."""
    store.set(down=True)
    return evolve(store)
