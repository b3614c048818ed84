"""Texts with placeholders such as `{number}`: known names only, checked before they are used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from string import Formatter
from typing import Final

__all__ = ["fill", "placeholders"]

_FORMATTER: Final = Formatter()


def placeholders(template: str) -> frozenset[str]:
    """Return the names of a template's placeholders; `{{` and `}}` are braces.

    Raises `ValueError`, which does not repeat the template, if it has a lone brace or more than
    a name between two.
    """
    return frozenset(name for _, name in _parts(template) if name is not None)


def fill(template: str, values: Mapping[str, str | int], quote: Callable[[str], str] = str) -> str:
    """Return the template with its placeholders replaced by `values`, each first `quote`d."""
    return "".join(
        literal + ("" if name is None else quote(str(values[name])))
        for literal, name in _parts(template)
    )


def _parts(template: str) -> Iterator[tuple[str, str | None]]:
    try:
        parts = list(_FORMATTER.parse(template))
    except ValueError:
        parts = [("", "", "", None)]
    for literal, name, spec, conversion in parts:
        if name is not None and (spec or conversion or not name.isidentifier()):
            msg = "a brace stands alone (write {{ for one), or around more than a name"
            raise ValueError(msg)
        yield literal, name
