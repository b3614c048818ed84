"""Files as Kamailio, sipp and PostgreSQL leave them: `acc` rows as CSV, and the proxy's log.

Written from Kamailio's own formats, without anything of dsr. Numbers are from ranges reserved
for drama and tests (Bundesnetzagentur: 030 23125 xxx; ARCEP: 01 99 00 xx xx; Ofcom: 020 7946
0xxx). Most calls are of one caller, in every spelling that telephones and carriers use; among
the others are numbers that begin or end like the caller's.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["HOST", "generate"]

HOST: Final = "127.0.0.1"
_PID: Final = 27280  # of the sipp that places the calls: part of each call id
_CALLS: Final = 180
_START: Final = dt.datetime(2026, 3, 2, 8, 0, tzinfo=dt.UTC)
_APART: Final = dt.timedelta(minutes=37)  # so that the calls spread over several days
_MISSED: Final = 9  # every ninth call is not answered

_EVA: Final = "+493023125100"
_NEIGHBOUR: Final = "+493023125101"
_LONGER: Final = "+4930231251001"
_PARIS: Final = "+33199001234"
_LONDON: Final = "+442079460018"

#: Who calls (the user of the From header), the asserted number, the display name, who is called.
_WAYS: Final = (
    (_EVA, _EVA, "Müller, Eva", _PARIS),
    ("00493023125100", _EVA, "Alice", "0199001234"),
    ("03023125100", _EVA, _EVA, _PARIS),
    ("alice", _EVA, "Alice A.", _EVA),
    ("anonymous", _PARIS, "Anonymous", "493023125100"),
    ("1001", _EVA, "Extension 1001", "0033199001234"),
    ("9011+493023125100", _EVA, "Eva (mobile)", _LONDON),
    (_LONDON, _LONDON, "Noor", "0+493023125100"),
    ("++493023125100", _EVA, "Müller, Eva", _NEIGHBOUR),
    (_NEIGHBOUR, _NEIGHBOUR, "Neighbour", _PARIS),
    (_LONGER, _LONGER, "Longer", _NEIGHBOUR),
    ("alicent", _LONDON, "Alicent", _PARIS),
    ("bob", _NEIGHBOUR, "Bob B.", "alice"),
    ("anonymous", _LONDON, "Anonymous", _NEIGHBOUR),
)

_ACC: Final = [
    "id",
    "method",
    "from_tag",
    "to_tag",
    "callid",
    "sip_code",
    "sip_reason",
    "time",
    "src_user",
    "src_domain",
    "src_ip",
    "dst_ouser",
    "dst_user",
    "dst_domain",
]
_CDRS: Final = ["id", "start_time", "end_time", "duration", "src_user", "dst_user", "callid"]
_SUBSCRIBER: Final = ["id", "username", "domain", "password", "ha1", "ha1b"]
_LOCATION: Final = [
    "id",
    "ruid",
    "username",
    "domain",
    "contact",
    "received",
    "path",
    "expires",
    "q",
    "callid",
    "cseq",
    "last_modified",
    "flags",
    "cflags",
    "user_agent",
    "socket",
    "methods",
    "instance",
    "reg_id",
    "server_id",
    "connection_id",
    "keepalive",
    "partition",
]

_HEAD: Final = """\
loading modules under config path: /usr/lib/x86_64-linux-gnu/kamailio/modules/
Listening on
             udp: 127.0.0.1 [127.0.0.1]:15060
Aliases:

 0(26731) INFO: rr [rr_mod.c:188]: mod_init(): outbound module not available
 0(26731) INFO: <core> [main.c:3055]: main(): processes (at least): 7 - shm size: 67108864
