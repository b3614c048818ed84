"""At the desk: no link without a contact older than the request, and nothing in clear."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dsr.delivering import Delivery, fetch
from dsr.desk import Desk
from dsr.errors import DeliveryError, InputError
from dsr.identity import FileSender, OneTimePin
from dsr.package import Encrypted, File
from tests.parcels import DAY
from tests.shelf import shelf
from tests.things import EVA, NOW, category, ledger, policy


def test_no_link_where_the_address_was_swapped(tmp_path: Path) -> None:
    """Rule 43 (GDPR Art. 32): the desk looks before it forgets who asked, and refuses the link."""
    for changed, usable in ((NOW - 400 * DAY, True), (NOW - DAY, False)):
        folder = tmp_path / str(usable)
        folder.mkdir()
        accounts = shelf(folder, "accounts", ["phone"], "accounts")
        accounts.put(
            "A1",
            category="accounts",
            at=(NOW - 900 * DAY).isoformat(),
            who=[["phone", EVA.value, ["email"]]],
            data={"email": "eva@example.org", "changed": changed.isoformat()},
            links=[["phone", EVA.value, (NOW - 900 * DAY).isoformat(), None]],
        )
        pins = folder / "pins"
        desk = Desk(
            stores=(accounts,),
            policy=policy(accounts=category(origin="provided")),
            ledger=ledger(folder),
            pin=OneTimePin(FileSender(pins)),
            accounts="accounts",
            delivery=Delivery(contact="email", changed="changed"),
        )
        request = desk.open("access", [EVA], now=NOW)
        desk.challenge(request.id, now=NOW)
        pin = str(json.loads(pins.read_text("utf-8"))["pin"])
        grant = desk.verify(request.id, pin, now=NOW)
        package = File(folder / "p.zip")
        desk.export(grant, package, now=NOW)
        if usable:
            token = desk.link(request.id, package, now=NOW)
            assert fetch(desk.ledger, token, NOW, Delivery().place).request == request.id
        else:
            with pytest.raises(DeliveryError, match="the contact must not be used"):
                desk.link(request.id, package, now=NOW)
        notes = [each.note + each.event for each in desk.ledger.entries(request.id)]
        assert "eva@" not in "".join(notes)


def test_a_desk_that_encrypts_hands_nothing_out_in_clear(tmp_path: Path) -> None:
    """Rule 43 (GDPR Art. 32): neither to a file nor as a stream; nothing is lost by trying."""
    accounts = shelf(tmp_path, "accounts", ["phone"], "accounts")
    pins = tmp_path / "pins"
    desk = Desk(
        stores=(accounts,),
        policy=policy(accounts=category(origin="provided")),
        ledger=ledger(tmp_path),
        pin=OneTimePin(FileSender(pins)),
        delivery=Delivery(encrypt="aes-zip"),
    )
    request = desk.open("access", [EVA], now=NOW)
    desk.challenge(request.id, now=NOW)
    grant = desk.verify(request.id, str(json.loads(pins.read_text("utf-8"))["pin"]), now=NOW)
    with pytest.raises(InputError, match="does not encrypt"):
        desk.export(grant, tmp_path / "p.zip", now=NOW)
    with pytest.raises(InputError, match="a stream is not"):
        desk.stream(grant, now=NOW)
    assert not (tmp_path / "p.zip").exists()
    handed: list[str] = []
    place = Encrypted(File(tmp_path / "p.zip"), handed.append, NOW)
    assert desk.export(grant, place, now=NOW).state == "done"
    assert len(handed) == 1
