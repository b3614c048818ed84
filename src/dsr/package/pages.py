"""The templates, and what every page of an answer is told.

An operator's folder is searched before ours; there, `dsr/NAME` is our template of that name.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    PrefixLoader,
    StrictUndefined,
)

from dsr.errors import ConfigurationError, DsrError
from dsr.package.cover import Cover

__all__ = ["environment", "page", "page_chunks", "sheet"]

_BUFFER: Final = 512  # pieces of a page that are joined before they are passed on


@cache
def environment(folder: str) -> Environment:
    """Return the templates, those of `folder` (if it is not empty) laid over ours."""
    ours = PackageLoader("dsr.package")
    own: list[BaseLoader] = [FileSystemLoader(folder)] if folder else []
    return Environment(
        loader=ChoiceLoader([*own, ours, PrefixLoader({"dsr": ours})]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def page_chunks(template: str, cover: Cover, **values: object) -> Iterator[bytes]:
    """Yield a page in pieces. Everything in `values` is escaped where the page shows it.

    Raises `ConfigurationError` when a template of the operator fails.
    """
    folder = cover.answers.templates
    try:
        stream = environment(folder).get_template(template).stream(_common(cover) | values)
        stream.enable_buffering(_BUFFER)
        for piece in stream:
            yield piece.encode(errors="replace")
    except DsrError:
        raise
    except Exception as error:
        if not folder:
            raise
        what = f"{template}, as answers.templates words it, ends with a {type(error).__name__}"
        fix = "compare the folder's files with those of this version of dsr"
        raise ConfigurationError(what, fix) from None


def page(template: str, cover: Cover, **values: object) -> str:
    """Return a page."""
    return b"".join(page_chunks(template, cover, **values)).decode()


def sheet(template: str, cover: Cover, reasons: Iterable[str] = (), **values: object) -> str:
    """Return a letter to the person.

    Raises `ConfigurationError` when a template of the operator leaves out the authority, the
    judicial remedy or one of the `reasons` (GDPR Art. 12(4)).
    """
    letter = page(template, cover, **values)
    shown = html.unescape(letter)
    needed = (cover.operator.authority, cover.text("letter.court"), *reasons)
    if not all(each.encode(errors="replace").decode() in shown for each in needed):
        what = f"{template}, as answers.templates words it, leaves out what a letter has to say"
        fix = "show the reason, and the block `remedies` of sheet.html (GDPR Art. 12(4))"
        raise ConfigurationError(what, fix)
    return letter


def _common(cover: Cover) -> dict[str, object]:
    operator, text = cover.operator, cover.text
    return {
        "t": text,
        "cover": cover,
        "operator": operator,
        "request": cover.request,
        "made": text.date(cover.made.astimezone(operator.zone).date()),
        "received": text.date(cover.request.received.astimezone(operator.zone).date()),
        "zone": operator.zone,
    }
