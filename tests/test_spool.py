"""What a reading remembers on disk."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr import spool as spool_module
from dsr.model import Identifier
from dsr.spool import Link, Spool, Spot


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.sampled_from("abc"))))
def test_a_record_is_new_once_and_so_is_each_field(seen: list[tuple[int, int, str]]) -> None:
    """Design: a record found again tells only what is new; against a plain dict."""
    known: dict[tuple[int, int], set[str]] = {}
    with Spool() as spool:
        for subject, digest, name in seen:
            new = spool.see(subject, Spot("cdr", digest), frozenset(name))
            before = known.setdefault((subject, digest), set())
            assert new == (None if not before else frozenset({name} - before))
            before.add(name)


@pytest.mark.parametrize("limit", [1, 3, 1000])
def test_what_is_remembered_in_memory_is_known_later(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first wave is remembered compactly; a later one must find all of it."""
    monkeypatch.setattr(spool_module, "_NEW_IN_MEMORY", limit)
    with Spool() as spool:
        for digest in range(20):
            spool.remember(digest % 2, "cdr", digest, frozenset({"src", f"line[{digest}:9]"}))
        for digest in range(20):
            spot = Spot("cdr", digest)
            assert spool.see(digest % 2, spot, frozenset({"src"})) == frozenset()
            assert spool.see(digest % 2, spot, frozenset({"dst"})) == frozenset({"dst"})
            assert spool.see(1 - digest % 2, spot, frozenset({"src"})) is None


def test_links_come_in_bounded_chunks_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 9: memory is bounded by the chunk; what an earlier wave asked is not asked again."""
    monkeypatch.setattr(spool_module, "LINKS_AT_ONCE", 7)
    calls = [Identifier("call", f"c{number:03}") for number in range(50)]
    with Spool() as spool:
        spool.add_links(0, [Link(calls[0], 0, Spot("", 0))])
        for parent in (1, 2):
            spool.add_links(1, [Link(who, 0, Spot("cdr", parent)) for who in calls])
        chunks = list(spool.links(1))
        assert max(len(chunk) for chunk in chunks) <= 7
        assert [who for chunk in chunks for who, _ in chunk] == calls[1:]
        assert spool.parents(calls[5], 0) == [Spot("cdr", 1), Spot("cdr", 2)]
        assert not list(spool.links(2))
