"""Law 10: every spelling is found, with its borders, and no neighbour."""

from __future__ import annotations

import datetime as dt
import os
import pickle
import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr.match import Match, Matcher
from dsr.match.sieve import FEW
from dsr.model import Identifier, Kind
from dsr.phone import spellings

CORPUS = Path(os.environ.get("DSR_CORPUS", Path(__file__).parents[2] / "shared" / "corpus"))

#: (number, home region): from the plans' own example or fiction ranges; national ones and foreign.
NUMBERS = (
    ("+4930901820", "DE"),
    ("+493023125001", "DE"),  # Bundesnetzagentur: fiction
    ("+4915228817386", "DE"),
    ("+33142685300", "DE"),
    ("+33199001234", "FR"),
    ("+442079460123", "GB"),
    ("+12025550123", "US"),
    ("+12025550123", "DE"),
    ("+390612345678", "IT"),
    ("+34910123456", "ES"),
    ("+420212345678", "CZ"),
    ("+43720123456", "AT"),
    ("+85221234567", "HK"),
)
#: Text before and behind a number that says nothing about its digits.
CONTEXTS = (
    ("", ""),
    ("sip:", "@198.51.100.7:5060;transport=udp"),
    ("tel:", ";ext=12"),
    ("<", ">"),
    ('"Eva Müller" <', ">"),
    ("<sip:", "@example.org>;tag=a73kszlfl"),
    ("SIP/", "@trunk-0000001a,30,tT"),
    ("PJSIP/", "-0000001a"),
    ("src_user=", ";src_domain=127.0.0.1;"),
    ('AccountID="', '",SessionID="0x7f8ecc0421f8"'),
    ('{"caller": "', '", "duration": 12}'),
    ('"answered",', ",2026-01-02 03:04:05,12"),
    ("2026-01-02 03:04:05 [", "] left"),
    ("'", "'"),
    ("dialled ", "\nnext line"),
    ("caller%3C", "%3E"),
)
REGIONS = sorted({region for _, region in NUMBERS})


def both(who: list[Identifier], region: str, raw: bytes) -> list[Match]:
    """Scan with every engine: they must agree."""
    fast = list(Matcher(who, region, engine="hyperscan").scan(memoryview(raw)))
    assert fast == list(Matcher(who, region, engine="standard").scan(raw))
    return fast


def found(who: list[Identifier], region: str, text: str) -> list[str]:
    raw = text.encode()
    return [raw[start:end].decode() for start, end, _ in both(who, region, raw)]


def phone(number: str) -> Identifier:
    return Identifier("phone", number)


@st.composite
def spelled(draw: st.DrawFn, number: str, region: str) -> str:
    """One spelling of the number, with separators at random places inside."""
    digits = draw(st.sampled_from(spellings(number, region)))
    separators = st.sampled_from(["", "", "", " ", "-", ".", "/", " (", ") ", " - "])
    text = digits[0]
    for last, digit in pairwise(digits):
        text += digit if "+" in (last, digit) else draw(separators) + digit
    return text.replace("+", draw(st.sampled_from(["+", "+", "%2B", "%2b"])))


def is_something_else(text: str) -> bool:
    """Whether digits and separators happened to spell a date or an IP address."""
    date = re.match(r"(19|20)\d\d[-/. ]?[01]\d[-/. ]?[0-3]\d|[0-3]\d[-/.][0-3]\d[-/.](19|20)", text)
    return bool(date) or bool(re.search(r"(?<!\d)\d{1,3}(\.\d{1,3}){3}(?!\d)", text))


@given(st.data())
def test_every_spelling_is_found_once_with_its_borders(data: st.DataObject) -> None:
    """Law 10: any spelling with any legal separators, in any context, is exactly one match."""
    number, region = data.draw(st.sampled_from(NUMBERS))
    text = data.draw(spelled(number, region))
    before, behind = data.draw(st.sampled_from(CONTEXTS))
    if is_something_else(text):
        return
    assert found([phone(number)], region, before + text + behind) == [text]


