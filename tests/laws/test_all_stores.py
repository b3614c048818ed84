"""Law 10 over all stores at once: 104,000 records, every spelling, found, erased, and no other."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from dsr.apply import Case, apply
from dsr.confirm import Permit, confirm
from dsr.find import Hit, Reading
from dsr.plan import Wish
from dsr.spool import Spool
from dsr.stores import Stores
from dsr.survey import survey
from tests.laws.people import PEOPLE, Call, call, holder
from tests.laws.platforms import Accounting, CallRecords, Contacts, Messages
from tests.laws.stores import Cards, Documents, Lines, Objects, Raw, Recordings, Rows
from tests.servers.mariadb import mariadb
from tests.servers.postgresql import postgresql
from tests.servers.rgw import Rgw, rgw
from tests.things import NOW, category, ledger, policy, request

__all__ = ["mariadb", "postgresql", "rgw"]

COUNTS: Final = {
    "rows": 45_000,
    "documents": 20_000,
    "lines": 18_000,
    "cards": 3_000,
    "recordings": 3_000,
    "objects": 1_000,
    "messages": 2_000,
    "call_records": 5_000,
    "accounting": 5_000,
    "contacts": 2_000,
}
REDACTED: Final = ("rows", "documents", "lines", "messages", "call_records")
DELETED: Final = ("cards", "recordings", "objects", "contacts")
#: Who asks for erasure: two holders of one number one after the other, and a bystander's twin.
ERASED: Final = (1, 4, 13)


@pytest.fixture
def stores(
    tmp_path: Path, postgresql: str, mariadb: str, rgw: Rgw, monkeypatch: pytest.MonkeyPatch
) -> list[Raw]:
    """Fill every store with calls of its own."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", rgw.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", rgw.secret_key)

    def calls(name: str) -> list[Call]:
        rng = random.Random(name)
        return [call(rng) for _ in range(COUNTS[name])]

    def folder(name: str) -> Path:
        (made := tmp_path / name).mkdir()
        return made

    found: list[Raw] = [
        Rows(tmp_path, calls("rows"), url=postgresql),
        Documents(tmp_path, calls("documents"), url=mariadb),
        Lines(folder("lines"), calls("lines")),
        Cards(folder("cards"), calls("cards")),
        Recordings(folder("recordings"), calls("recordings")),
        Objects(tmp_path, calls("objects"), rgw=rgw, bucket="ground-truth"),
        Messages(folder("messages"), calls("messages")),
        CallRecords(tmp_path, calls("call_records"), url=f"sqlite:///{tmp_path}/asterisk.db"),
        Accounting(tmp_path, calls("accounting"), url=f"sqlite:///{tmp_path}/kamailio.db"),
        Contacts(tmp_path, calls("contacts"), url=f"sqlite:///{tmp_path}/sabre.db"),
    ]
    for each in found:
        each.fill()
    return found


def truth(store: Raw) -> dict[tuple[int, str], int]:
    """Return who each side of each call is, by construction."""
    return {
        (number, side): holder(getattr(each, side), each.at)
        for number, each in enumerate(store.calls)
        for side in store.sides
    }


def found(stores: list[Raw]) -> Iterator[tuple[str, tuple[int, str], int]]:
    """Yield store, side and person of all that one reading of all stores finds."""
    by_name = {each.name: each for each in stores}
    connectors = [each.connector for each in stores]
    with Spool() as spool:
        for hit in Reading(connectors, [each.subject for each in PEOPLE], spool):
            assert isinstance(hit, Hit)
            store = by_name[hit.store]
            for about in hit.about if len(store.sides) > 1 else ("",):
                yield hit.store, store.place(hit.record.data, about), hit.subject


def test_all_stores_recall_100_percent_bystanders_0(stores: list[Raw], tmp_path: Path) -> None:
    """Law 10: all of it is found, for its holder alone; erased are three people, and no other."""
    assert sum(COUNTS.values()) >= 100_000
    expected = {
        (store.name, side, person) for store in stores for side, person in truth(store).items()
    }
    got = set(found(stores))
    by_name = {each.name: each for each in stores}
    missed, bystanders = expected - got, got - expected
    assert len(missed) == 0, [by_name[name].calls[n] for name, (n, _), _ in sorted(missed)[:5]]
    assert len(bystanders) == 0, [
        by_name[name].calls[n] for name, (n, _), _ in sorted(bystanders)[:5]
    ]

    before = {store.name: store.look() for store in stores}
    erase(stores, tmp_path)
    for store in stores:
        after = store.look()
        for side, person in truth(store).items():
            if person in ERASED:
                assert after.get(side) != before[store.name][side], (store.name, person)
            else:
                assert after[side] == before[store.name][side], (store.name, person)
    left = {each for each in expected if each[2] not in ERASED}
    assert set(found(stores)) == left


def erase(stores: list[Raw], folder: Path) -> None:
    """Plan, confirm and carry out the erasure of three people as one batch."""
    redacted = {name: category(erase="redact") for name in REDACTED}
    deleted = {name: category() for name in DELETED}
    run = Stores([each.connector for each in stores], policy(**redacted, **deleted), ledger(folder))
    requests = [request("erasure", f"r{person}") for person in ERASED]
    subjects = [PEOPLE[person].subject for person in ERASED]
    digester = run.ledger.digester()
    with survey(run.ground(NOW), subjects, [Wish("erasure", {})] * len(ERASED)) as seen:
        cases = [
            Case(
                each, subject, Permit(confirm(each.id, seen.steps.rows(n), digester, NOW), digester)
            )
            for n, (each, subject) in enumerate(zip(requests, subjects, strict=True))
        ]
    for receipt in apply(run, cases, NOW):
        tallies = [tally for store in receipt.stores.values() for tally in store.values()]
        assert not any(tally.gaps or tally.keep for tally in tallies)
        assert receipt.state == "done"
        assert receipt.proved.keys() == COUNTS.keys()
