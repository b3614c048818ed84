"""Identifiers of nobody, and of somebody who is nearly the one looked for."""

from __future__ import annotations

from collections.abc import Iterator

from dsr.model import Identifier, Kind
from dsr.phone import nationals


def stranger(kind: Kind, number: int) -> Identifier:
    """Return an identifier of nobody: fictional, or reserved for documentation."""
    match kind:
        case "phone":
            value = f"+1202555{1000 + number}"
        case "sip" | "email":
            value = f"stranger-{number}@nowhere.invalid"
        case "ip":  # RFC 5737 and RFC 2544: documentation and benchmarks
            value = f"198.18.{number // 250}.{1 + number % 250}"
        case _:
            value = f"stranger-{number:08}"
    return Identifier(kind, value)


def near(who: Identifier) -> Iterator[str]:
    """Yield values that a sloppy match takes for that of `who`."""
    if who.kind == "ip":
        return  # one digit more may be no address
    if who.kind == "phone":
        code, _ = nationals(who.value)
        start = f"+{code}"
        national = who.value.removeprefix(start)
        yield f"+{'43' if code != '43' else '49'}{national}"
        tail = ""
    else:
        start = ""
        national, at, domain = who.value.partition("@")
        tail = at + domain
    yield f"{start}{national}0{tail}"
    yield f"{start}{national[:-1]}{tail}"
    yield f"{start}1{national}{tail}"
    yield f"{start}{national[1:]}{tail}"