@given(st.data())
def test_no_neighbour_is_found(data: st.DataObject) -> None:
    """Law 10: one digit more, fewer or changed is another number, in any spelling."""
    number, region = data.draw(st.sampled_from(NUMBERS))
    head, plus, digits = data.draw(st.sampled_from(spellings(number, region))).rpartition("+")
    digit = data.draw(st.sampled_from("123456789"))
    place = data.draw(st.integers(1, len(digits) - 1))
    changed = digits[:place] + digit + digits[place + 1 :]
    other = data.draw(st.sampled_from([digits + digit, digit + digits, digits[:-1], changed]))
    text = head + plus + other
    before, behind = data.draw(st.sampled_from(CONTEXTS))
    if text in spellings(number, region) or "+" + other in spellings(number, region):
        return
    assert found([phone(number)], region, before + text + behind) == []


@pytest.mark.parametrize(
    "text",
    [
        "+43 30901820",
        "+43 (0)30 901820",
        "0043 30901820",
        "tel:+43-30-901820",
        "43 30901820",
        "+4330901820",
        "089 30901820",
        "tel:089/30901820",
        "timestamp=4930901820;method=INVITE",
        '"start_epoch": 30901820, "x": 1',
        "[4930901820.7] queue",
        "49.30.90.182:5060",
        "30901820-f307-4ab2-8b0e-73add47ab2a4",
        "99e5fa43-f307-4ab2-8b0e-004930901820",
        "10:53:14.030901820 took",
        "1.30901820",
        "x4930901820",
        "tag4930901820",
        "4930901820b3",
        "+30901820",
        "++30901820",
        "%2B30901820",
        "030 901820-12",
        '"Eva" <030 901820 12>',
        '"Eva" <030901820 12>',
        '"Eva" [030 901820 12]',
        "030 901820 12_20260301-101500.wav",
        "030-901820-12_20260301-101500.wav",
        "030\n901820",
        "030,901820",
    ],
)
def test_what_only_looks_like_the_number(text: str) -> None:
    """Law 10: other countries, areas, extensions, times, ids and addresses are not the number."""
    assert found([phone("+4930901820")], "DE", text) == []


