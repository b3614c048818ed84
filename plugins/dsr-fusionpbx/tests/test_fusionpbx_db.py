"""What FusionPBX's tables say of people: tenants, documents, XML, logs, secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa

from dsr.errors import ConfigurationError, Refused
from dsr.model import Identifier
from fusionpbx_office import PARTS, build
from fusionpbx_stores import (
    ALICE,
    ALICE_DESK,
    BOB,
    DOMAIN,
    OTHER,
    START,
    database,
    fill,
    find,
    ident,
    json_cdr,
    raw,
    rows_of,
    store,
    url,
    xml_cdr,
)

__all__ = ["database", "url"]

SECRET: Final = "s3cr3t-4711"
A, B = ALICE.value, BOB.value
MESSAGE: Final = (
    f"2026-03-05 12:30:15 [INFO] mod_dialplan_xml.c:637 Processing Alice A. <{A}>->{B} in context\n"
    f'2026-03-05 12:30:16 [DEBUG] sofia.c:1 Callee "Bob B." <{B}> of sofia/internal/{A}@h answers\n'
)


def test_in_xml_only_her_pieces_are_covered(url: str) -> None:
    """Law 7: `%2B49…`, its bare form and her name go; every other byte of the text stays."""
    before = xml_cdr(A, "Alice A.", B, "Bob B.")
    row = {"xml_cdr_uuid": ident(1), "start_epoch": START, "xml": before}
    fill(url, "xml_cdr", row)
    connector = store(url, "xml_cdr")
    (found,) = find(connector, ALICE)
    connector.redact({found.record.key: found.about})
    after = rows_of(url, "xml_cdr")[0]["xml"]
    expected = before.replace("Alice%20A.", "*" * 10).replace("Alice A.", "*" * 8)
    for text in ("%2B4930901820<", "+4930901820<"):
        expected = expected.replace(text, "*" * (len(text) - 1) + "<")
    assert after == expected
    assert find(connector, ALICE) == []
    (other,) = find(connector, BOB)
    connector.redact({other.record.key: other.about})
    assert "Bob" not in rows_of(url, "xml_cdr")[0]["xml"]
    assert not find(connector, BOB)


def test_in_xml_an_extension_is_her_number(url: str) -> None:
    """A bare 1001 in an element that holds users is she; 10010 is not, nor `<billsec>1001`."""
    text = xml_cdr("1001", "Alice A.", "10010", "Bob B.") + "<billsec>1001</billsec>"
    row = {"caller_id_number": "1001", "destination_number": "10010", "xml": text}
    fill(url, "xml_cdr", {"xml_cdr_uuid": ident(1), "start_epoch": START, **row})
    connector = store(url, "xml_cdr")
    (found,) = find(connector, ALICE_DESK)
    connector.redact({found.record.key: found.about})
    after = rows_of(url, "xml_cdr")[0]
    assert "Alice" not in after["xml"]
    assert after["xml"].count("1001") == text.count("10010") + 1
    assert "Bob B." in after["xml"]
    assert not after["caller_id_number"]
    assert after["destination_number"] == "10010"


def test_in_json_her_members_go_and_his_stay(url: str) -> None:
    """Law 7: by member, and by piece where one names both; numbers, and the names beside them."""
    document = json_cdr(A, "Alice A.", B, "Bob B.")
    fill(url, "xml_cdr_json", {"xml_cdr_json_uuid": ident(1), "json": document})
    connector = store(url, "xml_cdr_json")
    (found,) = find(connector, ALICE)
    connector.redact({found.record.key: found.about})
    after = rows_of(url, "xml_cdr_json")[0]["json"]
    assert "30901820@" not in str(after)
    assert "Alice" not in str(after)
    assert find(connector, ALICE) == []
    kept = {name: each for name, each in after["variables"].items() if "from" not in name}
    assert kept == {
        name: each for name, each in document["variables"].items() if "from" not in name
    }
    profile, old = after["callflow"][0]["caller_profile"], document["callflow"][0]["caller_profile"]
    assert {name for name in old if old[name] != profile[name]} == {
        "username",
        "caller_id_name",
        "caller_id_number",
        "chan_name",
    }
    assert after["callflow"][0]["extension"] == document["callflow"][0]["extension"]


def test_in_a_log_her_name_goes_with_her_number(url: str) -> None:
    """The name that stands before her number is covered, his is not."""
    row = {"xml_cdr_log_uuid": ident(1), "xml_cdr_uuid": ident(9), "log_content": MESSAGE}
    fill(url, "xml_cdr_logs", row)
    connector = store(url, "xml_cdr_logs")
    (found,) = find(connector, ALICE)
    connector.redact({found.record.key: found.about})
    after = rows_of(url, "xml_cdr_logs")[0]["log_content"]
    assert after == MESSAGE.replace("Alice A.", "*" * 8).replace(f"{A}>", "*" * 11 + ">").replace(
        f"{A}@", "*" * 11 + "@"
    )
    assert find(connector, ALICE) == []


def test_copies_are_found_through_their_call(url: str) -> None:
    """A copy without any number is found by the call; it speaks of nobody, a transcript of all."""
    call = Identifier("call", str(ident(9)))
    fill(url, "xml_cdr_flow", {"xml_cdr_flow_uuid": ident(1), "xml_cdr_uuid": ident(9)})
    row = {"xml_cdr_transcript_uuid": ident(1), "xml_cdr_uuid": ident(9)}
    fill(url, "xml_cdr_transcripts", {**row, "transcript_json": [{"text": "Hello"}]})
    flow, transcript = find(store(url, "xml_cdr_flow", "xml_cdr_transcripts"), call)
    assert flow.about == frozenset()
    assert transcript.record.category == "transcripts"
    assert "transcript_json" in transcript.about
    assert transcript.record.personal == transcript.about


def test_an_extension_of_another_tenant_is_somebody_else(url: str) -> None:
    """Law 7: 1001 of one domain is not 1001 of the next."""
    for number, domain in ((1, None), (2, OTHER)):
        tenant = {"domain_uuid": domain} if domain else {}
        call = {"xml_cdr_uuid": ident(number), "start_epoch": START, "caller_id_number": "1001"}
        fill(url, "xml_cdr", {**call, **tenant})
        desk = {"extension_uuid": ident(number), "extension": "1001", "password": SECRET}
        fill(url, "extensions", {**desk, **tenant})
        box = {"voicemail_uuid": ident(number), "voicemail_id": "1001"}
        fill(url, "voicemails", {**box, "voicemail_password": SECRET, **tenant})
    found = find(store(url, "xml_cdr", "extensions", "voicemails"), ALICE_DESK)
    assert [str(ident(1)) in each.record.key for each in found] == [True, True, True]
    (desk_link,) = [each for each in found[1].record.links if each.kind == "sip"]
    assert desk_link.value == f"1001@{DOMAIN}"


def test_secrets_are_part_of_no_record(url: str) -> None:
    """Passwords and PINs are neither exported nor corrected."""
    fill(
        url,
        "xml_cdr",
        {
            "xml_cdr_uuid": ident(1),
            "start_epoch": START,
            "caller_id_number": A,
            "pin_number": SECRET,
        },
    )
    desk = {"extension_uuid": ident(1), "extension": "1001", "password": SECRET}
    fill(url, "extensions", {**desk, "outbound_caller_id_number": A})
    box = {"voicemail_uuid": ident(1), "voicemail_id": "1001", "voicemail_password": SECRET}
    fill(url, "voicemails", box)
    connector = store(url, "xml_cdr", "extensions", "voicemails")
    found = find(connector, ALICE, ALICE_DESK)
    assert len({each.record.key for each in found}) == 3
    assert SECRET not in str([each.record.data for each in found])
    assert not [each for each in found if {"password", "pin_number"} & each.record.personal]
    with pytest.raises(Refused):
        connector.rectify(found[-1].record.key, {"voicemail_password": "1234"})


@pytest.mark.parametrize(
    ("country", "number"),
    [(49, "30 901820"), (49, "030901820"), (None, "+49 (30) 90 18 20"), (49, "30901820")],
)
def test_a_number_of_a_contact_is_in_two_columns(
    url: str, country: int | None, number: str
) -> None:
    """Law 10: country code and number apart, with and without a trunk prefix; not Austria's."""
    row = {"contact_phone_uuid": ident(1), "contact_uuid": ident(7)}
    fill(url, "contact_phones", {**row, "phone_country_code": country, "phone_number": number})
    other = {"contact_phone_uuid": ident(2), "phone_country_code": 43, "phone_number": "30901820"}
    fill(url, "contact_phones", other)
    (found,) = find(store(url, "contact_phones"), ALICE)
    assert str(ident(1)) in found.record.key
    assert [each.value for each in found.record.links] == [str(ident(7))]


