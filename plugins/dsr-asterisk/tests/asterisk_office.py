"""A small operator's PBX: Alice and Bob, who call each other, and everything that Asterisk keeps.

Alice has the number +4930901820 and the extension 1001, Bob one digit more of each. All is
written with SQL and files, never through dsr.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from asterisk_rows import cdr_row
from asterisk_stores import START, cdr, fill, rows_of
from dsr.config import load
from dsr.desk import Desk
from dsr.ledger import new_key

__all__ = ["HERS", "NAMED", "PARTS", "Office", "build"]

#: What names Alice, wherever it stands: her number, extension, name, and where she registers.
NAMED: Final = re.compile(
    rb"30901820(?!\d)|(?<![\d.:])1001(?!\d)|Alice|198\.51\.100\.7(?!\d)", re.IGNORECASE
)
PARTS: Final = (
    "cel",
    "queue_log",
    "voicemail_messages",
    "voicemail",
    "ps_endpoints",
    "ps_auths",
    "ps_aors",
    "ps_contacts",
)
_CALLER: Final = frozenset(
    {"src", "clid", "channel", "cnum", "cnam", "outbound_cnum", "recordingfile"}
)
_CALLEE: Final = frozenset({"dst", "dstchannel", "did", "dst_cnam", "recordingfile"})
#: The columns about Alice in each call that she shares, by the call's number.
HERS: Final[Mapping[int, frozenset[str]]] = {
    1: _CALLER,
    2: _CALLEE | {"lastdata"},
    3: _CALLEE | {"lastdata"},
    4: _CALLER,
    6: _CALLER,
}
_DAY: Final = "20260305-1230"


@frozen
class Office:
    """The PBX as it is reached without dsr: a database, and a folder with all files."""

    url: str
    layout: str
    folder: Path

    @property
    def calls(self) -> str:
        """The name of the call records' table in `asterisk_stores.TABLES`."""
        return "freepbx" if self.layout == "freepbx" else "cdr"

    def desk(self) -> Desk:
        """Open the desk of the configuration."""
        return load(self.folder / "dsr.toml").desk()

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return a table's rows as the database has them."""
        return rows_of(self.url, table)

    def files(self) -> dict[str, bytes]:
        """Return every file that Asterisk keeps, unpacked, by its path."""
        found = {}
        for top in ("cdr-csv", "log", "spool"):
            for path in sorted((self.folder / top).rglob("*")):
                if path.is_file():
                    body = path.read_bytes()
                    text = gzip.decompress(body) if path.suffix == ".gz" else body
                    found[str(path.relative_to(self.folder))] = text
        return found

    def traces(self) -> Iterator[str]:
        """Yield each place that still names Alice: a table's column, or a file."""
        for table in (self.calls, *PARTS):
            for row in self.rows(table):
                for name, value in row.items():
                    raw = value if isinstance(value, bytes) else str(value).encode()
                    if NAMED.search(raw):
                        yield f"{table}.{name}"
        for path, body in self.files().items():
            if NAMED.search(path.rpartition("/")[2].encode()) or NAMED.search(body):
                yield path

    def pin(self) -> str:
        """Return the PIN that was sent last."""
        sent = (self.folder / "pins.jsonl").read_text("utf-8").splitlines()
        return str(json.loads(sent[-1])["pin"])


def build(url: str, layout: str, folder: Path) -> Office:
    """Fill the database and the folder, and write dsr.toml."""
    office = Office(url, layout, folder)
    fill(url, office.calls, *(_laid_out(row, layout) for row in _calls()))
    fill(url, "cel", *_events())
    fill(url, "queue_log", *_queue())
    fill(url, "voicemail_messages", *_messages())
    _extensions(url)
    _files(folder)
    (folder / "dsr.key").touch(mode=0o600)
    (folder / "dsr.key").write_text(new_key(), "utf-8")
    text = (Path(__file__).parent / "asterisk_dsr.toml").read_text("utf-8")
    parts = json.dumps(["cdr", *PARTS])
    text = text.replace("$url", url).replace("$layout", layout).replace("$parts", parts)
    (folder / "dsr.toml").write_text(text, "utf-8")
    return office


def _recorded(number: int, called: str, caller: str) -> str:
    return f"out-{called}-{caller}-{_DAY}{number:02}-1772710215.{number}.wav"


