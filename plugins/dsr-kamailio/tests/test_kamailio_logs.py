"""Accounting lines as a running Kamailio writes them, through the preset."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsr.connectors.logs import Logs
from dsr.model import Found, Identifier
from dsr.settings import Context
from dsr.testing import ConnectorSuite, Harness
from dsr_kamailio.logs import from_config

ACC = (
    " 1(10960) NOTICE: acc [acc.c:287]: acc_log_request(): ACC: transaction answered:"
    " timestamp=1795484493;method={};from_tag=a1;to_tag=b1;call_id={};code=200;reason=OK;"
    "src_user={};src_domain=sip.example.org;src_ip={};dst_ouser={};dst_user={};dst_domain={}\n"
)
CDR = (
    " 1(10960) NOTICE: acc [acc_cdr.c:395]: log_write_cdr(): start_time=1795484493.738;"
    " end_time=1795484493.742; duration=0.004; src_user={}; src_domain=sip.example.org;"
    " dst_user={}; dst_domain=sip.example.org; callid={}\n"
)
#: Alice's alone, shared either way, and Bob's.
LINES = (
    ACC.format("INVITE", "c1", "+4930901820", "192.0.2.2", "nobody", "", "sip.example.org"),
    CDR.format("4930901820", "030901820", "c1"),
    ACC.format("BYE", "c2", "+4930901820", "192.0.2.2", "0309018200", "0309018200", "192.0.2.3"),
    CDR.format("+49309018200", "004930901820", "c3"),
    ACC.format("INVITE", "c4", "0309018200", "192.0.2.3", "nobody", "", "sip.example.org"),
)


class LinesHarness(Harness):
    """A log with those lines."""

    entry = "kamailio-logs"
    verbs = frozenset({"redact", "check", "split"})
    subject = Identifier("phone", "+4930901820")
    bystander = Identifier("phone", "+49309018200")

    def __init__(self, folder: Path) -> None:
        """Begin with an empty log."""
        self.folder = folder
        self.log = folder / "kamailio.log"
        self.log.touch()
        self.connector = preset(folder)

    def seed(self) -> int:
        self.log.write_text("".join(LINES))
        return 4

    def count(self) -> int:
        lines = self.log.read_text().splitlines()
        return sum("901820;" in line or "192.0.2.2;" in line for line in lines)

    def others(self) -> bytes:
        text = self.log.read_text()
        for mine in ("+4930901820", "004930901820", "4930901820", "030901820", "192.0.2.2"):
            for end in (";", "\n"):
                hidden = "".join("x" if each.isalnum() else each for each in mine)
                text = text.replace(f"={mine}{end}", f"=~{end}").replace(
                    f"={hidden}{end}", f"=~{end}"
                )
        return text.encode()

    def unreachable(self) -> Logs:
        return preset(self.folder / "nowhere")


def preset(folder: Path, **more: object) -> Logs:
    table = {"path": str(folder), "timezone": "UTC", **more}
    return from_config("log", table, Context("DE", folder))


class TestLines(ConnectorSuite):
    """Law by law."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> LinesHarness:
        return LinesHarness(tmp_path)


def test_each_side_takes_its_own(tmp_path: Path) -> None:
    """The address of a telephone goes with its side, and the call id is a link."""
    (tmp_path / "kamailio.log").write_text("".join(LINES))
    told = {
        each.record.data["line"]: each
        for each in preset(tmp_path).find([LinesHarness.subject])
        if isinstance(each, Found)
    }
    for number, values in (
        (0, {"+4930901820", "192.0.2.2"}),
        (1, {"4930901820", "030901820"}),
        (2, {"+4930901820", "192.0.2.2"}),
        (3, {"004930901820"}),
    ):
        found = told[LINES[number].rstrip("\n")]
        assert {texts(found, name) for name in found.about} == values
        assert found.record.links == (Identifier("call", f"c{number or 1}"),) or number == 1


def texts(found: Found, name: str) -> str:
    start, _, end = name.removeprefix("line[").rstrip("]").partition(":")
    return str(found.record.data["line"])[int(start) : int(end)]


def test_own_expressions_come_to_those_of_the_plugin(tmp_path: Path) -> None:
    """What the routing script writes is the operator's to describe; the rest stays."""
    script = 'call from sip:alice@sip.example.org (name="Alice A.")\n'
    (tmp_path / "kamailio.log").write_text(script + LINES[3])
    side = r'call from sips?:(?P<sip>\S+) \(name="(?P<name>[^"]*)"\)'
    store = preset(tmp_path, sides=[side])
    (own,) = [
        e for e in store.find([Identifier("sip", "alice@sip.example.org")]) if isinstance(e, Found)
    ]
    assert {texts(own, name) for name in own.about} == {"alice@sip.example.org", "Alice A."}
    assert len(list(store.find([LinesHarness.bystander]))) == 1


def test_a_namesake_at_another_domain_is_not_covered(tmp_path: Path) -> None:
    """`src_domain` tells whose user it is."""
    line = ACC.format("INVITE", "c1", "alice", "192.0.2.2", "bob", "bob", "192.0.2.3")
    (tmp_path / "kamailio.log").write_text(line)
    store = preset(tmp_path)
    assert len(list(store.find([Identifier("sip", "alice@sip.example.org")]))) == 1
    assert list(store.find([Identifier("sip", "alice@sip.example.net")])) == []