def test_what_differs_at_a_site_is_said_by_its_settings(url: str) -> None:
    """A column that an older version lacks is named with an empty text."""
    with pytest.raises(ConfigurationError, match="no part"):
        store(url, "nothing")
    connector = store(url, "freeswitch_cdr", tables={"freeswitch_cdr": {"category": "calls"}})
    assert connector.categories == {"calls"}
    cdr = store(url, "xml_cdr", tables={"xml_cdr": {"columns": {"last_arg": "", "xml": ""}}})
    searched = {
        side.column for part in cdr.parts for each in part.sql.tables for side in each.sides
    }
    assert not {"last_arg", "xml"} & searched
    assert "record_name" in searched


def test_what_stays_and_what_no_part_reads_is_told(url: str) -> None:
    """`check` names tables with people in them, memory, caches and backups; nothing personal."""
    desk = {"extension": "1001", "outbound_caller_id_number": A}
    fill(url, "extensions", {"extension_uuid": ident(1), **desk})
    fill(url, "voicemails", {"voicemail_uuid": ident(1), "voicemail_id": "1001"})
    connector = store(url, "extensions")
    assert "one caller ID" not in str(connector.check())
    fill(url, "extensions", {"extension_uuid": ident(2), **desk})
    told = connector.check()
    assert [each.text for each in told if each.kind in {"fault", "right"}] == []
    left = "\n".join(each.text for each in told if each.kind == "left")
    assert "table v_voicemails is in the database and in no part: add voicemails" in left
    assert "registration" in left
    assert "backup" in left
    assert "one caller ID" in str(told)
    assert "901820" not in str(told)