def _calls() -> list[dict[str, object]]:
    alice, bob, carol = "+4930901820", "+49309018200", "+33199001234"
    return [
        cdr(
            1,
            "1001",
            "10010",
            clid='"Alice A." <1001>',
            lastdata="PJSIP/10010,30,tT",
            cnum="1001",
            cnam="Alice A.",
            dst_cnam="Bob B.",
            recordingfile=_recorded(1, "10010", "1001"),
        ),
        cdr(
            2,
            "10010",
            "1001",
            clid='"Bob B." <10010>',
            lastdata="PJSIP/1001,30,tT",
            cnum="10010",
            cnam="Bob B.",
            dst_cnam="Alice A.",
        ),
        cdr(
            3,
            carol,
            "1001",
            channel="PJSIP/trunk-00000003",
            did=alice,
            lastdata="Local/1001@from-queue/n,30",
            recordingfile=f"external-1001-{carol}-{_DAY}03-1772710215.3.wav",
        ),
        cdr(
            4,
            alice,
            "0033199001234",
            clid=f'"Alice A." <{alice}>',
            channel="PJSIP/1001-00000004",
            dstchannel="PJSIP/trunk-00000005",
            lastdata="PJSIP/0033199001234@trunk,30",
            cnum="1001",
            cnam="Alice A.",
            outbound_cnum=alice,
        ),
        cdr(5, "10010", carol, clid='"Bob B." <10010>', recordingfile=_recorded(5, carol, "10010")),
        cdr(6, "030901820", bob, lastdata=f"SIP/{bob}@trunk,30"),
    ]


def _laid_out(row: dict[str, object], layout: str) -> dict[str, object]:
    added = ("did", "recordingfile", "cnum", "cnam", "outbound_cnum", "outbound_cnam", "dst_cnam")
    if layout == "stock":
        return {name: value for name, value in row.items() if name not in added}
    kept = {name: value for name, value in row.items() if name not in {"start", "end"}}
    return {**kept, "calldate": row["start"], "amaflags": 3}


def _events() -> list[dict[str, object]]:
    blank = dict.fromkeys(("cid_name", "cid_num", "cid_ani", "cid_rdnis", "cid_dnid", "exten"), "")
    more = dict.fromkeys(("channame", "appdata", "peer", "extra", "accountcode"), "")
    first, second = "1772710215.1", "1772710215.2"
    rows: list[dict[str, object]] = [
        {
            "uniqueid": first,
            "cid_name": "Alice A.",
            "cid_num": "1001",
            "cid_ani": "1001",
            "cid_dnid": "10010",
            "exten": "10010",
            "channame": "PJSIP/1001-00000001",
            "appdata": "PJSIP/10010,30,tT",
        },
        {
            "uniqueid": second,
            "cid_name": "Bob B.",
            "cid_num": "10010",
            "channame": "PJSIP/10010-00000002",
            "peer": "PJSIP/1001-00000001",
            "extra": '{"hangupcause":16,"hangupsource":"PJSIP/1001-00000001"}',
        },
        {"uniqueid": first, "eventtype": "LINKEDID_END"},
        {"uniqueid": "1772710215.5", "cid_name": "Bob B.", "cid_num": "10010", "cid_ani": "10010"},
    ]
    shared = {**blank, **more, "eventtype": "CHAN_START", "eventtime": START, "linkedid": first}
    return [{**shared, **row, "id": number} for number, row in enumerate(rows, 1)]


def _queue() -> list[dict[str, object]]:
    rows = [
        ("1772710215.8", "NONE", "ENTERQUEUE", "", "+4930901820", "1"),
        ("1772710215.8", "PJSIP/10010", "CONNECT", "5", "1772710215.9", "4"),
        ("1772710215.7", "Local/1001@from-queue/n", "CONNECT", "7", "1772710215.6", "4"),
        ("1772710215.7", "PJSIP/10010", "COMPLETEAGENT", "7", "1002", "1"),
    ]
    names = ("callid", "agent", "event", "data1", "data2", "data3")
    return [
        {"id": number, "time": START, "queuename": "sales", **dict(zip(names, row, strict=True))}
        for number, row in enumerate(rows, 1)
    ]


def _messages() -> list[dict[str, object]]:
    left = [
        ("1001", 0, '"Bob B." <10010>'),
        ("1001", 1, '"Carol" <+33199001234>'),
        ("10010", 0, '"Carol" <+33199001234>'),
        ("10010", 1, '"Alice A." <1001>'),
        ("10010", 2, "<+4930901820>"),
    ]
    return [
        {
            "dir": f"/var/spool/asterisk/voicemail/default/{mailbox}/INBOX",
            "msgnum": number,
            "context": "from-internal",
            "callerid": callerid,
            "origtime": 1772710215 + place,
            "duration": 5,
            "recording": b"RIFF" + bytes([place]) * 5_000,
            "flag": "",
            "mailboxuser": mailbox,
            "mailboxcontext": "default",
            "msg_id": f"1772710215-{place:08}",
        }
        for place, (mailbox, number, callerid) in enumerate(left)
    ]


