"""The values that everything else speaks in. All are frozen; none shows personal data in `repr`.

Datetimes are timezone-aware. A *key* is opaque, unique and stable within its store.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal, Protocol, get_args, runtime_checkable

from attrs import Attribute, field, frozen

__all__ = [
    "ERASES",
    "KINDS",
    "RIGHTS",
    "STATES",
    "VERBS",
    "WRITES",
    "Content",
    "Credential",
    "Do",
    "Finding",
    "Found",
    "Gap",
    "Hold",
    "Identifier",
    "Keep",
    "Kind",
    "Lock",
    "Outcome",
    "PackageInfo",
    "Receipt",
    "Record",
    "Request",
    "Right",
    "State",
    "Step",
    "Subject",
    "Tally",
    "Unread",
    "Verb",
]

Kind = Literal["phone", "sip", "email", "account", "call", "object", "usage", "ip"]
Right = Literal[
    "access",
    "portability",
    "rectification",
    "erasure",
    "restriction",
    "objection",
    "withdrawal",
]
Verb = Literal["export", "erase", "redact", "rectify", "annotate", "restrict", "unchanged"]
State = Literal["open", "verified", "confirmed", "restricted", "done", "incomplete", "refused"]
Outcome = Literal["", "upheld", "rejected"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
RIGHTS: Final[tuple[Right, ...]] = get_args(Right)
VERBS: Final[tuple[Verb, ...]] = get_args(Verb)
STATES: Final[tuple[State, ...]] = get_args(State)
#: The rights whose fulfilment writes to stores; they need a confirmed plan.
WRITES: Final[frozenset[Right]] = frozenset(
    {"rectification", "erasure", "restriction", "objection", "withdrawal"}
)
#: The rights by which data is erased (GDPR Arts. 17, 7(3), 21).
ERASES: Final[frozenset[Right]] = frozenset({"erasure", "withdrawal", "objection"})


def _aware(_: object, attribute: Attribute[Any], value: dt.datetime | None) -> None:
    if value is not None and value.tzinfo is None:
        msg = f"{attribute.name} needs a time zone"
        raise ValueError(msg)


@frozen
class Identifier:
    """What a store can be searched by, and when it belonged to the person.

    `tenure` is the half-open span `[since, until)`; a missing end is open. Phone numbers are
    E.164 with the plus (`dsr.phone.normalise`); SIP and e-mail addresses are lower case.
    """

    kind: Kind
    value: str = field(repr=False)
    since: dt.datetime | None = field(default=None, validator=_aware)
    until: dt.datetime | None = field(default=None, validator=_aware)

    @property
    def bounded(self) -> bool:
        """Whether the identifier may have belonged to somebody else before or after."""
        return self.since is not None or self.until is not None

    def covers(self, at: dt.datetime) -> bool:
        """Return whether `at` lies inside the tenure (law.md rule 28)."""
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


def _identifiers(value: Iterable[Identifier]) -> tuple[Identifier, ...]:
    return tuple(value)  # by its name, `tuple` as a converter would type as "of anything"


@frozen
class Subject:
    """The person: a set of identifiers. Never empty."""

    identifiers: tuple[Identifier, ...] = field(converter=_identifiers, repr=False)

    @identifiers.validator
    def _not_empty(self, _: object, value: tuple[Identifier, ...]) -> None:
        if not value:
            msg = "a subject needs at least one identifier"
            raise ValueError(msg)


@runtime_checkable
class Content(Protocol):
    """The bytes behind a record (a recording). A picklable value; opened only when needed.

    Implementations are frozen values. `chunks` may be called again and starts anew; it raises
    `StoreError` when the bytes cannot be read, never ends early in silence.
    """

    @property
    def name(self) -> str:
        """A file name for it, without folders. May hold personal data."""

    @property
    def size(self) -> int | None:
        """Its size in bytes, where the store knows."""

    @property
    def mediatype(self) -> str:
        """Its media type, `application/octet-stream` where unknown."""

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes in order, in pieces of at most 256 KiB."""


@frozen
class Lock:
    """The store's own refusal to change a record (S3 Object Lock, a file still written)."""

    reason: str
    until: dt.datetime | None = field(default=None, validator=_aware)


_NONE: Final[frozenset[str]] = frozenset()


@frozen
class Record:
    """One thing found in a store: a call, a contact, a log line, a recording.

    `data` maps field names to values (str, int, float, Decimal, bool, None, bytes, aware
    datetime, date, or lists and dicts of them). `personal` names all fields that speak about
    anybody at all: what of it is not in a `Found.about` speaks about somebody else. Fields
    that are empty are in neither. A record whose `personal` is empty speaks of nobody but
    whom it was found for. `markable` says that a store which restricts can mark this record,
    and that it keeps its key then.
    """

    key: str = field(repr=False)
    category: str
    data: Mapping[str, object] = field(repr=False)
    at: dt.datetime | None = field(default=None, repr=False)  # hot: checked by ConnectorSuite
    personal: frozenset[str] = _NONE
    content: Content | None = field(default=None, repr=False)
    links: tuple[Identifier, ...] = field(default=(), repr=False)
    lock: Lock | None = None
    restricted: bool = False
    markable: bool = True


@frozen
class Found:
    """A record, the identifier that matched it, and which of its fields speak about that.

    `about` holds names of `record.data`, or a part of such a field that the connector can
    redact by itself (`line[48:61]`), or `content`. Only fields that hold something are named:
    after a redaction the redacted ones are not.
    """

    who: Identifier
    record: Record
    about: frozenset[str]


@frozen
class Unread:
    """A part of a store that could not be read, and why. Travels the same way as `Found`.

    `category` may be empty when it is not known what the part would have held. `store` is
    filled in by `dsr.find`. Never names a person or a file that may be named after one.
    """

    reason: str
    category: str = ""
    store: str = ""
    whole: bool = False  # nothing of the store could be read, or reading broke off


