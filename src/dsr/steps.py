"""The steps of a batch that writes, on disk: what to do, in which order, what stands against it.

One row a record and request, in the spool of its reading. It adds what no single record can
tell: holds whose subject turned up elsewhere in the batch, links that must survive because what
hangs on them does (law 3), and whether the person who confirmed had seen the step.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

from dsr.connector import Connector
from dsr.find import Hit
from dsr.model import Do, Gap, Identifier, Keep, Step, Tally, Unread, Verb
from dsr.plan import Decision, restrained
from dsr.policy.reasons import Reason
from dsr.spool import Spool, Spot

__all__ = ["Counter", "Counts", "Row", "Steps", "Turn"]

#: store -> category -> verb -> records
Counts = Mapping[str, Mapping[str, Mapping[Verb, int]]]

_SCHEMA: Final = """
CREATE TABLE step (
  id INTEGER PRIMARY KEY, subject INTEGER, store TEXT, digest INTEGER, depth INTEGER,
  again INTEGER, restricted INTEGER, category TEXT, key TEXT, via TEXT,
  verb TEXT, fields TEXT, wanted TEXT, wanted_fields TEXT, ground TEXT, about TEXT,
  reason TEXT, law TEXT, until TEXT, kept TEXT,
  gap TEXT, marks INTEGER, excepted INTEGER
);
CREATE TABLE held (
  store TEXT, digest INTEGER, reason TEXT, law TEXT, until TEXT, fields TEXT, ground TEXT,
  request TEXT
);
"""
_INDEXES: Final = """
CREATE INDEX step_spot ON step (store, digest, subject);
CREATE INDEX step_todo ON step (depth, again, store, verb, key);
"""
_COLUMNS: Final = (
    "id, subject, store, digest, depth, again, restricted, category, key, via, verb, fields,"
    " wanted, wanted_fields, ground, about, reason, law, until, kept, gap, marks, excepted"
)
_INSERT: Final = "INSERT INTO step VALUES (NULL,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
#: What is kept, and still to be restricted to that (law.md rule 16).
_TO_MARK: Final = "marks AND excepted AND reason IS NOT NULL AND NOT restricted"
#: What takes nothing from a record: no hold stands against it.
_HARMLESS: Final[frozenset[Verb]] = frozenset({"annotate", "export", "restrict"})
_DIFFERENT: Final = 2  # values of one field that tell several people's records apart
_BUFFER: Final = 2_000
_PAGE: Final = 1_000


class Row(NamedTuple):
    """One record of one request (its index), and what is decided about it.

    `restricted` says that its store shows it so.
    """

    id: int
    subject: int
    store: str
    digest: int
    depth: int
    again: bool
    restricted: bool
    category: str
    key: str
    via: tuple[Identifier, ...]
    decision: Decision

    def __repr__(self) -> str:
        """Show where, not what."""
        return f"Row(store={self.store!r}, category={self.category!r}, depth={self.depth})"


class Turn(NamedTuple):
    """Records that are carried out together: those `depth` links away from the person.

    Those that were found `again`, by a further identifier, come after the others: it may be by
    a link that they carry themselves, and what is done to them takes it (law 3).
    """

    depth: int
    again: bool


class Steps:
    """The steps of one reading; `add` them all, then `settle`, then count or carry out."""

    def __init__(
        self,
        spool: Spool,
        verbs: Mapping[str, frozenset[Verb]],
        own: Sequence[frozenset[str]] = (),
    ) -> None:
        """Keep the steps in `spool`; `verbs` is what each store can do.

        `own` are each subject's own requests that restrict data: these do not bind them.
        """
        self._spool = spool
        self._verbs = verbs
        self._own = own
        self._buffer: list[tuple[object, ...]] = []
        self._unread: list[tuple[int, Gap]] = []
        self._corrected: dict[tuple[int, str, str], set[int]] = {}
        for statement in _SCHEMA.split(";"):
            spool.db.execute(statement)

    def add(self, hit: Hit, decision: Decision) -> None:
        """Remember what is decided about a hit."""
        if decision.do is not None and decision.do.verb == "rectify":
            for name in decision.do.fields:
                old = self._corrected.setdefault((hit.subject, hit.record.category, name), set())
                if len(old) < _DIFFERENT:
                    old.add(hash(str(hit.record.data.get(name))))
        via = json.dumps([(who.kind, who.value) for who in hit.via]) if hit.depth else "[]"
        self._buffer.append(
            (
                hit.subject,
                *hit.spot,
                hit.depth,
                hit.again,
                hit.record.restricted,
                hit.record.category,
                hit.record.key,
                via,
                *_cells(decision),
            )
        )
        if len(self._buffer) >= _BUFFER:
            self._flush()

    def add_gap(self, subject: int, gap: Gap) -> None:
        """Remember that a part of a store could not be read for a request."""
        self._unread.append((subject, gap))

    def add_held(self, hit: Hit, reason: Reason, request: str = "") -> None:
        """Remember that a record concerns somebody whose data is held or restricted (`request`)."""
        until = reason.until.isoformat() if reason.until else None
        self._spool.db.execute(
            "INSERT INTO held VALUES (?,?,?,?,?,?,?,?)",
            (
                *hit.spot,
                reason.reason,
                reason.law,
                until,
                _joined(reason.fields),
                reason.ground,
                request,
            ),
        )

    def settle(self, unread: Sequence[Unread], connectors: Sequence[Connector]) -> None:
        """Apply what stands against single steps, and what follows for the records above them.

        `unread` are the stores of which something could not be read: nothing that might lead
        to a record there may go, or that record could never be found again.
        """
        self._flush()
        for statement in _INDEXES.split(";"):
            self._spool.db.execute(statement)
        self._apply_held()
        self._refuse_sweeping_corrections()
        self._pin_links_into(unread, connectors)
        for row in self._rows("depth > 0 AND (verb IS NULL OR reason IS NOT NULL)"):
            self._pin_parents(row)

    def rows(self, subject: int | None = None) -> Iterator[Row]:
        """Yield all rows, in a stable order."""
        return self._rows("1" if subject is None else f"subject = {subject:d}")

    def change(self, row: Row, decision: Decision) -> None:
        """Replace what is decided about a row; its parents stay if it stays."""
        self._set(row, decision)
        if row.depth and (decision.do is None or decision.keep is not None):
            self._pin_parents(row._replace(decision=decision))

    def turns(self) -> list[Turn]:
        """Return the turns in which something is to be done, leaves first."""
        rows = self._spool.db.execute(
            f"SELECT DISTINCT depth, again FROM step WHERE verb IS NOT NULL OR {_TO_MARK}"  # noqa: S608  (a constant)
            " ORDER BY depth DESC, again"
        )
        return [Turn(depth, bool(again)) for depth, again in rows]

    def batch(
        self, turn: Turn, store: str, verb: Verb, after: tuple[str, int], size: int
    ) -> list[Row]:
        """Return the next rows to carry out, in the order of their keys, after (key, id)."""
        found = self._spool.db.execute(
            "SELECT id FROM step WHERE depth = ? AND again = ? AND store = ? AND verb = ?"
            " AND (key, id) > (?, ?) ORDER BY key, id LIMIT ?",
            (*turn, store, verb, *after, size),
        ).fetchall()
        return [self._row(number) for (number,) in found]

    def to_mark(self, turn: Turn, store: str, after: tuple[str, int], size: int) -> list[Row]:
        """Return the next rows to restrict because they are kept, as `batch` does."""
        found = self._spool.db.execute(
            f"SELECT id FROM step WHERE depth = ? AND again = ? AND store = ? AND {_TO_MARK}"  # noqa: S608  (a constant)
            " AND (key, id) > (?, ?) ORDER BY key, id LIMIT ?",
            (*turn, store, *after, size),
        ).fetchall()
        return [self._row(number) for (number,) in found]

    def knows(self, store: str, key: str) -> bool:
        """Return whether a record was read."""
        spot = (store, hash(key))
        query = "SELECT 1 FROM step WHERE store = ? AND digest = ? LIMIT 1"
        return self._spool.db.execute(query, spot).fetchone() is not None

    def rest(self, row: Row) -> frozenset[str]:
        """Return what the turn of a record's first finding would empty of one found again.

        The leaves of that turn are gone by now, and a record without a key of its own has another
        name after the first change: only one change reaches all of it.
        """
        if not row.again:
            return frozenset()
        found = self._spool.db.execute(
            "SELECT fields FROM step WHERE depth = ? AND again = 0 AND store = ?"
            " AND verb = 'redact' AND key = ?",
            (row.depth - 1, row.store, row.key),
        ).fetchall()
        return frozenset[str]().union(*(_split(names) for (names,) in found))

    def written(self, turn: Turn, store: str, after: int, size: int) -> list[Row]:
        """Return the next rows that were to be erased or redacted, by id."""
        found = self._spool.db.execute(
            "SELECT id FROM step WHERE depth = ? AND again = ? AND store = ?"
            " AND verb IN ('erase', 'redact') AND id > ? ORDER BY id LIMIT ?",
            (*turn, store, after, size),
        ).fetchall()
        return [self._row(number) for (number,) in found]

    def tallies(self, subject: int | None = None) -> dict[str, dict[str, Tally]]:
        """Count the steps of one request (or of all) by store and category."""
        counted = Counter()
        db = self._spool.db
        of = "" if subject is None else f"AND subject = {subject:d}"
        for store, category, verb, count in db.execute(
            "SELECT store, category, verb, count(*) FROM step WHERE NOT again"  # noqa: S608  (a number)
            f" AND verb IS NOT NULL {of} GROUP BY store, category, verb ORDER BY 1, 2, 3"
        ):
            counted.at(store, category).do[verb] = count
        for store, category, count in db.execute(
            f"SELECT store, category, count(*) FROM step WHERE NOT again AND {_TO_MARK} {of}"  # noqa: S608  (constants)
            " GROUP BY store, category ORDER BY 1, 2"
        ):
            verbs = counted.at(store, category).do
            verbs["restrict"] = verbs.get("restrict", 0) + count
        for store, category, ground, count in db.execute(
            "SELECT store, category, ground, count(*) FROM step WHERE NOT again"  # noqa: S608  (a number)
            f" AND verb IN ('erase', 'redact') AND ground <> '' {of}"
            " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        ):
            counted.at(store, category).grounds[ground] = count
        for store, category, reason, law, until, count in db.execute(
            "SELECT store, category, reason, law, until, count(*) FROM step WHERE NOT again"  # noqa: S608  (a number)
            f" AND reason IS NOT NULL {of} GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 5, 3, 4"
        ):
            day = dt.date.fromisoformat(until) if until else None
            counted.at(store, category).keep[reason, law, day] = count
        for store, category, gap, count in db.execute(
            "SELECT store, category, gap, count(*) FROM step WHERE NOT again"  # noqa: S608  (a number)
            f" AND gap IS NOT NULL {of} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        ):
            counted.at(store, category).gaps[gap] = count
        for number, each in self._unread:
            if subject in {None, number}:
                counted.add(each)
        return counted.done()

    def _set(self, row: Row, decision: Decision) -> None:
        self._spool.db.execute(
            "UPDATE step SET verb=?, fields=?, wanted=?, wanted_fields=?, ground=?, about=?,"
            " reason=?, law=?, until=?, kept=?, gap=?, marks=?, excepted=? WHERE id=?",
            (*_cells(decision), row.id),
        )

    def _flush(self) -> None:
        self._spool.db.executemany(_INSERT, self._buffer)
        self._buffer.clear()

    def _rows(self, where: str, values: tuple[object, ...] = ()) -> Iterator[Row]:
        """Yield rows by id; a change to a later one, made meanwhile, is seen."""
        last = 0
        while True:
            page = self._spool.db.execute(
                f"SELECT id FROM step WHERE ({where}) AND id > ? ORDER BY id LIMIT {_PAGE}",  # noqa: S608  (constants)
                (*values, last),
            ).fetchall()
            if not page:
                return
            for (last,) in page:
                yield self._row(last)

    def _row(self, number: int) -> Row:
        statement = f"SELECT {_COLUMNS} FROM step WHERE id = ?"  # noqa: S608  (constants)
        return _row(self._spool.db.execute(statement, (number,)).fetchone())

    def _apply_held(self) -> None:
        matches = self._spool.db.execute(
            "SELECT DISTINCT s.id, s.subject, h.request, h.reason, h.law, h.until, h.fields,"
            " h.ground"
            " FROM step AS s JOIN held AS h USING (store, digest)"
        ).fetchall()
        found: dict[int, list[Reason]] = {}
        for number, subject, request, reason, law, until, fields, ground in matches:
            if self._own and request in self._own[subject]:
                continue
            day = dt.date.fromisoformat(until) if until else None
            found.setdefault(number, []).append(Reason(reason, law, day, _split(fields), ground))
        for number, held in found.items():
            for row in self._rows("id = ?", (number,)):
                wanted = row.decision.wanted
                if wanted is not None and wanted.verb in _HARMLESS:
                    continue
                known = row.decision.keep
                if known is not None:
                    ground = "17(3)" if row.decision.excepted else ""
                    held.append(Reason(known.reason, known.law, known.until, known.fields, ground))
                if row.decision.gap is None:
                    able = self._verbs[row.store]
                    self._set(row, restrained(row.decision, held, able))  # parents: `settle`

    def _refuse_sweeping_corrections(self) -> None:
        """Leave fields that hold different values: one new value cannot be right for all (law 7).

        They are other people's, such as the contacts in the person's own address book.
        """
        for (subject, category, name), old in self._corrected.items():
            if len(old) < _DIFFERENT:
                continue
            reason = f"{name} differs between records found: correct them by hand, one by one"
            where = "subject = ? AND category = ? AND verb = 'rectify'"
            for row in self._rows(where, (subject, category)):
                if row.decision.do is not None and name in row.decision.do.fields:
                    gap = Gap(row.store, row.category, row.key, reason)
                    self.change(row, row.decision._replace(do=None, gap=gap))

    def _pin_links_into(self, unread: Sequence[Unread], connectors: Sequence[Connector]) -> None:
        for lost in unread:
            kinds = [k for c in connectors if c.name == lost.store for k in sorted(c.accepts)]
            if not lost.whole or not kinds:
                continue
            marks = ",".join("?" * len(kinds))
            spots = self._spool.db.execute(
                "SELECT DISTINCT subject, store, digest FROM link"  # noqa: S608  (constants)
                f" WHERE store <> '' AND kind IN ({marks})",
                kinds,
            ).fetchall()
            reason = f"may lead to data in store {lost.store}, which could not be read"
            for subject, store, digest in spots:
                self._pin(subject, Spot(store, digest), Gap("", "", "", reason))

    def _pin_parents(self, row: Row) -> None:
        why = row.decision.keep or row.decision.gap
        if why is None:
            return
        for who in row.via:
            for spot in self._spool.parents(who, row.subject):
                self._pin(row.subject, spot, why, row.store, excepted=row.decision.excepted)

    def _pin(
        self,
        subject: int,
        spot: Spot,
        why: Keep | Gap,
        leaf: str = "",
        *,
        excepted: bool = False,
    ) -> None:
        where = "subject = ? AND store = ? AND digest = ? AND verb IN ('erase', 'redact')"
        for row in list(self._rows(where, (subject, *spot))):
            decision = row.decision
            if isinstance(why, Keep):
                reason = f"leads to a record in store {leaf} that stays: {why.reason}"
                keep = Keep(row.store, row.category, row.key, reason, why.law, why.until)
                stays = decision._replace(do=None, keep=keep, gap=None, excepted=excepted)
                self.change(row, stays)
            else:
                reason = (
                    f"leads to a record in store {leaf} that is not done" if leaf else why.reason
                )
                gap = Gap(row.store, row.category, row.key, reason)
                self.change(row, decision._replace(do=None, gap=gap))


class Counter:
    """Tallies under construction."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._stores: dict[str, dict[str, _Open]] = {}

    def add(self, step: Step) -> None:
        """Count one step."""
        tally = self.at(step.store, step.category)
        match step:
            case Do():
                tally.do[step.verb] = tally.do.get(step.verb, 0) + 1
            case Keep():
                why = (step.reason, step.law, step.until)
                tally.keep[why] = tally.keep.get(why, 0) + 1
            case Gap():
                tally.gaps[step.reason] = tally.gaps.get(step.reason, 0) + 1

    def at(self, store: str, category: str) -> _Open:
        """Return the counts of one category in one store, to be changed in place."""
        return self._stores.setdefault(store, {}).setdefault(category, _Open({}, {}, {}, {}))

    def merge(self, store: str, category: str, tally: Tally) -> None:
        """Add what was counted elsewhere."""
        mine = self.at(store, category)
        for verb, count in tally.do.items():
            mine.do[verb] = mine.do.get(verb, 0) + count
        for why, count in tally.keep.items():
            mine.keep[why] = mine.keep.get(why, 0) + count
        for gap, count in tally.gaps.items():
            mine.gaps[gap] = mine.gaps.get(gap, 0) + count
        for ground, count in tally.grounds.items():
            mine.grounds[ground] = mine.grounds.get(ground, 0) + count

    def done(self) -> dict[str, dict[str, Tally]]:
        """Return what was counted: store -> category -> tally, sorted."""
        return {
            store: {name: Tally(*each) for name, each in sorted(categories.items())}
            for store, categories in sorted(self._stores.items())
        }


