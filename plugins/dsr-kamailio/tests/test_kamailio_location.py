"""Bindings in the memory of a running Kamailio, in each of its ways to keep them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

from dsr.errors import ConfigurationError, StoreUnavailable
from dsr.model import Found, Identifier
from dsr.settings import Context
from dsr.testing import ConnectorSuite, Harness
from dsr_kamailio.location import Location, from_config
from dsr_kamailio.rpc import Rpc
from kamailio_office import DOMAIN, Office, dumped, office, rows_of
from tests.servers.kamailio import Kamailio

OTHER: Final = "sip.example.net"


def add(server: Kamailio, *aors: str) -> None:
    """Bind a telephone to each address, by Kamailio's own command."""
    with Rpc("test", server.socket).session() as session:
        for aor in aors:
            contact = f"sip:{aor.partition('@')[0]}@192.0.2.7:5060"
            session.call("ul.add", "location", aor, contact, 3600, 1.0, "0", 0, 0, 7)


def aors(founds: Sequence[object]) -> set[object]:
    return {each.record.data["aor"] for each in founds if isinstance(each, Found)}


@pytest.mark.parametrize("db_mode", [0, 1, 2, 3])
def test_a_binding_goes_from_memory_and_database(tmp_path: Path, db_mode: int) -> None:
    """Whichever db_mode: found, removed, gone from both; a namesake and others stay; twice too."""
    with office(tmp_path, db_mode=db_mode) as running:
        server = running.server
        add(server, f"alice@{DOMAIN}", f"alice@{OTHER}", f"alicent@{DOMAIN}")
        if db_mode:
            end = time.monotonic() + 20
            while len(rows_of(server, "location")) < 3 and time.monotonic() < end:
                time.sleep(0.05)
            assert len(rows_of(server, "location")) == 3
        store = Location("registrar", server.socket, (DOMAIN, OTHER), "DE", patience=20)
        who = Identifier("sip", f"alice@{DOMAIN}")
        before, rows = dumped(server), rows_of(server, "location")
        (found,) = [each for each in store.find([who]) if isinstance(each, Found)]
        assert found.record.data["aor"] == f"alice@{DOMAIN}"
        for _ in range(2):
            store.erase([found.record.key])
            assert list(store.find([who])) == []
            after = dumped(server)
            assert after == {aor: each for aor, each in before.items() if aor != f"alice@{DOMAIN}"}
            left = [r for r in rows if (r["username"], r["domain"]) != ("alice", DOMAIN)]
            assert rows_of(server, "location") == left


def test_without_domains_a_user_is_that_of_the_domain_served(tmp_path: Path) -> None:
    """use_domain = 0: Kamailio is asked for the user, of the domains in the settings only."""
    with office(tmp_path, db_mode=0, use_domain=False) as running:
        add(running.server, "alice", "4930901820")
        store = Location("registrar", running.server.socket, (DOMAIN,), "DE", patience=1)
        assert aors(list(store.find([Identifier("sip", f"alice@{DOMAIN}")]))) == {"alice"}
        assert aors(list(store.find([Identifier("sip", f"alice@{OTHER}")]))) == set()
        assert aors(list(store.find([Identifier("phone", "+4930901820")]))) == {"4930901820"}


