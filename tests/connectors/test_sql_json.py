"""JSON columns: members that name people are found, exported, redacted and corrected by path."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from dsr.connectors.sql import from_config
from dsr.errors import ConfigurationError, Refused
from dsr.model import Do, Identifier
from dsr.phone import spellings
from dsr.plan import Decision, restrained
from dsr.policy.reasons import Reason
from dsr.settings import Context
from tests.connectors.sql_stores import ALICE, BOB, fill, find, raw, rows_of, store, url
from tests.servers.postgresql import postgresql

__all__ = ["postgresql", "url"]

#: As FusionPBX keeps them: the CDR of FreeSWITCH, and the flow of the call.
CALLER: Final = "json->variables.sip_from_user"
CALLEE: Final = "json->variables.sip_to_user"
SHOWN: Final = "json->variables.sip_from_display"
LEG: Final = "call_flow->*.caller_profile"
MAPPED: Final[dict[str, Any]] = {
    "category": "call_records",
    "at": "json->variables.start_uepoch",
    "sides": [
        {"phone": CALLER, "about": [SHOWN, "json->variables.network_addr"]},
        {"phone": CALLEE, "about": []},
        {
            "phone": f"{LEG}.caller_id_number",
            "match": "contains",
            "about": [f"{LEG}.caller_id_name"],
        },
        {"phone": f"{LEG}.destination_number", "about": []},
    ],
    "links": {"object": "json->variables.record_path", "call": "json->variables.legs.*"},
}
START: Final = dt.datetime(2026, 3, 1, 9, 0, tzinfo=dt.UTC)


def document(caller: str, callee: str, **more: object) -> dict[str, Any]:
    variables = {
        "direction": "inbound",
        "sip_from_user": caller,
        "sip_from_display": "Somebody",
        "sip_to_user": callee,
        "start_uepoch": "1772355600000000",
        "record_path": "%2Fvar%2Frecordings%2Fa.wav",
        "legs": ["leg-1", "leg-2"],
        **more,
    }
    return {"core-uuid": "x", "variables": variables, "cost": 0.10}


def flow(*legs: tuple[str, str, str]) -> list[dict[str, Any]]:
    return [
        {
            "dialplan": "XML",
            "caller_profile": {
                "caller_id_name": name,
                "caller_id_number": caller,
                "destination_number": callee,
            },
        }
        for name, caller, callee in legs
    ]


def table(kind: sa.types.TypeEngine[Any] | None = None) -> sa.Table:
    column = kind or sa.JSON()
    return sa.Table(
        "v_xml_cdr",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("json", column),
        sa.Column("call_flow", column),
    )


def written(made: sa.Table, number: int, *documents: object) -> dict[str, object]:
    """Return a row whose documents are as the column takes them."""
    textual = isinstance(made.c.json.type, sa.String)
    values = [json.dumps(each) if textual else each for each in documents]
    return {"id": number} | dict(zip(("json", "call_flow"), values, strict=False))


@pytest.fixture(params=["json", "text"])
def cdr(request: pytest.FixtureRequest) -> sa.Table:
    return table(sa.JSON() if request.param == "json" else sa.Text())


def test_members_are_found_in_every_spelling(url: str, cdr: sa.Table) -> None:
    """Law 10: the number at a path is found as it is written, as a URL has it, or as a number."""
    every = [*spellings(ALICE.value, "DE")]
    encoded = [each.replace("+", sign) for each in every if "+" in each for sign in ("%2B", "%2b")]
    rows = [written(cdr, n, document(each, "1")) for n, each in enumerate([*every, *encoded])]
    near = [each + "0" for each in every]
    rows += [written(cdr, 500 + n, document(each, "1")) for n, each in enumerate(near)]
    rows.append(written(cdr, 900, {"variables": {"sip_from_user": 4930901820}}))
    rows.append(written(cdr, 901, {"sip_from_user": ALICE.value, "variables": []}))
    rows.append({"id": 902, "json": None if cdr.c.json.type.python_type is dict else "no JSON"})
    fill(url, cdr, rows)
    for crowd in (0, 60):
        many = [Identifier("phone", f"+4930777{each:04}") for each in range(crowd)]
        founds = find(store(url, MAPPED, "v_xml_cdr"), *many, ALICE)
        ids = sorted(int(str(each.record.data["id"])) for each in founds)
        assert ids == [*range(len(every) + len(encoded)), 900]


def test_a_member_is_a_field_of_its_own(url: str, cdr: sa.Table) -> None:
    """Law 7: each member is whose it is; the rest of the document is nobody's; nothing is lost."""
    fill(url, cdr, [written(cdr, 1, document("%2B4930901820", BOB.value), [])])
    alice, bob = find(store(url, MAPPED, "v_xml_cdr"), ALICE, BOB)
    assert alice.about == {CALLER, SHOWN}
    assert bob.about == {CALLEE}
    assert alice.record.personal == {CALLER, SHOWN, CALLEE}
    data = alice.record.data
    assert (data[CALLER], data[CALLEE], data[SHOWN]) == ("%2B4930901820", BOB.value, "Somebody")
    assert data["json"] == {
        "core-uuid": "x",
        "variables": {"direction": "inbound", "legs": [None] * 2},
        "cost": 0.1,
    }
    assert alice.record.at == START
    assert alice.record.links == (
        Identifier("object", "/var/recordings/a.wav"),
        Identifier("call", "leg-1"),
        Identifier("call", "leg-2"),
    )


