"""Connectors whose parts, checks or credentials are not what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
from attrs import field, frozen

from dsr.connector import Connector
from dsr.model import Credential, Finding, Identifier
from tests.testing.notebook import REALM, Notebook

__all__ = ["BROKEN"]


class OverlappingParts(Notebook):
    """Every record is in two parts."""

    def split(self) -> Sequence[Notebook]:
        return [self, self]


class LosesAPart(Notebook):
    """A third of the records is in no part."""

    def split(self) -> Sequence[Notebook]:
        return [part for part in super().split() if isinstance(part, Notebook)][:2]


class NoPartsWhenMissing(Notebook):
    """Splits a store that is not there into nothing, all of which is read at once."""

    def split(self) -> Sequence[Connector]:
        return super().split() if self.path.exists() else []


class FindsFaults(Notebook):
    """Complains of a store in order: soon nobody reads what it says."""

    def check(self) -> Sequence[Finding]:
        return [Finding("fault", "something may be wrong")]


class ChecksByWriting(Notebook):
    """Tries whether it may write by writing."""

    def check(self) -> Sequence[Finding]:
        self.write({**row, "note": "checked"} for row in self.rows())
        return []


class ChecksNothing(Notebook):
    """Passes every store, even one that is not there."""

    def check(self) -> Sequence[Finding]:
        return []


class VouchesForEverybody(Notebook):
    """Gives every hash that it has: anybody's password then proves to be this person."""

    def credentials(self, who: Identifier) -> Sequence[Credential]:
        user = who.value.partition("@")[0]
        return [Credential(user, REALM, "MD5", ha1) for ha1 in self.hashes().values()]


class TellsPasswords(Notebook):
    """Passes the password on with its hash."""

    def credentials(self, who: Identifier) -> Sequence[Credential]:
        return [WithPassword(**attrs.asdict(each)) for each in super().credentials(who)]


@frozen
class WithPassword(Credential):
    """A hash, and what it was made from."""

    password: str = field(default="secret", repr=False)


class VouchesForTheAlike(Notebook):
    """Finds an address that begins with what is asked for."""

    def credentials(self, who: Identifier) -> Sequence[Credential]:
        start = who.value.partition("@")[0]
        full = [address for address in self.hashes() if address.startswith(start)]
        mine = super().credentials
        return [each for address in full for each in mine(Identifier("sip", address))]


class NobodyWhenMissing(Notebook):
    """Takes a store that is not there for one without this address."""

    def hashes(self) -> Mapping[str, str]:
        return super().hashes() if self.path.exists() else {}


#: Each with the law that catches it.
BROKEN = [
    (OverlappingParts, "test_parts_are_the_whole"),
    (LosesAPart, "test_parts_are_the_whole"),
    (NoPartsWhenMissing, "test_parts_of_a_missing_store_are_an_error"),
    (FindsFaults, "test_a_good_store_passes_its_check"),
    (ChecksByWriting, "test_a_good_store_passes_its_check"),
    (ChecksNothing, "test_check_tells_that_the_store_is_missing"),
    (VouchesForEverybody, "test_credentials_are_those_of_the_address"),
    (TellsPasswords, "test_credentials_are_those_of_the_address"),
    (VouchesForTheAlike, "test_credentials_of_a_stranger_are_none"),
    (NobodyWhenMissing, "test_credentials_of_a_missing_store_are_an_error"),
]
