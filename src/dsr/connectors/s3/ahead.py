"""Requests side by side, their results in order, and never more than a few in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

__all__ = ["ahead", "batches"]

T = TypeVar("T")
R = TypeVar("R")


def ahead(act: Callable[[T], R], items: Iterable[T], threads: int) -> Iterator[R]:
    """Yield `act` of each item in order; at most twice `threads` items are under way."""
    todo = iter(items)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="dsr-s3")
    waiting: deque[Future[R]] = deque()
    try:
        while True:
            waiting.extend(
                pool.submit(act, each) for each in islice(todo, 2 * threads - len(waiting))
            )
            if not waiting:
                return
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the items in lists of `size`, the last perhaps shorter."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
