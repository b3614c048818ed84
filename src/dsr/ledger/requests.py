"""Requests in the ledger: open with their identifiers sealed, closed without them."""

# ruff: noqa: A002  (a request's id is called id, as in the model)

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

from sqlalchemy import Row, delete, insert, select, update

from dsr.errors import RequestError
from dsr.ledger.database import Part, Unit
from dsr.ledger.keys import Keys
from dsr.ledger.plans import delete_plan
from dsr.ledger.rows import open_row, raise_version, refuse_closed, request_row
from dsr.ledger.tables import challenges, hashes, requests
from dsr.model import Identifier, Outcome, Request, Right, State, Subject
from dsr.report import canonical

__all__ = ["Requests", "seal_subject", "subject_of", "unseal_subject"]

#: Rights that restrict data, and the states in which that stands.
_RESTRICTING: Final[tuple[Right, ...]] = ("restriction", "objection", "rectification")
_STANDING: Final[tuple[State, ...]] = ("confirmed", "restricted", "incomplete")


def seal_subject(keys: Keys, subject: Subject, place: str) -> bytes:
    """Return a subject encrypted and bound to `place`."""
    document = [
        {"kind": i.kind, "value": i.value, "since": _text(i.since), "until": _text(i.until)}
        for i in subject.identifiers
    ]
    return keys.seal(canonical(document), place)


def unseal_subject(keys: Keys, sealed: bytes, place: str) -> Subject:
    """Return the subject that was sealed for `place`."""
    document = json.loads(keys.unseal(sealed, place))
    return Subject(
        tuple(
            Identifier(i["kind"], i["value"], _time(i["since"]), _time(i["until"]))
            for i in document
        )
    )


def _text(at: dt.datetime | None) -> str | None:
    return at.isoformat() if at else None


