"""What every answer says of itself: which request, who answers, under which policy, when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Self

from attrs import Attribute, field, frozen

from dsr.model import Request
from dsr.package.language import Language, language
from dsr.policy.model import Answers, Category, Operator, Policy

__all__ = ["Cover"]


def _aware(_: object, _attribute: Attribute[dt.datetime], value: dt.datetime) -> None:
    if value.tzinfo is None:
        msg = "made needs a time zone"
        raise ValueError(msg)


def _answerable(_: object, _attribute: Attribute[Operator], value: Operator) -> None:
    if not value.authority.strip():
        msg = "an answer names the supervisory authority (GDPR Arts. 12(4), 15(1)(f))"
        raise ValueError(msg)


@frozen
class Cover:
    """The request, the operator that answers it, its policy by category, and the time.

    `answers` is the operator's own wording. Raises `ValueError` without the supervisory
    authority: no answer can be built without it, and none without a time zone in `made`.
    """

    request: Request
    operator: Operator = field(validator=_answerable)
    categories: Mapping[str, Category]
    made: dt.datetime = field(validator=_aware)
    answers: Answers = field(factory=Answers)

    @classmethod
    def of(cls, policy: Policy, request: Request, made: dt.datetime) -> Self:
        """Return the cover of an answer to `request` under `policy`, made at `made`."""
        return cls(request, policy.operator, policy.categories, made, policy.answers)

    @property
    def text(self) -> Language:
        """The language of the request, as the operator words it."""
        return language(self.request.language, self.answers.templates)

    def title(self, category: str) -> str:
        """Return what people call a category; its name where the policy gives no title."""
        known = self.categories.get(category)
        if known is not None and known.title:
            return self.text.word(known.title)
        words = category.replace("_", " ").strip()
        return self.text.word(words[:1].upper() + words[1:])
