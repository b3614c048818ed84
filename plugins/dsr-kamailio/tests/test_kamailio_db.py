"""What is special in Kamailio's tables: domains, rows of one call, passwords, what is left out."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from dsr.errors import ConfigurationError, Refused
from dsr.identity.sip import Digest, proves
from dsr.model import Found, Identifier, Unread
from dsr_kamailio.database import KamailioDb
from kamailio_phones import ha1
from kamailio_tables import database, store, tables

NOON: Final = dt.datetime(2026, 3, 5, 12)  # noqa: DTZ001  (as Kamailio writes it)
ALICE: Final = Identifier("sip", "alice@sip.example.org")
NAMESAKE: Final = Identifier("sip", "alice@sip.example.net")
BOB: Final = Identifier("sip", "bob@sip.example.org")


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with database("sqlite", tmp_path) as fresh:
        yield fresh


def fill(url: str, table: str, *rows: dict[str, Any]) -> None:
    """Write rows; what they do not say is empty."""
    columns = tables().tables[table].columns
    engine = sa.create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        for number, row in enumerate(rows, start=1):
            empty = {
                each.name: NOON
                if isinstance(each.type, sa.DateTime)
                else ""
                if isinstance(each.type, sa.String)
                else 0
                for each in columns
            }
            connection.execute(tables().tables[table].insert().values(empty | {"id": number} | row))
    engine.dispose()


def request(method: str, **more: str) -> dict[str, str]:
    return {"method": method, "callid": "c1", "src_domain": "sip.example.org", **more}


def about(connector: KamailioDb, *who: Identifier) -> dict[tuple[Identifier, str], set[str]]:
    """Return what each is told to be, by who and row, following links as the engine does."""
    told: dict[tuple[Identifier, str], set[str]] = {}
    roots = {each: each for each in who}
    waiting = list(who)
    while waiting:
        links: dict[Identifier, Identifier] = {}
        for each in connector.find(waiting):
            if isinstance(each, Found):
                root = roots[each.who]
                told.setdefault((root, each.record.key), set()).update(each.about)
                links |= {link: root for link in each.record.links if link.kind == "object"}
        waiting = [link for link in links if link not in roots]
        roots |= links
    return {place: names for place, names in told.items() if names}


def test_a_namesake_at_another_domain_is_somebody_else(url: str) -> None:
    """Of two domains each has its alice; a row is the one's whose domain it names."""
    fill(
        url,
        "subscriber",
        {"username": "alice", "domain": "sip.example.org"},
        {"username": "Alice", "domain": "SIP.example.net"},
    )
    connector = store(url, ("subscriber",))
    assert [key for _, key in about(connector, ALICE)] == ['["subscriber",[1]]']
    assert [key for _, key in about(connector, NAMESAKE)] == ['["subscriber",[2]]']


def test_a_user_without_a_domain_is_not_guessed(url: str) -> None:
    """Where several domains are served, such a row is a part not read; with one it is its user."""
    fill(url, "location", {"username": "alice", "domain": None}, {"username": "bob", "domain": ""})
    (unread,) = store(url, ("location",)).find([ALICE])
    assert isinstance(unread, Unread)
    assert "alice" not in unread.reason
    one = store(url, ("location",), domains=["sip.example.org"])
    assert [key for _, key in about(one, ALICE)] == ['["location",[1]]']
    assert about(one, NAMESAKE) == {}


def test_a_telephones_host_is_no_domain(url: str) -> None:
    """`$rd` is the address of the callee's telephone: theirs, and no other domain's user."""
    invite = request("INVITE", src_user="bob", dst_user="alice", dst_domain="192.0.2.7")
    elsewhere = request("INVITE", src_user="bob", dst_user="alice", dst_domain="example.com")
    fill(url, "acc", invite, elsewhere | {"callid": "c2"})
    one = store(url, ("acc",), domains=["sip.example.org"])
    assert about(one, ALICE) == {(ALICE, '["acc",[1]]'): {"dst_user", "dst_domain"}}


