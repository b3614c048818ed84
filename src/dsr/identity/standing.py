"""The customer's standing PIN: something they know, checked against an Argon2id hash.

It does not change and others may know it, so that it only ever counts together with another
factor (`dsr.identity.levels`; law.md rule 40).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

__all__ = ["hashed", "proves"]

_HASHER: Final = PasswordHasher()  # RFC 9106, second recommended option
_LONGEST: Final = 64  # characters of a PIN that anybody may send: hashing has a price
#: What a PIN is compared with when there is none on file: the same work, and never right.
_NOBODY: Final = _HASHER.hash("no PIN is on file")


def hashed(pin: str) -> str:
    """Return the hash of a PIN as a store keeps it: a PHC string, `$argon2id$v=19$…`."""
    return _HASHER.hash(pin)


def proves(pin: str, hashes: Sequence[str]) -> bool:
    """Return whether `pin` is one of those whose `hashes` are on file.

    Without any on file the same work is done. What is no Argon2 hash proves nothing.
    """
    if len(pin) > _LONGEST:
        return False
    guess = pin.encode("utf-8", "surrogatepass")  # a form may send what is no text
    proved = False
    for each in hashes or (_NOBODY,):
        try:
            _HASHER.verify(each, guess)
        except (VerificationError, InvalidHashError):
            continue
        proved = proved or each is not _NOBODY
    return proved
