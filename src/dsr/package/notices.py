"""The notice that tells a recipient of a correction, erasure or restriction (GDPR Art. 19)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from attrs import evolve

from dsr.model import Identifier, Verb
from dsr.package.cover import Cover
from dsr.package.pages import page
from dsr.policy.model import Recipient

__all__ = ["notice"]

#: The acts that a recipient is told of, and which texts tell it: emptied fields are erased data.
_ACTS: Final[Mapping[Verb, str]] = {
    "erase": "erase",
    "redact": "erase",
    "rectify": "rectify",
    "annotate": "annotate",
    "restrict": "restrict",
}


def notice(
    cover: Cover,
    recipient: Recipient,
    act: Verb,
    records: Mapping[str, int],
    identifiers: Sequence[Identifier],
) -> str:
    """Return the notice of `act` to `recipient`, a page in the operator's first language.

    `records` counts what was done by category; `identifiers` are those by which the recipient
    finds the person. A correction also tells the fields and their new values. Holds personal
    data. Raises `ValueError` for an act that no recipient is told of.
    """
    if act not in _ACTS:
        msg = f"recipients are not told of {act} (GDPR Art. 19)"
        raise ValueError(msg)
    corrects = act in {"rectify", "annotate"}
    told = evolve(cover, request=evolve(cover.request, language=cover.operator.languages[0]))
    return page(
        "notice.html",
        told,
        recipient=recipient,
        act=_ACTS[act],
        records=[(told.title(name), count) for name, count in records.items()],
        identifiers=identifiers,
        changes=cover.request.changes if corrects else {},
    )