def test_a_call_tells_whose_a_row_is(url: str) -> None:
    """With several domains, the rows that name no domain are told by one of the call that does."""
    names = [{"user": "dst_ouser", "domain": "sip_reason"}, {"user": "dst_user"}]
    fill(
        url,
        "acc",
        request("INVITE", src_user="bob", dst_ouser="alice", sip_reason="sip.example.org"),
        request("BYE", src_user="bob", dst_user="alice"),
    )
    parties = {"acc": {"parties": {"callee": {"names": names}}}}
    connector = store(url, ("acc",), tables=parties)
    found = list(connector.find([ALICE]))
    assert not [each for each in found if isinstance(each, Unread)]
    assert about(connector, ALICE) == {
        (ALICE, '["acc",[1]]'): {"dst_ouser"},
        (ALICE, '["acc",[2]]'): {"dst_user"},
    }


def test_two_of_a_batch_in_one_call_get_each_their_own(url: str) -> None:
    """Law 6: each finds what they find alone, and nothing of the other's."""
    fill(
        url,
        "acc",
        request("INVITE", src_user="bob", src_ip="192.0.2.3", dst_ouser="1001", dst_user="alice"),
        request("BYE", src_user="1001", src_ip="192.0.2.2", dst_ouser="bob", dst_user="bob"),
    )
    fill(
        url,
        "acc_cdrs",
        {"callid": "c1", "src_user": "bob", "dst_user": "1001", "src_domain": "", "duration": 1},
    )
    connector = store(url, ("acc", "acc_cdrs"), domains=["sip.example.org"])
    both = about(connector, ALICE, BOB)
    assert both == about(connector, ALICE) | about(connector, BOB)
    assert both[ALICE, '["acc",[2]]'] == {"src_user", "src_ip"}
    assert both[ALICE, '["acc_cdrs",[1]]'] == {"dst_user"}
    assert both[BOB, '["acc",[2]]'] == {"dst_ouser", "dst_user"}


def test_what_is_found_by_a_call_is_a_leaf(url: str) -> None:
    """Law 3: a row that only its call leads to is found through a link, never before it."""
    fill(
        url,
        "acc",
        request("INVITE", src_user="bob", dst_ouser="1001", dst_user="alice"),
        request("BYE", src_user="1001", dst_ouser="bob"),
    )
    connector = store(url, ("acc",), domains=["sip.example.org"])
    (direct,) = [each for each in connector.find([ALICE]) if isinstance(each, Found)]
    legs = [each for each in direct.record.links if each.kind == "object"]
    rows = [each for each in connector.find(legs) if isinstance(each, Found)]
    assert {each.record.key for each in rows} == {'["acc",[1]]', '["acc",[2]]'}


@pytest.mark.parametrize(("algorithm", "name"), [("md5", "MD5"), ("sha256", "SHA-256")])
def test_a_digest_is_proved_by_what_subscriber_keeps(url: str, algorithm: str, name: str) -> None:
    """RFC 7616: who knows the password answers the challenge; the hash is enough to check it."""
    domain = "sip.example.org"
    fill(
        url,
        "subscriber",
        {
            "username": "alice",
            "domain": domain,
            "password": "in clear",
            "ha1": ha1("alice", domain, "s3cret", algorithm),
            "ha1b": ha1(f"alice@{domain}", domain, "s3cret", algorithm),
        },
        {"username": "alice", "domain": "sip.example.net", "ha1": "0" * 32},
        {"username": "bob", "domain": domain, "password": "in clear"},
    )
    connector = store(url, ("subscriber",))
    credentials = connector.credentials(ALICE)
    assert {each.algorithm for each in credentials} == {name}
    for user in ("alice", f"alice@{domain}"):
        for password, proved in (("s3cret", True), ("in clear", False)):
            header = answer(user, domain, password, algorithm, name)
            assert proves(Digest.parse(header), credentials, "n0nce", "REGISTER") is proved
    assert connector.credentials(BOB) == []
    assert connector.credentials(Identifier("phone", "+4930901820")) == ()


