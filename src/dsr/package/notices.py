"""The notice that tells a recipient of a correction, an erasure or a restriction (GDPR Art. 19)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, get_args

from attrs import evolve

from dsr.model import Identifier
from dsr.package.cover import Cover
from dsr.package.pages import page
from dsr.policy.model import Recipient

__all__ = ["ACTS", "Act", "notice"]

#: What a recipient is told of; each has its texts. Emptied fields are erased data.
Act = Literal["erase", "rectify", "annotate", "restrict", "lift"]
ACTS: Final[tuple[Act, ...]] = get_args(Act)


def notice(
    cover: Cover,
    recipient: Recipient,
    act: Act,
    records: Mapping[str, int],
    identifiers: Sequence[Identifier],
) -> str:
    """Return the notice of `act` to `recipient`, a page in the operator's first language.

    `records` counts what was done by category; `identifiers` are those by which the recipient
    finds the person. A correction also tells the fields and their new values. Holds personal
    data. Raises `ValueError` for an act that no recipient is told of.
    """
    if act not in ACTS:
        msg = f"recipients are not told of {act} (GDPR Art. 19)"
        raise ValueError(msg)
    corrects = act in {"rectify", "annotate"}
    told = evolve(cover, request=evolve(cover.request, language=cover.operator.languages[0]))
    return page(
        "notice.html",
        told,
        recipient=recipient,
        act=act,
        records=[(told.title(name), count) for name, count in records.items()],
        identifiers=identifiers,
        changes=cover.request.changes if corrects else {},
    )
