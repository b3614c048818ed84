"""Flat memory (law 9): what is held does not grow with what is handed over."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator

from attrs import frozen

from dsr.package import Package
from tests.package.filling import Audio, cover, export, record, recording

MARGIN = 1024 * 1024


@frozen
class Long(Audio):
    """A recording of `count` pieces that exist one at a time."""

    count: int = 1

    def chunks(self) -> Iterator[bytes]:
        for number in range(self.count):
            yield bytes([number % 256]) * 65536


def peak(fill: Callable[[Package], None]) -> int:
    """Return the peak of memory in bytes while a package is filled and written."""
    tracemalloc.start()
    try:
        with Package(cover()) as package:
            fill(package)
            for _ in package.chunks():
                pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_number_of_records() -> None:
    """Four times the records (1.2 MB and 4.8 MB of JSON): the same peak."""

    def fill(count: int) -> Callable[[Package], None]:
        def add(package: Package) -> None:
            for number in range(count):
                row = {"n": number, "src": f"+49{number:09}", "text": "x" * 200}
                package.add(export(), record(row))

        return add

    peak(fill(10))  # templates and catalogues are loaded once
    assert peak(fill(20_000)) - peak(fill(5_000)) < MARGIN


def test_memory_does_not_grow_with_the_size_of_recordings() -> None:
    """A recording of 16 MiB needs what one of 64 KiB needs."""

    def fill(count: int) -> Callable[[Package], None]:
        return lambda package: package.add(*recording(Long(count=count)))

    peak(fill(1))
    assert peak(fill(256)) - peak(fill(1)) < MARGIN


def test_memory_hardly_grows_with_the_number_of_recordings() -> None:
    """Each member costs a line of the ZIP's directory, and nothing of its content or record."""

    def fill(count: int) -> Callable[[Package], None]:
        def add(package: Package) -> None:
            for number in range(count):
                package.add(*recording(Audio(), f"k{number}", note="x" * 5_000))

        return add

    peak(fill(1))
    assert peak(fill(1_000)) - peak(fill(600)) < MARGIN
