"""How long data is kept, in a person's words (GDPR Art. 15(1)(d))."""

from __future__ import annotations

from collections.abc import Iterator

from dsr.package.language import Language
from dsr.policy.model import Category, Retention, Stage

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
        law = text("retention.law", law=text.word(stage.law)) if stage.law else ""
        yield _span(text, f"retention.{stage.act}", name, stage) + law + "."
    for keep in category.keep:
        why = text("retention.why", reason=text.word(keep.reason), law=text.word(keep.law))
        yield _span(text, "retention.keep", name, keep) + why + "."
    if not (category.retention or category.stages or category.keep):
        yield text("retention.criteria")


def _span(text: Language, key: str, name: str, rule: Retention | Stage) -> str:
    """Return how long, counted from what and how, and for which fields."""
    anchor = text.anchor(rule.anchor, name)
    sentence = text(key, period=text.period(rule.period), anchor=anchor)
    if rule.whole_years:
        sentence += text("retention.whole_years")
    if rule.fields:
        sentence += text("retention.fields", fields=text.words(rule.fields))
    return sentence
