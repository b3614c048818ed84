"""The one way to read: export, plan and proof all go through `find`.

A reading asks each store once for the whole batch, then follows the links of what was found,
wave by wave, until no link is left. It assigns each record to the subjects inside whose tenure
it lies, and merges what several identifiers of one subject found into one hit.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from typing import Final, NamedTuple

from attrs import define, evolve, field

from dsr.connector import Connector, Splits
from dsr.errors import StoreError
from dsr.model import Found, Identifier, Kind, Record, Subject, Unread
from dsr.spool import Link, Spool, Spot

__all__ = ["PERSON", "THINGS", "Hit", "Reading"]

logger = logging.getLogger(__name__)

#: Kinds that stand for a person. A link of these kinds is only followed from a record that
#: speaks of nobody else: the account on a call is the caller's, not the callee's (law 7).
PERSON: Final[frozenset[Kind]] = frozenset({"phone", "sip", "email", "account", "usage", "ip"})

#: Kinds that stand for a thing, which two people may share.
THINGS: Final[frozenset[Kind]] = frozenset({"call", "object"})

_BUFFER: Final = 5_000  # links that are written to the spool together
_PARTS_AHEAD: Final = 4  # parts of a split store whose results may wait in memory
_NOWHERE: Final = Spot("", 0)


class Hit(NamedTuple):
    """A record found for a subject (its index in the batch).

    `about` are the fields that speak of this subject; `depth` how many links led here; `via`
    the identifiers that matched. With `again`, the same record was found for this subject
    before, and `about` holds only what is new. `undecidable` says that the record bears no
    time and the identifier may have belonged to somebody else.
    """

    subject: int
    store: str
    record: Record
    about: frozenset[str]
    depth: int
    via: tuple[Identifier, ...]
    again: bool
    undecidable: bool

    @property
    def spot(self) -> Spot:
        """Where the record is."""
        return Spot(self.store, hash(self.record.key))

    @property
    def others(self) -> frozenset[str]:
        """The fields that speak of somebody else."""
        return self.record.personal - self.about


class _Match(NamedTuple):
    """What one record has to do with one subject."""

    about: frozenset[str]
    via: tuple[Identifier, ...]
    undecidable: bool

    def united(self, other: _Match) -> _Match:
        """Return what both say: a record is decidable as soon as one identifier decides it."""
        via = self.via if other.via[0] in self.via else self.via + other.via
        return _Match(self.about | other.about, via, self.undecidable and other.undecidable)


Index = dict[tuple[Kind, str], list[tuple[Identifier, int]]]


@define
class Reading:
    """One pure reading of every store for a batch of subjects.

    Iterate it once; afterwards `unread` names the stores of which something could not be read,
    and `unasked` and `read` tell what that means for one subject. `executor` reads the parts of
    stores that split. With `roots`, it follows these instead of the subjects' identifiers: links
    of records that were found otherwise, so that what it finds is one link away from them.
    """

    connectors: Sequence[Connector]
    subjects: Sequence[Subject]
    spool: Spool
    executor: Executor | None = None
    roots: Sequence[Link] | None = None
    _asked: dict[str, set[int]] = field(factory=dict, init=False)
    unread: set[str] = field(factory=set, init=False)
    _links: list[Link] = field(factory=list, init=False)

    def __iter__(self) -> Iterator[Hit | Unread]:
        """Yield every hit of every store, and what could not be read."""
        useful = frozenset[Kind]().union(*(each.accepts for each in self.connectors))
        if self.roots is None:
            roots = [
                (who, number)
                for number, subject in enumerate(self.subjects)
                for who in subject.identifiers
            ]
            self.spool.add_links(0, [Link(who, number, _NOWHERE) for who, number in roots])
            yield from self._wave(0, _index(roots), useful)
        else:
            self.spool.add_links(1, [each for each in self.roots if each.who.kind in useful])
        wave = 1
        while True:
            met = False
            for chunk in self.spool.links(wave):
                met = True
                yield from self._wave(wave, _index(chunk), useful)
            if not met:
                break
            wave += 1

    def _wave(self, wave: int, index: Index, useful: frozenset[Kind]) -> Iterator[Hit | Unread]:
        for connector in self.connectors:
            who = [Identifier(*each) for each in index if each[0] in connector.accepts]
            if who:
                asked = self._asked.setdefault(connector.name, set())
                for each in who:
                    asked.update(subject for _, subject in index[each.kind, each.value])
                yield from self._store(connector, who, index, wave, useful)
        self._flush(wave)

    def _store(
        self,
        connector: Connector,
        who: Sequence[Identifier],
        index: Index,
        wave: int,
        useful: frozenset[Kind],
    ) -> Iterator[Hit | Unread]:
        for group in _groups(self._guarded(connector, who)):
            if isinstance(group, Unread):
                self.unread.add(connector.name)
                yield evolve(group, store=connector.name)
                continue
            record = group[0].record
            for subject, match in self._assign(group, index):
                hit = self._hit(connector.name, record, subject, match, wave)
                if hit is not None:
                    if record.links and not (hit.again or hit.undecidable):
                        self._follow(hit, useful)
                    yield hit

    def _guarded(self, connector: Connector, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        """Read one store, and turn whatever goes wrong into `Unread`: never into less."""
        try:
            yield from self._read(connector, who)
        except StoreError as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001  (a connector's bug must not shrink the answer)
            # the message of a foreign error may quote data: only its type is told
            reason = f"reading ended with an unexpected {type(error).__name__}: report it"
        else:
            return
        logger.warning("store %s could not be read", connector.name)
        yield Unread(reason, whole=True)

    def _read(self, connector: Connector, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        if self.executor is None or not isinstance(connector, Splits):
            yield from connector.find(who)
            return
        parts = connector.split()
        if len(parts) == 1:  # nothing to do side by side: streaming holds less in memory
            yield from parts[0].find(who)
            return
        waiting: deque[Future[list[Found | Unread]]] = deque()
        for part in parts:
            waiting.append(self.executor.submit(_collect, part, who))
            if len(waiting) > _PARTS_AHEAD:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()

    def _assign(self, group: Sequence[Found], index: Index) -> Iterable[tuple[int, _Match]]:
        """Assign one record to the subjects whose identifiers it was found by, in their tenure."""
        if len(group) == 1:  # the common case: one identifier, of one person, for all time
            found = group[0]
            holders = index[found.who.kind, found.who.value]
            if len(holders) == 1 and not (who := holders[0][0]).bounded:
                return ((holders[0][1], _Match(found.about, (who,), undecidable=False)),)
        matches: dict[int, _Match] = {}
        for found in group:
            at = found.record.at
            for who, subject in index[found.who.kind, found.who.value]:
                if at is not None and who.bounded and not who.covers(at):
                    continue  # somebody else's: outside the tenure (law 7)
                match = _Match(found.about, (who,), undecidable=at is None and who.bounded)
                old = matches.get(subject)
                matches[subject] = match if old is None else old.united(match)
        return matches.items()

    def _hit(
        self, store: str, record: Record, subject: int, match: _Match, wave: int
    ) -> Hit | None:
        """Return the hit, or None when this subject's record is known from an earlier wave."""
        about, via, undecidable = match
        hit = Hit(subject, store, record, about, wave, via, again=False, undecidable=undecidable)
        if not wave:
            self.spool.remember(subject, store, hash(record.key), about)
            return hit
        new = self.spool.see(subject, hit.spot, about)
        if new is None:
            return hit
        return hit._replace(about=new, again=True) if new else None

    def _follow(self, hit: Hit, useful: frozenset[Kind]) -> None:
        shared = bool(hit.others)
        self._links += [
            Link(link, hit.subject, hit.spot)
            for link in hit.record.links
            if link.kind in useful and not (shared and link.kind in PERSON)
        ]
        if len(self._links) >= _BUFFER:
            self._flush(hit.depth)

    def _flush(self, wave: int) -> None:
        self.spool.add_links(wave + 1, self._links)
        self._links.clear()

    def unasked(self, subject: int) -> Iterator[Unread]:
        """Yield the stores that could hold data of a subject and were not asked (law 4).

        That is when no identifier of a kind that they know is known of this person. A store
        that is reached through links alone holds nothing of a person to whom no link leads.
        """
        for connector in self.connectors:
            people = sorted(connector.accepts & PERSON)
            if people and subject not in self._asked.get(connector.name, ()):
                yield Unread(
                    f"store {connector.name}: not searched, because it is searched by"
                    f" {' or '.join(people)} and none is known of this person",
                    store=connector.name,
                    whole=True,
                )

    def read(self, subject: int) -> frozenset[str]:
        """Return the stores that this reading, once finished, can speak for (law 11).

        A store that is reached through links is only covered when every store was read: the
        link may lie in the one that was not.
        """
        unasked = {each.store for each in self.unasked(subject)}
        clean = {each.name for each in self.connectors} - self.unread - unasked
        if self.unread or unasked:
            clean -= {each.name for each in self.connectors if each.accepts & THINGS}
        return frozenset(clean)


def _groups(items: Iterable[Found | Unread]) -> Iterator[list[Found] | Unread]:
    """Put together what is said of one record: the seam makes it adjacent."""
    group: list[Found] = []
    key = ""
    for item in items:
        if isinstance(item, Unread):
            yield item
        elif group and item.record.key == key:
            group.append(item)
        else:
            if group:
                yield group
            group, key = [item], item.record.key
    if group:
        yield group


def _collect(part: Connector, who: Sequence[Identifier]) -> list[Found | Unread]:
    """Read a part of a store in a worker."""
    return list(part.find(who))


def _index(links: Iterable[tuple[Identifier, int]]) -> Index:
    """Map what a store is asked for to the subjects who hold it, and when."""
    index: Index = {}
    for who, subject in links:
        index.setdefault((who.kind, who.value), []).append((who, subject))
    return index
