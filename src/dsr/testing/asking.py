"""The laws of what else a store can be asked: `Splits`, `Checks` and `Vouches`."""

from __future__ import annotations

import pickle
from functools import partial
from typing import Final

import pytest

from dsr.connector import Checks, Splits, Vouches
from dsr.errors import StoreUnavailable
from dsr.model import Credential, Identifier
from dsr.testing._alike import near
from dsr.testing._views import (
    View,
    found,
    is_unavailable,
    keys,
    missing,
    secrets,
    shows_nobody,
    view,
)
from dsr.testing.harness import Harness

__all__ = ["AskingLaws"]

_WRONG: Final = {"fault", "right"}


class AskingLaws:
    """What every connector obeys that has the method; needs the fixture `harness`."""

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

    def test_parts_of_a_missing_store_are_an_error(self, harness: Harness) -> None:
        """No part of a store that is not there looks like one without data."""
        if not isinstance(harness.connector, Splits):
            pytest.skip("the connector does not split")
        connector = missing(harness)
        assert isinstance(connector, Splits)
        is_unavailable(
            harness, lambda: [list(each.find([harness.subject])) for each in connector.split()]
        )

    def test_a_good_store_passes_its_check(self, harness: Harness) -> None:
        """`check` finds no fault in the harness's store, no right missing, and changes nothing."""
        if not isinstance(harness.connector, Checks):
            pytest.skip("the connector does not check")
        harness.seed()
        before = harness.count(), harness.others()
        findings = list(harness.connector.check())
        assert [each.text for each in findings if each.kind in _WRONG] == []
        assert (harness.count(), harness.others()) == before

    def test_check_tells_that_the_store_is_missing(self, harness: Harness) -> None:
        """`check` of a store that is not there raises, or finds a fault: never nothing."""
        if not isinstance(harness.connector, Checks):
            pytest.skip("the connector does not check")
        connector = missing(harness)
        assert isinstance(connector, Checks)
        try:
            findings = list(connector.check())
        except StoreUnavailable as error:
            shows_nobody(harness, error)
            return
        assert any(each.kind in _WRONG for each in findings), "a missing store passed its check"
        texts = [each.text for each in findings]
        assert not any(secret in text for secret in secrets(harness) for text in texts)

    def test_credentials_are_those_of_the_address(self, harness: Harness) -> None:
        """Each SIP address gets the hashes of its own, which no repr shows, and no password."""
        connector = _vouches(harness)
        before = harness.count(), harness.others()
        vouched = harness.vouched()
        if not vouched:
            pytest.skip("the harness has no credentials")
        assert len(vouched) > 1, "Harness.vouched: seed the hashes of two addresses, or more"
        for who, expected in vouched.items():
            got = connector.credentials(who)
            assert all(type(each) is Credential for each in got)
            assert len(got) == len(set(got))
            assert set(got) == set(expected)
            assert not any(each.ha1 in repr(got) for each in expected)
        assert (harness.count(), harness.others()) == before

    def test_credentials_of_a_stranger_are_none(self, harness: Harness) -> None:
        """Who has no password here gets nobody else's, however alike the names are."""
        connector = _vouches(harness)
        vouched = harness.vouched()
        stranger = Identifier("sip", "stranger-0@nowhere.invalid")
        alike = (Identifier("sip", value) for who in vouched for value in near(who))
        for who in {stranger, *alike} - vouched.keys():
            assert not connector.credentials(who), "the hash of another address"

    def test_credentials_of_a_missing_store_are_an_error(self, harness: Harness) -> None:
        """A store that is not there raises: nobody is turned away for a wrong password."""
        _vouches(harness)
        connector = missing(harness)
        assert isinstance(connector, Vouches)
        vouched = harness.vouched()
        if not vouched:
            pytest.skip("the harness has no credentials")
        for who in vouched:
            is_unavailable(harness, partial(connector.credentials, who))


def _vouches(harness: Harness) -> Vouches:
    if not isinstance(harness.connector, Vouches):
        pytest.skip("the connector does not vouch")
    harness.seed()
    return harness.connector
