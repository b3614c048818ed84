"""The one way to read: waves over links, tenure, the batch as the only form."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from dsr.connector import Connector
from dsr.find import Hit, Reading
from dsr.model import Found, Identifier, Record, Subject, Unread
from dsr.spool import Spool
from tests.shelf import Shelf, shelf

EVA = Identifier("phone", "+4930901820")
NOOR = Identifier("phone", "+33142685300")
DAY = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)


def read(stores: Sequence[Connector], *subjects: Subject) -> tuple[list[Hit], list[Unread]]:
    with Spool() as spool:
        reading = Reading(stores, subjects, spool)
        items = [*reading, *reading.unasked(0)]
    hits = [each for each in items if isinstance(each, Hit)]
    return hits, [each for each in items if isinstance(each, Unread)]


def call(store: Shelf, key: str, at: dt.datetime | None = DAY, **more: object) -> None:
    store.put(
        key,
        category="calls",
        at=at.isoformat() if at else None,
        who=[["phone", EVA.value, ["src"]], ["phone", NOOR.value, ["dst"]]],
        data={"src": EVA.value, "dst": NOOR.value},
        **more,
    )


def test_a_store_is_read_once_for_a_whole_batch(tmp_path: Path) -> None:
    """Law 6: one request is a batch of one; a store is read once for many subjects as for one."""
    store = shelf(tmp_path, "cdr", ["phone"], "calls")
    call(store, "1")
    people = [Subject((Identifier("phone", f"+49309018{n:04}"),)) for n in range(5000)]
    hits, _ = read([store], *people, Subject((EVA,)), Subject((NOOR,)))
    assert store.state()["reads"] == 1
    assert [(hit.subject, hit.about) for hit in hits] == [
        (5000, frozenset({"src"})),
        (5001, frozenset({"dst"})),
    ]


def test_a_record_found_through_several_identifiers_is_one(tmp_path: Path) -> None:
    """Design, the seam: found through several identifiers of one person, `about` is united."""
    store = shelf(tmp_path, "cdr", ["phone"], "calls")
    call(store, "1")
    hits, _ = read([store], Subject((EVA, NOOR)))
    assert [(hit.record.key, hit.about, hit.others) for hit in hits] == [
        ("1", frozenset({"src", "dst"}), frozenset())
    ]


@given(
    since=st.one_of(st.none(), st.integers(-5, 5)),
    until=st.one_of(st.none(), st.integers(-5, 5)),
    at=st.integers(-6, 6),
)
def test_a_record_belongs_inside_the_tenure_only(
    tmp_path_factory: pytest.TempPathFactory, since: int | None, until: int | None, at: int
) -> None:
    """Rule 28 (GDPR Art. 5(1)(f)): it is the person's only inside `[from, to)` of the number."""
    folder = tmp_path_factory.mktemp("tenure")
    store = shelf(folder, "cdr", ["phone"], "calls")
    call(store, "1", DAY + dt.timedelta(days=at))
    who = Identifier(
        "phone",
        EVA.value,
        None if since is None else DAY + dt.timedelta(days=since),
        None if until is None else DAY + dt.timedelta(days=until),
    )
    hits, _ = read([store], Subject((who,)))
    inside = (since is None or since <= at) and (until is None or at < until)
    assert len(hits) == inside


def test_the_same_number_of_two_people_is_split_by_time(tmp_path: Path) -> None:
    """Law 7: a record outside an identifier's tenure belongs to another person."""
    store = shelf(tmp_path, "cdr", ["phone"], "calls")
    call(store, "before", DAY - dt.timedelta(days=1))
    call(store, "after", DAY)
    first, second = Identifier("phone", EVA.value, None, DAY), Identifier("phone", EVA.value, DAY)
    hits, _ = read([store], Subject((first,)), Subject((second,)))
    assert {(hit.subject, hit.record.key) for hit in hits} == {(0, "before"), (1, "after")}


