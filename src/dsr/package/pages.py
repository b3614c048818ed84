"""The templates, and what every page of an answer is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from dsr.package.cover import Cover
from dsr.package.language import Language, language

__all__ = ["page", "page_chunks"]

_BUFFER: Final = 512  # pieces of a page that are joined before they are passed on

_ENVIRONMENT: Final = Environment(
    loader=PackageLoader("dsr.package"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def page_chunks(template: str, cover: Cover, **values: object) -> Iterator[bytes]:
    """Yield a page in pieces. Everything in `values` is escaped where the page shows it."""
    text = language(cover.request.language)
    stream = _ENVIRONMENT.get_template(template).stream(_common(cover, text) | values)
    stream.enable_buffering(_BUFFER)
    for piece in stream:
        yield piece.encode(errors="replace")


def page(template: str, cover: Cover, **values: object) -> str:
    """Return a page."""
    return b"".join(page_chunks(template, cover, **values)).decode()


def _common(cover: Cover, text: Language) -> dict[str, object]:
    operator = cover.operator
    return {
        "t": text,
        "cover": cover,
        "operator": operator,
        "request": cover.request,
        "made": text.date(cover.made.astimezone(operator.zone).date()),
        "received": text.date(cover.request.received.astimezone(operator.zone).date()),
        "zone": operator.zone,
    }
