"""FusionPBX's and FreeSWITCH's tables on a real PostgreSQL, and how they are looked into.

Columns and types are facts of FusionPBX 5's schema, as far as people are in them.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.pool import NullPool

from dsr.model import Found, Identifier, Unread
from dsr.settings import Context
from dsr_fusionpbx.database import FusionPbxDb, from_config
from tests.servers.postgresql import fresh_database

__all__ = [
    "ALICE",
    "ALICE_DESK",
    "BOB",
    "BOB_DESK",
    "DOMAIN",
    "HOME",
    "OTHER",
    "START",
    "TABLES",
    "database",
    "dumped",
    "fill",
    "find",
    "ident",
    "json_cdr",
    "raw",
    "rows_of",
    "store",
    "tenants",
    "url",
    "xml_cdr",
]

ALICE: Final = Identifier("phone", "+4930901820")
#: One digit more than Alice's number: who looks sloppily takes one for the other.
BOB: Final = Identifier("phone", "+49309018200")
DOMAIN: Final = "pbx.example.org"
ALICE_DESK: Final = Identifier("sip", f"1001@{DOMAIN}")
BOB_DESK: Final = Identifier("sip", f"10010@{DOMAIN}")
START: Final = 1772710215  # 2026-03-05 11:30:15 UTC
#: The tenant of Alice and Bob, and another one with the same extensions.
HOME, OTHER = (uuid.UUID(int=each) for each in (0xD1, 0xD2))


def _table(name: str, key: str, uuids: str, texts: str, *columns: sa.Column[Any]) -> sa.Table:
    return sa.Table(
        name,
        sa.MetaData(),
        sa.Column(key, sa.Uuid, primary_key=True),
        *(sa.Column(each, sa.Uuid) for each in uuids.split()),
        *(sa.Column(each, sa.Text) for each in texts.split()),
        *columns,
        sa.Column("insert_date", sa.DateTime(timezone=True), server_default=sa.func.now()),
    )


def _numbers(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(each, sa.Numeric) for each in names]


def _stamps(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(each, sa.DateTime(timezone=True)) for each in names]


def _documents(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(each, JSONB) for each in names]


TABLES: Final[Mapping[str, sa.Table]] = {
    "xml_cdr": _table(
        "v_xml_cdr",
        "xml_cdr_uuid",
        "domain_uuid extension_uuid",
        "sip_call_id domain_name direction caller_id_name caller_id_number caller_destination"
        " source_number destination_number network_addr remote_media_ip record_path record_name"
        " record_transcription last_arg digits_dialed pin_number hangup_cause xml",
        *_numbers("start_epoch", "duration", "billsec"),
        *_stamps("start_stamp", "answer_stamp", "end_stamp"),
        *_documents("json", "call_flow"),
    ),
    "xml_cdr_json": _table(
        "v_xml_cdr_json",
        "xml_cdr_json_uuid",
        "xml_cdr_uuid domain_uuid",
        "",
        *_stamps("start_stamp"),
        *_documents("json"),
    ),
    "xml_cdr_flow": _table(
        "v_xml_cdr_flow",
        "xml_cdr_flow_uuid",
        "xml_cdr_uuid domain_uuid",
        "",
        *_documents("call_flow"),
    ),
    "xml_cdr_logs": _table(
        "v_xml_cdr_logs", "xml_cdr_log_uuid", "xml_cdr_uuid domain_uuid", "log_date log_content"
    ),
    "xml_cdr_transcripts": _table(
        "v_xml_cdr_transcripts",
        "xml_cdr_transcript_uuid",
        "xml_cdr_uuid domain_uuid",
        "transcript_summary",
        *_documents("transcript_json"),
    ),
    "contacts": _table(
        "v_contacts",
        "contact_uuid",
        "domain_uuid",
        "contact_type contact_organization contact_name_given contact_name_family",
    ),
    "contact_phones": _table(
        "v_contact_phones",
        "contact_phone_uuid",
        "domain_uuid contact_uuid",
        "phone_label phone_number phone_extension",
        *_numbers("phone_country_code"),
    ),
    "contact_emails": _table(
        "v_contact_emails",
        "contact_email_uuid",
        "domain_uuid contact_uuid",
        "email_label email_address",
    ),
    "contact_addresses": _table(
        "v_contact_addresses",
        "contact_address_uuid",
        "domain_uuid contact_uuid",
        "address_street address_locality",
    ),
    "contact_notes": _table(
        "v_contact_notes", "contact_note_uuid", "domain_uuid contact_uuid", "contact_note"
    ),
    "extensions": _table(
        "v_extensions",
        "extension_uuid",
        "domain_uuid",
        "extension number_alias password accountcode effective_caller_id_name"
        " effective_caller_id_number outbound_caller_id_name outbound_caller_id_number"
        " user_context",
    ),
    "voicemails": _table(
        "v_voicemails",
        "voicemail_uuid",
        "domain_uuid",
        "voicemail_id voicemail_password voicemail_mail_to voicemail_description",
    ),
    "voicemail_messages": _table(
        "v_voicemail_messages",
        "voicemail_message_uuid",
        "domain_uuid voicemail_uuid",
        "caller_id_name caller_id_number message_status message_intro_base64 message_base64"
        " message_transcription",
        *_numbers("created_epoch", "message_length"),
    ),
    "destinations": _table(
        "v_destinations",
        "destination_uuid",
        "domain_uuid",
        "destination_number destination_caller_id_name destination_caller_id_number"
        " destination_description",
    ),
    "freeswitch_cdr": sa.Table(
        "cdr",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("local_ip_v4", INET),
        *(
            sa.Column(each, sa.Text)
            for each in ("caller_id_name", "caller_id_number", "destination_number", "context")
        ),
        *_stamps("start_stamp", "answer_stamp", "end_stamp"),
        *(sa.Column(each, sa.Integer) for each in ("duration", "billsec")),
        *(sa.Column(each, sa.Text) for each in ("hangup_cause", "uuid", "bleg_uuid")),
        *(sa.Column(each, sa.Text) for each in ("accountcode",)),
    ),
}
_DOMAINS: Final = _table("v_domains", "domain_uuid", "", "domain_name")


def ident(number: int) -> uuid.UUID:
    """Return the UUID that a test writes for a number."""
    return uuid.UUID(f"00000000-0000-4000-8000-{number:012}")


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """Return the URL of a database, for the tests of one file."""
    with fresh_database() as made:
        yield made


@pytest.fixture
def url(database: str) -> str:
    """Return the URL of a database with tenants, and no other table."""
    with raw(database) as connection:
        for name in sa.inspect(connection).get_table_names():
            connection.execute(sa.schema.DropTable(sa.Table(name, sa.MetaData())))
    tenants(database)
    return database


def tenants(url: str) -> None:
    """Write the two domains."""
    with raw(url) as connection:
        _DOMAINS.create(connection)
        for each, name in ((HOME, DOMAIN), (OTHER, "other.example.net")):
            connection.execute(_DOMAINS.insert().values(domain_uuid=each, domain_name=name))


@contextmanager
def raw(url: str) -> Iterator[sa.Connection]:
    """Open the database without the connector; what is done is committed."""
    engine = sa.create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def fill(url: str, part: str, *rows: Mapping[str, object]) -> None:
    """Make a table and write rows into it; they belong to `HOME` if they do not say."""
    made = TABLES[part]
    home = {"domain_uuid": HOME} if "domain_uuid" in made.c else {}
    with raw(url) as connection:
        made.create(connection, checkfirst=True)
        for row in rows:
            connection.execute(made.insert().values({**home, **row}))


def rows_of(url: str, part: str) -> list[dict[str, Any]]:
    """Return every row as the database has it, in a stable order."""
    with raw(url) as connection:
        rows = connection.execute(sa.select(TABLES[part])).mappings().all()
    return sorted((dict(row) for row in rows), key=lambda row: str(next(iter(row.values()))))


def store(url: str, *parts: str, **more: object) -> FusionPbxDb:
    """Return the connector of some parts, from a configuration."""
    table = {"url": url, "parts": list(parts), **more}
    return from_config("pbx", table, Context("DE", Path()))


def find(connector: FusionPbxDb, *who: Identifier) -> list[Found]:
    """Return all that is found; nothing may be left unread."""
    found = list(connector.find(who))
    assert not [each for each in found if isinstance(each, Unread)]
    return [each for each in found if isinstance(each, Found)]


def json_cdr(caller: str, name: str, callee: str, called: str) -> dict[str, Any]:
    """Return a call as mod_json_cdr posts it: values of variables are URL-encoded."""
    full = f'"{name}" <sip:{caller}@{DOMAIN}>;tag=x'
    return {
        "core-uuid": "5f0c",
        "variables": {
            "direction": "inbound",
            "sip_from_user": quote(caller, safe=""),
            "sip_from_uri": quote(f"{caller}@{DOMAIN}", safe=""),
            "sip_from_display": quote(name),
            "sip_full_from": quote(full, safe=""),
            "sip_to_user": quote(callee, safe=""),
            "callee_id_name": quote(called),
            "callee_id_number": quote(callee, safe=""),
            "last_arg": f"user/{callee}@{DOMAIN}",
        },
        "callflow": [
            {
                "extension": {
                    "name": "local_extension",
                    "applications": [
                        {"app_name": "bridge", "app_data": f"user/{callee}@{DOMAIN}"},
                        {"app_name": "set", "app_data": f"ringback={name and ''}us-ring"},
                    ],
                },
                "caller_profile": {
                    "username": caller,
                    "caller_id_name": name,
                    "caller_id_number": caller,
                    "destination_number": callee,
                    "callee_id_name": called,
                    "callee_id_number": callee,
                    "chan_name": f"sofia/internal/{caller}@{DOMAIN}",
                },
            }
        ],
    }


def xml_cdr(caller: str, name: str, callee: str, called: str) -> str:
    """Return the same as mod_xml_cdr writes it."""
    from_, to = quote(caller, safe=""), quote(callee, safe="")
    return (
        f'<?xml version="1.0"?>\n<cdr core-uuid="5f0c"><variables>'
        f"<direction>inbound</direction><sip_from_user>{from_}</sip_from_user>"
        f"<sip_from_display>{quote(name)}</sip_from_display>"
        f"<sip_to_user>{to}</sip_to_user><callee_id_name>{quote(called)}</callee_id_name>"
        f"</variables><callflow><caller_profile><username>{caller}</username>"
        f"<caller_id_name>{name}</caller_id_name><caller_id_number>{caller}</caller_id_number>"
        f"<destination_number>{callee}</destination_number>"
        f"<callee_id_name>{called}</callee_id_name></caller_profile></callflow></cdr>"
    )


def dumped(value: object) -> str:
    """Return a value as text, JSON's members in order."""
    if isinstance(value, dict | list):
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    return str(value)