def test_a_star_means_the_same_member_in_about(url: str, cdr: sa.Table) -> None:
    """Law 7: of several legs, only the one that names the number is about it."""
    legs = flow(("Alice", '"Alice" <030 901820>', "1"), ("Bob", BOB.value, ALICE.value))
    fill(url, cdr, [written(cdr, 1, {}, legs)])
    alice, bob = find(store(url, MAPPED, "v_xml_cdr"), ALICE, BOB)
    profile = "call_flow->{}.caller_profile.{}".format
    assert alice.about == {
        profile(0, "caller_id_number"),
        profile(0, "caller_id_name"),
        profile(1, "destination_number"),
    }
    assert bob.about == {profile(1, "caller_id_number"), profile(1, "caller_id_name")}
    assert alice.record.personal == alice.about | bob.about | {profile(0, "destination_number")}


def test_only_the_member_is_redacted(url: str, cdr: sa.Table) -> None:
    """Law 7: every other value of the documents stays what it was; twice is success."""
    legs = flow(("Alice", ALICE.value, "1"), ("Bob", BOB.value, "030901820"))
    fill(url, cdr, [written(cdr, 1, document(ALICE.value, BOB.value), legs)])
    connector = store(url, MAPPED, "v_xml_cdr")
    bystander = find(connector, BOB)
    fields = {each.record.key: each.about for each in find(connector, ALICE)}
    for _ in range(2):
        connector.redact(fields)
        assert find(connector, ALICE) == []
    assert [each.about for each in find(connector, BOB)] == [each.about for each in bystander]
    (row,) = rows_of(url, cdr)
    now = [
        json.loads(each) if isinstance(each, str) else each
        for each in (row["json"], row["call_flow"])
    ]
    wanted = document(ALICE.value, BOB.value)
    wanted["variables"] |= {"sip_from_user": None, "sip_from_display": None}
    legs[0]["caller_profile"] |= {"caller_id_number": None, "caller_id_name": None}
    legs[1]["caller_profile"] |= {"destination_number": None}
    assert now == [wanted, legs]


def test_a_document_in_text_keeps_every_other_byte(url: str) -> None:
    """Law 7, byte for byte: order, blanks, numbers and escapes of the rest stay as written."""
    written = (
        '{ "b":1.10,\t"variables" : {"sip_to_user":"\\u00e4",'
        ' "sip_from_user": "+4930901820" , "z":1e3, "sip_from_user":"030901820"},"a":[ ]}\n'
    )
    made = table(sa.Text())
    fill(url, made, [{"id": 1, "json": written}])
    connector = store(url, MAPPED, "v_xml_cdr")
    (alice,) = find(connector, ALICE)
    connector.redact({alice.record.key: alice.about})
    (row,) = rows_of(url, made)
    assert row["json"] == written.replace('"+4930901820"', "null").replace('"030901820"', "null")


@pytest.mark.parametrize("kind", ["json", "jsonb"])
def test_postgresql_keeps_what_its_types_keep(postgresql: str, kind: str) -> None:
    """Law 7: `json` keeps its text; of `jsonb` every other value, also a number's digits."""
    with raw(postgresql) as connection:
        connection.execute(
            sa.text(f"CREATE TABLE v_xml_cdr (id int PRIMARY KEY, json {kind}, call_flow jsonb)")
        )
        text = (
            '{"z": 1.10, "variables": {"sip_from_user": "030901820", "sip_to_user": 5},'
            ' "a": 12345678901234567890.5}'
        )
        connection.execute(sa.text("INSERT INTO v_xml_cdr VALUES (1, :d, NULL)"), {"d": text})
        before = connection.execute(sa.text("SELECT json::text FROM v_xml_cdr")).scalar_one()
    connector = store(postgresql, MAPPED, "v_xml_cdr")
    (alice,) = find(connector, ALICE)
    connector.redact({alice.record.key: alice.about})
    with raw(postgresql) as connection:
        after = connection.execute(sa.text("SELECT json::text FROM v_xml_cdr")).scalar_one()
    assert after == before.replace('"030901820"', "null")