def _extensions(url: str) -> None:
    people = [("1001", "Alice A.", "+4930901820"), ("10010", "Bob B.", "+49309018200")]
    addresses = {"1001": "198.51.100.7", "10010": "198.51.100.70"}
    for number, (desk, name, phone) in enumerate(people, 1):
        box, ip = f"{desk}@default", addresses[desk]
        fill(url, "ps_endpoints", {"id": desk, "callerid": f'"{name}" <{phone}>', "mailboxes": box})
        fill(url, "ps_auths", {"id": desk, "username": desk, "password": f"{name}'s secret"})
        fill(url, "ps_aors", {"id": desk, "mailboxes": box})
        uri = f"sip:{desk}@{ip}:5060"
        fill(
            url,
            "ps_contacts",
            {"id": f"{desk};@{number}", "endpoint": desk, "uri": uri, "via_addr": ip},
        )
        fill(
            url,
            "voicemail",
            {
                "uniqueid": number,
                "context": "default",
                "mailbox": desk,
                "password": "4711",
                "fullname": name,
                "email": f"{name.split()[0].lower()}@example.org",
            },
        )


_FULL: Final = """\
[2026-03-05 12:31:15] SECURITY[1204] res_security_log.c: SecurityEvent="SuccessfulAuth",\
AccountID="1001",LocalAddress="IPV4/UDP/192.0.2.1/5060",RemoteAddress="IPV4/UDP/198.51.100.7/5070"
[2026-03-05 12:31:15] VERBOSE[12][C-00000001] pbx.c: Executing [10010@from-internal:1] \
Dial("PJSIP/1001-00000001", "PJSIP/10010,30") in new stack
[2026-03-05 12:32:15] VERBOSE[12][C-00000002] pbx.c: Executing [1001@from-internal:1] \
Dial("PJSIP/10010-00000003", "PJSIP/1001,30") in new stack
[2026-03-05 12:33:15] VERBOSE[12] app_dial.c: Called PJSIP/+4930901820@trunk for "Bob" <10010>
[2026-03-05 12:35:15] VERBOSE[12] app_dial.c: Called PJSIP/10010
"""
_QUEUE_LOG: Final = """\
1772710215|1772710215.8|sales|NONE|ENTERQUEUE||+4930901820|1
1772710220|1772710215.8|sales|PJSIP/10010|CONNECT|5|1772710215.9|4
1772710290|1772710215.7|sales|PJSIP/1001|CONNECT|7|1772710215.6|4
"""


def _files(folder: Path) -> None:
    for name in ("cdr-csv", "log", "spool/monitor/2026/03/05"):
        (folder / name).mkdir(parents=True)
    rows = [
        cdr_row(1, "1001", "10010", name="Alice A.", lastdata="PJSIP/10010,30"),
        cdr_row(2, "10010", "1001", name="Bob B.", lastdata="PJSIP/1001,30"),
        cdr_row(5, "10010", "+33199001234", name="Bob B."),
        cdr_row(6, "030901820", "+49309018200", name="Alice A."),
    ]
    (folder / "cdr-csv/Master.csv").write_text("\n".join(rows) + "\n")
    old = "\n".join(rows[::-1]) + "\n"
    (folder / "cdr-csv/Master.csv.1.gz").write_bytes(gzip.compress(old.encode()))
    (folder / "log/full").write_text(_FULL)
    day_before = _FULL.replace("2026-03-05", "2026-03-04")
    (folder / "log/full.1.gz").write_bytes(gzip.compress(day_before.encode()))
    (folder / "log/queue_log").write_text(_QUEUE_LOG)
    day = folder / "spool/monitor/2026/03/05"
    for number, (called, caller) in {1: ("10010", "1001"), 5: ("+33199001234", "10010")}.items():
        (day / _recorded(number, called, caller)).write_bytes(b"RIFF" + bytes([number]) * 900)
    external = f"external-1001-+33199001234-{_DAY}03-1772710215.3.wav"
    (day / external).write_bytes(b"RIFF" + bytes([3]) * 900)
    for mailbox, number, callerid in (
        ("1001", 0, '"Carol" <+33199001234>'),
        ("10010", 0, '"Carol" <+33199001234>'),
        ("10010", 1, '"Alice A." <1001>'),
    ):
        inbox = folder / f"spool/voicemail/default/{mailbox}/INBOX"
        inbox.mkdir(parents=True, exist_ok=True)
        lines = [
            ";\n; Message Information file\n;\n[message]",
            f"origmailbox={mailbox}",
            "context=from-internal",
            f"exten={mailbox}",
            f"callerid={callerid}",
            "origtime=1772710215",
            f"msg_id=1772710215-{mailbox}{number:04}",
            "flag=",
            "duration=5",
        ]
        (inbox / f"msg{number:04}.txt").write_text("\n".join(lines) + "\n")
        (inbox / f"msg{number:04}.wav").write_bytes(b"RIFF" + mailbox.encode()[:1] * 900)
