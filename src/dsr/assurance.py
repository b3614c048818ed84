"""How sure the operator must be of who asks, and by what: `[identity]` and `[staff]`."""

from __future__ import annotations

import os
import pkgutil
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar, cast, get_args

from attrs import field, frozen

from dsr.connector import Connector, KeepsPins, Vouches
from dsr.errors import ConfigurationError
from dsr.identity.levels import Factor, Level, One, at_least, factors_of, level
from dsr.identity.lines import CallableLines, Lines, WebhookLines
from dsr.identity.login import Login
from dsr.identity.staff import ROLES, Member, Role
from dsr.model import RIGHTS, WRITES, Right
from dsr.onfile import Line
from dsr.settings import Context, settings

__all__ = ["Assurance", "from_config"]

_PIN: Final[Factor] = "one-time-pin"
_PEOPLE: Final = 2

T = TypeVar("T")


@frozen
class Assurance:
    """What `[identity]` and `[staff]` say: how sure the operator must be, and by what.

    levels     what each right needs; a right that is left out needs a one-time PIN
    standing   the store that keeps hashes of standing PINs; empty: none counts
    sip        the store that vouches for SIP credentials; empty: none counts
    realm      the realm of its challenges (RFC 3261 section 22)
    login      reads what the operator's portal signs; None: no login counts
    staff      who works here, what they may do, and their authenticators
    line       what must be true of a number for a PIN to prove something
    lines      tells of SIM cards and operators that changed; None: nobody is asked
    four_eyes  rights whose plan two people approve before it is carried out
    """

    levels: Mapping[Right, Level] = field(factory=dict)
    standing: str = ""
    sip: str = ""
    realm: str = ""
    login: Login | None = None
    staff: tuple[Member, ...] = ()
    line: Line = field(factory=Line)
    lines: Lines | None = None
    four_eyes: frozenset[Right] = frozenset()

    def level(self, right: Right) -> Level:
        """Return what `right` needs."""
        return self.levels.get(right, One(_PIN))

    def member(self, name: str) -> Member | None:
        """Return the one of the staff who has this name."""
        return next((each for each in self.staff if each.name == name), None)

    @property
    def factors(self) -> frozenset[Factor]:
        """The factors that can be shown here."""
        there: dict[Factor, object] = {
            _PIN: True,
            "standing-pin": self.standing,
            "sip": self.sip,
            "login": self.login,
            "person": len([each for each in self.staff if each.may("verify")]) >= _PEOPLE,
        }
        return frozenset(each for each, able in there.items() if able)


@frozen
class _Line:
    """`[identity.line]`."""

    days: int = 7
    changed: tuple[str, ...] = ()
    hosted: str = ""
    shared: str = ""
    lines: str = ""
    headers: Mapping[str, str] = field(factory=dict)


@frozen
class _Sip:
    """`[identity.sip]`."""

    store: str
    realm: str


@frozen
class _Login:
    """`[identity.login]`."""

    issuer: str
    key: str


@frozen
class _StandingPin:
    """`[identity.standing-pin]`."""

    store: str


@frozen
class _Member:
    """`[staff.NAME]`."""

    roles: tuple[str, ...]
    totp: str = ""


def from_config(
    identity: Mapping[str, object],
    staff: Mapping[str, object],
    context: Context,
    stores: Sequence[Connector],
) -> Assurance:
    """Return what the tables `[identity]` (without its one-time PINs) and `[staff]` say.

    Raises `ConfigurationError` that names the key and the fix: for a factor that a level names
    and nothing provides, an erasure that needs less than access (law.md rule 43), a store that
    cannot vouch, a key that cannot be read.
    """
    line = settings(_Line, _table(identity, "line"), "identity.line")
    sip = _optional(_Sip, identity, "sip")
    pins = _optional(_StandingPin, identity, "standing-pin")
    login = _optional(_Login, identity, "login")
    try:
        checked = Line(line.days, line.changed, line.hosted, line.shared)
    except ValueError:
        what = "identity.line.days has a value that is not possible"
        raise ConfigurationError(what, "write a number of days, 0 or more") from None
    assurance = Assurance(
        levels=_levels(_table(identity, "levels")),
        standing=_able(pins.store, KeepsPins, "identity.standing-pin", stores) if pins else "",
        sip=_able(sip.store, Vouches, "identity.sip", stores) if sip else "",
        realm=sip.realm if sip else "",
        login=_login(login, context.folder) if login else None,
        staff=tuple(_member(name, staff, context.folder) for name in staff),
        line=checked,
        lines=_lines(line.lines, line.headers),
        four_eyes=_rights(identity.get("four_eyes", ())),
    )
    _check(assurance)
    return assurance


def _check(assurance: Assurance) -> None:
    for right in RIGHTS:
        for factor in sorted(factors_of(assurance.level(right)) - assurance.factors):
            what = f"identity.levels.{right} names {factor}, which cannot be shown here"
            fix = (
                'two members of [staff] need the role "verify"'
                if factor == "person"
                else f"add [identity.{factor}]"
            )
            raise ConfigurationError(what, fix)
    if not at_least(assurance.level("erasure"), assurance.level("access")):
        what = "identity.levels.erasure asks for less than identity.levels.access"
        raise ConfigurationError(what, "who may not see data may not have it erased: ask for more")
    approving = [each for each in assurance.staff if each.may("approve")]
    if assurance.four_eyes and len(approving) < _PEOPLE:
        what = "identity.four_eyes needs two people who may approve"
        raise ConfigurationError(what, 'give two members of [staff] the role "approve"')


