"""The ledger's one secret, and everything derived from it: nothing else here is a secret."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from attrs import field, frozen
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dsr.errors import ConfigurationError, LedgerError

__all__ = ["Keys", "new_key", "read_key"]

_SIZE: Final = 32  # bytes of every key
_NONCE: Final = 12  # bytes, as AES-GCM wants it
_DIGEST: Final = 8  # bytes: 64 bits tell the steps of a plan apart


def new_key() -> str:
    """Return a fresh key for a ledger as text (base64 of 32 random bytes), for a key file."""
    return base64.urlsafe_b64encode(secrets.token_bytes(_SIZE)).decode()


def read_key(source: str, folder: Path) -> bytes:
    """Return the 32 bytes of a key from `file:PATH` or `env:NAME`; the text is that of `new_key`.

    A relative PATH starts from `folder`; the file must be readable by its owner only. Raises
    `ConfigurationError` that names the place and the fix, and never shows the key.
    """
    kind, _, name = source.partition(":")
    if kind == "file" and name:
        text = _read_private(folder / name, source)
    elif kind == "env" and name:
        if name not in os.environ:
            what = f"the ledger's key: the environment variable {name} is not set"
            raise ConfigurationError(what, "set it to a key such as dsr.ledger.new_key() returns")
        text = os.environ[name]
    else:
        what = "the ledger's key is named in a way that is not known"
        raise ConfigurationError(what, 'write "file:PATH" or "env:NAME"')
    try:
        key = base64.b64decode(text.strip().encode(), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != _SIZE:
        what = f"the ledger's key in {source} is not a base64 text of {_SIZE} bytes"
        raise ConfigurationError(what, "make one with dsr.ledger.new_key()")
    return key


def _read_private(path: Path, source: str) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                what = f"the ledger's key in {source} can be read by others (mode {mode:o})"
                raise ConfigurationError(what, f"chmod 600 {path}")
            return file.read()
    except OSError as error:
        what = f"the ledger's key in {source} cannot be read ({error.strerror})"
        raise ConfigurationError(what, "name a file that this user can read") from None


def _derive(key: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), _SIZE, salt=None, info=f"dsr ledger, {purpose}".encode()).derive(key)


@frozen(eq=False)
class Keys:
    """What is derived from the ledger's key (HKDF-SHA-256), a key a purpose.

    `check` is stored in the ledger and tells whether a key is the ledger's own.
    """

    check: bytes = field(repr=False)
    _seal: AESGCM = field(repr=False)
    _hash: bytes = field(repr=False)
    _grant: bytes = field(repr=False)
    _audit: bytes = field(repr=False)
    _digest: bytes = field(repr=False)
    _sign: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def of(cls, key: bytes) -> Keys:
        """Return the keys derived from the ledger's `key` (32 bytes, else `LedgerError`)."""
        if len(key) != _SIZE:
            what = "the ledger's key has not the right length"
            raise LedgerError(what, f"it is {_SIZE} bytes: make one with dsr.ledger.new_key()")
        return cls(
            check=_derive(key, "check"),
            seal=AESGCM(_derive(key, "seal")),
            hash=_derive(key, "hash"),
            grant=_derive(key, "grant"),
            audit=_derive(key, "audit"),
            digest=_derive(key, "digest"),
            sign=Ed25519PrivateKey.from_private_bytes(_derive(key, "sign")),
        )

    def seal(self, text: bytes, place: str) -> bytes:
        """Return `text` encrypted and bound to `place` (AES-256-GCM, a random nonce first)."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._seal.encrypt(nonce, text, place.encode())

    def unseal(self, sealed: bytes, place: str) -> bytes:
        """Return what was sealed for `place`; raises `LedgerError` if it was tampered with."""
        try:
            return self._seal.decrypt(sealed[:_NONCE], sealed[_NONCE:], place.encode())
        except (InvalidTag, ValueError):
            what = "something sealed in the ledger does not open: it was changed by others"
        raise LedgerError(what, "restore the ledger from a backup")

    def hash(self, *parts: str) -> bytes:
        """Return the keyed hash of an identifier: equal for equal parts, useless to others."""
        return _mac(self._hash, *parts)

    def grant(self, *parts: str) -> bytes:
        """Return the proof that a verification took place."""
        return _mac(self._grant, *parts)

    def link(self, previous: bytes, document: bytes) -> bytes:
        """Return the hash of the audit entry `document` that follows one with hash `previous`."""
        return hmac.digest(self._audit, b"entry" + previous + document, "sha256")

    def head(self, count: int, last: bytes) -> bytes:
        """Return the seal of the audit's head: `count` entries, the `last` one's hash."""
        return hmac.digest(
            self._audit, b"head" + count.to_bytes(8, "big", signed=True) + last, "sha256"
        )

    def digester(self) -> Callable[[str | bytes], int]:
        """Return a function from a text to its keyed 64-bit digest, fast enough for hot loops."""
        copy = hashlib.blake2b(digest_size=_DIGEST, key=self._digest).copy
        number = int.from_bytes

        def digest(text: str | bytes) -> int:
            state = copy()
            state.update(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
            return number(state.digest(), "big")

        return digest

    def sign(self, text: bytes) -> str:
        """Return the Ed25519 signature over `text` (base64)."""
        return base64.b64encode(self._sign.sign(text)).decode()

    def signed(self, text: bytes, signature: str) -> bool:
        """Return whether `signature` is what `sign` returned for `text`."""
        try:
            raw = base64.b64decode(signature, validate=True)
            self._sign.public_key().verify(raw, text)
        except (ValueError, InvalidSignature):
            return False
        return base64.b64encode(raw).decode() == signature  # base64 has several spellings

    def public(self) -> str:
        """Return the public half of the signing key (base64 of 32 bytes)."""
        return base64.b64encode(self._sign.public_key().public_bytes_raw()).decode()


def _mac(key: bytes, *parts: str) -> bytes:
    """Return the HMAC-SHA-256 of parts that cannot be shifted into one another."""
    raw = [part.encode("utf-8", "surrogatepass") for part in parts]
    text = b"".join(len(part).to_bytes(8, "big") + part for part in raw)
    return hmac.digest(key, text, "sha256")
