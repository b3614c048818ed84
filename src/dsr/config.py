"""`dsr.toml` to a `Desk`: every setting checked, every error names the key and the fix."""

from __future__ import annotations

import datetime as dt
import os
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final, TypeVar, cast

from attrs import field, frozen

from dsr.assurance import Assurance
from dsr.assurance import from_config as assurance_from_config
from dsr.connector import Connector
from dsr.delivering import Delivery
from dsr.desk import Desk
from dsr.errors import ConfigurationError, InputError, InvalidIdentifier
from dsr.identify import identify
from dsr.identity import OneTimePin
from dsr.identity import from_config as identity_from_config
from dsr.ledger import Ledger, read_key
from dsr.model import KINDS, Hold, Subject
from dsr.package import worded
from dsr.policy.law import LegalException, check_jurisdiction, ground_of
from dsr.policy.model import (
    Answers,
    Category,
    Deadlines,
    Operator,
    Policy,
    Unresolved,
    check_period,
)
from dsr.settings import Context, database_url, layered, settings

__all__ = ["GROUP", "Configuration", "default_path", "load"]

#: The entry-point group of connectors: each loads to `from_config(name, table, context)`.
GROUP: Final = "dsr.connectors"

T = TypeVar("T")

_DEEPEST: Final = 5  # files that extend each other in a row
_PIN: Final = "one-time-pin"
_TABLES: Final = frozenset({_PIN, "standing-pin", "sip", "login", "line"})


@frozen
class _Ledger:
    """`[ledger]`: where the ledger is, where its key is read from, how long backups are kept."""

    url: str
    key: str
    backups: str = field(default="", validator=check_period)


@frozen
class _Identity:
    """`[identity]`, but for its tables: `dsr.assurance` and `dsr.identity` check those."""

    accounts: str = ""
    levels: Mapping[str, str] = field(factory=dict)
    four_eyes: tuple[str, ...] = ()


@frozen
class _Hold:
    """`[[holds]]`: a hold that stands in the configuration."""

    case: str
    reason: str
    law: str
    until: dt.date | None = None
    categories: tuple[str, ...] = ()
    since: dt.datetime | None = None
    before: dt.datetime | None = None
    fields: tuple[str, ...] = ()
    phone: str = ""
    sip: str = ""
    email: str = ""
    account: str = ""
    call: str = ""
    ground: LegalException | None = None
    jurisdiction: str = ""


@frozen
class _File:
    """The whole file. What a store's table may hold is its connector's affair."""

    operator: Operator
    ledger: _Ledger
    identity: _Identity
    stores: Mapping[str, Mapping[str, object]]
    categories: Mapping[str, Category]
    holds: tuple[_Hold, ...] = ()
    deadlines: Deadlines = field(factory=Deadlines)
    unresolved: Mapping[str, Unresolved] = field(factory=dict)
    answers: Answers = field(factory=Answers)
    staff: Mapping[str, Mapping[str, object]] = field(factory=dict)
    delivery: Delivery = field(factory=Delivery)


@frozen
class Configuration:
    """A checked `dsr.toml`; nothing is opened or reached yet."""

    path: Path
    policy: Policy
    connectors: tuple[Connector, ...]
    holds: tuple[Hold, ...]
    ledger_url: str = field(repr=False)
    ledger_key: str
    accounts: str
    pin: OneTimePin
    backups: str = ""
    assurance: Assurance = field(factory=Assurance)
    delivery: Delivery = field(factory=Delivery)

    @property
    def context(self) -> Context:
        """What connectors are told besides their own table."""
        return Context(self.policy.operator.region, self.path.parent)

    def desk(self) -> Desk:
        """Open the ledger and return the desk.

        Raises `LedgerError` when the ledger cannot be opened, `ConfigurationError` when its key
        cannot be read.
        """
        key = read_key(self.ledger_key, self.path.parent)
        return Desk(
            stores=self.connectors,
            policy=self.policy,
            ledger=Ledger.open(self.ledger_url, key),
            pin=self.pin,
            accounts=self.accounts,
            holds=self.holds,
            backups=self.backups,
            assurance=self.assurance,
            delivery=self.delivery,
        )


def load(path: Path) -> Configuration:
    """Read and check a configuration file, and those that it extends.

    A file that `extends` another need only say what it says otherwise; relative paths in
    either start from the folder of `path`. Raises `ConfigurationError` that names the file,
    the key and the fix.
    """
    return _configuration(_extended(path), path)


def _extended(path: Path, *, depth: int = 0) -> dict[str, object]:
    """Return the table of a file, laid over that of the file that its `extends` names."""
    table = _table(path)
    base = table.pop("extends", "")
    if not isinstance(base, str) or depth > _DEEPEST:
        what = f"extends in {path} is not the path of another configuration"
        raise ConfigurationError(what, "name the file whose settings this one completes")
    if not base:
        return table
    return layered(_extended(path.parent / base, depth=depth + 1), table)


