"""A small operator's FusionPBX: Alice and Bob, who call each other, and all that is kept of it.

Alice has the number +4930901820 and the extension 1001, Bob one digit more of each. Another
tenant has an extension 1001, too. All is written with SQL and files, never through dsr.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from attrs import frozen

from dsr.config import load
from dsr.desk import Desk
from dsr.ledger import new_key
from fusionpbx_stores import (
    ALICE,
    BOB,
    DOMAIN,
    OTHER,
    START,
    dumped,
    fill,
    ident,
    json_cdr,
    rows_of,
    tenants,
    xml_cdr,
)

__all__ = ["CALLS", "NAMED", "PARTS", "SECRET", "Office", "build"]

#: What names Alice, wherever it stands: her number, extension, name, and where she registers.
NAMED: Final = re.compile(
    r"30 ?901820(?!\d)|(?<![\d.:-])1001(?!\d)|Alice|198\.51\.100\.7(?!\d)", re.IGNORECASE
)
PARTS: Final = (
    "xml_cdr",
    "xml_cdr_json",
    "xml_cdr_flow",
    "xml_cdr_logs",
    "xml_cdr_transcripts",
    "contacts",
    "contact_phones",
    "contact_emails",
    "contact_addresses",
    "contact_notes",
    "extensions",
    "voicemails",
    "voicemail_messages",
)
SECRET: Final = "s3cr3t-4711"
A, B = ALICE.value, BOB.value
_NAMES: Final = {"1001": "Alice A.", A: "Alice A.", "10010": "Bob B.", B: "Bob B."}
#: Who calls whom: inside the tenant, from outside, and past her.
CALLS: Final = (("1001", "10010"), ("10010", "1001"), (A, B), (B, A), ("10010", "+33199001234"))


@frozen
class Office:
    """The PBX as it is reached without dsr: a database, and a folder with all files."""

    url: str
    folder: Path

    def desk(self) -> Desk:
        """Open the desk of the configuration."""
        return load(self.folder / "dsr.toml").desk()

    def rows(self, part: str) -> list[dict[str, Any]]:
        """Return a table's rows as the database has them."""
        return rows_of(self.url, part)

    def files(self) -> dict[str, bytes]:
        """Return every file that FreeSWITCH keeps, by its path."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for top in ("recordings", "log", "spool")
            for path in sorted((self.folder / top).rglob("*"))
            if path.is_file()
        }

    def traces(self) -> Iterator[str]:
        """Yield each place that still names Alice: a table's column, or a file."""
        for part in PARTS:
            for row in self.rows(part):
                if row["domain_uuid"] == OTHER:
                    continue
                for name, value in row.items():
                    if isinstance(value, UUID) or name in {"insert_date", "start_stamp"}:
                        continue
                    if NAMED.search(dumped(value)):
                        yield f"{part}.{name}"
        for path, body in self.files().items():
            if NAMED.search(body.decode("utf-8", "replace")):
                yield path

    def pin(self) -> str:
        """Return the PIN that was sent last."""
        sent = (self.folder / "pins.jsonl").read_text("utf-8").splitlines()
        return str(json.loads(sent[-1])["pin"])


def build(url: str, folder: Path, *, with_tenants: bool = True) -> Office:
    """Fill the database and the folder, and write dsr.toml."""
    if with_tenants:  # else they are there
        tenants(url)
    for number, (caller, callee) in enumerate(CALLS, start=1):
        _call(url, folder, number, caller, callee)
    fill(url, "xml_cdr", _of_others(6))
    _contacts(url)
    _extensions(url)
    _files(folder)
    (folder / "dsr.key").touch(mode=0o600)
    (folder / "dsr.key").write_text(new_key(), "utf-8")
    text = (Path(__file__).parent / "fusionpbx_dsr.toml").read_text("utf-8")
    text = text.replace("$url", url).replace("$parts", json.dumps(PARTS))
    (folder / "dsr.toml").write_text(text, "utf-8")
    return Office(url, folder)


def _call(url: str, folder: Path, number: int, caller: str, callee: str) -> None:
    name, called = _NAMES[caller], _NAMES.get(callee, "Carol")
    document = json_cdr(caller, name, callee, called)
    flow = [
        {"destination_number": "*8", "destination_label": "queue"},
        {"destination_number": callee, "destination_label": called},
    ]
    path = "recordings/pbx.example.org/archive/2026/Mar/05"
    fill(
        url,
        "xml_cdr",
        {
            "xml_cdr_uuid": ident(number),
            "extension_uuid": ident(101) if "1001" in {caller, callee} else ident(102),
            "domain_name": DOMAIN,
            "caller_id_name": name,
            "caller_id_number": caller,
            "source_number": caller,
            "caller_destination": callee,
            "destination_number": callee,
            "network_addr": "198.51.100.7" if name == "Alice A." else "198.51.100.70",
            "start_epoch": START + number,
            "record_path": f"/var/lib/freeswitch/{path}",
            "record_name": f"{ident(number)}.wav",
            "record_transcription": f"Hello {called}, {name} here",
            "last_arg": f"user/{callee}@{DOMAIN}",
            "pin_number": SECRET,
            "xml": xml_cdr(caller, name, callee, called),
            "json": document,
            "call_flow": flow,
        },
    )
    copy = {"xml_cdr_uuid": ident(number)}
    fill(url, "xml_cdr_json", {"xml_cdr_json_uuid": ident(number), "json": document, **copy})
    fill(url, "xml_cdr_flow", {"xml_cdr_flow_uuid": ident(number), "call_flow": flow, **copy})
    log = (
        "2026-03-05 11:30:15.1 [INFO] mod_dialplan_xml.c:637"
        f" Processing {name} <{caller}>->{callee} in context {DOMAIN}\n"
        "2026-03-05 11:30:15.2 [NOTICE] switch_channel.c:1118"
        f" New Channel sofia/internal/{callee}@{DOMAIN}\n"
    )
    fill(url, "xml_cdr_logs", {"xml_cdr_log_uuid": ident(number), "log_content": log, **copy})
    said = [{"speaker": 0, "text": f"Hello {called}, {name} here"}]
    spoken = {"transcript_json": said, "transcript_summary": f"{name} greets {called}"}
    fill(
        url,
        "xml_cdr_transcripts",
        {"xml_cdr_transcript_uuid": ident(number), **copy, **spoken},
    )
    day = folder / path
    day.mkdir(parents=True, exist_ok=True)
    (day / f"{ident(number)}.wav").write_bytes(b"RIFF" + bytes([number]) * 900)
    (day / f"{ident(number)}.txt").write_text(f"Hello {called}, {name} here\n")


