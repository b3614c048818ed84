"""Values: frozen, picklable, and silent about the person."""

from __future__ import annotations

import datetime as dt
import pickle
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr import model
from dsr.model import (
    Credential,
    Do,
    Finding,
    Found,
    Gap,
    Hold,
    Identifier,
    Keep,
    Lock,
    PackageInfo,
    Receipt,
    Record,
    Request,
    Subject,
    Tally,
    Unread,
)

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
DAY = dt.date(2026, 4, 1)
SECOND = dt.timedelta(seconds=1)

SECRETS = st.one_of(
    st.integers(10**9, 10**13).map(lambda number: f"+{number}"),
    st.from_regex(r"[a-z]{8,12}@[a-z]{8,12}\.example", fullmatch=True),
)


def _record(secret: str) -> Record:
    return Record(
        key=secret,
        category="call_records",
        data={"src": secret, secret: 1},
        at=NOON,
        content=Recording(secret),
        links=(Identifier("call", secret),),
    )


@attrs.frozen
class Recording:
    """A `Content` that does show its name: the record around it must not."""

    name: str
    size: int | None = None
    mediatype: str = "audio/wav"

    def chunks(self) -> Any:
        """Yield nothing."""
        return iter(())


#: How to make one of each value, with `secret` wherever it may hold something of the person.
MAKERS: dict[type, Callable[[str], object]] = {
    Identifier: lambda secret: Identifier("phone", secret, since=NOON),
    Subject: lambda secret: Subject((Identifier("phone", secret),)),
    Lock: lambda _: Lock("legal hold", until=NOON),
    Record: _record,
    Found: lambda secret: Found(
        Identifier("phone", secret), _record(secret), about=frozenset({"src"})
    ),
    Unread: lambda _: Unread("the file is cut off", "log_lines", "logs"),
    Finding: lambda _: Finding("left", "backups keep what is erased here"),
    Credential: lambda secret: Credential(secret, "example.org", "MD5", secret),
    Hold: lambda secret: Hold(
        "1", "2 O 34/26", "lawsuit", "GDPR Art. 17(3)(e)", subject=Subject((_id(secret),))
    ),
    Do: lambda secret: Do("cdr", "call_records", secret, "redact", frozenset({"src"})),
    Keep: lambda secret: Keep("cdr", "call_records", secret, "invoice", "HGB s. 257", DAY),
    Gap: lambda secret: Gap("cdr", "call_records", secret, "undated"),
    Tally: lambda _: Tally(do={"erase": 3}, keep={("invoice", "HGB s. 257", DAY): 1}),
    PackageInfo: lambda _: PackageInfo("package.zip", 3, "00"),
    Request: lambda secret: Request(
        "r1", "rectification", "open", NOON, DAY, changes={"email": secret}
    ),
    Receipt: lambda _: Receipt("r1", "access", "done", NOON, stores={}, proved={"cdr": NOON}),
}


def _id(secret: str) -> Identifier:
    return Identifier("phone", secret)


def _values() -> list[type]:
    public = (getattr(model, name) for name in model.__all__)
    return [each for each in public if isinstance(each, type) and attrs.has(each)]


def test_every_value_is_under_these_tests() -> None:
    """A value that somebody adds to the model is checked too, or this fails."""
    assert set(MAKERS) == set(_values())


@pytest.mark.parametrize("cls", MAKERS)
@given(secret=SECRETS)
def test_repr_hides_the_person(cls: type, secret: str) -> None:
    """Law 8: no identifier, key or field value in a `repr`, and so in no log line."""
    value = MAKERS[cls](secret)
    assert secret not in repr(value)
    assert secret not in str(value)
    assert secret not in f"{[value]}"


@pytest.mark.parametrize("cls", MAKERS)
def test_values_are_frozen(cls: type) -> None:
    """What was planned and confirmed cannot change on its way to being applied."""
    value = MAKERS[cls]("+4930901820")
    name = attrs.fields(cls)[0].name
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(value, name, "other")


