"""Whom a number on file belongs to today: what a PIN to it may prove."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from dsr.errors import StoreUnavailable
from dsr.model import Identifier, Subject
from dsr.onfile import ABSENT, OVERLAP, SHARED, on_file
from tests.shelf import Shelf, shelf
from tests.things import EVA, NOOR, NOW

SINCE = NOW - dt.timedelta(days=100)


@pytest.fixture
def accounts(tmp_path: Path) -> Shelf:
    return shelf(tmp_path, "accounts", ["phone", "account", "email"], "accounts")


def account(
    store: Shelf,
    key: str,
    *names: tuple[str, str],
    phone: str = EVA.value,
    since: dt.datetime = SINCE,
    until: dt.datetime | None = None,
) -> None:
    store.put(
        key,
        category="accounts",
        at=since.isoformat(),
        who=[["phone", phone, ["name"]], *[[kind, value, ["name"]] for kind, value in names]],
        data={"name": key},
        links=[
            ["phone", phone, since.isoformat(), until.isoformat() if until else None],
            *[[kind, value, None, None] for kind, value in names],
        ],
    )


def test_a_number_of_one_account_is_that_persons(accounts: Shelf) -> None:
    """Rule 28 (GDPR Art. 5(1)(f)): it comes with the tenure on file."""
    account(accounts, "r1", ("account", "A1"))
    found = on_file(accounts, Subject((EVA,)), NOW)
    assert found.subject == Subject((Identifier("phone", EVA.value, SINCE),))
    assert not found.why


def test_a_shared_line_goes_to_a_person(accounts: Shelf) -> None:
    """Rule 36 (GDPR Art. 12(6)): two accounts hold one number: a PIN says not which of them."""
    account(accounts, "r1", ("account", "A1"))
    account(accounts, "r2", ("account", "A2"))
    for who in (EVA, Identifier("account", "A1"), Identifier("account", "A2")):
        assert on_file(accounts, Subject((who,)), NOW).why == SHARED


def test_rows_of_one_account_share_nothing(accounts: Shelf) -> None:
    """Rule 36 (GDPR Art. 12(6)): several records of one account are one holder."""
    account(accounts, "r1", ("account", "A1"))
    account(accounts, "r2", ("account", "A1"))
    assert on_file(accounts, Subject((EVA,)), NOW).subject is not None


def test_records_that_name_no_account_are_holders_each(accounts: Shelf) -> None:
    """Rule 36 (GDPR Art. 12(6)): nothing shows that two such records are one person's."""
    account(accounts, "r1")
    account(accounts, "r2")
    assert on_file(accounts, Subject((EVA,)), NOW).why == SHARED


def test_two_tenures_at_once_go_to_a_person(accounts: Shelf) -> None:
    """Rule 28 (GDPR Art. 5(1)(f)): overlaps are withheld for review."""
    account(accounts, "r1", ("account", "A1"))
    account(accounts, "r2", ("account", "A1"), since=SINCE + dt.timedelta(days=1))
    found = on_file(accounts, Subject((EVA,)), NOW)
    assert (found.subject, found.why) == (None, OVERLAP)


def test_former_holders_share_nothing(accounts: Shelf) -> None:
    """Rule 28 (GDPR Art. 5(1)(f)): who gave the number up yesterday holds it no more."""
    old = NOW - dt.timedelta(days=500)
    account(accounts, "r0", ("account", "A0"), since=old, until=SINCE)
    account(accounts, "r1", ("account", "A1"))
    assert on_file(accounts, Subject((EVA,)), NOW).subject is not None
    assert on_file(accounts, Subject((Identifier("account", "A0"),)), NOW).why == ABSENT


@pytest.mark.parametrize(
    "asked",
    [
        (NOOR,),
        (EVA, Identifier("account", "A9")),
        (EVA, NOOR),
        (EVA, Identifier("sip", "eva@example.org")),  # the store cannot be searched by it
        (Identifier("usage", "u-1"),),  # a pseudonym joins nobody
    ],
)
def test_what_the_store_does_not_join_is_nobodys(
    accounts: Shelf, asked: tuple[Identifier, ...]
) -> None:
    """Rule 43: who asks with their own number and another's account gets neither."""
    account(accounts, "r1", ("account", "A1"))
    account(accounts, "r9", ("account", "A9"), phone="+4930901821")
    found = on_file(accounts, Subject(asked), NOW)
    assert (found.subject, found.why) == (None, ABSENT)


def test_a_stated_pseudonym_comes_along(accounts: Shelf) -> None:
    """Rule 12 (GDPR Art. 11(2)): further information, beside what the store joins."""
    account(accounts, "r1", ("account", "A1"))
    usage = Identifier("usage", "u-1")
    found = on_file(accounts, Subject((EVA, usage)), NOW).subject
    assert found is not None
    assert found.identifiers[-1] == usage


def test_a_store_that_does_not_answer_confirms_nobody(accounts: Shelf) -> None:
    """Law 4: down is not empty."""
    account(accounts, "r1", ("account", "A1"))
    accounts.set(down=True)
    with pytest.raises(StoreUnavailable):
        on_file(accounts, Subject((EVA,)), NOW)
