"""Logs and SIP messages that others wrote: every number in them that is somebody's is found.

What is expected was read in the files by hand, or counted there with grep: nothing of dsr took
part in it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
from attrs import frozen

from dsr.connectors.logs import Logs, from_config
from dsr.model import Found, Identifier, Unread
from dsr.phone import dialling
from dsr.settings import Context

CORPUS = Path(os.environ.get("DSR_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"))


@frozen
class Counted:
    """Files of the corpus, and which of their lines name which number, as read there from `home`.

    `numbers`: number -> file -> its lines (counted from 1), or how many there are.
    """

    folder: str
    files: str
    home: str
    numbers: Mapping[str, Mapping[str, set[int] | int]]


#: What the scanners in fail2ban's samples dialled before the country code, besides 0, 00, 9011.
PREFIXES: Final = ("0", "001", "500", "9810", "418011")

FAIL2BAN: Final = Counted(
    "logs/fail2ban/fail2ban/tests/files/logs",
    "*",
    dialling("FR", PREFIXES),
    {
        "+972598285108": {"asterisk": {21}},  # 0972598285108
        "+442037690237": {"asterisk": {23}},  # 9011+442037690237
        "+447441452805": {"asterisk": {25}},  # 001447441452805
        "+972599580679": {"asterisk": {29}},  # 00972599580679
        "+972592891005": {"asterisk": {36}},  # 972592891005
        "+441772285411": {"asterisk": {74}},  # ++441772285411
        "+441772285407": {"asterisk": {76}},  # 0+441772285407
        "+48943556071": {"asterisk": {116}},  # 50048943556071
        "+448708752617": {"freeswitch": {4}},  # 011448708752617
        "+972543480510": {"freeswitch": {9}},  # 000972543480510
        "+972597751739": {"freeswitch": {21}},  # 9810972597751739
        "+48436701961": {"freeswitch": {26}},  # 41801148436701961
    },
)
#: The same in Germany, whose plan has numbers that begin with 0972: that one is not Israel's.
IN_GERMANY: Final = Counted(
    FAIL2BAN.folder,
    FAIL2BAN.files,
    dialling("DE", PREFIXES),
    {
        **{
            number: lines for number, lines in FAIL2BAN.numbers.items() if "598285108" not in number
        },
        "+972598285108": {},
        "+49972598285108": {"asterisk": {21}},
    },
)
#: grep -cE '(^|[^0-9])(\+49|0049|49|0)30901820([^0-9]|$)', and so on.
KAMAILIO: Final = Counted(
    "generated-here",
    "*.log",
    "DE",
    {
        "+4930901820": {"kamailio-5.6.3-generated.log": 1600},
        "+33142685300": {"kamailio-5.6.3-generated.log": 1000},
    },
)
KAMAILIO_ABROAD: Final = Counted(
    "generated-here",
    "*.log",
    "FR",
    {
        "+4930901820": {"kamailio-5.6.3-generated.log": 1400},  # 030… is nobody's in France
        "+33142685300": {"kamailio-5.6.3-generated.log": 1300},  # and 01 42… somebody's
    },
)
#: grep -rcE '(^|[^0-9])(00|\+)?4311001([^0-9]|$)', and so on.
SIPWISE: Final = Counted(
    "sip/sipwise/tests/fixtures",
    "*/*.msg",
    "AT",
    {
        "+4311001": {
            "incoming_foreign_dom/sipp_scenario00.msg": 9,
            "incoming_hih/sipp_scenario00.msg": 9,
            "incoming_hih/sipp_scenario_responder01.msg": 1,
        },
        "+4321001": {
            "incoming_hih/sipp_scenario00.msg": 10,
            "incoming_hih/sipp_scenario_responder01.msg": 8,
            "incoming_peer/sipp_scenario00.msg": 10,
            "incoming_peer/sipp_scenario_responder00.msg": 8,
        },
        "+4311013": {
            "invite_alias_devid/sipp_scenario02.msg": 14,
            "invite_alias_devid/sipp_scenario_responder02.msg": 7,
        },
        "+43110001003": {
            "incoming_shared_line/sipp_scenario_responder02.msg": 7,
            "incoming_shared_line/sipp_scenario_responder03.msg": 8,
        },
        "+4311015": {"invite_alias_devid/sipp_scenario01.msg": 14},
        "+4311010": {"invite_alias_devid/sipp_scenario_responder02.msg": 8},
        "+4311000": {
            "incoming_hih/sipp_scenario_responder01.msg": 1,
            "incoming_peer/sipp_scenario00.msg": 8,
        },
        "+4318881003": {"incoming_peer/sipp_scenario_responder00.msg": 7},
        "+4313012026": {
            "incoming_hih/sipp_scenario00.msg": 1,
            "incoming_hih/sipp_scenario_responder01.msg": 1,
        },
    },
)
#: Where the corpus is absent, lines like its own.
OWN_TEXT: Final = (
    '[2013-05-13 07:10:53] SECURITY[1] SecurityEvent="x",AccountID="00972595225770"\n'
    "[2013-05-13 07:10:54] NOTICE[1] extension '9011+442037690237' rejected\n"
    "2023-03-06 15:11:14.385000 96% [WARNING] user [011448708752617@1.2.3.4] from 1.2.3.4\n"
    "2023-03-06 15:11:14.385000 96% [WARNING] user [9810972597751739@::1] from 1.2.3.4\n"
    "INVITE sip:+4321001@h SIP/2.0\r\nFrom: <sip:4311001@h>\r\n\r\n"
)
OWN: Final = Counted(
    "",
    "own",
    dialling("AT", PREFIXES),
    {
        "+972595225770": {"own": {1}},
        "+442037690237": {"own": {2}},
        "+448708752617": {"own": {3}},
        "+972597751739": {"own": {4}},
        "+4321001": {"own": {5}},
        "+4311001": {"own": {6}},
    },
)
OTHERS: Final = (FAIL2BAN, IN_GERMANY, KAMAILIO, KAMAILIO_ABROAD, SIPWISE)
ALL: Final = (OWN, *(OTHERS if CORPUS.is_dir() else ()))


def store(folder: Path, counted: Counted) -> Logs:
    table = {"path": str(folder), "category": "logs", "timezone": "UTC", "files": [counted.files]}
    return from_config("logs", table, Context(counted.home, folder))


def copied(counted: Counted, folder: Path) -> dict[str, bytes]:
    """Copy the files, and return what they hold."""
    files = {"own": OWN_TEXT.encode()}
    if counted.folder:
        root = CORPUS / counted.folder
        found = [path for path in sorted(root.glob(counted.files)) if path.is_file()]
        files = {str(path.relative_to(root)): path.read_bytes() for path in found}
    for name, raw in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(raw)
    return files


@pytest.mark.parametrize("counted", ALL, ids=lambda each: f"{each.folder}-{each.home}")
def test_every_number_is_found_in_its_lines_and_goes(tmp_path: Path, counted: Counted) -> None:
    """Law 10: the lines of each number are those that a reader counts, and then name nobody."""
    files = copied(counted, tmp_path)
    people = [Identifier("phone", each) for each in counted.numbers]
    logs = store(tmp_path, counted)
    reading = list(logs.find(people))
    assert not [each for each in reading if isinstance(each, Unread)]
    seen: dict[str, dict[str, set[int]]] = {each: {} for each in counted.numbers}
    fields: dict[str, frozenset[str]] = {}
    for each in reading:
        assert isinstance(each, Found)
        name = str(each.record.data["file"])
        offset = int(each.record.key.split(":")[2])
        fields[each.record.key] = fields.get(each.record.key, frozenset()) | each.about
        for about in each.about:
            start = offset + int(about.partition("[")[2].partition(":")[0])
            line = files[name].count(b"\n", 0, start) + 1
            seen[each.who.value].setdefault(name, set()).add(line)
    for number, expected in counted.numbers.items():
        found = {
            name: len(lines) if isinstance(expected.get(name), int) else lines
            for name, lines in seen[number].items()
        }
        assert found == expected, number

    logs.redact(fields)
    assert [each for each in logs.find(people) if isinstance(each, Found)] == []
    after = {name: (tmp_path / name).read_bytes() for name in files}
    assert {name: len(raw) for name, raw in after.items()} == {
        name: len(raw) for name, raw in files.items()
    }
    for number, expected in counted.numbers.items():
        digits = re.compile(rb"%s(?!\d)" % number[1:].encode())
        assert not expected or not any(digits.search(raw) for raw in after.values()), number