@pytest.mark.parametrize("cls", MAKERS)
def test_values_survive_pickling(cls: type) -> None:
    """Parts of a store are read by other processes: what they find arrives as it was."""
    value = MAKERS[cls]("+4930901820")
    assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301  (our own bytes)


def test_a_subject_has_an_identifier() -> None:
    """A person who cannot be looked up is not "nothing found"."""
    with pytest.raises(ValueError, match="at least one identifier"):
        Subject(())


@pytest.mark.parametrize(
    ("at", "inside"),
    [
        (NOON - SECOND, False),
        (NOON, True),
        (NOON + SECOND, True),
        (NOON + dt.timedelta(days=1) - dt.timedelta(microseconds=1), True),
        (NOON + dt.timedelta(days=1), False),
    ],
)
def test_a_tenure_is_half_open(at: dt.datetime, inside: bool) -> None:
    """Rule 28 (GDPR Art. 5(1)(f)), law 7: at the hand-over a call is the next holder's."""
    who = Identifier("phone", "+4930901820", since=NOON, until=NOON + dt.timedelta(days=1))
    assert who.bounded
    assert who.covers(at) is inside


@given(at=st.datetimes(timezones=st.just(dt.UTC)), handover=st.datetimes())
def test_successive_holders_share_no_moment(at: dt.datetime, handover: dt.datetime) -> None:
    """Law 7: at every moment a reassigned number belongs to exactly one of its two holders."""
    when = handover.replace(tzinfo=dt.UTC)
    first = Identifier("phone", "+4930901820", until=when)
    second = Identifier("phone", "+4930901820", since=when)
    assert first.covers(at) is not second.covers(at)


def test_tenure_compares_moments_not_clocks() -> None:
    """One moment in two time zones is one moment."""
    berlin = dt.timezone(dt.timedelta(hours=1))
    who = Identifier("phone", "+4930901820", since=NOON)
    assert who.covers(dt.datetime(2026, 3, 1, 13, tzinfo=berlin))
    assert not who.covers(dt.datetime(2026, 3, 1, 12, 59, 59, tzinfo=berlin))


def test_an_open_tenure_covers_everything() -> None:
    """Without dates the number was always the person's."""
    who = Identifier("phone", "+4930901820")
    assert not who.bounded
    assert who.covers(dt.datetime.min.replace(tzinfo=dt.UTC))
    assert who.covers(dt.datetime.max.replace(tzinfo=dt.UTC))


@pytest.mark.parametrize(
    "make",
    [
        lambda naive: Identifier("phone", "+4930901820", since=naive),
        lambda naive: Identifier("phone", "+4930901820", until=naive),
        lambda naive: Lock("legal hold", until=naive),
        lambda naive: Hold("1", "c", "r", "l", since=naive),
        lambda naive: Hold("1", "c", "r", "l", before=naive),
        lambda naive: Request("r1", "access", "open", naive, DAY),
        lambda naive: Receipt("r1", "access", "done", naive, {}, {}),
    ],
)
def test_a_naive_time_is_refused(make: Callable[[dt.datetime], object]) -> None:
    """A time without zone is up to 26 hours wide: no tenure or hold is decided by it."""
    with pytest.raises(ValueError, match="needs a time zone"):
        make(dt.datetime(2026, 3, 1, 12))  # noqa: DTZ001  (the case under test)
    make(NOON)


def test_rights_are_those_of_the_law() -> None:
    """GDPR Arts. 15 to 18, 20, 21 and 7(3); only access and portability leave stores alone."""
    assert set(model.RIGHTS) == {
        "access",
        "rectification",
        "erasure",
        "restriction",
        "portability",
        "objection",
        "withdrawal",
    }
    assert set(model.RIGHTS) - model.WRITES == {"access", "portability"}
