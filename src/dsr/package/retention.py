"""How long data is kept, in a person's words (GDPR Art. 15(1)(d))."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dsr.package.language import Language
from dsr.policy.model import Category

__all__ = ["sentences"]


def sentences(text: Language, name: str, category: Category) -> Iterator[str]:
    """Yield how long the records of the category `name` are kept, a sentence each.

    First the criteria in the policy's own words, then routine deletion in the order in which
    it comes, then what is kept against a request. Where the policy says none of these: until
    the purposes no longer need it.
    """
    if category.retention:
        yield text.word(text.period(category.retention))
    for stage in category.stages:
        started = text(
            f"retention.{stage.act}",
            period=text.period(stage.period),
            anchor=text.anchor(stage.anchor, name),
        )
        yield started + _limits(text, stage.fields, stage.law, whole_years=stage.whole_years)
    for keep in category.keep:
        started = text(
            "retention.keep",
            period=text.period(keep.period),
            anchor=text.anchor(keep.anchor, name),
            reason=text.word(keep.reason),
        )
        yield started + _limits(text, keep.fields, keep.law, whole_years=keep.whole_years)
    if not (category.retention or category.stages or category.keep):
        yield text("retention.criteria")


def _limits(text: Language, fields: Sequence[str], law: str, *, whole_years: bool) -> str:
    """Return the end of a sentence: how years count, for which fields, by which law."""
    ending = text("retention.whole_years") if whole_years else ""
    if fields:
        ending += text("retention.fields", fields=text.words(fields))
    if law:
        ending += text("retention.law", law=text.word(law))
    return ending + "."