def _table(table: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = table.get(name, {})
    if not isinstance(found, Mapping):
        what = f"identity.{name} is not a table"
        raise ConfigurationError(what, f"write [identity.{name}]")
    return found


def _optional(cls: type[T], table: Mapping[str, object], name: str) -> T | None:
    return settings(cls, _table(table, name), f"identity.{name}") if name in table else None


def _levels(table: Mapping[str, object]) -> dict[Right, Level]:
    found: dict[Right, Level] = {}
    for right, text in table.items():
        if right not in RIGHTS:
            what = f"identity.levels.{right} is no right"
            raise ConfigurationError(what, f"rights are {', '.join(RIGHTS)}")
        try:
            found[right] = level(str(text))
        except ValueError as error:
            what = f"identity.levels.{right} is no level"
            raise ConfigurationError(what, str(error)) from None
    return found


def _rights(given: object) -> frozenset[Right]:
    names = given if isinstance(given, list | tuple) else [given]
    if wrong := [each for each in names if each not in RIGHTS]:
        what = f"identity.four_eyes names {len(wrong)} that are no rights"
        raise ConfigurationError(what, f"rights are {', '.join(RIGHTS)}")
    rights = frozenset(cast("Sequence[Right]", names))
    if unasked := sorted(rights - WRITES):
        what = f"identity.four_eyes names {', '.join(unasked)}, which changes nothing"
        raise ConfigurationError(what, "a package has no plan to approve: ask for more in levels")
    return rights


def _able(name: str, protocol: type[Any], where: str, stores: Sequence[Connector]) -> str:
    store = next((each for each in stores if each.name == name), None)
    if store is None:
        what = f"{where}.store names no store"
        raise ConfigurationError(what, f"stores are {', '.join(each.name for each in stores)}")
    if not isinstance(store, protocol):
        what = f"{where}.store: store {name} cannot do this"
        raise ConfigurationError(what, "name one whose connector can: see the reference")
    return name


def _login(given: _Login, folder: Path) -> Login:
    kind, _, path = given.key.partition(":")
    if kind != "file" or not path:
        what = "identity.login.key is not known"
        raise ConfigurationError(what, 'write "file:PATH" of the portal\'s public key (PEM)')
    try:
        return Login(given.issuer, (folder / path).read_text("ascii"))
    except (OSError, UnicodeDecodeError) as error:
        what = f"identity.login.key cannot be read ({type(error).__name__})"
        raise ConfigurationError(what, "name a PEM file that this user can read") from None


def _member(name: str, staff: Mapping[str, object], folder: Path) -> Member:
    where = f"staff.{name}"
    table = staff[name]
    if not isinstance(table, Mapping):
        what = f"{where} is not a table"
        raise ConfigurationError(what, f"write [{where}]")
    given = settings(_Member, cast("Mapping[str, object]", table), where)
    if wrong := sorted(set(given.roles) - set(get_args(Role))):
        what = f"{where}.roles: {', '.join(wrong)} is no role"
        raise ConfigurationError(what, f"roles are {', '.join(ROLES)}")
    roles = frozenset(cast("Sequence[Role]", given.roles))
    if roles & {"verify", "approve"} and not given.totp:
        what = f"{where} decides or approves, and has no authenticator"
        raise ConfigurationError(what, f'write {where}.totp = "env:NAME" or "file:PATH"')
    secret = _secret(given.totp, folder, f"{where}.totp")
    try:
        return Member(name, roles, secret)
    except ValueError:
        what = f"{where}.totp is no secret of an authenticator"
        raise ConfigurationError(what, "write base32 of 16 bytes or more (RFC 4226)") from None


def _secret(source: str, folder: Path, where: str) -> str:
    """Return a secret from `env:NAME`, or from a file that only its owner can read."""
    kind, _, name = source.partition(":")
    if not source:
        return ""
    if kind == "env" and name in os.environ:
        return os.environ[name].strip()
    if kind == "file" and name:
        path = folder / name
        try:
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                what = f"{where} can be read by others"
                raise ConfigurationError(what, f"chmod 600 {path}")
            return path.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            what = f"{where} cannot be read ({type(error).__name__})"
            raise ConfigurationError(what, "name a file that this user can read") from None
    what = f"{where} is not known, or its environment variable is not set"
    raise ConfigurationError(what, 'write "env:NAME" or "file:PATH"')


def _lines(source: str, headers: Mapping[str, str]) -> Lines | None:
    kind, _, rest = source.partition(":")
    if not source:
        return None
    if kind == "https" or source.startswith(("http://127.0.0.1", "http://localhost")):
        return WebhookLines(source, headers)
    if kind == "python":
        try:
            found = pkgutil.resolve_name(rest)
        except (ValueError, ImportError, AttributeError):
            found = None
        if callable(found):
            return CallableLines(cast("Callable[[str], Any]", found))
    what = "identity.line.lines names nobody who can be asked"
    raise ConfigurationError(what, 'write "https://…" or "python:package.module:function"')
