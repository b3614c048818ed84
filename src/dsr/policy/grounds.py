"""On which point of its article a request can rest, and by which one data is erased."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dsr.errors import InputError
from dsr.model import Right
from dsr.policy.model import Category

__all__ = ["GROUNDS", "OBJECTABLE", "check_ground", "ground_of"]

#: Legal bases that a person may object to (GDPR Art. 21(1)).
OBJECTABLE: Final = frozenset({"legitimate interests", "public task"})

#: The points of the GDPR by which a person can say why; other rights need no reason.
GROUNDS: Final[Mapping[Right, tuple[str, ...]]] = {
    "erasure": ("17(1)(a)", "17(1)(b)", "17(1)(c)", "17(1)(d)", "17(1)(e)", "17(1)(f)"),
    "restriction": ("18(1)(a)", "18(1)(b)", "18(1)(c)", "18(1)(d)"),
    "objection": ("21(1)", "21(2)"),
}
#: What rights erase by that are no request for erasure.
_FOUND: Final[Mapping[Right, str]] = {"withdrawal": "17(1)(b)", "objection": "17(1)(c)"}


def check_ground(right: Right, ground: str) -> None:
    """Raise `InputError` unless `ground` is empty or one on which `right` can rest."""
    known = GROUNDS.get(right, ())
    if ground and ground not in known:
        what = f"this is no ground of {right}"
        fix = f"use one of {', '.join(known)}" if known else "leave it out: this right needs none"
        raise InputError(what, fix)


def ground_of(right: Right, relied_on: str, category: Category) -> str:
    """Return the point of GDPR Art. 17(1) by which data of a category is erased (rule 13).

    That is what the person relies on where it fits the category: (b) and (f) presuppose consent,
    (c) a basis that one can object to, or marketing. Elsewhere it is what the policy shows: (b)
    where consent is all that the data rests on, (c) for marketing, which nobody may go on with
    (Art. 21(3)), else (a): no need is left that the policy would keep it for. Empty for a right
    that erases nothing.
    """
    if right != "erasure":
        return _FOUND.get(right, "")
    consented = category.basis == "consent"
    fits = {
        "17(1)(b)": consented,
        "17(1)(c)": category.basis in OBJECTABLE or category.is_for_marketing,
        "17(1)(f)": consented,
    }
    if relied_on and fits.get(relied_on, True):
        return relied_on
    if consented:
        return "17(1)(b)"
    return "17(1)(c)" if category.is_for_marketing else "17(1)(a)"
