"""The tables of real telephony servers can be mapped, and every number in them is found.

The columns are facts read in the servers' own schemas (names, types, keys, reserved words), written
anew here. The rows are made up, as the servers write them.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pytest
import sqlalchemy as sa
from attrs import frozen

from dsr.model import Identifier
from dsr.phone import spellings
from tests.connectors.sql_stores import ALICE, BOB, START, fill, find, rows_of, store, url

__all__ = ["url"]

#: Numbers near Alice's, in the same spellings: none of them may be found or touched.
NEAR: Final = (BOB.value, "+4930901821", "+493090182", "+43309018200")


@frozen
class Platform:
    """A table as a server makes it, its map, and where in a row it writes a number.

    `places` maps a column (or a path) to how the server writes a number there.
    """

    table: sa.Table
    mapped: Mapping[str, Any]
    places: Mapping[str, Sequence[str]]
    row: Mapping[str, object]


def _texts(*names: str, size: int = 80) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.String(size)) for name in names]


def _table(name: str, *columns: sa.Column[Any]) -> sa.Table:
    return sa.Table(name, sa.MetaData(), *columns)


NINE: Final = dt.datetime(2026, 3, 1, 9, 0, tzinfo=dt.UTC)
NUMBER: Final = ("{}",)
CHANNEL: Final = ("PJSIP/{}-0000001a", "SIP/{}@trunk-0000001a", "Local/{}@from-internal-0001;2")
CLID: Final = ('"Somebody" <{}>', '"{}" <anonymous>', "{}")
DIAL: Final = ("PJSIP/{}@trunk,30,tT", "SIP/trunk/{},,r", "101&{}&102,20")

#: Stock Asterisk: no primary key, `end` is a reserved word.
_ASTERISK = _table(
    "cdr",
    *_texts("accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel"),
    *_texts("lastapp", "lastdata"),
    *(sa.Column(each, sa.DateTime) for each in ("start", "answer", "end")),
    *(sa.Column(each, sa.Integer) for each in ("duration", "billsec")),
    *_texts("disposition", "amaflags", size=45),
    *_texts("userfield", size=256),
    *_texts("uniqueid", "linkedid", size=150),
    *_texts("peeraccount"),
    sa.Column("sequence", sa.Integer),
)
_CALLER: Final = {"about": ["src", "clid", "channel"]}
_CALLEE: Final = {"about": ["dst", "dstchannel"]}
ASTERISK = Platform(
    _ASTERISK,
    {
        "category": "calls",
        "at": "start",
        "sides": [
            {"phone": "src"} | _CALLER,
            {"phone": "clid", "match": "contains"} | _CALLER,
            {"phone": "channel", "match": "contains"} | _CALLER,
            {"phone": "dst"} | _CALLEE,
            {"phone": "dstchannel", "match": "contains"} | _CALLEE,
            {"phone": "lastdata", "match": "contains", "part": True},
        ],
        "links": {"call": "linkedid"},
    },
    {"src": NUMBER, "dst": NUMBER, "clid": CLID, "channel": CHANNEL, "dstchannel": CHANNEL}
    | {"lastdata": DIAL},
    {"start": START, "end": START, "dcontext": "default", "uniqueid": "1772710215.7"},
)

FREEPBX = Platform(
    _table(
        "cdr",
        sa.Column("calldate", sa.DateTime, nullable=False),
        *_texts("clid", "src", "dst", "dcontext", "channel", "dstchannel", "lastapp", "lastdata"),
        *(sa.Column(each, sa.Integer, nullable=False) for each in ("duration", "billsec")),
        *_texts("disposition", "accountcode", "uniqueid", "userfield", "did", "recordingfile"),
        *_texts("cnum", "cnam", "outbound_cnum", "outbound_cnam", "dst_cnam", "linkedid"),
        *_texts("peeraccount"),
        sa.Column("sequence", sa.Integer),
    ),
    {
        "category": "calls",
        "key": ["uniqueid", "sequence"],
        "at": "calldate",
        "sides": [
            *(
                {"phone": column, "about": ["src", "cnum", "cnam", "clid", "outbound_cnum"]}
                for column in ("src", "cnum", "outbound_cnum")
            ),
            {"phone": "did", "about": ["did"]},
            {"phone": "dst", "about": ["dst", "dst_cnam"]},
        ],
        "links": {"object": "recordingfile"},
    },
    dict.fromkeys(("src", "cnum", "outbound_cnum", "did", "dst"), NUMBER),
    {"calldate": START, "duration": 1, "billsec": 1},
)

_XML: Final = "json->variables"
FUSIONPBX = Platform(
    _table(
        "v_xml_cdr",
        sa.Column("xml_cdr_uuid", sa.Uuid, primary_key=True),
        sa.Column("domain_uuid", sa.Uuid),
        sa.Column("extension_uuid", sa.Uuid),
        *(sa.Column(each, sa.Text) for each in ("sip_call_id", "direction", "caller_id_name")),
        *(sa.Column(each, sa.Text) for each in ("caller_id_number", "caller_destination")),
        *(sa.Column(each, sa.Text) for each in ("source_number", "destination_number")),
        sa.Column("start_epoch", sa.Numeric),
        sa.Column("start_stamp", sa.DateTime(timezone=True)),
        *(sa.Column(each, sa.Text) for each in ("network_addr", "record_path", "record_name")),
        *(sa.Column(each, sa.JSON) for each in ("json", "call_flow")),
    ),
    {
        "category": "calls",
        "at": "start_epoch",
        "sides": [
            *(
                {"phone": column, "about": ["caller_id_name", f"{_XML}.sip_from_display"]}
                for column in ("caller_id_number", "source_number", f"{_XML}.sip_from_user")
            ),
            *(
                {"phone": column, "about": []}
                for column in ("caller_destination", "destination_number", f"{_XML}.sip_to_user")
            ),
            {"phone": "call_flow->*.caller_profile.caller_id_number", "about": []},
            {"phone": f"{_XML}.last_arg", "match": "contains", "part": True},
        ],
        "links": {"object": {"column": "record_name", "folder": "record_path"}},
    },
    dict.fromkeys(("caller_id_number", "source_number"), NUMBER)
    | dict.fromkeys(("caller_destination", "destination_number"), NUMBER)
    | {f"{_XML}.sip_from_user": NUMBER, f"{_XML}.sip_to_user": NUMBER}
    | {"call_flow->1.caller_profile.caller_id_number": NUMBER}
    | {f"{_XML}.last_arg": ("sofia/gateway/7b1b/{}", "user/{}@example.org")},
    {"start_epoch": 1772355600, "direction": "inbound"},
)

FREESWITCH = Platform(
    _table(
        "cdr",
        sa.Column("id", sa.Integer, primary_key=True),
        *_texts("local_ip_v4", "caller_id_name", "caller_id_number", "destination_number"),
        *_texts("context"),
        *(
            sa.Column(each, sa.DateTime(timezone=True))
            for each in ("start_stamp", "answer_stamp", "end_stamp")
        ),
        *(sa.Column(each, sa.Integer) for each in ("duration", "billsec")),
        *_texts("hangup_cause", "uuid", "bleg_uuid", "accountcode"),
    ),
    {
        "category": "calls",
        "at": "start_stamp",
        "sides": [
            {"phone": "caller_id_number", "match": "contains", "about": ["caller_id_name"]},
            {"phone": "destination_number", "match": "contains", "about": []},
        ],
        "links": {"call": "bleg_uuid"},
    },
    {"caller_id_number": ("{}", "sip:{}@192.0.2.1"), "destination_number": NUMBER},
    {"context": "default", "uuid": "b1", "start_stamp": NINE},
)

_KAMAILIO: Final = {"about": ["src_ip", "from_tag"]}
_CALLED: Final = {"about": ["dst_user", "dst_ouser", "to_tag"]}
KAMAILIO = Platform(
    _table(
        "acc",
        sa.Column("id", sa.Integer, primary_key=True),
        *(
            sa.Column(each, sa.String(128), nullable=False, server_default="")
            for each in ("method", "from_tag", "to_tag", "callid", "sip_code", "sip_reason")
        ),
        sa.Column("time", sa.DateTime, nullable=False),
        *(
            sa.Column(each, sa.String(128), nullable=False, server_default="")
            for each in ("src_user", "src_domain", "src_ip", "dst_ouser", "dst_user", "dst_domain")
        ),
    ),
    {
        "category": "calls",
        "at": "time",
        "sides": [
            {"phone": "src_user"} | _KAMAILIO,
            {"phone": "dst_user"} | _CALLED,
            {"phone": "dst_ouser"} | _CALLED,
        ],
        "links": {"call": "callid"},
    },
    dict.fromkeys(("src_user", "dst_user", "dst_ouser"), NUMBER),
    {"time": START, "method": "INVITE", "callid": "7@192.0.2.1"},
)
KAMAILIO_CDRS = Platform(
    _table(
        "acc_cdrs",
        sa.Column("id", sa.Integer, primary_key=True),
        *(sa.Column(each, sa.DateTime, nullable=False) for each in ("start_time", "end_time")),
        sa.Column("duration", sa.Float, nullable=False),
        *_texts("caller", "callee", "callid", size=128),
    ),
    {
        "category": "calls",
        "at": "start_time",
        "sides": [
            {"phone": "caller", "match": "contains", "about": []},
            {"phone": "callee", "match": "contains", "about": []},
        ],
    },
    dict.fromkeys(("caller", "callee"), ("{}", "sip:{}@example.org;user=phone")),
    {"start_time": START, "end_time": START, "duration": 1.5},
)

CGRATES = Platform(
    _table(
        "cdrs",
        sa.Column("id", sa.Integer, primary_key=True),
        *_texts("cgrid", "run_id", "origin_host", "origin_id", "tor", "request_type", "tenant"),
        *_texts("category", "account", "subject", "destination"),
        sa.Column("setup_time", sa.DateTime(timezone=True)),
        sa.Column("usage", sa.BigInteger),
        *(sa.Column(each, sa.JSON) for each in ("extra_fields", "cost_details")),
        sa.Column("cost", sa.Numeric(20, 4)),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
    ),
    {
        "category": "calls",
        "at": "setup_time",
        "sides": [
            {"phone": "account", "about": ["subject"]},
            {"phone": "subject", "about": []},
            {"phone": "extra_fields->Cli", "about": ["extra_fields->PayPalAccount"]},
            {"phone": "destination", "about": []},
            {"phone": "cost_details->Charges.*.Destination", "about": []},
        ],
        "links": {"call": "origin_id"},
    },
    dict.fromkeys(("account", "subject", "destination", "extra_fields->Cli"), NUMBER)
    | {"cost_details->Charges.1.Destination": NUMBER},
    {"tor": "*voice", "cost": 1.25, "setup_time": NINE},
)

PLATFORMS: Final = {
    "Asterisk": ASTERISK,
    "FreePBX": FREEPBX,
    "FusionPBX": FUSIONPBX,
    "FreeSWITCH": FREESWITCH,
    "Kamailio acc": KAMAILIO,
    "Kamailio acc_cdrs": KAMAILIO_CDRS,
    "CGRateS": CGRATES,
}
#: What says nothing in the documents that the tests write.
DOCUMENTS: Final[Mapping[str, object]] = {
    "json": {"variables": {"direction": "inbound"}, "cost": 1.5},
    "call_flow": [{"caller_profile": {}}, {"caller_profile": {}}],
    "extra_fields": {"a": "b"},
    "cost_details": {"Charges": [{}, {"Rate": 0.1}]},
}


def _row(platform: Platform, number: int, place: str, written: str) -> dict[str, object]:
    """Return a row with a number written in one place, and nobody anywhere else."""
    row: dict[str, object] = {
        name: json.loads(json.dumps(value))
        for name, value in DOCUMENTS.items()
        if name in platform.table.c
    }
    row |= platform.row
    for each in platform.table.columns:
        if isinstance(each.type, sa.Uuid) and each.primary_key:
            row[each.name] = f"00000000-0000-0000-0000-{number:012}"
        elif each.name in {"id", "sequence", "usage"}:
            row[each.name] = number
        elif not each.nullable:
            row.setdefault(each.name, "")
    if platform.table.name == "cdr" and "uniqueid" in platform.table.c:
        row["uniqueid"] = f"1772710215.{number}"
    column, arrow, path = place.partition("->")
    if not arrow:
        return row | {column: written}
    document: Any = row[column]
    *steps, last = path.split(".")
    for step in steps:
        document = document[int(step) if step.isdecimal() else step]
    document[last] = written
    return row


def _uuids(row: dict[str, object], table: sa.Table) -> dict[str, object]:
    """Return the row with the types that SQLAlchemy takes."""
    return {
        name: uuid.UUID(str(value)) if isinstance(table.c[name].type, sa.Uuid) else value
        for name, value in row.items()
    }


@pytest.fixture(params=list(PLATFORMS))
def platform(request: pytest.FixtureRequest) -> Platform:
    return PLATFORMS[request.param]


def test_every_number_in_every_column_and_spelling_is_found(url: str, platform: Platform) -> None:
    """Law 10 on the tables of real servers: recall 100 %, and no neighbour."""
    hers = [
        (place, shape.format(spelled))
        for place, shapes in platform.places.items()
        for shape in shapes
        for spelled in spellings(ALICE.value, "DE")
    ]
    others = [
        (place, shape.format(spelled))
        for place, shapes in platform.places.items()
        for shape in shapes
        for near in NEAR
        for spelled in (near, near.replace("+", "00"))
    ]
    rows = [_row(platform, n, *each) for n, each in enumerate([*hers, *others], start=1)]
    fill(url, platform.table, [_uuids(row, platform.table) for row in rows])
    connector = store(url, dict(platform.mapped), str(platform.table.name))
    assert [each.text for each in connector.check() if each.kind == "right"] == []
    bystanders = find(connector, BOB)
    founds = find(connector, ALICE)
    assert len({each.record.key for each in founds}) == len(founds) == len(hers)
    assert all(each.about for each in founds)
    assert all(each.record.at is not None for each in founds)
    crowd = [Identifier("phone", f"+4930777{each:04}") for each in range(100)]
    assert len(find(connector, *crowd, ALICE)) == len(hers)
    untouched = _others(url, platform, len(hers))
    connector.redact({each.record.key: each.about for each in founds})
    assert find(connector, ALICE) == []
    assert _others(url, platform, len(hers)) == untouched
    assert [each.about for each in find(connector, BOB)] == [each.about for each in bystanders]


def _others(url: str, platform: Platform, hers: int) -> list[dict[str, Any]]:
    """Return the rows that name somebody else, by what the test knows of them."""
    number = "id" if "id" in platform.table.c else "sequence"
    if number not in platform.table.c:
        number = "xml_cdr_uuid"
    return [
        row
        for row in rows_of(url, platform.table)
        if int(str(row[number])[-12:].replace("-", "")) > hers
    ]