def _time(text: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None


class Requests(Part):
    """The ledger's requests."""

    def add(self, request: Request, subject: Subject) -> None:
        """Register a request; its subject and changes are sealed, its identifiers hashed.

        Raises `RequestError` if its id is taken.
        """
        changes = None
        if request.changes:
            text = canonical(dict(request.changes))
            changes = self._keys.seal(text, _changes_of(request.id))
        row = {
            "id": request.id,
            "right": request.right,
            "state": request.state,
            "received": request.received,
            "due": request.due,
            "language": request.language,
            "subject": seal_subject(self._keys, subject, subject_of(request.id)),
            "changes": changes,
            "ground": request.ground,
        }
        with self._database.writing() as unit:
            new = unit.insert(requests).values(row).on_conflict_do_nothing()
            if unit.connection.execute(new.returning(requests.c.number)).scalar() is None:
                what = f"request {request.id} is registered already"
                raise RequestError(what)
            self._hash(unit, request.id, subject.identifiers)

    def get(self, id: str) -> Request:
        """Return a request; a closed one has no changes any more. Raises `RequestNotFound`."""
        with self._database.reading() as connection:
            return self._request(request_row(connection, id))

    def subject(self, id: str) -> Subject:
        """Return whom an open request is about.

        Raises `RequestNotFound`, or `RequestError` when it is closed.
        """
        with self._database.reading() as connection:
            row = request_row(connection, id)
        if row.closed is not None or row.subject is None:
            what = f"request {id} is closed; its identifiers are gone"
            raise RequestError(what, "open a new request")
        return unseal_subject(self._keys, row.subject, subject_of(id))

    def requests(self, states: Collection[State] = ()) -> Iterator[Request]:
        """Yield the requests in one of `states` (all when empty), in the order of registration."""
        query = select(requests).order_by(requests.c.number).limit(self.page)
        if states:
            query = query.where(requests.c.state.in_(states))
        last = 0
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(query.where(requests.c.number > last)).all()
            if not rows:
                return
            last = rows[-1].number
            yield from map(self._request, rows)

    def ids_of(self, identifier: Identifier) -> list[str]:
        """Return the requests, open or closed, that were about an identifier, whatever its tenure.

        It must be spelled as it was then: in its canonical form.
        """
        query = (
            select(requests.c.id)
            .join(hashes, hashes.c.request == requests.c.id)
            .where(
                hashes.c.hash == self._keys.hash("identifier", identifier.kind, identifier.value)
            )
            .order_by(requests.c.number)
        )
        with self._database.reading() as connection:
            return list(connection.execute(query).scalars())

    def reseal(self, id: str, subject: Subject) -> None:
        """Replace the subject of an open request (when its tenure has been found).

        Raises `RequestNotFound`, or `RequestError` when it is closed.
        """
        sealed = seal_subject(self._keys, subject, subject_of(id))
        with self._database.writing() as unit:
            open_row(unit.connection, id)
            change = update(requests).where(requests.c.id == id)
            unit.connection.execute(change.values(subject=sealed))
            unit.connection.execute(delete(hashes).where(hashes.c.request == id))
            self._hash(unit, id, subject.identifiers)

    def set_state(self, id: str, state: State, at: dt.datetime) -> None:
        """Set the state of an open request. Twice is success.

        Raises `RequestNotFound`, or `RequestError` when it is closed in another state.
        """
        with self._database.writing() as unit:
            row = request_row(unit.connection, id, lock=True)
            if row.state == state:
                return
            refuse_closed(row)
            change = update(requests).where(requests.c.id == id)
            unit.connection.execute(change.values(state=state))
            _restrictions_change(unit, row)
            unit.note("state", at=at, request=id, note=state)

    def decide(self, id: str, outcome: Outcome, by: str, at: dt.datetime) -> None:
        """Note what a person decided of an objection or a dispute; `by` is staff.

        Raises `RequestNotFound`, or `RequestError` when it is closed or decided otherwise.
        """
        with self._database.writing() as unit:
            row = open_row(unit.connection, id)
            if row.outcome not in {"", outcome}:
                what = f"request {id} is decided already: {row.outcome}"
                raise RequestError(what, "a decision is made once")
            change = update(requests).where(requests.c.id == id)
            unit.connection.execute(change.values(outcome=outcome))
            _restrictions_change(unit, row)
            unit.note("decided", at=at, request=id, note=f"{outcome} by {by}")

    def restricting(self) -> list[tuple[Request, Subject]]:
        """Return the requests because of which data is restricted now, and whom they are about.

        That is while a restriction stands, and while an objection or a dispute is undecided.
        """
        query = (
            select(requests)
            .order_by(requests.c.number)
            .where(
                requests.c.right.in_(_RESTRICTING),
                requests.c.state.in_(_STANDING),
                requests.c.outcome == "",
                requests.c.subject.is_not(None),
            )
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return [
            (self._request(row), unseal_subject(self._keys, row.subject, subject_of(row.id)))
            for row in rows
        ]

    def extend(self, id: str, until: dt.date, reason: str, at: dt.datetime) -> None:
        """Set the day on which an open request is due to `until`, once (GDPR Art. 12(3)).

        `reason` goes to the audit trail, and names no person. Raises `RequestNotFound`, or
        `RequestError` when the request is closed or extended already.
        """
        with self._database.writing() as unit:
            row = open_row(unit.connection, id)
            if row.extended is not None:
                what = f"request {id} is extended already, and can be only once"
                raise RequestError(what, f"answer it by {row.extended}")
            change = update(requests).where(requests.c.id == id)
            unit.connection.execute(change.values(extended=until))
            unit.note("extended", at=at, request=id, note=reason)

    def refuse(self, id: str, decision: str, at: dt.datetime) -> None:
        """Close a request that nothing was done about yet, as refused (GDPR Art. 12(4)).

        `decision` goes to the audit trail: why, by which law and by whom, and nothing of the
        person. Raises `RequestNotFound`, or `RequestError` when it is closed or being carried
        out.
        """
        with self._database.writing() as unit:
            row = open_row(unit.connection, id)
            if row.state not in {"open", "verified"}:
                what = f"request {id} is being carried out, and no longer refused as a whole"
                raise RequestError(what, "its receipt and letter tell what stays, and why")
            unit.note("refused", at=at, request=id, note=decision)
            self.close(id, "refused", at)

    def close(self, id: str, state: State, at: dt.datetime, forget: dt.date | None = None) -> None:
        """End a request in `state`: its identifiers, changes, plan and challenge are deleted.

        Not before the day `forget`, if there is one: until then a backup may bring back what
        was erased (`sealed`). The keyed hashes of its identifiers stay (`ids_of`). Twice is
        success. Raises `RequestNotFound`, or `RequestError` when it is closed in another state.
        """
        with self._database.writing() as unit:
            row = request_row(unit.connection, id, lock=True)
            if row.closed is not None and row.state == state:
                return
            refuse_closed(row)
            ended = {"state": state, "closed": at, "forget": forget}
            unit.connection.execute(update(requests).where(requests.c.id == id).values(ended))
            unit.connection.execute(delete(challenges).where(challenges.c.request == id))
            if forget is None:
                _forget(unit, id)
            _restrictions_change(unit, row)
            unit.note("closed", at=at, request=id, note=state)

    def sealed(self, since: dt.datetime | None = None) -> list[tuple[Request, Subject]]:
        """Return the requests closed (at or after `since`) that are not forgotten yet."""
        query = (
            select(requests)
            .order_by(requests.c.number)
            .where(requests.c.closed.is_not(None), requests.c.subject.is_not(None))
        )
        if since is not None:
            query = query.where(requests.c.closed >= since)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return [
            (self._request(row), unseal_subject(self._keys, row.subject, subject_of(row.id)))
            for row in rows
        ]

    def forget(self, today: dt.date, at: dt.datetime) -> int:
        """Forget whom closed requests were about whose day for it has come; return how many."""
        over = select(requests.c.id).where(
            requests.c.subject.is_not(None), requests.c.forget <= today
        )
        with self._database.writing() as unit:
            ids = list(unit.connection.execute(over).scalars())
            for each in ids:
                _forget(unit, each)
                unit.note("forgotten", at=at, request=each)
        return len(ids)

    def _hash(self, unit: Unit, id: str, identifiers: Iterable[Identifier]) -> None:
        found = set(map(self._keyed, identifiers))
        rows = [{"hash": each, "request": id} for each in sorted(found)]
        unit.connection.execute(insert(hashes), rows)

    def _keyed(self, identifier: Identifier) -> bytes:
        return self._keys.hash("identifier", identifier.kind, identifier.value)

    def _request(self, row: Row[Any]) -> Request:
        changes: dict[str, str] = {}
        if row.changes is not None:
            changes = json.loads(self._keys.unseal(row.changes, _changes_of(row.id)))
        return Request(
            id=row.id,
            right=row.right,
            state=row.state,
            received=row.received,
            due=row.extended or row.due,
            language=row.language,
            changes=changes,
            ground=row.ground,
            outcome=row.outcome,
            extended=row.extended is not None,
        )


def _forget(unit: Unit, id: str) -> None:
    gone = {"subject": None, "changes": None, "forget": None}
    unit.connection.execute(update(requests).where(requests.c.id == id).values(gone))
    delete_plan(unit, id)


def _restrictions_change(unit: Unit, row: Row[Any]) -> None:
    """Tell runs under way that a restriction, which stands like a hold, comes or goes."""
    if row.right in _RESTRICTING:
        raise_version(unit.connection)


def subject_of(id: str) -> str:
    """Return the place that the sealed subject of a request is bound to."""
    return f"subject of request {id}"


def _changes_of(id: str) -> str:
    return f"changes of request {id}"
