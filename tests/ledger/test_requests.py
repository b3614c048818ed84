"""Requests in the ledger: open, resealed, closed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from attrs import evolve

from dsr.errors import RequestError, RequestNotFound
from dsr.ledger import Confirmed, Ledger
from dsr.model import Identifier, Subject
from tests.ledger.people import BERLIN, EMAIL, ERIKA, MAX, NOW, PHONE, a_request


def test_what_is_added_comes_back(ledger: Ledger) -> None:
    """The ledger is the memory of a request: every field, tenures and changes included."""
    request = a_request(right="rectification", changes={"name": "Erika Musterfrau", "city": "Köln"})
    ledger.add(request, ERIKA)
    assert ledger.get("r1") == request
    assert ledger.subject("r1") == ERIKA


def test_times_come_back_in_utc(ledger: Ledger) -> None:
    """The same moment, aware, whatever zone it was given in (design.md: timestamps)."""
    local = dt.datetime(2026, 3, 5, 0, 30, 0, 1, tzinfo=BERLIN)
    ledger.add(evolve(a_request(), received=local), ERIKA)
    received = ledger.get("r1").received
    assert received == dt.datetime(2026, 3, 4, 23, 30, 0, 1, tzinfo=dt.UTC)
    assert received.utcoffset() == dt.timedelta(0)


def test_a_naive_time_is_refused(ledger: Ledger) -> None:
    """A time without a zone is never guessed."""
    naive = dt.datetime(2026, 3, 5)  # noqa: DTZ001  (that is the point)
    with pytest.raises(ValueError, match="zone"):
        ledger.add(evolve(a_request(), received=naive), ERIKA)
    with pytest.raises(ValueError, match="zone"):
        ledger.audit("something", at=naive)


def test_an_unknown_id_is_an_error(ledger: Ledger) -> None:
    """Nothing is silent: no call on an unknown request does nothing."""
    calls: list[Callable[[], object]] = [
        lambda: ledger.get("r9"),
        lambda: ledger.subject("r9"),
        lambda: ledger.reseal("r9", ERIKA),
        lambda: ledger.set_state("r9", "verified", NOW),
        lambda: ledger.close("r9", "done", NOW),
        lambda: ledger.save_plan("r9", Confirmed("t", NOW, {}, {})),
        lambda: ledger.grant(a_request("r9"), "one-time PIN", NOW),
    ]
    for call in calls:
        with pytest.raises(RequestNotFound):
            call()


def test_an_id_is_given_once(ledger: Ledger) -> None:
    """A second request cannot take the place of the first."""
    ledger.add(a_request(), ERIKA)
    with pytest.raises(RequestError, match="r1 is registered already"):
        ledger.add(a_request(right="access"), MAX)
    assert ledger.get("r1").right == "erasure"
    assert ledger.subject("r1") == ERIKA


def test_requests_are_listed_by_state_in_order(ledger: Ledger) -> None:
    """The list is complete beyond one page, in the order of registration."""
    ledger.page = 7
    ids = [f"{number * 7919 % 100:02}" for number in range(30)]
    with ledger.transaction():
        for id_ in ids:
            ledger.add(a_request(id_), ERIKA)
    ledger.set_state(ids[3], "verified", NOW)
    ledger.set_state(ids[20], "incomplete", NOW)
    assert [each.id for each in ledger.requests()] == ids
    found = ledger.requests(states=["verified", "incomplete"])
    assert [(each.id, each.state) for each in found] == [
        (ids[3], "verified"),
        (ids[20], "incomplete"),
    ]


def test_requests_of_an_identifier_are_found_open_or_closed(ledger: Ledger) -> None:
    """The keyed hash answers `was this erased`; kind and whole value count, tenure does not."""
    ledger.add(a_request("r1"), ERIKA)
    ledger.add(a_request("r2"), MAX)
    ledger.add(a_request("r3"), Subject((Identifier("phone", PHONE),)))
    ledger.close("r1", "done", NOW)
    assert ledger.ids_of(Identifier("phone", PHONE)) == ["r1", "r3"]
    assert ledger.ids_of(Identifier("email", EMAIL)) == ["r1"]
    assert ledger.ids_of(Identifier("sip", EMAIL)) == []
    assert ledger.ids_of(Identifier("phone", PHONE[:-1])) == []


def test_reseal_replaces_the_subject(ledger: Ledger) -> None:
    """The tenure on file binds the identifiers (law 7); those that are gone are not found."""
    ledger.add(a_request(), ERIKA)
    bound = Subject((Identifier("phone", PHONE, since=NOW),))
    ledger.reseal("r1", bound)
    assert ledger.subject("r1") == bound
    assert ledger.ids_of(Identifier("phone", PHONE)) == ["r1"]
    assert ledger.ids_of(Identifier("email", EMAIL)) == []


def test_states_change_once_and_are_audited(ledger: Ledger) -> None:
    """Twice is success, and one entry."""
    ledger.add(a_request(), ERIKA)
    ledger.set_state("r1", "verified", NOW)
    ledger.set_state("r1", "verified", NOW)
    assert ledger.get("r1").state == "verified"
    assert [(each.event, each.note) for each in ledger.entries("r1")] == [("state", "verified")]


def test_a_closed_request_has_no_person(ledger: Ledger) -> None:
    """When it closes only the keyed hashes stay: no subject, no changes, no plan."""
    ledger.add(a_request(right="rectification", changes={"name": "Erika"}), ERIKA)
    ledger.save_plan("r1", Confirmed("t", NOW, {}, {"cdr": bytes(8)}))
    ledger.close("r1", "done", NOW)
    assert ledger.get("r1").state == "done"
    assert ledger.get("r1").changes == {}
    assert ledger.plan("r1") is None
    with pytest.raises(RequestError, match="closed; its identifiers are gone"):
        ledger.subject("r1")


def test_a_closed_request_stays_closed(ledger: Ledger) -> None:
    """Closing twice is success and one entry; nothing opens it again."""
    ledger.add(a_request(), ERIKA)
    ledger.close("r1", "done", NOW)
    ledger.close("r1", "done", NOW)
    ledger.set_state("r1", "done", NOW)
    calls: list[Callable[[], object]] = [
        lambda: ledger.close("r1", "refused", NOW),
        lambda: ledger.set_state("r1", "open", NOW),
        lambda: ledger.reseal("r1", ERIKA),
        lambda: ledger.save_plan("r1", Confirmed("t", NOW, {}, {})),
    ]
    for call in calls:
        with pytest.raises(RequestError, match="closed"):
            call()
    assert [(each.event, each.note) for each in ledger.entries("r1")] == [("closed", "done")]


def test_a_transaction_is_all_or_nothing(ledger: Ledger) -> None:
    """What several calls did is undone together, audit entries included (law 2)."""
    ledger.add(a_request(), ERIKA)

    def half_of_it() -> None:
        with ledger.transaction():
            ledger.set_state("r1", "verified", NOW)
            assert ledger.get("r1").state == "verified"
            ledger.add(a_request("r2"), MAX)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_of_it()
    assert ledger.get("r1").state == "open"
    assert list(ledger.entries()) == []
    with pytest.raises(RequestNotFound):
        ledger.get("r2")


def test_a_transaction_keeps_the_order_of_the_audit(ledger: Ledger) -> None:
    """Entries of joined calls stand in the order of the calls."""
    ledger.add(a_request(), ERIKA)
    with ledger.transaction():
        ledger.audit("first", at=NOW)
        ledger.set_state("r1", "verified", NOW)
        with ledger.transaction():
            ledger.audit("third", at=NOW)
    assert [each.event for each in ledger.entries()] == ["first", "state", "third"]
    assert ledger.verify_audit() == 3
