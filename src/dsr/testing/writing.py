"""The laws of the verbs: `Erases`, `Redacts`, `Rectifies`, `Restricts`, `Locks`."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from typing import Final

import pytest

from dsr.connector import Connector, Erases, Locks, Rectifies, Redacts, Restricts
from dsr.errors import Refused, StoreError, StoreUnavailable
from dsr.model import Found
from dsr.testing._views import alone, found, keys, shows_nobody, subjects, view
from dsr.testing.harness import Harness

__all__ = ["WritingLaws"]

_STRANGE: Final = "a key that no record has"
_BOTH: Final = 2


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

    def test_keys_of_no_record_harm_nothing(self, harness: Harness) -> None:
        """A key that no record has, or a batch with one, changes nothing but what it names."""
        connector = harness.connector
        harness.seed()
        before = harness.count(), harness.others()
        if isinstance(connector, Erases):
            _tried(harness, lambda: connector.erase([_STRANGE]))
        if isinstance(connector, Redacts):
            _tried(harness, lambda: connector.redact({_STRANGE: frozenset({"content"})}))
        if isinstance(connector, Restricts):
            _tried(harness, lambda: connector.restrict([_STRANGE], on=True))
        assert (harness.count(), harness.others()) == before

    def test_no_verb_takes_a_missing_store_for_success(self, harness: Harness) -> None:
        """Twice is success, but not where the store is gone: a disk may not be mounted."""
        missing: Connector | None = harness.unreachable()
        if missing is None:
            pytest.skip("the harness has no unreachable store")
        harness.seed()
        fields = _fields(subjects(harness))
        if isinstance(missing, Erases):
            with pytest.raises(StoreUnavailable) as raised:
                missing.erase(list(fields))
            shows_nobody(harness, raised.value)
        if isinstance(missing, Redacts):
            with pytest.raises(StoreUnavailable) as raised:
                missing.redact(fields)
            shows_nobody(harness, raised.value)

    def test_rectify_refuses_what_the_record_does_not_have(self, harness: Harness) -> None:
        """A correction that cannot be stored is refused; it is not a success that does nothing."""
        connector = harness.connector
        if not isinstance(connector, Rectifies):
            pytest.skip("the connector does not rectify")
        harness.seed()
        before = harness.count(), harness.others(), view(subjects(harness))
        for key in {each.record.key for each in subjects(harness)}:
            with pytest.raises(Refused) as raised:
                connector.rectify(key, {"no such field": "x"})
            shows_nobody(harness, raised.value)
        assert (harness.count(), harness.others(), view(subjects(harness))) == before

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

    def test_lock_holds_in_the_store_and_only_for_others(self, harness: Harness) -> None:
        """A lock placed for a hold shows in the store, is lifted again, and stops no erasure."""
        connector = harness.connector
        if not isinstance(connector, Locks):
            pytest.skip("the connector does not lock")
        harness.seed()
        own, others = keys(alone(harness)), harness.others()
        free = harness.locked()
        for on in (True, True, False, False, True):
            connector.lock(own, on=on)
            assert harness.locked() == free + (len(own) if on else 0)
            assert harness.others() == others
            assert not any(each.record.lock for each in subjects(harness)), "dsr's own lock"
        if isinstance(connector, Erases):
            connector.erase(own)
            assert not set(keys(found(harness.connector, [harness.subject]))) & set(own)
        assert harness.locked() == free


def _tried(harness: Harness, verb: Callable[[], None]) -> None:
    """Call a verb that may refuse, but not fail in another way or repeat the key."""
    try:
        verb()
    except StoreError as error:
        shows_nobody(harness, error)
        if _STRANGE in str(error):
            pytest.fail("an error shows a record's key")


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