@frozen
class Finding:
    """What a store's `check` says of it, in one sentence that names no person.

    `kind` is one of

    - `fault`: the store or its settings are wrong, and requests will end in gaps or errors
    - `right`: what the database user, the key or the operating system does not allow
    - `left`: what an erasure in this store would leave behind, and where (a backup, a replica,
      a copy in a daemon's memory); true of a store in order, too
    - `advice`: it works, but slowly, or with less than the platform offers
    """

    kind: Literal["fault", "right", "left", "advice"]
    text: str


@frozen
class Credential:
    """What a store keeps of a SIP password: the hash HA1 that a digest is checked against.

    `ha1` is hash(username:realm:password) in lower-case hexadecimal, by `algorithm` (the names
    of RFC 7616 and RFC 8760). The password itself is never read.
    """

    username: str = field(repr=False)
    realm: str
    algorithm: Literal["MD5", "SHA-256", "SHA-512-256"]
    ha1: str = field(repr=False)


@frozen
class Hold:
    """A reason not to touch some records or fields for a while: a case, a statutory duty.

    It holds records that match all it names: found for `subject` (any when None; a single call
    is a subject with a `call` identifier), of one of `categories` (any when empty), with `at`
    in `[since, before)` (an undated record counts as inside). Of these it holds `fields` (the
    whole record when empty), because of `reason` and `law`, until the day `until` (open-ended
    when None) or until it is released. `ground` is the exception of GDPR Art. 17(3) and, for
    the legal duty of (b), `jurisdiction` whose law it is. `request` is set where a restriction
    (Art. 18) stands as a hold: it does not bind the person who asked for it.
    """

    id: str
    case: str
    reason: str
    law: str
    until: dt.date | None = None
    subject: Subject | None = None
    categories: frozenset[str] = _NONE
    since: dt.datetime | None = field(default=None, validator=_aware)
    before: dt.datetime | None = field(default=None, validator=_aware)
    fields: frozenset[str] = _NONE
    ground: str = "17(3)(e)"
    jurisdiction: str = ""
    request: str = ""


@frozen
class Do:
    """This will be (or was) done to the record: `verb`, on `fields` where it is partial.

    `ground` is the point of GDPR Art. 17(1) by which an erasure is owed; empty for other acts.
    """

    store: str
    category: str
    key: str = field(repr=False)
    verb: Verb = "export"
    fields: frozenset[str] = _NONE
    ground: str = ""


@frozen
class Keep:
    """The record, or `fields` of it, is left as it is: why, by which law, and until when.

    `until` is the first day on which the reason no longer holds; None where no date is known.
    Empty `fields` means the whole record.
    """

    store: str
    category: str
    key: str = field(repr=False)
    reason: str = ""
    law: str = ""
    until: dt.date | None = None
    fields: frozenset[str] = _NONE


@frozen
class Gap:
    """The record (or, with an empty key, a part of the store) could not be handled, and why."""

    store: str
    category: str
    key: str = field(repr=False)
    reason: str = ""
    fields: frozenset[str] = _NONE


Step = Do | Keep | Gap


@frozen
class Tally:
    """The steps of one category in one store, counted.

    `do` counts records by verb; `keep` by (reason, law, until); `gaps` by reason. A store or
    part of a store that could not be read counts as one gap: how many records lie behind it
    is not known. `grounds` counts what was erased or emptied by the point of GDPR Art. 17(1)
    for it. Under an erasure, `restrict` counts kept records that are restricted to being kept:
    the same records that `keep` counts.
    """

    do: Mapping[Verb, int] = field(factory=dict)
    keep: Mapping[tuple[str, str, dt.date | None], int] = field(factory=dict)
    gaps: Mapping[str, int] = field(factory=dict)
    grounds: Mapping[str, int] = field(factory=dict)

    def restricts_kept(self, right: Right) -> bool:
        """Return whether what was restricted is what an erasure keeps, and not GDPR Art. 18."""
        return bool(self.keep) and right in ERASES


@frozen
class PackageInfo:
    """Where the package is, its size in bytes and its SHA-256 in hexadecimal."""

    path: str
    size: int
    sha256: str


@frozen
class Request:
    """One exercise of a right.

    `state`: `open` until the person is `verified`; `confirmed` once a plan's token was passed;
    `incomplete` while something is kept or could not be reached; `restricted` while data is
    restricted because of it, until a person decides or lifts it; `done` or `refused` at the
    end. `received` is when it reached the operator; `due` the strict last day (GDPR Art.
    12(3)), after an extension the extended one. `changes` are the fields to set (rectification
    only). `ground` is the point of the article that the person relies on, such as `18(1)(c)`
    or `17(1)(b)`, or empty. `outcome` is what a person decided of an objection or a dispute.
    """

    id: str
    right: Right
    state: State
    received: dt.datetime = field(validator=_aware)
    due: dt.date
    language: str = "en"
    changes: Mapping[str, str] = field(factory=dict, repr=False)
    ground: str = ""
    outcome: Outcome = ""
    extended: bool = False


@frozen
class Receipt:
    """The proof of what was done, kept and not reached; holds no personal data.

    `stores` maps store -> category -> `Tally`. `proved` maps each store that a fresh reading
    showed to have nothing left to do to the time of that reading; it claims nothing of others.
    `signature` is Ed25519 over the canonical JSON of everything else (base64).
    """

    request: str
    right: Right
    state: State
    at: dt.datetime = field(validator=_aware)
    stores: Mapping[str, Mapping[str, Tally]]
    proved: Mapping[str, dt.datetime]
    package: PackageInfo | None = None
    signature: str = ""