def _of_others(number: int) -> dict[str, object]:
    """Return a call of the other tenant's extension 1001."""
    ids = {"xml_cdr_uuid": ident(number), "domain_uuid": OTHER}
    call = {"caller_id_number": "1001", "caller_id_name": "Dora", "destination_number": "1002"}
    xml = xml_cdr("1001", "Dora", "1002", "Emil")
    return {**ids, **call, "start_epoch": START, "xml": xml, "last_arg": "user/1001"}


def _contacts(url: str) -> None:
    people = [("Alice", 49, "30 901820"), ("Bob", 49, "309018200"), ("Carol", 33, "199001234")]
    for number, (name, country, phone) in enumerate(people, start=201):
        contact = {"contact_uuid": ident(number)}
        fill(url, "contacts", {**contact, "contact_name_given": name})
        split = {"phone_country_code": country, "phone_number": phone}
        fill(url, "contact_phones", {"contact_phone_uuid": ident(number), **contact, **split})
        address = {"email_address": f"{name.lower()}@example.org"}
        fill(url, "contact_emails", {"contact_email_uuid": ident(number), **contact, **address})
        street = {"address_street": f"{name}'s street"}
        fill(url, "contact_addresses", {"contact_address_uuid": ident(number), **contact, **street})
        note = {"contact_note": f"{name} likes tea"}
        fill(url, "contact_notes", {"contact_note_uuid": ident(number), **contact, **note})


def _extensions(url: str) -> None:
    people = [("1001", "Alice A.", A, 101), ("10010", "Bob B.", B, 102)]
    for desk, name, phone, number in people:
        row = {"extension_uuid": ident(number), "extension": desk, "password": SECRET}
        shown = {"outbound_caller_id_number": phone, "outbound_caller_id_name": name}
        fill(url, "extensions", {**row, **shown, "user_context": DOMAIN})
        box = {"voicemail_uuid": ident(number + 300), "voicemail_id": desk}
        mail = {"voicemail_mail_to": f"{name.split()[0].lower()}@example.org"}
        fill(url, "voicemails", {**box, **mail, "voicemail_password": SECRET})
    row = {"extension_uuid": ident(103), "extension": "1001", "domain_uuid": OTHER}
    fill(url, "extensions", {**row, "effective_caller_id_name": "Dora"})
    left = [(401, "10010", "Bob B."), (401, "+33199001234", "Carol"), (402, A, "Alice A.")]
    for number, (mailbox, caller, name) in enumerate(left, start=301):
        fill(
            url,
            "voicemail_messages",
            {
                "voicemail_message_uuid": ident(number),
                "voicemail_uuid": ident(mailbox),
                "caller_id_name": name,
                "caller_id_number": caller,
                "created_epoch": START + number,
                "message_base64": "UklGRg==",
                "message_transcription": "Please call back",
            },
        )


_LOG: Final = f"""\
2026-03-05 11:30:14.000001 96.03% [WARNING] sofia_reg.c:3223 Can't find user [1001@{DOMAIN}] from \
198.51.100.7
2026-03-05 11:30:15.000001 96.03% [INFO] mod_dialplan_xml.c:637 Processing Alice A. <1001>->10010 \
in context {DOMAIN}
2026-03-05 11:30:16.000001 96.03% [INFO] mod_dialplan_xml.c:637 Processing Bob B. <10010>->1002 \
in context {DOMAIN}
2026-03-05 11:30:17.000001 96.03% [DEBUG] switch_ivr.c:1 Originate sofia/gateway/x/{A}
"""
_SPOOL: Final = f"""\
"192.0.2.1","Alice A.","{A}","{B}","default","2026-03-05 11:30:15"
"192.0.2.1","Bob B.","{B}","{A}","default","2026-03-05 11:30:16"
"192.0.2.1","Bob B.","{B}","1002","default","2026-03-05 11:30:17"
"""


def _files(folder: Path) -> None:
    for name, path, text in (
        ("log", "freeswitch.log", _LOG),
        ("log", "freeswitch.log.1", _LOG.replace("03-05", "03-04")),
        ("spool", "cdr-pg-csv.csv", _SPOOL),
    ):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / path).write_text(text, "utf-8")
