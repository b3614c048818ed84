"""A running Kamailio, telephones that register, sipp that calls, and one person who is erased."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa
from attrs import define, field

import dsr
from dsr.connector import Connector
from dsr.errors import Refused, StoreUnavailable
from dsr.model import Found, Identifier
from dsr_kamailio.database import from_config
from dsr_kamailio.location import Location
from dsr_kamailio.rpc import Rpc
from kamailio_office import DOMAIN, NOW, NUMBER, Office, dumped, office, rows_of
from kamailio_phones import calling

TABLES: Final = ("acc", "acc_cdrs", "subscriber", "dbaliases", "location", "missed_calls")
ALICE: Final = re.compile(rf"\balice\b|\b1001\b|{NUMBER[1:]}|127\.0\.0\.2(?!\d)")


@define
class Story:
    """What the stores held before Alice was erased and after, and what became of the request."""

    office: Office = field(repr=False)
    desk: dsr.Desk = field(repr=False)
    grant: Any = field(repr=False)
    plan: Any = field(repr=False)
    receipt: Any = field(repr=False)
    rows: tuple[dict[str, list[dict[str, Any]]], ...] = field(repr=False)
    memory: tuple[dict[str, Any], ...] = field(repr=False)
    logs: tuple[bytes, ...] = field(repr=False)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Let everybody call everybody, and erase Alice."""
    with office(tmp_path_factory.mktemp("kamailio")) as running:
        server, phones = running.server, running.phones
        alice, bob, carol = phones.values()
        for phone in phones.values():
            assert phone.register(f"secret of {phone.user}") == 200
        with calling(alice, bob, bob.address), calling(bob, carol, carol.address):
            pass
        with calling(bob, alice, alice.address, hangs_up="callee"):
            pass
        with calling(bob, alice, f"1001@{DOMAIN}", hangs_up="callee"):
            pass
        with calling(carol, alice, f"{NUMBER[1:]}@{DOMAIN}"):
            pass
        with calling(carol, bob, f"1002@{DOMAIN}", hangs_up="callee"):
            pass
        assert alice.invite(f"nobody@{DOMAIN}") == 404
        _until_forgotten(running)
        _until_written(running, 3)
        before = {table: rows_of(server, table) for table in TABLES}
        memory, log = dumped(server), server.log.read_bytes()
        desk = running.configure()
        grant = running.verified(desk, "erasure")
        plan = desk.plan(grant, now=NOW)
        receipt = desk.apply(grant, plan.token, now=NOW)
        after = {table: rows_of(server, table) for table in TABLES}
        yield Story(
            running,
            desk,
            grant,
            plan,
            receipt,
            (before, after),
            (memory, dumped(server)),
            (log, server.log.read_bytes()),
        )


def _until_forgotten(running: Office) -> None:
    """Wait until Kamailio has no call that has ended: it forgets them within seconds."""
    with Rpc("test", running.server.socket).session() as session:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if not session.call("dlg.list"):
                return
            time.sleep(0.05)
    pytest.fail("Kamailio still has calls")


def _until_written(running: Office, number: int) -> None:
    """Wait until Kamailio's timer has written so many bindings to the database."""
    end = time.monotonic() + 30
    while len(rows_of(running.server, "location")) < number:
        assert time.monotonic() < end, "Kamailio does not write its bindings"
        time.sleep(0.05)


def test_the_request_is_done(story: Story) -> None:
    """Law 4: nothing is kept, and nothing was out of reach."""
    tallies = [t for each in story.receipt.stores.values() for t in each.values()]
    assert [t.gaps for t in tallies if t.gaps] == []
    assert story.receipt.state == "done"
    assert story.receipt.proved.keys() == {"numbers", "kamailio", "registrar", "log"}


def test_every_row_was_found(story: Story) -> None:
    """Law 10: as many rows of calls are redacted as SQL finds that name her, or her telephone."""
    before = story.rows[0]
    tables = ("acc", "acc_cdrs")
    hers = [row for name in tables for row in before[name] if _names_alice(row)]
    assert len(hers) == len({row["callid"] for row in hers}) * 3
    assert story.plan.stores["kamailio"]["call_records"].do == {"redact": len(hers)}


def test_no_table_names_her(story: Story) -> None:
    """Issue: after the erasure no table names her."""
    left = [row for table in TABLES for row in story.rows[1][table] if _names_alice(row)]
    assert left == []


