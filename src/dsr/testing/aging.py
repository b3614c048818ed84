"""The laws of `Ages`: what has grown old is listed to the moment, as `find` shows it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import pytest

from dsr.connector import Ages, Erases, Restricts
from dsr.errors import ConfigurationError
from dsr.model import Identifier, Record, Unread
from dsr.testing._views import bytes_of, found, is_unavailable, missing, secrets, streams
from dsr.testing.harness import Harness

__all__ = ["AgingLaws"]

#: Nothing that a harness seeds is younger.
_LATE: Final = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
_TICK: Final = dt.timedelta(microseconds=1)


class AgingLaws:
    """What every connector obeys that lists what has grown old; needs the fixture `harness`."""

    def test_aged_lists_what_lies_before_the_border(self, harness: Harness) -> None:
        """A record is listed once its time lies before the border; without a time it never is."""
        connector = _ages(harness)
        known = _known(harness)
        for category in _dated(harness, known):
            ages = {key: _age(harness, each, category) for key, each in known.items()}
            times = sorted({age for age in ages.values() if age is not None})
            for border in (*times, *(time + _TICK for time in times), _LATE):
                expected = {key for key, age in ages.items() if age is not None and age < border}
                listed = _listed(harness, connector, category, border)
                assert listed.keys() & known.keys() == expected
                for record in listed.values():  # of others, too
                    age = _age(harness, record, category)
                    assert age is not None, "a record without the anchor was listed"
                    assert age < border, "a record was listed too early"

    def test_aged_lists_records_as_find_shows_them(self, harness: Harness) -> None:
        """Key, fields, time, content, links, lock and restriction are the same; reprs are mute.

        Two things may differ: the anchor's own field, if it is costly to read, is in `aged`
        alone; and a link that only whom the record was found for makes telling is in `find` alone.
        """
        connector = _ages(harness)
        known = _known(harness)
        for category in _dated(harness, known):
            for key, listed in _listed(harness, connector, category, _LATE).items():
                assert not any(each in repr(listed) for each in secrets(harness))
                if key in known:
                    shown = known[key]
                    read = {name: listed.data[name] for name in shown.data}
                    assert read == shown.data
                    assert listed.data.keys() - shown.data.keys() <= {harness.anchor}
                    assert _rest(harness, listed) == _rest(harness, shown)
                    assert bytes_of(listed) == bytes_of(shown)

    def test_aged_shows_what_is_restricted(self, harness: Harness) -> None:
        """Routine deletion passes over restricted records, so the list must tell them."""
        connector = _ages(harness)
        known = _known(harness)
        if not isinstance(connector, Restricts):
            pytest.skip("the connector does not restrict")
        for category in _dated(harness, known):
            own = [key for key, each in known.items() if _age(harness, each, category)]
            connector.restrict(own[:1], on=True)
            listed = _listed(harness, connector, category, _LATE)
            assert {key for key in own if listed[key].restricted} == set(own[:1])

    def test_aged_changes_nothing(self, harness: Harness) -> None:
        """Listing, to its end or broken off, leaves the store as it was, and the next one whole."""
        connector = _ages(harness)
        before = harness.count(), harness.others()
        known = _known(harness)
        for category in _dated(harness, known):
            whole = _listed(harness, connector, category, _LATE).keys()
            listing = connector.aged(category, harness.anchor, _LATE)
            assert isinstance(listing, Iterator), "a list of everything does not fit in memory"
            next(listing)
            del listing  # closes it, as leaving the loop would
            assert _listed(harness, connector, category, _LATE).keys() == whole
        assert _known(harness).keys() == known.keys()
        assert (harness.count(), harness.others()) == before

    def test_aged_refuses_an_unknown_anchor(self, harness: Harness) -> None:
        """A policy that counts from a field that is not there is wrong, and hears of it."""
        connector = _ages(harness)
        for category in _dated(harness, _known(harness)):
            with pytest.raises(ConfigurationError):
                list(connector.aged(category, "no such field", _LATE))

    def test_aged_streams(self, harness: Harness) -> None:
        """Memory does not grow with the number of old records: each is yielded as it is read."""
        connector = _ages(harness)
        (category, *_) = _dated(harness, _known(harness))
        streams(harness, lambda: connector.aged(category, harness.anchor, _LATE))

    def test_aged_does_not_take_a_missing_store_for_a_young_one(self, harness: Harness) -> None:
        """A store that is not there raises: nothing old in it would be a false proof."""
        _ages(harness)
        connector = missing(harness)
        assert isinstance(connector, Ages)
        for category in _dated(harness, _known(harness)):
            is_unavailable(harness, partial(_all, connector.aged, category, harness.anchor))

    def test_erase_removes_all_that_aged_lists(self, harness: Harness) -> None:
        """After the erasure of all it lists it lists nothing: routine deletion comes to an end."""
        connector = _ages(harness)
        if not isinstance(connector, Erases):
            pytest.skip("the connector does not erase")
        for category in _dated(harness, _known(harness)):
            connector.erase(list(_listed(harness, connector, category, _LATE)))
            assert not _listed(harness, connector, category, _LATE)


def _all(aged: Callable[..., Iterator[object]], category: str, anchor: str) -> list[object]:
    return list(aged(category, anchor, _LATE))


def _ages(harness: Harness) -> Ages:
    if not isinstance(harness.connector, Ages):
        pytest.skip("the connector does not list the aged")
    harness.seed()
    return harness.connector


def _known(harness: Harness) -> dict[str, Record]:
    """Return by key what is found for the two persons, and what that leads to."""
    connector = harness.connector
    founds = found(connector, [harness.subject, harness.bystander])
    links: dict[Identifier, None] = {
        each: None for one in founds for each in one.record.links if each.kind in connector.accepts
    }
    led_to = {each.record.key: each.record for each in found(connector, list(links))}
    return led_to | {each.record.key: each.record for each in founds}


def _age(harness: Harness, record: Record, category: str) -> dt.datetime | None:
    """Return from when a record of the category counts; None if it must not be listed there."""
    return harness.anchored(record) if record.category == category else None


def _dated(harness: Harness, known: dict[str, Record]) -> list[str]:
    """Return the categories in which something ages; none skips, unless `aged` was promised."""
    dated = {each.category for each in known.values() if harness.anchored(each) is not None}
    if not dated:
        assert "aged" not in harness.verbs, "seed a record that ages: see Harness.anchored"
        pytest.skip("the harness has no record that ages")
    return sorted(dated)


def _listed(
    harness: Harness, connector: Ages, category: str, before: dt.datetime
) -> dict[str, Record]:
    """Return by key what has grown old; a part that it could not read fails the test."""
    listed: dict[str, Record] = {}
    for each in connector.aged(category, harness.anchor, before):
        if isinstance(each, Unread):
            pytest.fail(f"a part of the seeded store was not read: {each.reason}")
        assert each.category == category
        assert each.key not in listed, "a record was listed twice"
        listed[each.key] = each
    return listed


def _rest(harness: Harness, record: Record) -> tuple[object, ...]:
    """Return what else must be the same in both readings, without links that name a person."""
    named = tuple(secrets(harness))
    links = [each for each in record.links if not any(name in each.value for name in named)]
    return record.category, record.at, record.personal, set(links), record.lock, record.restricted
