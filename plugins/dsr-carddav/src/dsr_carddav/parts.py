"""A piece of a reading."""

from __future__ import annotations

from attrs import field, frozen

from dsr_carddav.books import Book, Failure

__all__ = ["Part"]


@frozen
class Part:
    """One book, by its place among all, or what stood in the way of finding books."""

    number: int
    of: int
    book: Book | None = field(default=None, repr=False)
    failures: tuple[Failure, ...] = ()

    def __str__(self) -> str:
        """Name the book without naming its owner."""
        return f"address book {self.number} of {self.of}"
