"""What Radicale keeps of a card besides the card, in files that HTTP does not reach.

Below a collection's `.Radicale.cache` (Radicale 3): `item/NAME` is a copy of the whole card,
which stays when the card's file was removed by hand; `history/NAME` remembers for a month that
a card of this file name was there; `sync-token/…` lists the file names of a moment. A file name
can be a person's.

A listing of a moment must go as a whole: were only the name taken from it, a client that is at
that moment would not hear that the card went, and keep it. Without it the server tells the
client to compare everything anew (RFC 6578, 3.2), and that drops the card.
"""

from __future__ import annotations

import fcntl
import io
import os
import pickle
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Never
from urllib.parse import quote, unquote

from attrs import field, frozen

from dsr.errors import StoreUnavailable
from dsr.model import Finding
from dsr_carddav.books import Book, digest

__all__ = ["Gone", "Radicale"]

_CACHE: Final = ".Radicale.cache"
_TEMPORARY: Final = ".Radicale.tmp-"
_WAIT: Final = 30.0  # seconds for the server to finish what it is doing
_PAUSE: Final = 0.05
_TEXT: Final = 3  # the place of the card in what `item` holds


@frozen
class Gone:
    """A card that is no more: its file's name, its key, and its copy where there is one."""

    name: str = field(repr=False)
    book: str
    card: str
    copy: bytes | None = field(repr=False)

    @property
    def key(self) -> str:
        """The key that the card had."""
        return f"{self.book}-{self.card}"


@frozen
class Radicale:
    """Radicale's storage: its `filesystem_folder`, and `filesystem_cache_folder` if it has one.

    `base` is the path of the server's root in its addresses.
    """

    store: str
    folder: Path = field(repr=False)
    cache: Path | None = field(repr=False)
    base: str

    def check_there(self) -> None:
        """Raise `StoreUnavailable` if this is no storage of Radicale."""
        if not (self.folder / "collection-root").is_dir():
            what = "radicale_folder holds no storage of Radicale"
            raise StoreUnavailable(self.store, what, "write Radicale's filesystem_folder")

    def traces(self, book: Book) -> Iterator[Gone]:
        """Yield every card that is gone and still remembered.

        Raises `StoreUnavailable` if the files cannot be read.
        """
        self.check_there()
        try:
            names = {name for name, _ in self._remembered(book)} - self._live(book)
            for name in sorted(names):
                yield Gone(name, book.digest, _digest(book, name), self._copy(book, name))
        except OSError as error:
            raise self._failed(error) from None

    def forget(self, book: Book, digests: Collection[str]) -> None:
        """Remove what is remembered of these cards.

        Waits until the server does nothing, and keeps it waiting. Raises `StoreUnavailable` if
        the storage is not there or may not be written.
        """
        self.check_there()
        try:
            with self._alone():
                for name, path in list(self._remembered(book)):
                    if _digest(book, name) in digests:
                        path.unlink(missing_ok=True)
        except OSError as error:
            raise self._failed(error) from None

    def problems(self, book: Book) -> Iterator[Finding]:
        """Yield what keeps `forget` from working here, or what it does not see."""
        if not self._place(book).is_dir():
            yield Finding("fault", "is not below radicale_folder: url must be Radicale's root")
            return
        for folder in (self._place(book), *self._caches(book)):
            if folder.is_dir() and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
                yield Finding("right", "dsr may not write in radicale_folder")
            with suppress(OSError), os.scandir(folder) as entries:
                if any(each.name.startswith(_TEMPORARY) for each in entries):
                    text = "Radicale broke off while it wrote, and left a copy of a card: remove it"
                    yield Finding("fault", text)

    def _failed(self, error: OSError) -> StoreUnavailable:
        text = f"Radicale's caches cannot be used ({os.strerror(error.errno or 0)})"
        return StoreUnavailable(self.store, text, "let dsr read and write radicale_folder")

    def _place(self, book: Book) -> Path:
        inside = unquote(book.path.removeprefix(self.base)).strip("/")
        if ".." in inside.split("/"):
            what = "an address book has no place in radicale_folder"
            raise StoreUnavailable(self.store, what, "write Radicale's root as url")
        return self.folder / "collection-root" / inside

    def _caches(self, book: Book) -> Iterator[Path]:
        """Yield the folders that may hold caches of a book."""
        place = self._place(book)
        other = (self.cache or self.folder) / "collection-cache"
        for root in (place, other / place.relative_to(self.folder / "collection-root")):
            for kind in ("item", "history", "sync-token"):
                yield root / _CACHE / kind

    def _live(self, book: Book) -> set[str]:
        with os.scandir(self._place(book)) as entries:
            return {each.name for each in entries if not each.name.startswith(".")}

    def _remembered(self, book: Book) -> Iterator[tuple[str, Path]]:
        """Yield every name in the caches, and the file that it is in."""
        for folder in self._caches(book):
            with suppress(FileNotFoundError), os.scandir(folder) as entries:
                for each in entries:
                    if each.name.startswith(".") or not each.is_file():
                        continue
                    path = Path(each.path)
                    if folder.name == "sync-token":
                        listed = _loaded(path)
                        for name in listed if isinstance(listed, Mapping) else ():
                            yield str(name), path
                    else:
                        yield each.name, path

    def _copy(self, book: Book, name: str) -> bytes | None:
        for folder in self._caches(book):
            if folder.name == "item" and (folder / name).is_file():
                held = _loaded(folder / name)
                text = held[_TEXT] if isinstance(held, tuple) and len(held) > _TEXT else None
                if isinstance(text, str):
                    return text.encode()
        return None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the lock that the server takes for writing. Raises `StoreUnavailable`, `OSError`."""
        with (self.folder / ".Radicale.lock").open("a") as file:
            end = time.monotonic() + _WAIT
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > end:
                        what = "Radicale does not let go of its lock"
                        raise StoreUnavailable(self.store, what, "try again later") from None
                    time.sleep(_PAUSE)
            yield


class _Plain(pickle.Unpickler):
    """Reads texts, numbers and lists of them: what could run code is refused."""

    def find_class(self, _module: str, _name: str) -> Never:
        msg = "no plain data"
        raise pickle.UnpicklingError(msg)


def _loaded(path: Path) -> object:
    """Return what a cache file holds; None if that cannot be told."""
    try:
        return _Plain(io.BytesIO(path.read_bytes())).load()
    except FileNotFoundError:
        return None
    except (pickle.UnpicklingError, ValueError, EOFError, LookupError, TypeError, AttributeError):
        return None


def _digest(book: Book, name: str) -> str:
    """Return the digest of the path of the card in this file."""
    return digest(f"{book.path.rstrip('/')}/{quote(name)}")
