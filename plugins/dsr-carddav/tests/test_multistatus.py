"""Answers of WebDAV servers, read as they arrive."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_carddav.multistatus import CARDDAV, DAV, Malformed, responses
from odd_servers import BOOK, ROOT, multistatus, response


def test_what_a_response_says() -> None:
    """Only properties that were given out are told; a resource has a status of its own."""
    both = (
        '<d:response><d:href> /a%20b/ </d:href><d:propstat><d:prop><d:getetag>"1"</d:getetag>'
        f"{BOOK}<c:addressbook-home-set><d:href>/h/</d:href><d:href>/i/</d:href>"
        "</c:addressbook-home-set></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>"
        "<d:propstat><d:prop><d:owner><d:href>/eva/</d:href></d:owner></d:prop>"
        "<d:status>HTTP/1.1 404 Not Found</d:status></d:propstat></d:response>"
    )
    whole = multistatus(both, response("/gone", status=404)).encode()
    first, second = responses([whole[:100], whole[100:]])
    assert (first.href, first.status, first.text(DAV + "getetag")) == ("/a%20b/", 200, '"1"')
    assert first.hrefs(CARDDAV + "addressbook-home-set") == ["/h/", "/i/"]
    assert first.names(DAV + "resourcetype") == {DAV + "collection", CARDDAV + "addressbook"}
    assert DAV + "owner" not in first.props
    assert (second.href, second.status, second.props) == ("/gone", 404, {})
    assert "eva" not in repr(first)
    assert "/a" not in repr(first)


@pytest.mark.parametrize(
    "body", ["", "x", "<html/>", ROOT, multistatus("<d:response><d:status>HTTP/1.1 x</d:status>")]
)
def test_what_is_no_answer(body: str) -> None:
    """A page of a proxy, or half an answer, is no empty listing."""
    with pytest.raises(Malformed):
        list(responses([body.encode()]))


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])), st.integers(1, 50))
def test_any_text_in_any_pieces(text: str, size: int) -> None:
    """Whatever a card says, and however the answer is cut up, it is read whole."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    whole = multistatus(response("/a", f"<c:address-data>{escaped}</c:address-data>")).encode()
    pieces = [whole[start : start + size] for start in range(0, len(whole), size)]
    (told,) = responses(pieces)
    assert told.text(CARDDAV + "address-data") == text


def test_memory_does_not_grow_with_the_listing() -> None:
    """Law 9: a listing of any length is read response by response."""
    one = response("/book/a.vcf", '<d:getetag>"1"</d:getetag>').encode()

    def listing(count: int) -> Iterator[bytes]:
        yield ROOT.encode()
        yield from (one * 100 for _ in range(count))
        yield b"</d:multistatus>"

    peaks = []
    for count in (10, 300):
        tracemalloc.start()
        number = sum(1 for _ in responses(listing(count)))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert number == count * 100
    assert peaks[1] < peaks[0] + 100_000
