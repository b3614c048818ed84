"""Logs and SIP messages that others wrote: every number in them that is somebody's is found."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from dsr.connectors.logs import Logs, from_config
from dsr.errors import InvalidIdentifier
from dsr.model import Found, Identifier, Unread
from dsr.phone import normalise
from dsr.settings import Context

CORPUS = Path(os.environ.get("DSR_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"))
#: Where a log names a caller or a callee, as its own format says: not how dsr finds numbers.
FIELDS = re.compile(
    rb"(?:sips?:|tel:|AccountID=\"|extension '|user=|\[)"
    rb"(?!\d+\.\d+\.)(\+{0,2}\d[\d+.()-]*)(?=[@\"'>;])"
)
OWN = (
    '[2013-05-13 07:10:53] SECURITY[1] SecurityEvent="x",AccountID="00972595225770"\n'
    "[2013-05-13 07:10:54] NOTICE[1] extension '9011+442037690237' rejected\n"
    "2023-03-06 15:11:14.385000 96% [WARNING] user [011448708752617@1.2.3.4] from 1.2.3.4\n"
    "INVITE sip:+4321001@h SIP/2.0\r\nFrom: <sip:4311001@h>\r\n\r\n"
)


def places() -> dict[str, list[bytes]]:
    """Return the texts to look at; own ones in place of the corpus where it is absent."""
    found = {}
    for name, pattern in (
        ("logs", "logs/**/*"),
        ("sip", "sip/**/*.msg"),
        ("own", "generated-here/*.log"),
    ):
        files = [path for path in sorted(CORPUS.glob(pattern)) if path.is_file()]
        if files:
            found[name] = [path.read_bytes() for path in files]
    return found or {"own": [OWN.encode()]}


def named(raw: bytes, region: str) -> dict[str, set[int]]:
    """Return which lines name which number, by the fields of the formats alone."""
    people: dict[str, set[int]] = {}
    for number, line in enumerate(raw.split(b"\n")):
        for told in FIELDS.finditer(line):
            try:
                people.setdefault(normalise(told[1].decode(), region), set()).add(number)
            except InvalidIdentifier:
                continue
    return people


def store(folder: Path, region: str) -> Logs:
    table = {"path": str(folder), "category": "logs", "timezone": "UTC", "files": ["*"]}
    return from_config("logs", table, Context(region, folder))


@pytest.mark.parametrize("name", sorted(places()))
@pytest.mark.parametrize("region", ["DE", "AT"])
def test_every_number_that_a_field_holds_is_found_and_goes(
    tmp_path: Path, name: str, region: str
) -> None:
    """Law 10: each line of each file that names a number is found for it, and covered."""
    texts = places()[name]
    expected: dict[str, set[tuple[int, int]]] = {}
    for file, raw in enumerate(texts):
        (tmp_path / f"{file:03}.txt").write_bytes(raw)
        for who, lines in named(raw, region).items():
            expected.setdefault(who, set()).update((file, line) for line in lines)
    assert expected
    people = [Identifier("phone", each) for each in sorted(expected)]
    logs = store(tmp_path, region)
    reading = list(logs.find(people))
    assert not [each for each in reading if isinstance(each, Unread)]
    seen: dict[str, set[tuple[int, int]]] = {}
    for each in reading:
        assert isinstance(each, Found)
        file = int(str(each.record.data["file"])[:3])
        offset = int(each.record.key.split(":")[2])
        for about in each.about:
            start = offset + int(about.partition("[")[2].partition(":")[0])
            line = texts[file].count(b"\n", 0, start)
            seen.setdefault(each.who.value, set()).add((file, line))
    missed = {who: lines - seen.get(who, set()) for who, lines in expected.items()}
    assert {who: lines for who, lines in missed.items() if lines} == {}
    fields: dict[str, frozenset[str]] = {}
    for each in reading:
        assert isinstance(each, Found)
        fields[each.record.key] = fields.get(each.record.key, frozenset()) | each.about
    logs.redact(fields)
    assert [each for each in logs.find(people) if isinstance(each, Found)] == []
    after = [path.read_bytes() for path in sorted(tmp_path.iterdir())]
    assert list(map(len, after)) == list(map(len, texts))
    assert not any(named(raw, region) for raw in after)
