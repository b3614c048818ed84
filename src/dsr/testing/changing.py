"""The laws of `Rectifies`, `Restricts` and `Locks`."""

from __future__ import annotations

from functools import partial

import pytest

from dsr.connector import Erases, Locks, Rectifies, Restricts
from dsr.testing._views import (
    STRANGE,
    alone,
    found,
    is_unavailable,
    keys,
    missing,
    refused,
    subjects,
    theirs,
    tried,
    view,
)
from dsr.testing.harness import Harness

__all__ = ["ChangingLaws"]


class ChangingLaws:
    """What every connector obeys that corrects, marks or locks; needs the fixture `harness`."""

    def test_rectify_shows_in_the_next_reading(self, harness: Harness) -> None:
        """Corrected fields are found corrected, twice is success; keys and all others stay."""
        connector = _rectifies(harness)
        others = harness.others()
        before = {each.record.key: each.record.data for each in subjects(harness)}
        plan = {each.record.key: harness.changes(each.record) for each in subjects(harness)}
        assert any(plan.values()), "Harness.changes must name a correction to try"
        for key, changes in plan.items():
            if not changes:
                continue
            for _ in range(2):
                connector.rectify(key, changes)
            after = {each.record.key: each.record.data for each in subjects(harness)}
            assert after.keys() == plan.keys()
            assert {name: after[key][name] for name in changes} == dict(changes)
            touched = changes.keys() | harness.derived
            left = {name: value for name, value in before[key].items() if name not in touched}
            assert all(after[key].get(name) == value for name, value in left.items()), (
                "fields changed that were not named"
            )
            rest = after.keys() - {key}
            assert all(after[each] == before[each] for each in rest), (
                "correcting one record changed another one of the subject's"
            )
            before = after
        assert harness.others() == others, "correcting changed data of others"

    def test_rectify_refuses_what_the_record_does_not_have(self, harness: Harness) -> None:
        """A correction that cannot be stored is refused; it is not a success that does nothing."""
        connector = _rectifies(harness)
        before = harness.count(), harness.others(), view(subjects(harness))
        for key in {each.record.key for each in subjects(harness)}:
            refused(harness, partial(connector.rectify, key, {"no such field": "x"}))
        assert (harness.count(), harness.others(), view(subjects(harness))) == before

    def test_rectify_does_not_take_a_missing_store_for_success(self, harness: Harness) -> None:
        """A store that is not there raises: nothing was corrected in it."""
        _rectifies(harness)
        founds, connector = subjects(harness), missing(harness)
        assert isinstance(connector, Rectifies)
        for each in founds:
            key, changes = each.record.key, harness.changes(each.record)
            if changes:
                is_unavailable(harness, partial(connector.rectify, key, changes))

    def test_restrict_marks_and_unmarks(self, harness: Harness) -> None:
        """A restricted record says so until it is lifted; no other record does."""
        connector = _restricts(harness)
        own, others = keys(subjects(harness)), harness.others()
        for on in (True, True, False, False):
            connector.restrict(own, on=on)
            assert _marked(harness) == (set(own) if on else set())
            assert harness.others() == others

    def test_restrict_lifts_no_mark_of_others(self, harness: Harness) -> None:
        """Records that another request restricted stay restricted when the subject's are free."""
        connector = _restricts(harness)
        own, their = keys(subjects(harness)), theirs(harness)
        connector.restrict(their, on=True)
        others = harness.others()
        assert _marked(harness) == set(their)
        connector.restrict(own, on=True)
        assert _marked(harness) == {*own, *their}
        connector.restrict(own[:1], on=False)
        assert _marked(harness) == {*own[1:], *their}, "lifting one mark lifted others"
        connector.restrict(own, on=False)
        assert _marked(harness) == set(their), "lifting the subject's marks lifted others"
        assert harness.others() == others

    def test_restrict_with_the_key_of_no_record_harms_nothing(self, harness: Harness) -> None:
        """A key that no record has is refused or passed over, and is no condition for all."""
        connector = _restricts(harness)
        before = harness.count(), harness.others()
        tried(harness, lambda: connector.restrict([STRANGE], on=True))
        assert not _marked(harness)
        assert (harness.count(), harness.others()) == before

    def test_restrict_does_not_take_a_missing_store_for_success(self, harness: Harness) -> None:
        """A store that is not there raises: nothing was marked in it, and nothing freed."""
        _restricts(harness)
        own, connector = keys(subjects(harness)), missing(harness)
        assert isinstance(connector, Restricts)
        is_unavailable(harness, lambda: connector.restrict(own, on=True))
        is_unavailable(harness, lambda: connector.restrict(own, on=False))

    def test_lock_holds_in_the_store_and_only_for_others(self, harness: Harness) -> None:
        """A lock placed for a hold shows in the store, is lifted again, and stops no erasure."""
        connector = _locks(harness)
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

    def test_lock_lifts_no_lock_of_others(self, harness: Harness) -> None:
        """What somebody else locked stays locked, and shows; so do the locks of other holds."""
        connector = _locks(harness)
        own, their = keys(alone(harness)), theirs(harness)
        free = harness.locked()
        connector.lock(their, on=True)
        harness.lock_as_another(own[0])
        assert harness.locked() == free + len(their) + 1, "Harness.lock_as_another locks nothing"
        for on in (True, False, False):
            connector.lock(own, on=on)
            locked = len(own) if on else 1
            assert harness.locked() == free + len(their) + locked, "a lock of others was lifted"
            shown = {each.record.key for each in subjects(harness) if each.record.lock}
            assert shown == {own[0]}, "a lock of others is no Record.lock"

    def test_lock_with_the_key_of_no_record_harms_nothing(self, harness: Harness) -> None:
        """A key that no record has is refused or passed over, and is no condition for all."""
        connector = _locks(harness)
        before = harness.count(), harness.others(), harness.locked()
        tried(harness, lambda: connector.lock([STRANGE], on=True))
        assert (harness.count(), harness.others(), harness.locked()) == before

    def test_lock_does_not_take_a_missing_store_for_success(self, harness: Harness) -> None:
        """A store that is not there raises: nothing was locked in it, and nothing freed."""
        _locks(harness)
        own, connector = keys(subjects(harness)), missing(harness)
        assert isinstance(connector, Locks)
        is_unavailable(harness, lambda: connector.lock(own, on=True))
        is_unavailable(harness, lambda: connector.lock(own, on=False))


def _marked(harness: Harness) -> set[str]:
    who = [harness.subject, harness.bystander]
    return {each.record.key for each in found(harness.connector, who) if each.record.restricted}


def _rectifies(harness: Harness) -> Rectifies:
    if not isinstance(harness.connector, Rectifies):
        pytest.skip("the connector does not rectify")
    harness.seed()
    return harness.connector


def _restricts(harness: Harness) -> Restricts:
    if not isinstance(harness.connector, Restricts):
        pytest.skip("the connector does not restrict")
    harness.seed()
    return harness.connector


def _locks(harness: Harness) -> Locks:
    if not isinstance(harness.connector, Locks):
        pytest.skip("the connector does not lock")
    harness.seed()
    return harness.connector
