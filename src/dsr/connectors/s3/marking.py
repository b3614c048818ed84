"""Marking all versions of keys, or unmarking them: for holds, and for restriction."""

from __future__ import annotations

import os.path
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Literal

from attrs import frozen
from botocore.exceptions import ClientError

from dsr.connectors.s3.ahead import ahead
from dsr.connectors.s3.bucket import AT_ONCE, GONE, Bucket, code
from dsr.connectors.s3.listing import unfinished, versions_among
from dsr.connectors.s3.locks import has_locks
from dsr.connectors.s3.marks import Version
from dsr.connectors.s3.proving import unproved
from dsr.errors import Refused

__all__ = ["Marking"]

_NOT_HELD = "the server took the hold and does not show it"


@frozen
class Marking:
    """One kind of mark: its tag, and whether it also places the legal hold.

    `prefix` is that of the store; `word` is what messages call the mark.
    """

    bucket: Bucket
    prefix: str
    tag: str
    hold: bool
    word: Literal["locked", "restricted"]

    def set(self, keys: Sequence[str], *, on: bool) -> None:
        """Mark or unmark every version that holds bytes.

        Raises `Refused` before any, if the bucket has no legal holds or is not proved to keep
        what is under one; after all others, for those that it refuses.
        """
        if on and self.hold and keys:
            self._prove()
        refusals: Counter[str] = Counter()

        def act(version: Version) -> str:
            return self._set(version, on=on)

        wanted = sorted(set(keys))
        for why in ahead(act, self._versions(wanted, refusals, on=on), AT_ONCE):
            if why:
                refusals[why] += 1
        if refusals:
            reasons = ", ".join(f"{count} by {name}" for name, count in sorted(refusals.items()))
            what = f"objects could not be {'' if on else 'un'}{self.word} ({reasons})"
            raise Refused(self.bucket.store, what, "look for missing rights, then run it again")

    def _prove(self) -> None:
        fix = "switch Object Lock on for the bucket, or the setting off"
        if has_locks(self.bucket) is False:
            what = "its bucket has no Object Lock, so nothing in it can be put under a legal hold"
            raise Refused(self.bucket.store, what, fix)
        why = unproved(self.bucket, self.prefix)
        if why:
            fix = "correct that, or switch the setting off"
            raise Refused(self.bucket.store, f"nothing was {self.word}: {why}", fix)

    def _versions(
        self, keys: Sequence[str], refusals: Counter[str], *, on: bool
    ) -> Iterator[Version]:
        """Yield the versions with bytes; count keys that are there without any."""
        bare = set(keys)
        present = set()
        for key, versions in groupby(versions_among(self.bucket, keys), lambda each: each.key):
            present.add(key)
            for each in versions:
                if each.size is not None:
                    bare.discard(key)
                    yield Version(self.bucket, key, each.id)
        if on and bare:
            shared = os.path.commonprefix(list(bare))  # noqa: RUF071  (S3 compares characters)
            uploads = {each.key for each in unfinished(self.bucket, shared)}
            unmarked = len(bare & (present | uploads))
            if unmarked:
                refusals["having no finished version"] = unmarked

    def _set(self, version: Version, *, on: bool) -> str:
        """Mark or unmark one version. Return why not, or nothing."""
        with self.bucket.errors():
            try:
                if not on:
                    version.unmark(self.tag)
                elif not version.mark(self.tag, hold=self.hold):
                    return _NOT_HELD
            except ClientError as error:
                return "" if code(error) in GONE else code(error)
        return ""