@pytest.mark.parametrize(
    ("number", "region", "text"),
    [
        ("+4920130513", "DE", "2013-05-13 07:10:53"),
        ("+4920130513", "DE", "q-20130513-071053-1.wav"),
        ("+4913052013", "DE", "on 13.05.2013"),
        ("+12013051307", "US", "[2013-05-13 07:10:53] NOTICE"),
        ("+12025550123", "US", "202.55.50.123"),
        ("+491795357898", "DE", "uniqueid=1795357898.7"),
        ("+491795357898", "DE", "timestamp=1795357898"),
    ],
)
def test_times_and_addresses_are_no_numbers(number: str, region: str, text: str) -> None:
    """Law 10: a date, a Unix time or an IP address with the number's digits is no number."""
    assert found([phone(number)], region, text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+49 (0)30 901820", "+49 (0)30 901820"),
        ("+49 (0) 30 / 90 18 20", "+49 (0) 30 / 90 18 20"),
        ("(030) 901820", "030) 901820"),
        ("+49\u00a030\u00a0901820", "+49\u00a030\u00a0901820"),
        ("+49\u201130\u2011901820", "+49\u201130\u2011901820"),
        ("to extension '9011+4930901820' rejected", "9011+4930901820"),
        ("to extension '++4930901820' rejected", "++4930901820"),
        ("to extension '0+4930901820' rejected", "0+4930901820"),
        ("7+4930901820", "+4930901820"),
        ("10:00:00 030901820 rings", "030901820"),
        ("10:00:00,123 030901820 rings", "030901820"),
        ("10:00:00 4930901820 rings", "4930901820"),
        ("10:00:00 00 4930901820 rings", "00 4930901820"),
        ("10:00:00,000 4930901820 rings", "4930901820"),
        ("10:00:00.000 4930901820 rings", "4930901820"),
        ("at 10:00 4930901820 rings", "4930901820"),
        ("486 4930901820", "4930901820"),
        ("+49 30 901820 200 OK", "+49 30 901820"),
        ("out-030901820-1001-20260101-030405-1795357898.7.wav", "030901820"),
        ('{"recording":"out-030901820-1001"}', "030901820"),
        ("in-1001-4930901820-20260101-030405-1795357898.7.wav", "4930901820"),
        ("in-+33142685300-4930901820-20260101", "4930901820"),
        (r'"from":"\"Eva\" \u003c030901820\u003e"', "030901820"),
        (r'"\r\nFrom: \n030901820"', "030901820"),
        ("%22Eva%22%20%3C4930901820%3E", "4930901820"),
        ("030901820 ext. 12", "030901820"),
        ("030901820x12", "030901820"),
        ("/archive/030901820_1.wav", "030901820"),
        ("4930901820:5060", "4930901820"),
        (r'"from":"\u002b4930901820"', r"\u002b4930901820"),
        ("to=%252B4930901820&x", "%252B4930901820"),
        ("GET /p?to=%2B49%2030%20901820 HTTP/1.1", "%2B49%2030%20901820"),
        ("GET /p?to=%28030%29%20901820&x", "030%29%20901820"),
        (r'"+49\u00a030\u2011901820"', r"+49\u00a030\u2011901820"),
        ("callers=%5B4930901820%5D%204930901829", "4930901820"),
        ("%2030901820 left", "30901820"),
        ("SIP/2.0#015#0124930901820#012", "4930901820"),
    ],
)
def test_spellings_of_the_wild(text: str, expected: str) -> None:
    """Law 10: what exchanges, word processors, URLs and JSON make of a number is still it."""
    assert found([phone("+4930901820")], "DE", text) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("src_user=alice;src_domain=h", "alice"),
        ('user="alice"', "alice"),
        ('{"username":"Alice","x":1}', "Alice"),
        ("PJSIP/alice-0000001a", "alice"),
        ('"Alice" <alice>', "alice"),
        ("Contact alice/sip:x7f@192.0.2.7:5060 is now Reachable", "alice"),
        ("VoiceMail(alice@default,u)", "alice"),
        ("SIP/alice@trunk", "alice"),
        ("Local/alice@from-internal-00000001;1", "alice"),
        ("Can't find user [alice@198.51.100.7] from 192.0.2.1", "alice"),
        ("for [alice@198.51.100.7] from ip", "alice"),
        ("for [alice@::1] from ip", "alice"),
        ("for [alice@2001:db8::8:800:200c:417a] from ip", "alice"),
        ("for [alice@::ffff:192.0.2.1] from ip", "alice"),
        ('AccountID="alice",SessionID="x"', "alice"),
        ("<sip:alice@127.0.0.1:5060>", "alice"),
        ("<sip:alice@example.org:5060>;tag=1", "alice@example.org"),
        ("sip%3Aalice%40example.org%3A5060", "alice%40example.org"),
        ("Alice@Example.org.", "Alice@Example.org"),
        ("failed to authenticate as 'alice'", "alice"),
    ],
)
def test_sip_users(text: str, expected: str) -> None:
    """A SIP address is found with its host, and without one where the text says it is a user."""
    assert found([Identifier("sip", "alice@example.org")], "DE", text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "sip:malice@127.0.0.1",
        "sip:alice.b@127.0.0.1",
        "sip:alice-b@127.0.0.1",
        "sip:b.alice@127.0.0.1",
        "src_user=alice2;",
        "user=alice+1",
        "alice was here",
        '"alice" <malice>',
        '"alice at home" <bob>',
        "alice2@default",
        "b-alice@default",
        "sip:alice@example.com",
        "[alice@example.com]",
        "for [malice@::1] from ip",
        "for [alice-2@2001:db8::1] from ip",
        "sip:alice@example.org.evil.test",
        "m.alice@example.org",
    ],
)
def test_other_sip_users(text: str) -> None:
    """Other users, other domains' users of the same name, and mere words are not the person."""
    assert found([Identifier("sip", "alice@example.org")], "DE", text) == []


@pytest.mark.parametrize(
    ("kind", "value", "text", "expected"),
    [
        ("sip", "alice", "[alice@example.com] sip:alice@h", ["alice", "alice"]),
        ("sip", "alice", "alice", []),
        ("email", "a.b@x.de", "<A.B@x.de>, c.a.b@x.de, a.b@x.de.org, a.b%40x.de.", 2),
        ("ip", "1.2.3.4", "u@1.2.3.4:5060 IPV4/UDP/1.2.3.4/5 (1.2.3.4).", 3),
        ("ip", "1.2.3.4", "11.2.3.4 1.2.3.45 1.2.3.4.5 0.1.2.3.4 v1.2.3.4", []),
        ("ip", "2001:db8::1", "[2001:DB8::1]:5060 2001:0db8:0:0:0:0:0:1x", ["2001:DB8::1"]),
        ("ip", "2001:db8::1", "2001:db8:0:0:0:0:0:1 from:2001:db8::1: x", 2),
        ("ip", "2001:db8::1", "2001:db8::1:2 2001:db8::12 f:2001:db8::1", []),
        ("call", "1795357898.7", "x-1795357898.7.wav uniqueid=1795357898.7;", 2),
        ("call", "1795357898.7", "1795357898.71 11795357898.7 1795357898.7.1", []),
        ("call", "1-267@h", "{1 1 INVITE 1-267@h} call_id=1-267@h;", 2),
        ("call", "1-267@h", "1-1-267@h 1-267@h2 11-267@h 1-267@h-1", []),
        ("account", "ACC-17", "account acc-17, ACC-171 XACC-17 1-ACC-17 ACC-17-2", ["acc-17"]),
        ("account", "Öz 5", "of Öz 5.", ["Öz 5"]),
        ("account", "é", "of é.", ["é"]),
    ],
)
def test_other_kinds(kind: Kind, value: str, text: str, expected: list[str] | int) -> None:
    """Each kind has its own borders."""
    matches = found([Identifier(kind, value)], "DE", text)
    assert (len(matches) if isinstance(expected, int) else matches) == expected


