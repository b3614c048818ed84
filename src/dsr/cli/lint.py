"""What a policy and its stores do not agree on, told before any request.

An error is what cannot be meant: a category that nobody holds, a period that counts from a field
that is not there. A warning is what a request would stumble over, or counsel should see.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final, Literal

from dsr.config import Configuration
from dsr.connector import Ages, Connector
from dsr.connectors.logs import Logs
from dsr.connectors.sql import Sql
from dsr.connectors.sql.paths import column_of
from dsr.connectors.sql.tables import TableMap
from dsr.connectors.vcards import VCards
from dsr.errors import ConfigurationError, StoreError
from dsr.find import PERSON
from dsr.identity import ConsoleSender, FileSender
from dsr.model import Verb
from dsr.plan import verbs_of
from dsr.policy.model import Category

__all__ = ["errors", "warnings"]

#: No record is from before it, so that a store that is asked lists none.
_NEVER: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def warnings(configuration: Configuration) -> Iterator[str]:
    """Yield a sentence for each thing that a request would stumble over; reads no store."""
    yield from _identity(configuration)
    stores = configuration.connectors
    for name, category in configuration.policy.categories.items():
        holders = _holders(configuration, name)
        if not holders and category.present == "no":
            yield (
                f"categories.{name}: no store is read to see that there is none: name it in a store"
                " where it would lie"
            )
        for each in holders:
            yield from _endless(each, name, category)
            yield from _joining(each, name, category, "warning")
        if category.role == "controller":
            for each in holders:
                yield from _verbs(each, name, category)
    yield from _restriction(stores)


def errors(configuration: Configuration) -> Iterator[str]:
    """Yield a sentence for each thing that cannot be meant.

    Stores are asked what their records can be counted from; of one that cannot be reached nothing
    is told here.
    """
    for name, category in configuration.policy.categories.items():
        holders = _holders(configuration, name)
        if not holders and category.present != "no":
            yield f"categories.{name}: no store holds it: name it in a store, or remove it"
        for number, keep in enumerate(category.keep):
            place = f"categories.{name}.keep[{number}]"
            yield from _uncounted(place, holders, name, keep.anchor)
        for number, stage in enumerate(category.stages):
            place = f"categories.{name}.stages[{number}]"
            source, anchor = stage.of_person or (name, stage.anchor)
            yield from _uncounted(place, _holders(configuration, source), source, anchor)
        for each in holders:
            yield from _joining(each, name, category, "error")


def _holders(configuration: Configuration, category: str) -> list[Connector]:
    return [each for each in configuration.connectors if category in each.categories]


def _uncounted(
    place: str, holders: Sequence[Connector], category: str, anchor: str
) -> Iterator[str]:
    """Tell of stores whose records have no such time: the period would never end, or never begin.

    A store says so when it is asked for what has grown old; nothing of what it lists is read.
    """
    for store in holders:
        if isinstance(store, Logs) and not isinstance(store, Ages) and anchor:
            yield (
                f"{place}.anchor: entries of store {store.name} have no time but their own:"
                " leave anchor out"
            )
        if not isinstance(store, Ages):
            continue
        with suppress(StoreError):  # told as not reached
            try:
                store.aged(category, anchor, _NEVER)
            except ConfigurationError as error:
                yield f"{place}.anchor: {error}"


def _endless(store: Connector, name: str, category: Category) -> Iterator[str]:
    own = any(each.of_person is None for each in category.stages)
    if own and not isinstance(store, Ages):
        yield (
            f"store {store.name} cannot list what has grown old: categories.{name}.stages do not"
            " run there"
        )


def _joining(
    store: Connector, name: str, category: Category, kind: Literal["error", "warning"]
) -> Iterator[str]:
    """Tell of rows that are called anonymous and keep what they are found by (law.md rule 20).

    Where a later stage deletes them it is a warning; what stays for ever is an error.
    """
    ends = any(each.act == "delete" for each in category.stages)
    if not isinstance(store, Sql) or ends is (kind == "error"):
        return
    for number, stage in enumerate(category.stages):
        if stage.act != "anonymise":
            continue
        for table in store.tables:
            left = _left(table, stage.fields) if table.category == name else ()
            if left:
                yield (
                    f"categories.{name}.stages[{number}].fields: leaves {', '.join(left)} in"
                    f" stores.{store.name}.tables.{table.name}, by which the row still leads to a"
                    " person and is not anonymous: add it (EDPB 2025 erasure action; GDPR"
                    " Recital 26)"
                )


def _left(table: TableMap, fields: Sequence[str]) -> Sequence[str]:
    """Return the columns that join a row to people, and that a stage with `fields` leaves."""
    if not fields and any(each.about is None for each in table.sides):
        return ()
    emptied = set(fields) or {name for side in table.sides for name in side.columns}
    joins = [each.column for each in table.sides if each.kind in PERSON]
    joins += [each.column for each in table.links if each.kind in PERSON]
    return [each for each in dict.fromkeys(joins) if not {each, column_of(each)} & emptied]


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