def test_an_undated_record_under_a_reassigned_number_is_undecidable(tmp_path: Path) -> None:
    """Law 7: an undated record under a reassigned number is a gap, decided later as such."""
    store = shelf(tmp_path, "cdr", ["phone"], "calls")
    call(store, "1", None)
    hits, _ = read([store], Subject((Identifier("phone", EVA.value, DAY),)))
    assert [hit.undecidable for hit in hits] == [True]
    hits, _ = read([store], Subject((EVA,)))
    assert [hit.undecidable for hit in hits] == [False]


def test_links_are_followed_wave_by_wave(tmp_path: Path) -> None:
    """Design: call id -> recording -> transcript; each is found, at its depth, once."""
    cdr = shelf(tmp_path, "cdr", ["phone"], "calls")
    audio = shelf(tmp_path, "audio", ["call"], "recordings")
    texts = shelf(tmp_path, "texts", ["object"], "transcripts")
    call(cdr, "1", links=[["call", "c1", None, None]])
    whole = {"who": [["call", "c1", ["content"]]], "data": {"content": "x"}}
    audio.put("a1", category="recordings", links=[["object", "a1", None, None]], **whole)
    text = {"who": [["object", "a1", ["content"]]], "data": {"content": "x"}}
    texts.put("t1", category="transcripts", **text)
    hits, unread = read([texts, audio, cdr], Subject((EVA,)))
    assert [(hit.store, hit.depth) for hit in hits] == [("cdr", 0), ("audio", 1), ("texts", 2)]
    assert not unread


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    """A link back to what was looked up already is not followed again."""
    store = shelf(tmp_path, "accounts", ["phone", "account"], "accounts")
    links = [["account", "A1", None, None], ["phone", EVA.value, None, None]]
    who = [["phone", EVA.value, ["number"]], ["account", "A1", ["number"]]]
    store.put("1", category="accounts", who=who, data={"number": "1"}, links=links)
    hits, _ = read([store], Subject((EVA,)))
    assert [hit.record.key for hit in hits] == ["1"]


def test_the_account_on_a_shared_call_is_not_followed(tmp_path: Path) -> None:
    """Law 7: the account on a call is the caller's; asking as the callee must not open it."""
    cdr = shelf(tmp_path, "cdr", ["phone"], "calls")
    accounts = shelf(tmp_path, "accounts", ["phone", "account"], "accounts")
    call(cdr, "1", links=[["account", "EVA-1", None, None]])
    who = [["account", "EVA-1", ["name"]]]
    accounts.put("e", category="accounts", who=who, data={"name": "Eva"})
    hits, _ = read([cdr, accounts], Subject((NOOR,)))
    assert [hit.store for hit in hits] == ["cdr"]


def test_a_store_that_does_not_answer_is_unread_never_empty(tmp_path: Path) -> None:
    """Law 4: a store that does not answer makes the result incomplete, never smaller."""
    good, bad = shelf(tmp_path, "good", ["phone"], "x"), shelf(tmp_path, "bad", ["phone"], "x")
    call(good, "1")
    bad.set(down=True)
    hits, unread = read([bad, good], Subject((EVA,)))
    assert [hit.store for hit in hits] == ["good"]
    assert [(each.store, each.whole) for each in unread] == [("bad", True)]


def test_a_damaged_part_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    """Law 4: what could not be read travels the same way as what was found."""
    store = shelf(tmp_path, "cdr", ["phone"], "calls")
    call(store, "1")
    store.set(broken=True)
    hits, unread = read([store], Subject((EVA,)))
    assert len(hits) == 1
    assert [(each.reason, each.whole) for each in unread] == [("a part of it is damaged", False)]


@frozen
class Buggy(Shelf):
    """Raises what no connector should, with a number in it."""

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        raise ValueError(who[0].value)