@given(st.data())
def test_engines_agree_on_any_text(data: st.DataObject) -> None:
    """Law 10: whichever engine is installed, and however many are asked for, the same is found."""
    number, region = data.draw(st.sampled_from(NUMBERS))
    piece = st.one_of(
        spelled(number, region),
        st.sampled_from(
            ["\n", "%20", "%2B", "\\u002b", "1", "+", " ", "\xa0", "é", "x", "00", "-"]
        ),
        st.text(alphabet="0123456789 +-().%u\n", max_size=8),
    )
    raw = "".join(data.draw(st.lists(piece, max_size=8))).encode()
    size = data.draw(st.sampled_from([0, 20, 150]))
    alone = both([phone(number)], region, raw)
    crowd = both([*_crowd("phone", size), phone(number)], region, raw)
    assert [match for match in crowd if match.who.value == number] == alone


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("src_user=1001;src_ip=192.0.2.1;src_domain=a.example;dst_user=1002", 1),
        ("src_user=1001;src_domain=b.example", 0),
        ("src_user=1001;src_domain=a.example;dst_user=1001;dst_domain=b.example", 1),
        ("dst_user=1001;src_domain=b.example", 1),
        ("src_user=1001;src_domain=192.0.2.7", 1),
        ('{"from_user":"1001","from_domain":"b.example"}', 0),
        ('{"user": "1001", "realm": "a.example"}', 1),
        ('username="1001", realm="b.example"', 0),
    ],
)
def test_a_domain_in_another_field(text: str, expected: int) -> None:
    """Law 7: a user of the same name in another domain is somebody else."""
    assert found([Identifier("sip", "1001@a.example")], "DE", text) == ["1001"] * expected
    assert found([Identifier("sip", "1001")], "DE", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from [2001:db8:0:0:8:800:200C:417A]:5060", "2001:db8:0:0:8:800:200C:417A"),
        ("2001:0db8::0008:0800:200c:417a.", "2001:0db8::0008:0800:200c:417a"),
        ("2001:db8:0000::8:800:200c:417a", "2001:db8:0000::8:800:200c:417a"),
        ("IPV6/UDP/2001:db8::8:800:200c:417a/5060", "2001:db8::8:800:200c:417a"),
        ("2001:db8::8:800:200c:417a%eth0", "2001:db8::8:800:200c:417a"),
        ("ip=2001%3Adb8%3A%3A8%3A800%3A200C%3A417A&", "2001%3Adb8%3A%3A8%3A800%3A200C%3A417A"),
        ("2001:db8:0:0:8:800:200c:417a:5060", "2001:db8:0:0:8:800:200c:417a"),
        ("2001:db8::8:800:200c:417b", ""),
        ("2001:db8::1:8:800:200c:417a", ""),
        ("x2001:db8::8:800:200c:417a", ""),
        ("12001:db8::8:800:200c:417a", ""),
    ],
)
def test_spellings_of_ipv6(text: str, expected: str) -> None:
    """RFC 4291 section 2.2: one address, many texts; another address, however alike, is not it."""
    who = Identifier("ip", "2001:db8::8:800:200c:417a")
    assert found([who], "DE", text) == [expected] * bool(expected)


def _crowd(kind: Kind, number: int) -> list[Identifier]:
    value = {"phone": "+4989{:07}", "email": "p{:07}@example.org", "ip": "10.9.{}.77"}
    return [Identifier(kind, value[kind].format(each)) for each in range(number)]


