"""The letters about a request itself: that it is refused, takes longer, was passed on, decided.

One `Letter` serves them all: its `kind` names the texts of the catalogue, the rest is filled
in. Every letter names the authority and the judicial remedy (GDPR Art. 12(4), law.md rule 6).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final, Literal, get_args

from attrs import field, frozen

from dsr.model import Kind, Outcome, Request
from dsr.package.cover import Cover
from dsr.package.pages import sheet

__all__ = [
    "KINDS",
    "Letter",
    "decided",
    "doubted",
    "extension",
    "forwarded",
    "lifting",
    "no_data",
    "not_identifiable",
    "refusal",
    "reminder",
]

LetterKind = Literal[
    "refusal",
    "partial",
    "extension",
    "no_data",
    "not_identifiable",
    "forwarded",
    "lifting",
    "objection_upheld",
    "objection_rejected",
    "dispute_upheld",
    "dispute_rejected",
    "doubt",
    "reminder",
]

KINDS: Final[tuple[LetterKind, ...]] = get_args(LetterKind)
#: What cannot be told without saying why (GDPR Arts. 12(3), 12(4), 12(6), 18(3), 21(1)).
_REASONED: Final = frozenset(
    {
        "refusal",
        "partial",
        "extension",
        "lifting",
        "objection_rejected",
        "dispute_rejected",
        "doubt",
        "reminder",
    }
)
#: What finds a person of whom the operator knows no name (law.md rule 12).
_HELPFUL: Final[tuple[Kind, ...]] = ("usage", "ip")


@frozen
class Letter:
    """One letter to the person: its kind, the reason with its law, a list, and a day.

    `points` are the categories, controllers or pieces of information that it lists; `day` is
    when the answer comes or the restriction ends. Raises `ValueError` when a kind that needs a
    reason has none.
    """

    cover: Cover
    kind: LetterKind
    reason: str = field(default="", repr=False)
    law: str = ""
    points: tuple[str, ...] = field(default=(), repr=False)
    day: dt.date | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse to exist without a reason that the law wants told."""
        if self.kind in _REASONED and not self.reason.strip():
            msg = f"a letter of kind {self.kind} needs a reason (GDPR Art. 12(3), 12(4))"
            raise ValueError(msg)

    def html(self) -> str:
        """Return the letter as a page of its own.

        Raises `ConfigurationError` when a template of the operator leaves out the reason or
        the remedies.
        """
        text = self.cover.text
        reason = text.word(self.reason)
        return sheet(
            "letter.html",
            self.cover,
            (reason, text.word(self.law), *self.points),
            kind=self.kind,
            reason=reason,
            law=text.word(self.law),
            points=self.points,
            day=self.day,
        )


def refusal(cover: Cover, reason: str, *, law: str = "", categories: Sequence[str] = ()) -> str:
    """Return the letter that refuses a request, or only as to `categories` (GDPR Art. 12(4)).

    `law` is the provision that allows it; a refusal by national law names it (Art. 23, law.md
    rule 24). Raises `ValueError` without a reason.
    """
    kind: LetterKind = "partial" if categories else "refusal"
    return Letter(cover, kind, reason, law, tuple(map(cover.title, categories))).html()


def extension(cover: Cover, reason: str, due: dt.date) -> str:
    """Return the letter that extends the deadline to `due` (GDPR Art. 12(3)).

    Raises `ValueError` without a reason.
    """
    return Letter(cover, "extension", reason, day=due).html()


def no_data(cover: Cover) -> str:
    """Return the letter that nothing was found: the same for everybody (law.md rule 11)."""
    return Letter(cover, "no_data").html()


def not_identifiable(cover: Cover, helpful: Sequence[Kind] = _HELPFUL) -> str:
    """Return the letter that the person's data cannot be told from others' (GDPR Art. 11(2)).

    `helpful` are the kinds of identifier by which the stores could be searched instead; with
    none, the two that find a person without a name.
    """
    points = tuple(cover.text(f"helpful.{kind}") for kind in helpful or _HELPFUL)
    return Letter(cover, "not_identifiable", points=points).html()


def forwarded(cover: Cover, controllers: Mapping[str, Sequence[str]]) -> str:
    """Return the letter that the request was passed on (GDPR Art. 28(3)(e)).

    `controllers` maps each controller to the categories that are processed for it; an empty
    name is one that the policy does not know.
    """
    points = tuple(
        cover.text(
            "forwarded.point",
            controller=cover.text.word(controller or "its controller"),
            categories=", ".join(map(cover.title, categories)),
        )
        for controller, categories in controllers.items()
    )
    return Letter(cover, "forwarded", points=points).html()


def doubted(cover: Cover, doubt: str) -> str:
    """Return the letter that asks for what settles a `doubt` of identity (Art. 12(6)).

    That is the code which goes to what is on file: no identity document is asked for (law.md
    rule 39). Raises `ValueError` without the doubt.
    """
    return Letter(cover, "doubt", doubt, points=(cover.text("doubt.point"),)).html()


def reminder(cover: Cover, doubt: str) -> str:
    """Return the letter that asks again for what settles a `doubt` of identity (Art. 12(6)).

    Raises `ValueError` without the doubt: only reasonable ones count.
    """
    return Letter(cover, "reminder", doubt, points=(cover.text("doubt.point"),)).html()


def decided(cover: Cover, outcome: Outcome, reason: str = "", ends: dt.date | None = None) -> str:
    """Return what was decided of an objection or of contested data (GDPR Arts. 21(1), 18(1)).

    `ends` is the day on which the restriction ends, told before it does (Art. 18(3)). Raises
    `ValueError` for a request that nobody decides about, and for a rejection without reason.
    """
    return Letter(cover, _decision(cover.request, outcome), reason, day=ends).html()


def lifting(cover: Cover, reason: str, ends: dt.date) -> str:
    """Return the letter that a restriction ends on the day `ends` (GDPR Art. 18(3)).

    Raises `ValueError` without a reason.
    """
    return Letter(cover, "lifting", reason, day=ends).html()


def _decision(request: Request, outcome: Outcome) -> LetterKind:
    objection = request.right == "objection" or request.ground == "18(1)(d)"
    dispute = request.right == "rectification" or request.ground == "18(1)(a)"
    match objection, dispute, outcome:
        case True, _, "upheld":
            return "objection_upheld"
        case True, _, "rejected":
            return "objection_rejected"
        case _, True, "upheld":
            return "dispute_upheld"
        case _, True, "rejected":
            return "dispute_rejected"
    msg = "only objections and disputes of accuracy are decided, upheld or rejected"
    raise ValueError(msg)
