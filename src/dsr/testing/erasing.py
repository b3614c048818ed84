"""The laws of `Erases`."""

from __future__ import annotations

import pytest

from dsr.connector import Erases
from dsr.testing._views import (
    STRANGE,
    alone,
    found,
    is_unavailable,
    keys,
    missing,
    subjects,
    tried,
    view,
)
from dsr.testing.harness import Harness

__all__ = ["ErasingLaws"]


class ErasingLaws:
    """What every connector obeys that erases; needs the fixture `harness`."""

    def test_erase_removes_the_records_and_nothing_else(self, harness: Harness) -> None:
        """Erased records are gone from the store itself, and nobody else's data changed."""
        connector = _erases(harness)
        before = subjects(harness)
        own, others = keys(alone(harness)), harness.others()
        _two(own)
        connector.erase(own)
        rest = [each for each in before if each.record.key not in set(own)]
        assert view(found(harness.connector, [harness.subject])) == view(rest)
        assert harness.count() == len(keys(rest)), "erased records are still in the store"
        assert harness.others() == others, "erasing changed data of others"

    def test_erase_twice_is_success(self, harness: Harness) -> None:
        """Erasing again what is gone changes nothing and raises nothing."""
        connector = _erases(harness)
        own = keys(alone(harness))
        connector.erase(own)
        after = harness.count(), harness.others()
        connector.erase(own)
        connector.erase([])
        assert (harness.count(), harness.others()) == after

    def test_erase_carries_on_after_a_part(self, harness: Harness) -> None:
        """After one record of a batch was erased, keys still hold and the batch can be redone."""
        connector = _erases(harness)
        own, others, seeded = keys(alone(harness)), harness.others(), harness.count()
        before = keys(subjects(harness))
        _two(own)
        connector.erase(own[:1])
        assert harness.count() == seeded - 1
        assert set(keys(subjects(harness))) == set(before) - {own[0]}
        connector.erase(own)
        assert harness.count() == seeded - len(own)
        assert harness.others() == others

    def test_erase_with_the_key_of_no_record_harms_nothing(self, harness: Harness) -> None:
        """A key that no record has is refused or passed over, and is no condition for all."""
        connector = _erases(harness)
        before = harness.count(), harness.others()
        tried(harness, lambda: connector.erase([STRANGE]))
        assert (harness.count(), harness.others()) == before

    def test_erase_does_not_take_a_missing_store_for_success(self, harness: Harness) -> None:
        """Twice is success, but not where the store is gone: a disk may not be mounted."""
        _erases(harness)
        own, connector = keys(subjects(harness)), missing(harness)
        assert isinstance(connector, Erases)
        is_unavailable(harness, lambda: connector.erase(own))


def _erases(harness: Harness) -> Erases:
    if not isinstance(harness.connector, Erases):
        pytest.skip("the connector does not erase")
    harness.seed()
    return harness.connector


def _two(own: list[str]) -> None:
    assert len(own) > 1, "seed at least two records that speak of the subject alone"