@pytest.mark.parametrize(
    ("who", "text"),
    [
        (phone("+4930901820"), "a 030/90 18 20 b\n4930901821\n\nsip:+4930901820@h\nx"),
        (Identifier("email", "eva@x.de"), "a Eva@x.de\nmeva@x.de\n\n%3Ceva%40x.de%3E\nx"),
        (Identifier("ip", "10.10.1.7"), "a 10.10.1.7\n110.10.1.7\n\n10.10.1.7:5060\nx"),
    ],
)
def test_a_crowd_changes_nothing(who: Identifier, text: str) -> None:
    """Law 6: with many others, by whichever engine, a person's matches are the same."""
    raw = text.encode()
    alone = both([who], "DE", raw)
    assert len(alone) == 2
    for number in (FEW - 1, FEW, FEW + 1, 200):
        assert both([*_crowd(who.kind, number), who], "DE", raw) == alone


def test_two_holders_of_one_number_are_both_told() -> None:
    """A number that was handed on belongs to two identifiers: each is told of every match."""
    handed_on = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    first = Identifier("phone", "+4930901820", until=handed_on)
    second = Identifier("phone", "+4930901820", since=handed_on)
    matches = list(Matcher([first, second], "DE").scan(b"030901820"))
    assert matches == [Match(0, 9, first), Match(0, 9, second)]
    other = Identifier("sip", "4930901820@h")
    who = {match.who for match in Matcher([first, other], "DE").scan(b"sip:4930901820@h")}
    assert who == {first, other}


def test_matches_asks_the_same_question() -> None:
    """A column or a file name is judged like a log line; bytes that are no text do not matter."""
    who = phone("+4930901820")
    assert Matcher([who], "DE").matches("PJSIP/4930901820-0000001a") == {who}
    assert Matcher([who], "DE").matches("\udcff 49309018201") == frozenset()
    assert Matcher([], "DE").matches("4930901820") == frozenset()


def test_nobody_shows_in_its_repr_and_it_can_be_sent() -> None:
    """Law 8; and a worker in another process can use it."""
    matcher = Matcher([phone("+4930901820"), Identifier("email", "eva@example.org")], "DE")
    assert "901820" not in repr(matcher)
    assert "eva" not in repr(matcher)
    copy = pickle.loads(pickle.dumps(matcher))  # noqa: S301  (our own bytes)
    assert len(list(copy.scan(b"030901820 eva@example.org"))) == 2


LOGS = "logs/fail2ban/fail2ban/tests/files/logs"
SIP = "sip/sipwise/tests/fixtures"
#: (file or folder, home region, number, how it is dialled there); read in the files, not by us.
DIRTY = [
    (f"{LOGS}/asterisk", "DE", "+442037690237", r"9011\+442037690237"),
    (f"{LOGS}/asterisk", "DE", "+972599580679", "00972599580679"),
    (f"{LOGS}/asterisk", "DE", "+972592891005", "972592891005"),
    (f"{LOGS}/asterisk", "DE", "+441772285411", r"\+\+441772285411"),
    (f"{LOGS}/asterisk", "GB", "+441772285407", r"0\+441772285407"),
    (f"{LOGS}/freeswitch", "DE", "+448708752617", "011448708752617"),
    (f"{LOGS}/freeswitch", "DE", "+972543480510", "000972543480510"),
    (SIP, "AT", "+4321001", r"(?<!\d)(?:00|\+)?4321001(?!\d)"),
    (SIP, "AT", "+4311001", r"(?<!\d)(?:00|\+)?4311001(?!\d)"),
    (SIP, "AT", "+4311013", r"(?<!\d)(?:00|\+)?4311013(?!\d)"),
    (SIP, "AT", "+43110001003", r"(?<!\d)(?:00|\+)?43110001003(?!\d)"),
]


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the harness has no corpus of others' logs")
@pytest.mark.parametrize(("place", "region", "number", "dialled"), DIRTY)
def test_logs_that_others_wrote(place: str, region: str, number: str, dialled: str) -> None:
    """Law 10: as many matches as a plain search for the spelling that the file has."""
    root = CORPUS / place
    files = sorted(root.rglob("*.msg")) if root.is_dir() else [root]
    matcher = Matcher([phone(number)], region)
    seen = expected = 0
    for raw in map(Path.read_bytes, files):
        seen += len(list(matcher.scan(raw)))
        expected += len(re.findall(dialled.encode(), raw))
    assert seen == expected > 0