@pytest.fixture(scope="module")
def registrar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Return a Kamailio that keeps bindings in memory only."""
    with office(tmp_path_factory.mktemp("kamailio"), db_mode=0) as running:
        yield running


class BindingsHarness(Harness):
    """Telephones registered under numbers, in several spellings."""

    entry = "kamailio-location"
    server = "Kamailio 5.6"
    verbs = frozenset({"erase", "check"})
    connector: Location
    subject = Identifier("phone", "+4930901820")
    bystander = Identifier("phone", "+49309018200")
    hers = ("+4930901820", "030901820", "4930901820")
    his = ("+49309018200", "bob")

    def __init__(self, server: Kamailio, rpc: str) -> None:
        """Start with no binding."""
        self.kamailio = server
        self.connector = Location("registrar", rpc, (DOMAIN,), "DE", patience=5)
        with Rpc("test", server.socket).session() as session:
            for aor in dumped(server):
                session.call("ul.rm", "location", aor)

    def seed(self) -> int:
        add(self.kamailio, *(f"{user}@{DOMAIN}" for user in (*self.hers, *self.his)))
        return len(self.hers)

    def count(self) -> int:
        return sum(aor.partition("@")[0] in self.hers for aor in dumped(self.kamailio))

    def others(self) -> bytes:
        found = dumped(self.kamailio).items()
        kept = {aor: each for aor, each in found if aor.partition("@")[0] not in self.hers}
        return json.dumps(kept, sort_keys=True).encode()

    def unreachable(self) -> Location:
        return Location("registrar", "unix:/nowhere/rpc.sock", (DOMAIN,), "DE")


class TestDatagrams(ConnectorSuite):
    """The laws, over the socket of jsonrpcs."""

    @pytest.fixture
    def harness(self, registrar: Office) -> BindingsHarness:
        return BindingsHarness(registrar.server, registrar.server.socket)


def test_http_does_the_same(registrar: Office) -> None:
    """Over HTTP the same is found, and removed, as over datagrams."""
    harness = BindingsHarness(registrar.server, registrar.server.http)
    harness.seed()
    others = harness.others()
    founds = [e for e in harness.connector.find([harness.subject]) if isinstance(e, Found)]
    assert aors(founds) == {f"{user}@{DOMAIN}" for user in harness.hers}
    harness.connector.erase([each.record.key for each in founds])
    assert (harness.count(), harness.others()) == (0, others)


def test_a_method_that_is_not_let_through_is_no_empty_answer(registrar: Office) -> None:
    """Law 4: the event route of the README lets dsr's methods through, and refuses others."""
    with (
        Rpc("registrar", registrar.server.http).session() as session,
        pytest.raises(StoreUnavailable, match="HTTP 403"),
    ):
        session.call("ul.dump")


def test_no_such_table_is_an_error(registrar: Office) -> None:
    """Law 4: a wrong table name is no empty answer."""
    store = Location("registrar", registrar.server.socket, (DOMAIN,), "DE", table="elsewhere")
    with pytest.raises(StoreUnavailable, match="location table"):
        list(store.find([Identifier("sip", f"alice@{DOMAIN}")]))


def test_check_tells_what_memory_keeps(registrar: Office) -> None:
    """What other modules keep in memory is told; a store in order has no fault."""
    findings = Location("registrar", registrar.server.socket, (DOMAIN,), "DE").check()
    assert {each.kind for each in findings} == {"left"}
    assert any("module htable" in each.text for each in findings)


@pytest.mark.parametrize("rpc", ["kamcmd", "udp:localhost", "unix:relative", "http://"])
def test_a_wrong_address_is_named(rpc: str) -> None:
    """The error names the key, and not the value."""
    table = {"rpc": rpc, "domains": [DOMAIN]}
    with pytest.raises(ConfigurationError, match=r"stores\.registrar\.rpc") as raised:
        from_config("registrar", table, Context("DE", Path()))
    assert rpc not in str(raised.value).replace("kamailio_rpc", "")


def test_an_address_may_come_from_the_environment(
    registrar: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`env:NAME` is read when it is needed; a missing variable is a store out of reach."""
    table = {"rpc": "env:KAMAILIO_RPC_OF_TEST", "domains": [DOMAIN]}
    store = from_config("registrar", table, Context("DE", Path()))
    with pytest.raises(StoreUnavailable, match="KAMAILIO_RPC_OF_TEST"):
        store.check()
    monkeypatch.setenv("KAMAILIO_RPC_OF_TEST", registrar.server.http)
    assert store.check()
