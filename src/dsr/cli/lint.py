"""What a policy and its stores do not agree on: warnings, told before any request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dsr.config import Configuration
from dsr.connector import Connector
from dsr.connectors.vcards import VCards
from dsr.identity import ConsoleSender, FileSender
from dsr.model import Verb
from dsr.plan import verbs_of
from dsr.policy.model import Category

__all__ = ["warnings"]


def warnings(configuration: Configuration) -> Iterator[str]:
    """Yield a sentence for each thing that a request would stumble over; reads no store."""
    yield from _identity(configuration)
    stores = configuration.connectors
    for name, category in configuration.policy.categories.items():
        holders = [each for each in stores if name in each.categories]
        if not holders:
            yield f"categories.{name}: no store holds it: name it in a store, or remove it"
        if category.role == "controller":
            for each in holders:
                yield from _verbs(each, name, category)
    yield from _restriction(stores)


def _identity(configuration: Configuration) -> Iterator[str]:
    if not configuration.accounts:
        yield (
            "identity.accounts names no store: whoever can read messages to a number counts as"
            " its holder, today and for all time"
        )
    if isinstance(configuration.pin.sender, ConsoleSender | FileSender):
        yield (
            "identity.one-time-pin.sender shows PINs to whoever works here: for a service,"
            " write the https:// URL of your SMS gateway"
        )


def _verbs(store: Connector, name: str, category: Category) -> Iterator[str]:
    """Tell of what the policy asks for and the store cannot do: it would end as gaps."""
    able = verbs_of(store)
    gaps = f"store {store.name} cannot {{}} {name}: {{}} would end as gaps"
    if not {"erase", "redact"} & able:
        yield gaps.format("erase", "erasures")
    elif category.erase == "redact" and "redact" not in able:
        yield gaps.format("redact", f"erasures (categories.{name}.erase)")
    elif "erase" not in able and category.erase == "delete":
        yield f"store {store.name} cannot delete {name}: erasures redact there instead"
    elif "redact" not in able and any(each.fields for each in category.keep):
        yield gaps.format("redact", f"fields that categories.{name}.keep does not name")
    if category.rectifiable and "rectify" not in able:
        yield gaps.format("rectify", f"corrections (categories.{name}.rectifiable)")
    if category.rectifiable and isinstance(store, VCards) and store.owner is not None:
        yield (
            f"stores.{store.name}.owner makes every card of a book its owner's: a correction by"
            f" the owner (categories.{name}.rectifiable) is left to you where cards differ"
        )


def _restriction(stores: Sequence[Connector]) -> Iterator[str]:
    restrict: Verb = "restrict"
    unable = [each.name for each in stores if restrict not in verbs_of(each)]
    if unable:
        yield (
            f"{', '.join(unable)} cannot mark records as restricted (GDPR Art. 18): requests for"
            " restriction and objections end as gaps there"
        )
