"""Writes the members of a package and keeps the list of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Protocol

from dsr.package.archive import Archive
from dsr.package.cover import Cover
from dsr.package.manifest import Manifest, Schema
from dsr.package.recordings import Opened, mediatype
from dsr.package.scratch import Scratch
from dsr.package.vcon import vcon

__all__ = ["Writer"]


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...


class Writer:
    """A ZIP and its manifest, which grow together; end them with `end`."""

    def __init__(self, cover: Cover, scratch: Scratch) -> None:
        """Start an empty ZIP."""
        self._cover = cover
        self._archive = Archive(cover.made.astimezone(cover.operator.zone))
        self._manifest = Manifest(cover, scratch)

    def file(
        self, name: str, pieces: Iterable[bytes], *, schema: Schema | None = None, about: str = ""
    ) -> Iterator[bytes]:
        """Write a file of the package itself."""
        member = yield from self._archive.member(name, pieces)
        self._manifest.add(member, schema=schema, about=about)

    def recording(self, each: Opened, stem: str, ending: str) -> Iterator[bytes]:
        """Write a content as it is stored and, beside a dated conversation, its vCon."""
        kind, at, name = mediatype(each.content), each.recording.record.at, f"{stem}.{ending}"
        size, digest = each.content.size, hashlib.sha512()
        talks = at is not None and kind.startswith(("audio/", "video/"))
        pieces = _hashed(each.pieces, digest) if talks else each.pieces
        member = yield from self._archive.member(name, pieces, stored=True, size=size)
        self._manifest.add(member, mediatype=kind)
        if talks:
            described = vcon(
                each.recording.record,
                file=name.rpartition("/")[2],
                mediatype=kind,
                sha512=digest.digest(),
                made=self._cover.made,
            )
            member = yield from self._archive.member(f"{stem}.vcon.json", [described])
            self._manifest.add(member, mediatype="application/vcon+json")

    def end(self, title: str) -> Iterator[bytes]:
        """Write the manifest and the ZIP's directory."""
        yield from self._archive.member("datapackage.json", self._manifest.chunks(title))
        yield from self._archive.footer()


def _hashed(pieces: Iterable[bytes], digest: _Digest) -> Iterator[bytes]:
    """Yield `pieces`, each hashed on its way."""
    for piece in pieces:
        digest.update(piece)
        yield piece
