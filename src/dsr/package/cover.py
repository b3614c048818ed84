"""What every answer says of itself: which request, who answers, under which policy, when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from attrs import Attribute, field, frozen

from dsr.model import Request
from dsr.policy.model import Category, Operator

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

    Raises `ValueError` without the supervisory authority: no answer can be built without it,
    and none without a time zone in `made`.
    """

    request: Request
    operator: Operator = field(validator=_answerable)
    categories: Mapping[str, Category]
    made: dt.datetime = field(validator=_aware)

    def title(self, category: str) -> str:
        """Return what people call a category; its name where the policy gives no title."""
        known = self.categories.get(category)
        if known is not None and known.title:
            return known.title
        words = category.replace("_", " ").strip()
        return words[:1].upper() + words[1:]
