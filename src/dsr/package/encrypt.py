"""A package that only a passphrase opens: a ZIP with AES-256, which ordinary programs know.

The package becomes the one member of another ZIP (WinZip's AE-2, by stream-zip): so neither the
names nor the sizes of its files show. The passphrase has 120 random bits; that the format derives
its key from it in 1,000 rounds only, which would be few for a word, does not matter then.
"""

from __future__ import annotations

import datetime as dt
import secrets
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from attrs import Attribute, field, frozen

from dsr.errors import ConfigurationError
from dsr.model import PackageInfo
from dsr.place import Place

__all__ = ["Encrypted", "encrypted", "new_passphrase"]

MEMBER: Final = "package.zip"

#: No two of them look alike (Crockford's base 32).
_SIGNS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_GROUPS: Final = 6
_IN_A_GROUP: Final = 4
_MODE: Final = 0o100600  # a file that its owner can read
_RAW: Final = -15  # deflate without a header, as ZIP has it


def new_passphrase() -> str:
    """Return a fresh passphrase that can be read out: six groups of four signs, 120 bits."""
    groups = ("".join(secrets.choice(_SIGNS) for _ in range(_IN_A_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def encrypted(pieces: Iterable[bytes], passphrase: str, made: dt.datetime) -> Iterator[bytes]:
    """Return the ZIP whose one member, `package.zip`, is `pieces`, in pieces of 64 KiB.

    `made` becomes the member's time. Raises `ConfigurationError` where the `encrypt` extra is
    not installed, and what `pieces` raise.
    """
    _available()
    from stream_zip import ZIP_64, stream_zip  # noqa: PLC0415  (an extra)

    member = (MEMBER, made, _MODE, ZIP_64, pieces)
    return iter(stream_zip([member], get_compressobj=_stored, password=passphrase))


def _stored() -> zlib._Compress:
    """Return what compresses nothing: the package is compressed already."""
    return zlib.compressobj(level=0, wbits=_RAW)


def _available() -> None:
    try:
        import stream_zip  # noqa: F401, PLC0415  (an extra)
    except ImportError:
        what = "packages are to be encrypted, and what does it is not installed"
        raise ConfigurationError(what, 'pip install "dsr[encrypt]"') from None


def _possible(_: object, _attribute: Attribute[Place], _value: Place) -> None:
    _available()


def _aware(_: object, _attribute: Attribute[dt.datetime], value: dt.datetime) -> None:
    if value.tzinfo is None:
        msg = "made needs a time zone"
        raise ValueError(msg)


@frozen
class Encrypted:
    """A place where packages lie encrypted, each with a passphrase of its own.

    `hand` gets the passphrase once the package is whole; it brings it to the person by another
    way than the package, and raises `DeliveryError` if it cannot. It is kept nowhere else. Raises
    `ConfigurationError` where the `encrypt` extra is not installed.
    """

    place: Place = field(validator=_possible)
    hand: Callable[[str], None] = field(repr=False)
    made: dt.datetime = field(validator=_aware)

    @property
    def name(self) -> str:
        """The place's name."""
        return self.place.name

    def write(self, pieces: Iterable[bytes]) -> PackageInfo:
        """Write the encrypted package; size and SHA-256 are those of what the person gets."""
        passphrase = new_passphrase()
        info = self.place.write(encrypted(pieces, passphrase, self.made))
        self.hand(passphrase)
        return info

    def size(self) -> int | None:
        """Return the bytes that lie there, encrypted."""
        return self.place.size()

    def open(self) -> str | Iterator[bytes]:
        """Return the encrypted content."""
        return self.place.open()

    def remove(self) -> None:
        """Remove the package."""
        self.place.remove()
