"""The laws of `Redacts`."""

from __future__ import annotations

from itertools import cycle
from typing import Final

import pytest

from dsr.connector import Erases, Redacts
from dsr.testing._views import (
    STRANGE,
    alone,
    fields,
    found,
    is_unavailable,
    keys,
    missing,
    subjects,
    tried,
    view,
)
from dsr.testing.harness import Harness

__all__ = ["RedactingLaws"]

_BOTH: Final = 2


class RedactingLaws:
    """What every connector obeys that redacts; needs the fixture `harness`."""

    def test_redact_empties_the_fields_and_nothing_else(self, harness: Harness) -> None:
        """Redacted fields speak of nobody; the other party's survive, byte for byte."""
        connector = _redacts(harness)
        others = harness.others()
        bystanders = view(found(harness.connector, [harness.bystander]))
        connector.redact(fields(subjects(harness)))
        assert found(harness.connector, [harness.subject]) == []
        assert harness.count() == 0, "the store itself still speaks of the subject"
        assert harness.others() == others, "redacting changed data of others"
        assert view(found(harness.connector, [harness.bystander])) == bystanders

    def test_redact_twice_is_success(self, harness: Harness) -> None:
        """Redacting again what is empty changes nothing and raises nothing."""
        connector = _redacts(harness)
        named = fields(subjects(harness))
        connector.redact(named)
        after = harness.count(), harness.others()
        connector.redact(named)
        connector.redact({})
        assert (harness.count(), harness.others()) == after

    def test_redact_carries_on_after_a_part(self, harness: Harness) -> None:
        """After one record was redacted, the others are found as before; then the rest goes."""
        connector = _redacts(harness)
        others, before = harness.others(), subjects(harness)
        named = fields(before)
        first = before[0].record.key
        connector.redact({first: named[first]})
        rest = [each for each in before if each.record.key != first]
        assert view(found(harness.connector, [harness.subject])) == view(rest)
        connector.redact(named)
        assert harness.count() == 0
        assert harness.others() == others

    def test_redact_passes_over_erased_records(self, harness: Harness) -> None:
        """A key that is gone is no error for redact, and its neighbours are still redacted."""
        connector = _redacts(harness)
        if not isinstance(connector, Erases):
            pytest.skip("the connector does not erase")
        named = fields(subjects(harness))
        connector.erase(keys(alone(harness))[:1])
        connector.redact(named)
        assert harness.count() == 0

    def test_redact_leaves_the_fields_that_are_not_named(self, harness: Harness) -> None:
        """Of two fields about the subject one can be emptied and the other kept (a hold)."""
        connector = _redacts(harness)
        before = {each.record.key: each for each in subjects(harness)}
        several = [key for key, each in before.items() if len(each.about) > 1]
        turns = zip(several, cycle((min, max)), strict=False)  # one may be what it is found by
        named = {key: choose(before[key].about) for key, choose in turns}
        connector.redact({key: frozenset({name}) for key, name in named.items()})
        after = {each.record.key: each for each in found(harness.connector, [harness.subject])}
        left = named.keys() & after.keys()
        assert left or len(named) < _BOTH, "more was emptied than was named"
        for key in left:
            assert after[key].about == before[key].about - {named[key]}
        for key in before.keys() - named.keys():
            assert after[key].about == before[key].about

    def test_redact_with_the_key_of_no_record_harms_nothing(self, harness: Harness) -> None:
        """A key that no record has is refused or passed over, and is no condition for all."""
        connector = _redacts(harness)
        before = harness.count(), harness.others()
        tried(harness, lambda: connector.redact({STRANGE: frozenset({"content"})}))
        assert (harness.count(), harness.others()) == before

    def test_redact_does_not_take_a_missing_store_for_success(self, harness: Harness) -> None:
        """Twice is success, but not where the store is gone: a disk may not be mounted."""
        _redacts(harness)
        own, connector = fields(subjects(harness)), missing(harness)
        assert isinstance(connector, Redacts)
        is_unavailable(harness, lambda: connector.redact(own))


def _redacts(harness: Harness) -> Redacts:
    if not isinstance(harness.connector, Redacts):
        pytest.skip("the connector does not redact")
    harness.seed()
    return harness.connector
