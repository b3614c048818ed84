"""The laws of the verbs: `Erases`, `Redacts`, `Rectifies`, `Restricts`."""

from __future__ import annotations

import pytest

from dsr.connector import Erases, Rectifies, Redacts, Restricts
from dsr.model import Found
from dsr.testing._views import alone, found, keys, subjects, view
from dsr.testing.harness import Harness

__all__ = ["WritingLaws"]


class WritingLaws:
    """What every connector obeys that has the verb; needs the fixture `harness`."""

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

    def test_redact_empties_the_fields_and_nothing_else(self, harness: Harness) -> None:
        """Redacted fields speak of nobody; the other party's survive, byte for byte."""
        connector = _redacts(harness)
        others = harness.others()
        bystanders = view(found(harness.connector, [harness.bystander]))
        connector.redact(_fields(subjects(harness)))
        assert found(harness.connector, [harness.subject]) == []
        assert harness.count() == 0, "the store itself still speaks of the subject"
        assert harness.others() == others, "redacting changed data of others"
        assert view(found(harness.connector, [harness.bystander])) == bystanders

    def test_redact_twice_is_success(self, harness: Harness) -> None:
        """Redacting again what is empty changes nothing and raises nothing."""
        connector = _redacts(harness)
        fields = _fields(subjects(harness))
        connector.redact(fields)
        after = harness.count(), harness.others()
        connector.redact(fields)
        connector.redact({})
        assert (harness.count(), harness.others()) == after

    def test_redact_carries_on_after_a_part(self, harness: Harness) -> None:
        """After one record was redacted, the others are found as before; then the rest goes."""
        connector = _redacts(harness)
        others, before = harness.others(), subjects(harness)
        fields = _fields(before)
        first = before[0].record.key
        connector.redact({first: fields[first]})
        rest = [each for each in before if each.record.key != first]
        assert view(found(harness.connector, [harness.subject])) == view(rest)
        connector.redact(fields)
        assert harness.count() == 0
        assert harness.others() == others

    def test_redact_passes_over_erased_records(self, harness: Harness) -> None:
        """A key that is gone is no error for redact, and its neighbours are still redacted."""
        connector = _redacts(harness)
        if not isinstance(connector, Erases):
            pytest.skip("the connector does not erase")
        fields = _fields(subjects(harness))
        connector.erase(keys(alone(harness))[:1])
        connector.redact(fields)
        assert harness.count() == 0

    def test_rectify_shows_in_the_next_reading(self, harness: Harness) -> None:
        """Corrected fields are found corrected, twice is success, keys and others stay."""
        connector = harness.connector
        if not isinstance(connector, Rectifies):
            pytest.skip("the connector does not rectify")
        harness.seed()
        others = harness.others()
        plan = {each.record.key: harness.changes(each.record) for each in subjects(harness)}
        assert any(plan.values()), "Harness.changes must name a correction to try"
        for key, changes in plan.items():
            if changes:
                connector.rectify(key, changes)
                connector.rectify(key, changes)
        after = {each.record.key: each.record.data for each in subjects(harness)}
        assert after.keys() == plan.keys()
        for key, changes in plan.items():
            assert {name: after[key][name] for name in changes} == dict(changes)
        assert harness.others() == others

    def test_restrict_marks_and_unmarks(self, harness: Harness) -> None:
        """A restricted record says so until it is lifted; no other record does."""
        connector = harness.connector
        if not isinstance(connector, Restricts):
            pytest.skip("the connector does not restrict")
        harness.seed()
        own, others = keys(subjects(harness)), harness.others()
        who = [harness.subject, harness.bystander]
        for on in (True, True, False, False):
            connector.restrict(own, on=on)
            marked = {each.record.key for each in found(connector, who) if each.record.restricted}
            assert marked == (set(own) if on else set())
            assert harness.others() == others


def _erases(harness: Harness) -> Erases:
    if not isinstance(harness.connector, Erases):
        pytest.skip("the connector does not erase")
    harness.seed()
    return harness.connector


def _redacts(harness: Harness) -> Redacts:
    if not isinstance(harness.connector, Redacts):
        pytest.skip("the connector does not redact")
    harness.seed()
    return harness.connector


def _two(own: list[str]) -> None:
    assert len(own) > 1, "seed at least two records that speak of the subject alone"


def _fields(founds: list[Found]) -> dict[str, frozenset[str]]:
    return {each.record.key: each.about for each in founds}