def test_no_binding_names_her(story: Story) -> None:
    """Issue: no binding in memory names her; the others' are what they were."""
    before, after = story.memory
    assert before.keys() == {f"{user}@{DOMAIN}" for user in ("alice", "bob", "carol")}
    assert after == {aor: each for aor, each in before.items() if not ALICE.search(aor)}


def test_no_log_names_her(story: Story) -> None:
    """Issue: no line names her; lines that did not are byte for byte as before."""
    before, after = (text.splitlines() for text in story.logs)
    assert sum(bool(ALICE.search(line.decode())) for line in before) > 10
    assert [line for line in after if ALICE.search(line.decode())] == []
    for old, new in zip(before, after, strict=False):  # the daemon may write on
        if not ALICE.search(old.decode()):
            assert old == new
        assert len(old) == len(new)
        for name in (b"bob", b"carol", b"127.0.0.3", b"127.0.0.4"):
            assert old.count(name) == new.count(name)


def test_the_others_rows_are_as_they_were(story: Story) -> None:
    """Law 7: rows without her are equal, and in shared ones only her columns are empty."""
    before, after = story.rows
    for table in TABLES:
        rows = {row["id"]: row for row in after[table]}
        for row in before[table]:
            if not _names_alice(row):
                assert rows.pop(row["id"]) == row
            elif table in {"acc", "acc_cdrs"}:
                changed = {n for n, value in rows.pop(row["id"]).items() if row[n] != value}
                assert changed in _sides(row)
        assert not rows


def _sides(row: dict[str, Any]) -> list[set[str]]:
    """Return the columns of each party that hold something; the operator's domain is nobody's."""
    caller = {"src_user", "src_domain", "src_ip"}
    callee = {"dst_ouser", "dst_user", "dst_domain"}
    return [
        {name for name in side & row.keys() if row[name] not in {"", DOMAIN}}
        for side in (caller, callee)
    ]


def test_a_call_to_her_no_longer_routes(story: Story) -> None:
    """Issue: after the erasure a call to her, her extension or her number finds nobody."""
    bob = story.office.phones["bob"]
    for name in ("alice", "1001", NUMBER[1:]):
        assert bob.invite(f"{name}@{DOMAIN}") == 404


def test_her_password_is_of_no_use(story: Story) -> None:
    """The subscriber is gone: her telephone cannot come back."""
    assert story.office.phones["alice"].register("secret of alice") in {401, 403}
    assert f"alice@{DOMAIN}" not in dumped(story.office.server)


def test_the_others_call_on(story: Story) -> None:
    """Calls between the others work, and their telephones register."""
    phones = story.office.phones
    assert phones["bob"].register("secret of bob") == 200
    with calling(phones["carol"], phones["bob"], phones["bob"].address):
        pass


def test_again_changes_nothing(story: Story) -> None:
    """Law 2: applying twice equals applying once."""
    again = story.desk.apply(story.grant, story.plan.token, now=NOW)
    assert again == story.receipt


def _names_alice(row: dict[str, Any]) -> bool:
    return any(ALICE.search(str(value)) for value in row.values())


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Office]:
    """Return an operator of its own, with two telephones registered."""
    with office(tmp_path) as fresh:
        for user in ("alice", "bob"):
            assert fresh.phones[user].register(f"secret of {user}") == 200
        yield fresh


def test_a_binding_outlives_its_row(running: Office) -> None:
    """Why there is RPC: without its row the binding is routed from memory all the same."""
    alice, bob, _ = running.phones.values()
    server = running.server
    _until_written(running, 2)
    with server.engine.begin() as connection:
        mine = sa.text("DELETE FROM location WHERE username = 'alice'")
        assert connection.execute(mine).rowcount == 1
    with calling(bob, alice, alice.address):
        pass
    location(server.socket).erase(['["location", "' + alice.address + '"]'])
    assert bob.invite(alice.address) == 404


def test_the_end_of_a_call_is_found_by_its_tag(running: Office) -> None:
    """The callee's BYE names the extension, and has her address: the dialog's tag tells it."""
    alice, bob, _ = running.phones.values()
    with calling(bob, alice, f"1001@{DOMAIN}", hangs_up="callee"):
        pass
    store = database(running)
    who = Identifier("sip", alice.address)
    told = {(name, each.get("method", "")): about for name, each, about in rows_about(store, who)}
    assert told == {
        ("acc", "INVITE"): {"dst_ouser", "dst_user", "dst_domain"},
        ("acc", "BYE"): {"src_user", "src_ip"},
        ("acc_cdrs", ""): {"dst_user"},
    }