def answer(user: str, realm: str, password: str, algorithm: str, name: str) -> str:
    """Return the Authorization header of RFC 7616 section 3.4."""

    def h(text: str) -> str:
        return hashlib.new(algorithm, text.encode()).hexdigest()

    secret, ha2 = ha1(user, realm, password, algorithm), h(f"REGISTER:sip:{realm}")
    response = h(f"{secret}:n0nce:00000001:c:auth:{ha2}")
    return (
        f'Digest username="{user}", realm="{realm}", nonce="n0nce", uri="sip:{realm}", qop=auth,'
        f' nc=00000001, cnonce="c", algorithm={name}, response="{response}"'
    )


def test_passwords_are_not_shown_and_go_with_the_row(url: str) -> None:
    """A password is never exported nor corrected; a redaction of its row empties it, too."""
    secrets = {"password": "in clear", "ha1": "1" * 32, "ha1b": "2" * 32}
    fill(url, "subscriber", {"username": "alice", "domain": "sip.example.org", **secrets})
    connector = store(url, ("subscriber",))
    (found,) = [each for each in connector.find([ALICE]) if isinstance(each, Found)]
    assert found.record.data.keys() == {"id", "username", "domain"}
    with pytest.raises(Refused):
        connector.rectify(found.record.key, {"password": "new"})
    connector.redact({found.record.key: found.about})
    engine = sa.create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        row = connection.execute(sa.select(tables().tables["subscriber"])).one()
    assert not {*secrets.values(), "alice"} & set(row)


def test_a_call_in_progress_is_locked_until_it_times_out(url: str) -> None:
    """A row that Kamailio needs for a running call is kept, with the date it gives the call."""
    fill(url, "dialog", {"from_uri": "sip:alice@sip.example.org", "timeout": 1795527693})
    (found,) = [e for e in store(url, ("dialog",)).find([ALICE]) if isinstance(e, Found)]
    assert found.record.lock is not None
    assert found.record.lock.until == dt.datetime(2026, 11, 24, 13, 41, 33, tzinfo=dt.UTC)


def test_of_a_traced_message_only_their_pieces_go(url: str) -> None:
    """A trace holds whole messages: a redaction covers one party's addresses, and no other byte."""
    message = "From: <sip:alice@sip.example.org>;tag=1\r\nTo: <sip:bob@sip.example.org>\r\n"
    fill(url, "sip_trace", {"msg": message, "traced_user": "sip:bob@sip.example.org"})
    connector = store(url, ("sip_trace",))
    (found,) = [each for each in connector.find([ALICE]) if isinstance(each, Found)]
    connector.redact({found.record.key: found.about})
    engine = sa.create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        row = connection.execute(sa.select(tables().tables["sip_trace"])).mappings().one()
    assert row["msg"] == message.replace("alice@sip.example.org", "*" * 21)
    assert row["traced_user"] == "sip:bob@sip.example.org"


def test_check_tells_what_is_left_out(url: str) -> None:
    """A table with rows in no part, and what memory keeps, are told; nobody is named."""
    fill(url, "speed_dial", {"username": "alice", "domain": "sip.example.org"})
    findings = store(url, ("location",)).check()
    left = [each.text for each in findings if each.kind == "left"]
    assert any("table speed_dial" in each for each in left)
    assert any("kamailio-location" in each for each in left)
    assert not any("table cpl" in each for each in left)
    assert not any("alice" in each.text for each in findings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"parts": ("nothing",)}, "stores.kamailio.parts"),
        ({"parts": ()}, "stores.kamailio.parts"),
        ({"parts": ("acc",), "domains": []}, "stores.kamailio.domains"),
        ({"parts": ("acc",), "tables": {"cpl": {}}}, "stores.kamailio.tables.cpl"),
        ({"parts": ("acc",), "tables": {"acc": 1}}, "stores.kamailio.tables.acc"),
        ({"parts": ("acc",), "tables": {"acc": {"sender": 1}}}, "stores.kamailio.tables.acc"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, Any], message: str) -> None:
    """The error names the key and the fix."""
    with pytest.raises(ConfigurationError, match=message):
        store("sqlite://", **settings)