def test_the_privileges_of_the_readme_are_enough(url: str, tmp_path: Path) -> None:
    """A user with these rights and no others finds and changes all that the store can."""
    readme = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    statements = readme.split("```sql")[1].split("```")[0]
    office = build(url, tmp_path, with_tenants=False)
    with raw(url) as connection:
        connection.execute(sa.text("DROP ROLE IF EXISTS dsr"))
        connection.execute(sa.text(statements))
    plain = sa.make_url(url).set(username="dsr").render_as_string(hide_password=False)
    connector = store(plain, *PARTS)
    assert [each.text for each in connector.check() if each.kind in {"fault", "right"}] == []
    before = {part: len(office.rows(part)) for part in PARTS}
    fields = {each.record.key: each.about for each in find(connector, ALICE, ALICE_DESK)}
    connector.redact({key: about for key, about in fields.items() if key.startswith("xml_cdr")})
    connector.erase([key for key in fields if not key.startswith("xml_cdr")])
    assert {part for part in PARTS if len(office.rows(part)) < before[part]} == {
        "contact_phones",
        "extensions",
        "voicemails",
        "voicemail_messages",
    }
    with raw(url) as connection:
        connection.execute(sa.text("DROP OWNED BY dsr"))
        connection.execute(sa.text("DROP ROLE dsr"))
