"""The contact that a package may be sent to is older than the request (law.md rule 43)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dsr.delivering import Delivery, contact
from dsr.errors import (
    ConfigurationError,
    DeliveryError,
    StoreUnavailable,
)
from dsr.model import Identifier, Subject
from tests.parcels import DAY
from tests.shelf import Shelf, shelf
from tests.things import EVA, NOOR, NOW, request

ADDRESS = "eva@example.org"
FIELDS = Delivery(contact="email", changed="changed", settled="7 days")
LONG_AGO = NOW - 400 * DAY


@pytest.fixture
def accounts(tmp_path: Path) -> Shelf:
    return shelf(tmp_path, "accounts", ["phone", "account", "email"], "accounts")


def account(
    store: Shelf,
    key: str = "k1",
    email: str | None = ADDRESS,
    changed: object = LONG_AGO.isoformat(),
    phone: str = EVA.value,
    name: str = "A1",
    **more: Any,
) -> None:
    about = ["email", "changed"]
    row = {
        "category": "accounts",
        "at": LONG_AGO.isoformat(),
        "who": [["phone", phone, about], ["account", name, about]],
        "data": {"email": email, "changed": changed},
        "links": [["phone", phone, LONG_AGO.isoformat(), None], ["account", name, None, None]],
    }
    store.put(key, **(row | more))


def asked(store: Shelf, *who: Identifier, delivery: Delivery = FIELDS) -> str:
    """Return the address for a request that was received now."""
    subject = Subject(who or (EVA,))
    return contact(store, subject, request("access"), delivery, NOW + DAY)


class TestContact:
    """Rule 43: delivery only to a contact that is older than the request."""

    def test_an_old_address_is_used(self, accounts: Shelf) -> None:
        """Rule 43: it is the one on file, whichever identifier the person gave."""
        account(accounts)
        account(accounts, "k2", "noor@example.org", phone=NOOR.value, name="A2")
        for who in (EVA, Identifier("account", "A1")):
            assert asked(accounts, who) == ADDRESS

    @pytest.mark.parametrize(
        ("changed", "why"),
        [
            ((NOW + DAY).isoformat(), "it is not older than the request"),
            (NOW.isoformat(), "it is not older than the request"),
            ((NOW - DAY).isoformat(), "it was changed less than 7 days before the request"),
            (None, "nobody knows since when it is on file"),
            ("", "nobody knows since when it is on file"),
            ("last spring", "nobody knows since when it is on file"),
            (1700000000, "nobody knows since when it is on file"),
            (NOW.date().isoformat(), "it is not older than the request"),
            ("2026-11-16 00:30:00", "it was changed less than 7 days before the request"),
        ],
    )
    def test_an_address_swapped_just_before_is_refused(
        self, accounts: Shelf, changed: object, why: str
    ) -> None:
        """Rule 43 (address swap just before): nothing goes to whoever changed the account.

        Nor where nobody knows when it was changed; a time without zone is read as late as it
        can be. The refusal offers the post and a person (rule 44), and names nobody.
        """
        account(accounts, email="mallory@example.org", changed=changed)
        with pytest.raises(DeliveryError) as told:
            asked(accounts)
        assert told.value.what == f"the e-mail address on file must not be used: {why}"
        assert "by post" in told.value.fix
        assert "mallory" not in str(told.value)

    @pytest.mark.parametrize(
        "changed",
        ["2026-11-15", "2026-11-15 00:00:00", "2026-11-15T23:00:00", "2026-11-16T12:00:00+00:00"],
    )
    def test_dates_are_read_as_stores_write_them(self, accounts: Shelf, changed: str) -> None:
        """A day, a time, a time with its zone: seven days before the request and no less."""
        account(accounts, changed=changed)
        assert asked(accounts) == ADDRESS

    def test_the_swap_between_request_and_delivery(self, accounts: Shelf) -> None:
        """Rule 43: what was good when the request came is refused once it was changed."""
        account(accounts)
        assert asked(accounts) == ADDRESS
        account(accounts, email="mallory@example.org", changed=(NOW + DAY / 2).isoformat())
        with pytest.raises(DeliveryError, match="not older than the request"):
            asked(accounts)

    def test_two_addresses_go_to_a_person(self, accounts: Shelf) -> None:
        """A second record of the account cannot bring in another address."""
        account(accounts)
        account(accounts, "k2", "mallory@example.org")
        with pytest.raises(DeliveryError, match="there are several"):
            asked(accounts)

    def test_one_address_is_as_young_as_its_youngest_record(self, accounts: Shelf) -> None:
        """An address that one record has known for long and another for a day is a day old."""
        account(accounts)
        account(accounts, "k2", changed=NOW.isoformat())
        with pytest.raises(DeliveryError, match="not older"):
            asked(accounts)

    def test_a_former_holder_is_not_written_to(self, accounts: Shelf) -> None:
        """Rule 28 (GDPR Art. 5(1)(f)): their address is not the person's."""
        account(accounts)
        former = [["phone", EVA.value, None, LONG_AGO.isoformat()]]
        account(accounts, "k2", "former@example.org", name="A0", links=former)
        assert asked(accounts) == ADDRESS

    def test_a_shared_line_goes_to_a_person(self, accounts: Shelf) -> None:
        """Rule 36 (GDPR Art. 12(6)): two accounts hold the number: neither address is used."""
        account(accounts)
        account(accounts, "k2", name="A2")
        with pytest.raises(DeliveryError, match="does not join the request to one person"):
            asked(accounts)

    @pytest.mark.parametrize("email", [None, "", " ", "none", "a@b\r\nBcc: x@y", "a@b c@d"])
    def test_what_is_no_address(self, accounts: Shelf, email: str | None) -> None:
        """Bad data in the store: nothing is sent, and nothing smuggled into a mail's header."""
        account(accounts, email=email)
        with pytest.raises(DeliveryError, match=r"there is none|it is none"):
            asked(accounts)

    def test_an_address_that_speaks_of_another_is_not_used(self, accounts: Shelf) -> None:
        """Law 7: the field is about somebody else in this record."""
        account(accounts, who=[["phone", EVA.value, ["changed"]], ["account", "A1", ["changed"]]])
        with pytest.raises(DeliveryError, match="there is none"):
            asked(accounts)

    def test_a_store_that_is_down_or_damaged_gives_no_address(self, accounts: Shelf) -> None:
        """Law 4: what cannot be read whole is never taken for all there is."""
        account(accounts)
        for fault in ({"broken": True}, {"down": True, "broken": False}):
            accounts.set(**fault)
            with pytest.raises((StoreUnavailable, DeliveryError)):
                asked(accounts)

    def test_without_fields_nobody_is_written_to(self, accounts: Shelf) -> None:
        """The configuration has to say which field it is."""
        with pytest.raises(ConfigurationError, match=r"set delivery\.contact"):
            asked(accounts, delivery=Delivery())
