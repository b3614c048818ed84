"""`dsr.toml` to a `Desk`: every setting checked, every error names the key and the fix."""

from __future__ import annotations

import datetime as dt
import difflib
import os
import tomllib
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final, cast

from attrs import field, frozen

from dsr.connector import Connector
from dsr.desk import Desk
from dsr.errors import ConfigurationError
from dsr.identify import identify
from dsr.identity import from_config as identity_from_config
from dsr.ledger import Ledger, read_key
from dsr.model import KINDS, RIGHTS, Hold, Subject
from dsr.policy.model import Category, Operator, Policy
from dsr.settings import Context, database_url, settings

__all__ = ["GROUP", "Configuration", "default_path", "load"]

#: The entry-point group of connectors: each loads to `from_config(name, table, context)`.
GROUP: Final = "dsr.connectors"

_SECTIONS: Final = ("operator", "ledger", "identity", "stores", "categories", "holds")


@frozen
class _Ledger:
    """`[ledger]`: where the ledger is, and where its key is read from."""

    url: str
    key: str


@frozen
class _Identity:
    """`[identity]`: the store of numbers on file, and what each right needs."""

    accounts: str = ""
    levels: dict[str, str] = field(factory=dict)


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
    identity: Mapping[str, object] = field(repr=False)

    @property
    def context(self) -> Context:
        """What connectors are told besides their own table."""
        return Context(self.policy.operator.country, self.path.parent)

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
            pin=identity_from_config(self.identity, self.context),
            accounts=self.accounts,
            holds=self.holds,
        )


def load(path: Path) -> Configuration:
    """Read and check a configuration file.

    Raises `ConfigurationError` that names the file, the key and the fix.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
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
    return _configuration(table, path)


def _configuration(table: Mapping[str, object], path: Path) -> Configuration:
    for name in table:
        if name not in _SECTIONS:
            near = difflib.get_close_matches(name, _SECTIONS, n=1)
            what = f"unknown section [{name}]"
            known = f"known sections: {', '.join(_SECTIONS)}"
            raise ConfigurationError(what, f"did you mean [{near[0]}]?" if near else known)
    operator = settings(Operator, _table(table, "operator"), "operator")
    context = Context(operator.country, path.parent)
    categories = {
        name: settings(Category, _inner(_table(table, "categories"), name, "categories"), where)
        for name in _table(table, "categories")
        for where in [f"categories.{name}"]
    }
    ledger = settings(_Ledger, _table(table, "ledger"), "ledger")
    identity = dict(_table(table, "identity", needed=False))
    pin = identity.pop("one-time-pin", {})
    if not isinstance(pin, Mapping):
        what = "identity.one-time-pin is not a table"
        raise ConfigurationError(what, "write [identity.one-time-pin]")
    levels = settings(_Identity, identity, "identity")
    _check_levels(levels.levels)
    stores = _table(table, "stores")
    connectors = tuple(_connector(name, _inner(stores, name, "stores"), context) for name in stores)
    _check_accounts(levels.accounts, stores)
    _check_categories(connectors, categories)
    return Configuration(
        path=path,
        policy=Policy(operator, categories),
        connectors=connectors,
        holds=_holds(table.get("holds", []), context, categories),
        ledger_url=database_url(ledger.url, path.parent),
        ledger_key=ledger.key,
        accounts=levels.accounts,
        identity=pin,
    )


def _table(table: Mapping[str, object], name: str, *, needed: bool = True) -> Mapping[str, object]:
    found = table.get(name)
    if found is None and not needed:
        return {}
    if found is None:
        what = f"section [{name}] is missing"
        raise ConfigurationError(what, "add it; `dsr init` writes an example")
    if not isinstance(found, Mapping):
        what = f"{name} is not a table"
        raise ConfigurationError(what, f"write it as [{name}]")
    return found


def _inner(table: Mapping[str, object], name: str, section: str) -> Mapping[str, object]:
    found = table[name]
    if not isinstance(found, Mapping):
        what = f"{section}.{name} is not a table"
        raise ConfigurationError(what, f"write it as [{section}.{name}]")
    return found


def _connector(name: str, table: Mapping[str, object], context: Context) -> Connector:
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
    return build(name, rest, context)


def _check_levels(levels: Mapping[str, str]) -> None:
    for right, level in levels.items():
        if right not in RIGHTS:
            what = f"identity.levels.{right} is no right"
            raise ConfigurationError(what, f"rights: {', '.join(RIGHTS)}")
        if level != "one-time-pin":
            what = f"identity.levels.{right} names no way to verify"
            raise ConfigurationError(what, 'write "one-time-pin"')


def _check_accounts(accounts: str, stores: Mapping[str, object]) -> None:
    if accounts and accounts not in stores:
        what = "identity.accounts names no store"
        raise ConfigurationError(what, f"stores: {', '.join(stores)}")


def _check_categories(
    connectors: tuple[Connector, ...], categories: Mapping[str, Category]
) -> None:
    for connector in connectors:
        for name in sorted(connector.categories - categories.keys()):
            what = f"stores.{connector.name} holds category {name}, which no policy names"
            raise ConfigurationError(what, f"add [categories.{name}]")


def _holds(
    tables: object, context: Context, categories: Mapping[str, Category]
) -> tuple[Hold, ...]:
    if not isinstance(tables, list):
        what = "holds is not a list of tables"
        raise ConfigurationError(what, "write each as [[holds]]")
    return tuple(
        _hold(settings(_Hold, table, f"holds[{number}]"), number, context, categories)
        for number, table in enumerate(tables)
    )


def _hold(given: _Hold, number: int, context: Context, categories: Mapping[str, Category]) -> Hold:
    for name in given.categories:
        if name not in categories:
            what = f"holds[{number}].categories names {name}, which is no category"
            raise ConfigurationError(what, f"categories: {', '.join(categories)}")
    for name in ("since", "before"):
        at = getattr(given, name)
        if at is not None and at.tzinfo is None:
            what = f"holds[{number}].{name} has no time zone"
            raise ConfigurationError(what, "write it as 2026-01-31T00:00:00+01:00")
    who = tuple(
        identify(kind, getattr(given, kind), context.region)
        for kind in KINDS
        if getattr(given, kind, "")
    )
    return Hold(
        id=f"config-{number + 1}",
        case=given.case,
        reason=given.reason,
        law=given.law,
        until=given.until,
        subject=Subject(who) if who else None,
        categories=frozenset(given.categories),
        since=given.since,
        before=given.before,
        fields=frozenset(given.fields),
    )


def default_path() -> Path:
    """Return the configuration that commands use when none is named."""
    return Path(os.environ.get("DSR_CONFIG", "dsr.toml"))