class _Open(NamedTuple):
    do: dict[Verb, int]
    keep: dict[tuple[str, str, dt.date | None], int]
    gaps: dict[str, int]
    grounds: dict[str, int]


def _joined(fields: frozenset[str]) -> str:
    return "\0".join(sorted(fields))


def _split(text: str | None) -> frozenset[str]:
    return frozenset(text.split("\0")) if text else frozenset()


def _cells(decision: Decision) -> tuple[object, ...]:
    wanted, do, keep, gap, about, marks, excepted = decision
    return (
        do and do.verb,
        do and _joined(do.fields),
        wanted and wanted.verb,
        wanted and _joined(wanted.fields),
        wanted and wanted.ground,
        _joined(about),
        keep and keep.reason,
        keep and keep.law,
        keep.until.isoformat() if keep and keep.until else None,
        keep and _joined(keep.fields),
        gap and gap.reason,
        marks,
        excepted,
    )


def _row(cells: tuple[Any, ...]) -> Row:
    number, subject, store, digest, depth, again, restricted, category, key, via = cells[:10]
    verb, fields, wanted, wanted_fields, ground, about = cells[10:16]
    reason, law, until, kept, gap, marks, excepted = cells[16:]
    ground = ground or ""
    day = dt.date.fromisoformat(until) if until else None
    decision = Decision(
        _do(store, category, key, wanted, wanted_fields, ground),
        _do(store, category, key, verb, fields, ground),
        Keep(store, category, key, reason, law, day, _split(kept)) if reason else None,
        Gap(store, category, key, gap) if gap else None,
        _split(about),
        bool(marks),
        bool(excepted),
    )
    who = tuple(Identifier(kind, value) for kind, value in json.loads(via))
    flags = bool(again), bool(restricted)
    return Row(number, subject, store, digest, depth, *flags, category, key, who, decision)


def _do(  # noqa: PLR0917  (the cells of a row, in their order)
    store: str, category: str, key: str, verb: str | None, fields: str | None, ground: str
) -> Do | None:
    if not verb:
        return None
    owed = ground if verb in {"erase", "redact"} else ""
    return Do(store, category, key, cast("Verb", verb), _split(fields), owed)