def test_a_member_is_corrected(url: str, cdr: sa.Table) -> None:
    """GDPR Art. 16: the corrected member is found, nothing else changes, twice is success."""
    fill(url, cdr, [written(cdr, 1, document(ALICE.value, BOB.value), [])])
    connector = store(url, MAPPED, "v_xml_cdr")
    (before,) = find(connector, ALICE)
    for _ in range(2):
        connector.rectify(before.record.key, {SHOWN: 'Alice "A" Ä'})
    (after,) = find(connector, ALICE)
    assert after.record.data == {**before.record.data, SHOWN: 'Alice "A" Ä'}
    with pytest.raises(Refused, match="column json does not exist"):
        connector.rectify(before.record.key, {"json->variables.nothing": "x"})


@pytest.mark.parametrize("kept", ["json", CALLER])
def test_what_is_held_of_a_document_stays(kept: str) -> None:
    """Law 5: who holds a column holds its members; who holds a member holds that one."""
    wanted = Do("cdr", "calls", "1", "redact", frozenset({CALLER, f"{CALLER}[1:4]", "clid"}))
    reason = Reason("a case", "a law", None, frozenset({kept}))
    decision = restrained(Decision(wanted, fields=wanted.fields), [reason], frozenset({"redact"}))
    assert decision.do is not None
    assert decision.do.fields == {"clid"}


def test_ten_thousand_documents_take_few_statements(url: str) -> None:
    """Issue 3: at most 50 statements for 10,000 redacted rows, whatever the documents hold."""
    made = table(sa.Text())
    rows = [
        written(
            made,
            n,
            document("030901820", f"+49306{n:06}", n=n),
            flow(*[("A", "030901820", "1")] * (n % 3)),
        )
        for n in range(10_000)
    ]
    fill(url, made, rows)
    connector = store(url, MAPPED, "v_xml_cdr")
    fields = {each.record.key: each.about for each in find(connector, ALICE)}
    assert len(fields) == 10_000
    statements: list[str] = []

    def note(*event: Any) -> None:
        statements.append(event[2])

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        for first in range(0, 10_000, 5_000):  # as the engine calls it
            connector.redact(dict([*fields.items()][first : first + 5_000]))
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    changes = [
        each
        for each in statements
        if "v_xml_cdr" in each and each.lstrip()[:6] in {"UPDATE", "SELECT"}
    ]
    assert len(changes) <= 50, len(changes)
    assert find(connector, ALICE) == []


def test_an_index_on_the_member_serves(postgresql: str) -> None:
    """Indexes are used: one on the expression that the reference names."""
    made = table(pg.JSONB())
    fill(
        postgresql,
        made,
        [written(made, n, document(f"+49301{n:06}", "1"), []) for n in range(5_000)],
    )
    with raw(postgresql) as connection:
        connection.execute(
            sa.text("CREATE INDEX i ON v_xml_cdr ((json #>> '{variables,sip_from_user}'))")
        )
        connection.execute(sa.text("ANALYZE v_xml_cdr"))
    mapped = {"category": "c", "sides": [{"phone": CALLER, "about": [CALLER]}]}
    with raw(postgresql) as connection:
        connection.execute(sa.text("SET enable_seqscan = off"))
    seen: list[tuple[str, Any]] = []

    def note(*event: Any) -> None:
        if "FROM v_xml_cdr" in event[2]:
            seen.append((event[2], event[3]))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        assert (
            len(find(store(postgresql, mapped, "v_xml_cdr"), Identifier("phone", "+49301000007")))
            == 1
        )
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    ((select, values),) = seen
    with raw(postgresql) as connection:
        shown = connection.exec_driver_sql(f"EXPLAIN {select}", values).scalars().all()
    assert any("Index Cond" in line or "Index Scan using i" in line for line in shown), shown


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sides": [{"phone": "json->"}]}, "no path"),
        ({"sides": [{"phone": "json->a..b"}]}, "no path"),
        ({"sides": [{"phone": "json->a b"}]}, "no path"),
        ({"at": "json->a.*"}, "one time"),
        ({"key": ["json->id"]}, "columns, not paths"),
        ({"links": {"object": {"column": "a", "folder": "json->*.b"}}}, "links.object"),
    ],
)
def test_a_path_that_means_nothing_is_named(change: dict[str, Any], message: str) -> None:
    """An error names the path, for the person who edits the file."""
    mapped = {"category": "c", "sides": [{"phone": "json->a"}]} | change
    settings = {"url": "sqlite:///x.db", "tables": {"t": mapped}}
    with pytest.raises(ConfigurationError, match=message):
        from_config("calls", settings, Context("DE", Path()))
