"""`connector = "kamailio-location"`: where telephones are, in the memory of a running Kamailio.

A binding (contact) that a telephone registered is routed from memory. A row deleted by SQL from
`location` leaves it alive, and `db_mode = 0` has no rows at all; only Kamailio's own `ul.rm`
removes both. Calls in progress are in memory, too: they are shown, and left to end.

::

    [stores.registrar]
    connector = "kamailio-location"
    rpc = "unix:/run/kamailio/kamailio_rpc.sock"   # or "http://…/RPC", "udp:…", "env:NAME"
    domains = ["sip.example.org"]                  # the SIP domains that it serves
    table = "location"                             # what save() and lookup() name
    patience = 75                                  # seconds: timer_interval, and some more
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

from attrs import Attribute, field, frozen
from attrs.validators import ge

from dsr.errors import Refused, StoreUnavailable
from dsr.model import Finding, Found, Identifier, Kind, Unread
from dsr.settings import Context, settings
from dsr_kamailio import bindings
from dsr_kamailio.dialogs import dialogs
from dsr_kamailio.memory import kept_in_memory
from dsr_kamailio.parties import Parties
from dsr_kamailio.rpc import Fault, Rpc, Session, is_url

__all__ = ["Location", "from_config"]

_ACCEPTS: Final[frozenset[Kind]] = frozenset({"phone", "sip", "call"})
_LOOKUP: Final = "ul.lookup"
_REMOVE: Final = "ul.rm"
_DIALOGS: Final = "dlg.list"
_PAUSE: Final = 0.2  # seconds between two looks
_ENV: Final = "env:"


@frozen
class Location:
    """The bindings of one location table of one Kamailio, and the calls in progress there.

    rpc       where Kamailio takes commands: see `dsr_kamailio.rpc`, or `env:NAME`
    table     the location table
    domains   the SIP domains that it serves
    category  of bindings; `calls` that of calls in progress
    patience  seconds that an erasure waits for Kamailio's timer
    """

    name: str
    rpc: str = field(repr=False)
    domains: tuple[str, ...]
    region: str
    table: str = "location"
    category: str = "registrations"
    calls: str = "calls_in_progress"
    patience: int = 75

    @property
    def accepts(self) -> frozenset[Kind]:
        """Addresses of record, numbers that stand in their place, and calls."""
        return _ACCEPTS

    @property
    def categories(self) -> frozenset[str]:
        """Those of bindings and of calls in progress."""
        return frozenset({self.category, self.calls})

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        """Yield the address of record of each of `who` that has bindings, and their calls.

        Raises `StoreUnavailable` when Kamailio does not answer, or has no such table.
        """
        if not who:
            return
        with self._session() as session:
            by_domain = self._uses_domains(session)
            asked = bindings.asked(who, self.domains, self.region, by_domain=by_domain)
            for aor, people in asked.items():
                contacts = self._lookup(session, aor)
                if contacts is not None:
                    key = json.dumps([self.table, aor])
                    record = bindings.record(key, self.category, aor, contacts)
                    for each in people:
                        yield Found(each, record, record.personal)
            parties = Parties(self.domains, self.region)
            yield from dialogs(self._dialogs(session), who, self.calls, parties)

    def erase(self, keys: Sequence[str]) -> None:
        """Remove all bindings of each address of record, from memory and from the database.

        With `db_mode = 2` Kamailio marks them at once, so that nothing is routed to them, and
        forgets them and their rows with its next timer run (`timer_interval`, 60 seconds): that
        is waited for. A telephone that still knows its password comes back with its next
        registration: erase its subscriber as well. Raises `Refused` for a call in progress, and
        where a binding is still there after all.
        """
        left = [self._aor(key) for key in keys]
        if not left:
            return
        end = time.monotonic() + self.patience
        with self._session() as session:
            for aor in left:
                self._call(session, _REMOVE, self.table, aor)
            while left := [aor for aor in left if self._lookup(session, aor) is not None]:
                if time.monotonic() > end:
                    break
                time.sleep(_PAUSE)
        if left:
            what = "Kamailio still has a binding that it was told to remove"
            fix = "erase the subscriber too, or its telephone returns; else run it again"
            raise Refused(self.name, what, fix)

    def check(self) -> Sequence[Finding]:
        """Return which RPC methods are missing, and what else Kamailio keeps in its memory."""
        with self._session() as session:
            self._uses_domains(session)
            methods = set(self._call(session, "system.listMethods"))
            missing = [each for each in (_LOOKUP, _REMOVE) if each not in methods]
            found = [
                Finding("right", f"Kamailio has no RPC method {each}: load the module usrloc")
                for each in missing
            ]
            return [*found, *kept_in_memory(self._call(session, "core.modules"))]

    def _session(self) -> AbstractContextManager[Session]:
        return Rpc(self.name, _url(self.name, self.rpc)).session()

    def _aor(self, key: str) -> str:
        try:
            table, aor = json.loads(key)
        except (ValueError, TypeError):
            table, aor = None, ""
        if table != self.table or not isinstance(aor, str):
            what = "a record is a call in progress, or none of this store"
            raise Refused(self.name, what, "wait for its end, and plan again")
        return aor

    def _uses_domains(self, session: Session) -> bool:
        """Return whether an address of record has a domain (`use_domain`): Kamailio tells."""
        try:
            session.call(_LOOKUP, self.table, "")
        except Fault as fault:
            if bindings.lacks_domain(fault.message):
                return True
            if bindings.is_nobody(fault.message):
                return False
            raise self._failed(_LOOKUP, fault) from None
        return False

    def _lookup(self, session: Session, aor: str) -> list[Mapping[str, Any]] | None:
        """Return the contacts of an address of record; None where memory does not know it."""
        try:
            found = session.call(_LOOKUP, self.table, aor)
        except Fault as fault:
            if bindings.is_nobody(fault.message):
                return None
            if bindings.is_without_contacts(fault.message):
                return []
            raise self._failed(_LOOKUP, fault) from None
        return [each["Contact"] for each in found["Contacts"]]

    def _dialogs(self, session: Session) -> list[Mapping[str, Any]]:
        try:
            found: list[Mapping[str, Any]] = session.call(_DIALOGS)
        except Fault as fault:
            if fault.message == "Method Not Found":  # no module dialog: Kamailio keeps no calls
                return []
            raise self._failed(_DIALOGS, fault) from None
        return found

    def _call(self, session: Session, method: str, *params: str) -> Any:  # noqa: ANN401  (JSON)
        try:
            return session.call(method, *params)
        except Fault as fault:
            raise self._failed(method, fault) from None

    def _failed(self, method: str, fault: Fault) -> StoreUnavailable:
        what = f"Kamailio does not do {method}"
        if bindings.is_no_table(fault.message):
            what = "Kamailio has no location table of this name"
            return StoreUnavailable(self.name, what, f"correct stores.{self.name}.table")
        return StoreUnavailable(self.name, what, "load usrloc, and let dsr call the method")


def _check_rpc(_: object, _attribute: Attribute[str], value: str) -> None:
    if not value.startswith(_ENV) and not is_url(value):
        msg = 'write "unix:/run/kamailio/kamailio_rpc.sock", "udp:HOST:PORT", a URL or "env:NAME"'
        raise ValueError(msg)


def _check_domains(_: object, _attribute: Attribute[tuple[str, ...]], value: Sequence[str]) -> None:
    if not value:
        msg = "list the SIP domains that this Kamailio serves"
        raise ValueError(msg)


def _url(store: str, source: str) -> str:
    if not source.startswith(_ENV):
        return source
    name = source.removeprefix(_ENV)
    url = os.environ.get(name, "")
    if not is_url(url):
        what = f"the environment variable {name} holds no address of an RPC interface"
        raise StoreUnavailable(store, what, "set it as stores.NAME.rpc is written")
    return url


@frozen
class _Settings:
    """`[stores.NAME]`."""

    domains: tuple[str, ...] = field(validator=_check_domains)
    rpc: str = field(default="unix:/run/kamailio/kamailio_rpc.sock", validator=_check_rpc)
    table: str = "location"
    category: str = "registrations"
    calls: str = "calls_in_progress"
    patience: int = field(default=75, validator=ge(0))


def from_config(name: str, table: Mapping[str, object], context: Context) -> Location:
    """Return the store that `[stores.NAME]` describes. Raises `ConfigurationError`."""
    own = settings(_Settings, table, f"stores.{name}")
    return Location(
        name=name,
        rpc=own.rpc,
        domains=tuple(each.lower() for each in own.domains),
        region=context.region,
        table=own.table,
        category=own.category,
        calls=own.calls,
        patience=own.patience,
    )
