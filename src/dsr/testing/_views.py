"""How the laws look at a connector: small readings that both halves of the suite share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest

from dsr.connector import Connector
from dsr.model import Found, Identifier, Unread
from dsr.testing.harness import Harness

#: What the laws compare: which key is about whom, in which fields.
View = dict[tuple[str, Identifier], frozenset[str]]


def found(connector: Connector, who: Sequence[Identifier]) -> list[Found]:
    """Return all that `find` yields; a part that it could not read fails the test."""
    all_found = []
    for each in connector.find(who):
        if isinstance(each, Unread):
            pytest.fail(f"a part of the seeded store was not read: {each.reason}")
        all_found.append(each)
    return all_found


def view(founds: Iterable[Found]) -> View:
    """Return what was found in a form that does not depend on order."""
    return {(each.record.key, each.who): each.about for each in founds}


def keys(founds: Iterable[Found]) -> list[str]:
    """Return the keys, each once, in the order of reading."""
    return list(dict.fromkeys(each.record.key for each in founds))


def subjects(harness: Harness) -> list[Found]:
    """Return what is found for the subject, which must be something."""
    founds = found(harness.connector, [harness.subject])
    assert founds, "find yields nothing for the seeded subject"
    return founds


def alone(harness: Harness) -> list[Found]:
    """Return what is found for the subject in records that speak of nobody else."""
    shared = set(keys(found(harness.connector, [harness.bystander])))
    return [
        each
        for each in subjects(harness)
        if each.record.key not in shared and each.record.personal <= each.about
    ]