@pytest.mark.parametrize("swaps", [False, True], ids=["plain", "detect_direction"])
@pytest.mark.parametrize("hangs_up", ["caller", "callee"])
def test_each_side_of_a_call_is_whose_it_is(tmp_path: Path, hangs_up: str, swaps: bool) -> None:
    """Whoever hangs up, and whether Kamailio turns tags around: each row's columns are theirs."""
    with office(tmp_path, swaps=swaps) as fresh:
        alice, bob, _ = fresh.phones.values()
        alice.register("secret of alice")
        with calling(bob, alice, f"1001@{DOMAIN}", hangs_up=hangs_up):
            pass
        store = database(fresh)
        told = {
            (user, each["method"]): {name: each[name] for name in about if each[name]}
            for user in ("alice", "bob")
            for name, each, about in rows_about(store, Identifier("sip", f"{user}@{DOMAIN}"))
            if name == "acc"
        }
    hers = {"1001", "alice", "127.0.0.2"}
    his = {"bob", "127.0.0.3"}
    for method in ("INVITE", "BYE"):
        assert set(told["alice", method].values()) <= hers
        assert set(told["bob", method].values()) <= his
        assert told["alice", method].keys().isdisjoint(told["bob", method])
        assert "1001" in told["alice", method].values()
        assert "bob" in told["bob", method].values()


def test_a_call_in_progress_is_found_and_left(running: Office) -> None:
    """A call that stands is shown, locked with its reason, and no verb ends it."""
    alice, bob, _ = running.phones.values()
    store = location(running.server.socket)
    who = Identifier("sip", bob.address)
    with calling(alice, bob, bob.address, holds=1500):
        end = time.monotonic() + 10
        while time.monotonic() < end:
            dialogs = [each for each in founds(store, who) if "callid" in each.record.data]
            if dialogs:
                break
        (dialog,) = dialogs
        assert dialog.about == {"to_uri", "callee_contact"}
        assert dialog.record.personal > dialog.about
        assert dialog.record.lock is not None
        assert dialog.record.lock.reason == "call in progress"
        assert dialog.record.lock.until is not None
        with pytest.raises(Refused):
            store.erase([dialog.record.key])


def test_a_kamailio_that_is_down_is_a_gap(running: Office) -> None:
    """Law 4: what cannot be reached is told, and the request is not done."""
    desk = running.configure()
    grant = running.verified(desk, "erasure")
    running.server.stop()
    plan = desk.plan(grant, now=NOW)
    assert plan.stores["registrar"]["registrations"].gaps
    receipt = desk.apply(grant, plan.token, now=NOW)
    assert receipt.state == "incomplete"
    assert "registrar" not in receipt.proved
    with pytest.raises(StoreUnavailable):
        location(running.server.socket).erase(['["location", "x@y"]'])


def test_an_rpc_that_is_refused_is_a_gap(running: Office) -> None:
    """Law 4: HTTP that is not let through to the RPC is no empty answer."""
    refused = running.server.http.replace("/RPC", "/elsewhere")
    with pytest.raises(StoreUnavailable, match="HTTP 403"):
        founds(location(refused), Identifier("sip", f"alice@{DOMAIN}"))
    plan = running.configure(refused)
    grant = running.verified(plan, "erasure")
    assert plan.plan(grant, now=NOW).stores["registrar"]["registrations"].gaps


def location(rpc: str) -> Location:
    return Location("registrar", rpc, (DOMAIN,), "DE")


def database(running: Office, **more: object) -> Any:
    table = {
        "url": running.server.database,
        "timezone": "UTC",
        "domains": [DOMAIN],
        "parts": ["acc", "acc_cdrs"],
        **more,
    }
    return from_config("kamailio", table, dsr.Context("DE", Path()))


def founds(store: Connector, *who: Identifier) -> list[Found]:
    return [each for each in store.find(who) if isinstance(each, Found)]


def rows_about(store: Connector, who: Identifier) -> list[tuple[str, dict[str, Any], set[str]]]:
    """Return the rows that a person leads to, as the engine follows links: table, row, about."""
    told: dict[str, tuple[str, dict[str, Any], set[str]]] = {}
    waiting, seen = [who], {who}
    while waiting:
        found = founds(store, *waiting)
        waiting = []
        for each in found:
            table = each.record.key.split('"')[1]
            row = told.setdefault(each.record.key, (table, dict(each.record.data), set()))
            row[2].update(each.about)
            for link in each.record.links:
                if link.kind == "object" and link not in seen:
                    seen.add(link)
                    waiting.append(link)
    return list(told.values())