"""
_TAIL: Final = (
    " 0(26731) NOTICE: <core> [main.c:733]: handle_sigs(): Thank you for flying kamailio!!!\n"
)

_CARDS: Final = {
    "phone.vcf": "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:"
    "M=C3=BCller;Bo\r\nTEL;CELL:+4930231251001\r\nEND:VCARD\r\n",
    "shared/desk.vcf": "BEGIN:VCARD\nVERSION:3.0\nFN:Front desk\nTEL;TYPE=work:+49 30 23125-101\n"
    "NOTE:a long note that is folded over two lin\n es\nEND:VCARD\n",
    "shared/paris.vcf": "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:urn:uuid:4fbe8971-0bc3-424c-9c26-"
    "36c3e1eff6b1\r\nFN:Paris\r\nTEL;VALUE=uri:tel:+33-1-99-00-12-34;ext=12\r\nEND:VCARD\r\n",
}


class _Call(NamedTuple):
    """One call, as sipp placed it."""

    number: int
    at: dt.datetime
    seconds: float
    src: str
    asserted: str
    name: str
    dst: str
    answered: bool

    @property
    def id(self) -> str:
        return f"{self.number}-{_PID}@{HOST}"

    @property
    def tags(self) -> tuple[str, str]:
        return f"{_PID}t{self.number}", f"27273SIPpTag01{self.number}"

    @property
    def end(self) -> dt.datetime:
        return self.at + dt.timedelta(seconds=self.seconds)

    @property
    def requests(self) -> Iterator[tuple[str, dt.datetime, str]]:
        """Yield each accounted request: its method, when, and `dst_user` in it."""
        yield "INVITE", self.at, self.dst
        if self.answered:
            yield "BYE", self.end, ""


def generate(folder: Path) -> None:
    """Write the CSV files, the log and a folder `contacts` into `folder`; always the same."""
    rng = random.Random(7)
    calls = [_call(rng, number) for number in range(1, _CALLS + 1)]
    answered = [call for call in calls if call.answered]
    rows = [row for call in answered for row in _rows(call)]
    rows.sort(key=lambda row: str(row[6]))
    _csv(folder / "kamailio_acc.csv", _ACC, rows)
    missed = (row for call in calls if not call.answered for row in _rows(call))
    _csv(folder / "kamailio_missed_calls.csv", _ACC, missed)
    _csv(folder / "kamailio_acc_cdrs.csv", _CDRS, map(_cdr, answered))
    _csv(folder / "kamailio_subscriber.csv", _SUBSCRIBER, [_subscriber("alice", "s3cret")])
    _csv(folder / "kamailio_location.csv", _LOCATION, [_location("alice", 15081)])
    log = folder / "kamailio-generated.log"
    log.write_text(_HEAD + "".join(line for call in calls for line in _lines(call)) + _TAIL)
    for name, card in _CARDS.items():
        path = folder / "contacts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(card.encode())


def _call(rng: random.Random, number: int) -> _Call:
    src, asserted, name, dst = _WAYS[(number - 1) % len(_WAYS)]
    at = _START + number * _APART
    seconds = round(rng.uniform(1, 900), 3)
    return _Call(number, at, seconds, src, asserted, name, dst, bool(number % _MISSED))


def _rows(call: _Call) -> Iterator[Sequence[object]]:
    code, reason = ("200", "OK") if call.answered else ("487", "Request Terminated")
    for method, at, dst in call.requests:
        reply = (*call.tags, call.id, code, reason, _stamp(at))
        yield (method, *reply, call.src, HOST, HOST, call.dst, dst, HOST)


def _cdr(call: _Call) -> Sequence[object]:
    return _stamp(call.at), _stamp(call.end), call.seconds, call.src, call.dst, call.id


def _subscriber(user: str, password: str) -> Sequence[object]:
    return user, HOST, password, "0" * 32, "f" * 32


def _location(user: str, port: int) -> Sequence[object]:
    before = (f"uloc-{port}-1", user, None, f"sip:{user}@{HOST}:{port}", None, None)
    times = (_stamp(_START), "-1", f"1-{port}@{HOST}", 2, _stamp(_START))
    return (
        *before,
        *times,
        0,
        0,
        "Yealink SIP-T46U",
        f"udp:{HOST}:15060",
        None,
        None,
        0,
        0,
        -1,
        0,
        0,
    )


def _stamp(at: dt.datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")


def _csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write what PostgreSQL's COPY does: nothing for NULL, quotes for an empty text."""
    lines = [header, *((number, *row) for number, row in enumerate(rows, 301))]
    path.write_text("".join(f"{','.join(map(_cell, line))}\n" for line in lines))


def _cell(value: object) -> str:
    return "" if value is None else str(value) or '""'


def _lines(call: _Call) -> Iterator[str]:
    """Yield the lines that the proxy writes about a call."""
    yield (
        f" 2(26739) INFO: {{1 1 INVITE {call.id}}} <script>: call from sip:{call.src}@{HOST}"
        f' (PAI=tel:{call.asserted}, name="{call.name}") to sip:{call.dst}@{HOST}:15060'
        f" src={HOST}:15080 ua=Yealink SIP-T46U 108.86.0.45\n"
    )
    tags = "from_tag={};to_tag={}".format(*call.tags)
    what = "transaction answered" if call.answered else "call missed"
    code = "code=200;reason=OK" if call.answered else "code=487;reason=Request Terminated"
    for number, (method, at, dst) in enumerate(call.requests, 1):
        yield (
            f" 1(26738) NOTICE: {{2 {number} {method} {call.id}}} acc [acc.c:287]:"
            f" acc_log_request(): ACC: {what}: timestamp={int(at.timestamp())};method={method};"
            f"{tags};call_id={call.id};{code};src_user={call.src};src_domain={HOST};"
            f"src_ip={HOST};dst_ouser={call.dst};dst_user={dst};dst_domain={HOST}\n"
        )
    if call.answered:
        yield (
            f" 1(26738) NOTICE: {{2 2 BYE {call.id}}} acc [acc_cdr.c:395]: log_write_cdr():"
            f" start_time={call.at.timestamp():.3f}; end_time={call.end.timestamp():.3f};"
            f" duration={call.seconds:.3f}; src_user={call.src}; dst_user={call.dst};"
            f" callid={call.id}\n"
        )
    else:
        yield (
            " 3(26740) WARNING: dialog [dlg_handlers.c:1661]: dlg_ontimeout(): dlg timeout -"
            f" callid: '{call.id}' tags: '{call.tags[0]}' '{call.tags[1]}' ostate: 3\n"
        )
