"""On which point of its article a request can rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dsr.errors import InputError
from dsr.model import Right

__all__ = ["GROUNDS", "check_ground"]

#: The points of the GDPR by which a person can say why; other rights need no reason.
GROUNDS: Final[Mapping[Right, tuple[str, ...]]] = {
    "erasure": ("17(1)(a)", "17(1)(b)", "17(1)(c)", "17(1)(d)", "17(1)(e)", "17(1)(f)"),
    "restriction": ("18(1)(a)", "18(1)(b)", "18(1)(c)", "18(1)(d)"),
    "objection": ("21(1)", "21(2)"),
}


def check_ground(right: Right, ground: str) -> None:
    """Raise `InputError` unless `ground` is empty or one on which `right` can rest."""
    known = GROUNDS.get(right, ())
    if ground and ground not in known:
        what = f"this is no ground of {right}"
        fix = f"use one of {', '.join(known)}" if known else "leave it out: this right needs none"
        raise InputError(what, fix)