def test_a_foreign_error_never_repeats_its_text(tmp_path: Path) -> None:
    """Law 8: no identifier in an exception message; law 4: a bug does not shrink the answer."""
    made = shelf(tmp_path, "cdr", ["phone"], "calls")
    bug = Buggy(made.path, made.name, made.accepts, made.categories)
    _, unread = read([bug], Subject((EVA,)))
    assert [each.whole for each in unread] == [True]
    assert "ValueError" in unread[0].reason
    assert EVA.value not in unread[0].reason


def test_a_store_for_which_nothing_is_known_is_not_passed_over(tmp_path: Path) -> None:
    """Law 4 and peers: no "success, 0 records" from a store that was never read."""
    mail = shelf(tmp_path, "mail", ["email"], "tickets")
    hits, unread = read([mail], Subject((EVA,)))
    assert not hits
    assert [(each.store, each.whole) for each in unread] == [("mail", True)]
    assert "email" in unread[0].reason


def test_a_store_asked_for_another_person_was_not_asked_for_this_one(tmp_path: Path) -> None:
    """Laws 6 and 11: in a batch, what was read for one proves nothing for the other."""
    mail = shelf(tmp_path, "mail", ["email"], "tickets")
    cdr = shelf(tmp_path, "cdr", ["phone"], "calls")
    both = Subject((EVA, Identifier("email", "eva@example.org")))
    with Spool() as spool:
        reading = Reading([mail, cdr], [both, Subject((NOOR,))], spool)
        list(reading)
    assert reading.read(0) == {"mail", "cdr"}
    assert reading.read(1) == {"cdr"}
    assert [each.store for each in reading.unasked(1)] == ["mail"]


def test_what_is_reached_by_links_is_proved_only_if_all_else_was_read(tmp_path: Path) -> None:
    """Law 11: a reading never claims more than it saw: the link may lie in the unread store."""
    cdr, audio = shelf(tmp_path, "cdr", ["phone"], "x"), shelf(tmp_path, "audio", ["call"], "x")
    for broken, expected in ((False, {"cdr", "audio"}), (True, set())):
        cdr.set(down=broken)
        with Spool() as spool:
            reading = Reading([cdr, audio], [Subject((EVA,))], spool)
            list(reading)
        assert reading.read(0) == expected


@frozen
class Part(Shelf):
    """One half of a split store."""

    half: int = 0

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        for each in self.found(self.state(), who):
            assert isinstance(each, Found)
            if int(each.record.key) % 2 == self.half:
                yield each


@frozen
class Halves(Shelf):
    """A store that can be read in two parts."""

    def split(self) -> Sequence[Connector]:
        given = (self.path, self.name, self.accepts, self.categories)
        return [Part(*given, half=half) for half in (0, 1)]


def test_parts_on_any_executor_find_the_same(tmp_path: Path) -> None:
    """Design: parts go to any `concurrent.futures.Executor`; nothing is lost or found twice."""
    made = shelf(tmp_path, "cdr", ["phone"], "calls")
    for number in range(20):
        call(made, str(number))
    store = Halves(made.path, made.name, made.accepts, made.categories)
    for executor in (None, ThreadPoolExecutor(2), ProcessPoolExecutor(2)):
        with Spool() as spool:
            reading = Reading([store], [Subject((EVA,))], spool, executor)
            keys = [hit.record.key for hit in reading if isinstance(hit, Hit)]
        assert sorted(keys, key=int) == [str(number) for number in range(20)]
        if executor is not None:
            executor.shutdown()


def test_hits_show_no_data(tmp_path: Path) -> None:
    """Law 8: no identifier, key or field value in a repr."""
    store = shelf(tmp_path, "cdr", ["phone"], "calls")
    call(store, "key-of-eva")
    hits, _ = read([store], Subject((EVA,)))
    text = repr(hits) + repr(Record("key-of-eva", "calls", {"src": EVA.value}))
    assert EVA.value not in text
    assert "key-of-eva" not in text