def _table(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        what = f"there is no configuration at {path}"
        fix = "write one with `dsr init`, or name another with --config"
        raise ConfigurationError(what, fix) from None
    except (OSError, UnicodeDecodeError) as error:
        what = f"{path} cannot be read ({type(error).__name__})"
        raise ConfigurationError(what, "check its permissions and encoding") from None
    except tomllib.TOMLDecodeError as error:
        what = f"{path} is not valid TOML"
        raise ConfigurationError(what, str(error)) from None


def _configuration(table: Mapping[str, object], path: Path) -> Configuration:
    identity, rest = _apart(table)
    file = settings(_File, rest, "")
    pin = cast("Mapping[str, object]", identity.get(_PIN, {}))
    context = Context(file.operator.region, path.parent)
    problems: list[str] = []

    def tried(check: Callable[[], list[T]]) -> list[T]:
        """Go on after a mistake, so that one run tells all of them."""
        try:
            return check()
        except ConfigurationError as error:
            problems.append(str(error))
            return []

    connectors = [
        connector
        for name, store in file.stores.items()
        for connector in tried(partial(_connector, name, store, context))
    ]
    holds = [
        hold
        for number, each in enumerate(file.holds)
        for hold in tried(partial(_hold, each, number, context, file.categories))
    ]
    pins = tried(lambda: [identity_from_config(pin, context)])
    answers = tried(lambda: [worded(file.answers, path.parent)])
    problems += _misnamed(file, connectors)
    assured = tried(lambda: [assurance_from_config(identity, file.staff, context, connectors)])
    if problems:
        what = "; ".join(dict.fromkeys(problems))
        raise ConfigurationError(what)
    return Configuration(
        path=path,
        policy=Policy(
            operator=file.operator,
            categories=file.categories,
            deadlines=file.deadlines,
            unresolved=file.unresolved,
            answers=answers[0],
        ),
        connectors=tuple(connectors),
        holds=tuple(holds),
        ledger_url=database_url(file.ledger.url, path.parent),
        ledger_key=file.ledger.key,
        accounts=file.identity.accounts,
        assurance=assured[0],
        pin=pins[0],
        backups=file.ledger.backups,
        delivery=file.delivery,
    )


def _apart(table: Mapping[str, object]) -> tuple[Mapping[str, object], dict[str, object]]:
    """Return `[identity]`, and the file without those of its tables that others check.

    Their names are none that a field of `_Identity` could have.
    """
    identity = table.get("identity", {})
    if not isinstance(identity, Mapping):
        return {}, dict(table)
    for name in _TABLES.intersection(identity):
        if not isinstance(identity[name], Mapping):
            what = f"identity.{name} is not a table"
            raise ConfigurationError(what, f"write [identity.{name}]")
    rest = {key: value for key, value in identity.items() if key not in _TABLES}
    return identity, dict(table) | ({"identity": rest} if "identity" in table else {})


def _connector(name: str, table: Mapping[str, object], context: Context) -> list[Connector]:
    known = {each.name: each for each in entry_points(group=GROUP)}
    wanted = table.get("connector")
    if not isinstance(wanted, str) or wanted not in known:
        what = f"stores.{name}.connector is missing or names no installed connector"
        raise ConfigurationError(what, f"installed: {', '.join(sorted(known))}")
    rest = {key: value for key, value in table.items() if key != "connector"}
    try:
        build = cast(
            "Callable[[str, Mapping[str, object], Context], Connector]", known[wanted].load()
        )
    except Exception as error:
        what = f"stores.{name}: connector {wanted} cannot be loaded ({type(error).__name__})"
        raise ConfigurationError(what, "reinstall the distribution that brings it") from error
    return [build(name, rest, context)]


def _misnamed(file: _File, connectors: Sequence[Connector]) -> Iterator[str]:
    """Yield what names a store or category that is not there."""
    if file.identity.accounts and file.identity.accounts not in file.stores:
        yield f"identity.accounts names no store: stores are {', '.join(file.stores)}"
    if file.delivery.contact and not file.identity.accounts:
        yield "delivery.contact is a field of the store of accounts: set identity.accounts"
    for connector in connectors:
        for name in sorted(connector.categories - file.categories.keys()):
            yield f"stores.{connector.name} holds category {name}: add [categories.{name}]"


def _hold(
    given: _Hold, number: int, context: Context, categories: Mapping[str, Category]
) -> list[Hold]:
    where = f"holds[{number}]"
    if not categories.keys() >= set(given.categories):
        what = f"{where}.categories names one that is no category"
        raise ConfigurationError(what, f"categories are {', '.join(categories)}")
    who = []
    for kind in KINDS:
        if value := getattr(given, kind, ""):
            try:
                who.append(identify(kind, value, context.region))
            except InvalidIdentifier as error:
                what = f"{where}.{kind}: {error.what}"
                raise ConfigurationError(what, error.fix) from None
    try:
        ground = ground_of(given.law, given.ground)
    except InputError as error:
        what = f"{where}.ground: {error.what}"
        raise ConfigurationError(what, error.fix) from None
    try:
        check_jurisdiction(given.jurisdiction)
    except InputError as error:
        what = f"{where}.jurisdiction: {error.what}"
        raise ConfigurationError(what, error.fix) from None
    hold = Hold(
        id=f"config-{number + 1}",
        case=given.case,
        reason=given.reason,
        law=given.law,
        until=given.until,
        subject=Subject(tuple(who)) if who else None,
        categories=frozenset(given.categories),
        since=given.since,
        before=given.before,
        fields=frozenset(given.fields),
        ground=ground,
        jurisdiction=given.jurisdiction,
    )
    return [hold]


def default_path() -> Path:
    """Return the configuration that commands use when none is named."""
    return Path(os.environ.get("DSR_CONFIG", "dsr.toml"))
