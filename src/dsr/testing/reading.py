"""The laws of `Connector.find`, of what it yields, and of `Splits` and `Checks`."""

from __future__ import annotations

import datetime as dt
import pickle
import re
from collections.abc import Mapping
from decimal import Decimal
from itertools import groupby, zip_longest
from typing import Final

import attrs
import pytest

from dsr.connector import Checks, Splits
from dsr.errors import StoreUnavailable
from dsr.model import KINDS, Content, Found, Record
from dsr.testing._views import View, bytes_of, found, keys, secrets, shows_nobody, subjects, view
from dsr.testing.harness import Harness

__all__ = ["ReadingLaws"]

_CHUNK: Final = 256 * 1024
_MANY: Final = 1000  # more than the parameters of one statement in some databases
_PART: Final = re.compile(r"(?P<field>.+)\[(?P<start>\d+):(?P<end>\d+)\]")
_SCALARS: Final = (str, int, float, Decimal, bool, type(None), bytes, dt.date)
_E164: Final = re.compile(r"\+[1-9]\d{1,14}")


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
        """Each verb that the harness names is there: else its laws would be skipped in silence."""
        for verb in harness.verbs:
            assert callable(getattr(harness.connector, verb, None)), f"there is no {verb}"

    def test_a_stranger_is_not_found(self, harness: Harness) -> None:
        """An identifier of nobody in the store finds nothing."""
        harness.seed()
        assert found(harness.connector, harness.strangers(1)) == []

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

    def test_about_names_fields_that_hold_something(self, harness: Harness) -> None:
        """`about` is never empty, and names fields of the record, parts of them, or content."""
        harness.seed()
        for each in found(harness.connector, [harness.subject, harness.bystander]):
            assert each.about, "a Found that says nothing about the identifier"
            for name in each.about:
                assert _holds(each.record, name), "`about` names a field that is empty or absent"
            for name in each.record.personal:
                assert _holds(each.record, name), "`personal` names a field that is empty"
            assert not each.record.personal or each.about <= each.record.personal

    def test_values_are_of_the_documented_types(self, harness: Harness) -> None:
        """Records hold only values that a package can write, and aware timestamps."""
        harness.seed()
        for each in subjects(harness):
            assert each.record.key
            assert each.record.at is None or each.record.at.tzinfo is not None
            assert _plain(each.record.data), "a value of record.data is of no documented type"

    def test_reprs_show_nobody(self, harness: Harness) -> None:
        """No repr shows an identifier: reprs end up in logs and tracebacks."""
        harness.seed()
        founds = found(harness.connector, [harness.subject, harness.bystander])
        shown = [repr(harness.connector)]
        shown += [repr(each) + repr(each.record.content) + repr(each.record) for each in founds]
        for secret in secrets(harness):
            assert not any(secret in text for text in shown), "a repr shows personal data"

    def test_connector_and_records_can_be_pickled(self, harness: Harness) -> None:
        """A worker in another process finds the same, and can send it back."""
        harness.seed()
        copy = pickle.loads(pickle.dumps(harness.connector))  # noqa: S301  (our own bytes)
        founds = found(copy, [harness.subject])
        assert view(founds) == view(subjects(harness))
        back = pickle.loads(pickle.dumps(founds))  # noqa: S301  (our own bytes)
        assert view(back) == view(founds)
        for here, there in zip(founds, back, strict=True):
            assert bytes_of(here.record) == bytes_of(there.record)

    def test_find_changes_nothing(self, harness: Harness) -> None:
        """Reading records and their content leaves the store as it was."""
        harness.seed()
        before = harness.count(), harness.others()
        for each in found(harness.connector, [harness.subject, harness.bystander]):
            bytes_of(each.record)
        assert (harness.count(), harness.others()) == before

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
        for alone, woven in zip(apart, together, strict=True):
            assert view(each for each in woven if isinstance(each, Found)) == view(alone)

    def test_links_can_be_looked_up(self, harness: Harness) -> None:
        """A link is an identifier as `dsr.model` writes it, or no other store would know it."""
        harness.seed()
        for each in found(harness.connector, [harness.subject, harness.bystander]):
            for link in each.record.links:
                assert link.kind in KINDS
                assert link.value, "a link that leads nowhere"
                if link.kind == "phone":
                    assert _E164.fullmatch(link.value), "a phone number that is not E.164"
                if link.kind in {"sip", "email"}:
                    assert link.value == link.value.lower(), "an address that is not lower case"

    def test_content_is_whole_and_repeatable(self, harness: Harness) -> None:
        """Content comes in pieces of at most 256 KiB, twice the same, and all of it."""
        harness.seed()
        for each in subjects(harness):
            content = each.record.content
            if content is None:
                continue
            assert isinstance(content, Content)
            assert content.name
            assert "/" not in content.name
            assert "/" in content.mediatype
            assert all(0 < len(chunk) <= _CHUNK for chunk in content.chunks())
            data = bytes_of(each.record)
            assert data == bytes_of(each.record)
            assert content.size in (None, len(data))
            assert harness.content(each.record) in (None, data)

    def test_a_store_that_is_not_there_is_an_error(self, harness: Harness) -> None:
        """A store that cannot be read raises, and never looks like one without data."""
        missing = harness.unreachable()
        if missing is None:
            pytest.skip("the harness has no unreachable store")
        with pytest.raises(StoreUnavailable) as raised:
            list(missing.find([harness.subject]))
        assert raised.value.store == missing.name
        shows_nobody(harness, raised.value)

    def test_parts_are_the_whole(self, harness: Harness) -> None:
        """Each record is in exactly one part; parts are picklable and carry the store's name."""
        if not isinstance(harness.connector, Splits):
            pytest.skip("the connector does not split")
        harness.seed()
        who = [harness.subject, harness.bystander]
        together: View = {}
        seen: set[str] = set()
        for part in harness.connector.split():
            copy = pickle.loads(pickle.dumps(part))  # noqa: S301  (our own bytes)
            assert copy.name == harness.connector.name
            founds = found(copy, who)
            assert seen.isdisjoint(keys(founds)), "a record is in two parts"
            seen.update(keys(founds))
            together |= view(founds)
        assert together == view(found(harness.connector, who))

    def test_a_good_store_passes_its_check(self, harness: Harness) -> None:
        """`check` finds no fault in the harness's store, no right missing, and changes nothing."""
        if not isinstance(harness.connector, Checks):
            pytest.skip("the connector does not check")
        harness.seed()
        before = harness.count(), harness.others()
        findings = list(harness.connector.check())
        assert [each.text for each in findings if each.kind in {"fault", "right"}] == []
        assert (harness.count(), harness.others()) == before


def _holds(record: Record, name: str) -> bool:
    """Return whether `name` is a field with a value, a part inside one, or the content."""
    if name in record.data:
        value = record.data[name]
        return value is not None and value not in ("", b"", [], {})
    if name == "content":
        return record.content is not None
    part = _PART.fullmatch(name)
    if part is None:
        return False
    value = record.data.get(part["field"])
    if isinstance(value, str):  # a connector may count in bytes
        value = value.encode("utf-8", "surrogateescape")
    return isinstance(value, bytes) and int(part["start"]) < int(part["end"]) <= len(value)


def _plain(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _plain(each) for key, each in value.items())
    if isinstance(value, list | tuple):
        return all(map(_plain, value))
    if isinstance(value, dt.datetime):
        return value.tzinfo is not None
    return isinstance(value, _SCALARS)
