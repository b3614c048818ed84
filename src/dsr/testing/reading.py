"""The laws of `Connector.find`: whom it finds, and how it reads."""

from __future__ import annotations

import datetime as dt
from itertools import groupby, zip_longest
from typing import Final

import attrs
import pytest

from dsr.errors import StoreUnavailable
from dsr.model import KINDS, Found
from dsr.testing._views import (
    VERBS,
    alone,
    bytes_of,
    found,
    has,
    keys,
    missing,
    shows_nobody,
    streams,
    subjects,
    view,
)
from dsr.testing.harness import Harness

__all__ = ["ReadingLaws"]

_MANY: Final = 1000  # more than the parameters of one statement in some databases


class ReadingLaws:
    """What every connector obeys; needs the fixture `harness`."""

    def test_the_seed_is_visible(self, harness: Harness) -> None:
        """As many records are found as were seeded, so that an empty find cannot pass."""
        seeded = harness.seed()
        assert seeded > 0, "seed at least one record of the subject"
        assert harness.count() == seeded, "Harness.count disagrees with Harness.seed"
        assert len(keys(subjects(harness))) == seeded

    def test_the_bystander_is_visible(self, harness: Harness) -> None:
        """The bystander has data too, or the laws that protect it would prove nothing."""
        harness.seed()
        assert found(harness.connector, [harness.bystander]), "seed a record of the bystander"
        assert harness.others(), "Harness.others must hold the bystander's data"

    def test_the_connector_describes_itself(self, harness: Harness) -> None:
        """A connector has a name, accepts known kinds, and tells its categories beforehand."""
        connector = harness.connector
        assert connector.name
        assert connector.accepts <= set(KINDS)
        assert harness.subject.kind == harness.bystander.kind
        assert harness.subject.kind in connector.accepts
        harness.seed()
        founds = subjects(harness)
        assert {each.record.category for each in founds} <= connector.categories

    def test_no_verb_is_lost(self, harness: Harness) -> None:
        """The harness names the connector's verbs: a lost one's laws would skip in silence."""
        has_them = {verb for verb in VERBS if has(harness.connector, verb)}
        named = getattr(harness, "verbs", None)
        assert named is not None, f"name the connector's verbs: verbs = frozenset({has_them})"
        assert named <= VERBS, "Harness.verbs names what is no verb"
        assert named <= has_them, "the connector has lost verbs that Harness.verbs names"
        assert has_them <= named, "the connector has verbs that Harness.verbs does not name"

    def test_a_stranger_is_not_found(self, harness: Harness) -> None:
        """An identifier of nobody in the store finds nothing."""
        harness.seed()
        assert found(harness.connector, harness.strangers(1)) == []

    def test_a_neighbour_is_not_found(self, harness: Harness) -> None:
        """The same digits in another country, or one more or fewer, are somebody else's."""
        harness.seed()
        near = [each for each in harness.neighbours() if each != harness.bystander]
        own = set(keys(alone(harness)))
        for each in near:
            assert own.isdisjoint(keys(found(harness.connector, [each]))), (
                "the subject's records are found for a number or name that is only like it"
            )
        batch = found(harness.connector, [*near, harness.subject])
        hers = [each for each in batch if each.who == harness.subject]
        assert view(hers) == view(subjects(harness))
        assert own.isdisjoint(each.record.key for each in batch if each.who != harness.subject)

    def test_an_empty_batch_finds_nothing(self, harness: Harness) -> None:
        """Nobody asked for is not everybody."""
        harness.seed()
        assert found(harness.connector, []) == []

    def test_tenure_is_ignored(self, harness: Harness) -> None:
        """The engine applies tenure: the connector finds records outside it all the same."""
        harness.seed()
        late = attrs.evolve(harness.subject, since=dt.datetime(9999, 1, 1, tzinfo=dt.UTC))
        expected = set(keys(subjects(harness)))
        assert set(keys(found(harness.connector, [late]))) == expected

    def test_keys_are_stable(self, harness: Harness) -> None:
        """Two readings give the same keys, about the same fields."""
        harness.seed()
        assert view(subjects(harness)) == view(subjects(harness))

    def test_one_found_for_each_record_and_identifier(self, harness: Harness) -> None:
        """A key names one record; its Founds are adjacent, one for each identifier."""
        harness.seed()
        founds = found(harness.connector, [harness.subject, harness.bystander])
        runs = [key for key, _ in groupby(each.record.key for each in founds)]
        assert len(runs) == len(set(runs)), "the Founds of one key are not adjacent"
        pairs = [(each.record.key, each.who) for each in founds]
        assert len(pairs) == len(set(pairs)), "one record came twice for one identifier"

    def test_a_batch_finds_as_single_ones(self, harness: Harness) -> None:
        """Every person of a batch gets what asking for that person alone gives."""
        harness.seed()
        single = view(subjects(harness)) | view(found(harness.connector, [harness.bystander]))
        for who in (
            [harness.subject, harness.bystander],
            [harness.bystander, harness.subject],
            [harness.bystander, *harness.strangers(_MANY), harness.subject],
        ):
            assert view(found(harness.connector, who)) == single

    def test_find_changes_nothing(self, harness: Harness) -> None:
        """Reading records and their content leaves the store as it was."""
        harness.seed()
        before = harness.count(), harness.others()
        for each in found(harness.connector, [harness.subject, harness.bystander]):
            bytes_of(each.record)
        assert (harness.count(), harness.others()) == before

    def test_find_streams(self, harness: Harness) -> None:
        """Memory does not grow with the number of records: each is yielded as it is read."""
        harness.seed()
        streams(harness, lambda: harness.connector.find([harness.subject]))

    def test_a_reading_may_be_broken_off(self, harness: Harness) -> None:
        """Who stops after the first record leaves nothing behind: the next reading is whole."""
        harness.seed()
        whole = view(subjects(harness))
        for _ in range(3):
            reading = harness.connector.find([harness.subject])
            next(reading)
            del reading  # closes it, as leaving the loop would
        assert view(subjects(harness)) == whole

    def test_two_readings_at_once_are_two(self, harness: Harness) -> None:
        """Readings that run side by side share nothing: neither takes the other's records."""
        harness.seed()
        who = ([harness.subject], [harness.bystander])
        apart = [found(harness.connector, each) for each in who]
        both = zip_longest(*(harness.connector.find(each) for each in who))
        together = list(zip(*both, strict=True))
        for single, woven in zip(apart, together, strict=True):
            assert view(each for each in woven if isinstance(each, Found)) == view(single)

    def test_a_store_that_is_not_there_is_an_error(self, harness: Harness) -> None:
        """A store that cannot be read raises, and never looks like one without data."""
        connector = missing(harness)
        with pytest.raises(StoreUnavailable) as raised:
            list(connector.find([harness.subject]))
        assert raised.value.store == connector.name
        shows_nobody(harness, raised.value)
