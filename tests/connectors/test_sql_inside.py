"""Columns that name several people, and numbers wrapped, split or mixed with other text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Self

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr.connectors.sql.inside import _strangers
from dsr.errors import ConfigurationError
from dsr.model import Found, Identifier
from dsr.phone import spellings
from tests.connectors.sql_stores import ALICE, BOB, database, fill, find, raw, rows_of, store, url

__all__ = ["url"]

EVENTS: Final = sa.Table(
    "cel",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    *(sa.Column(each, sa.String(200)) for each in ("cid_num", "appdata", "peer")),
)
MAPPED: Final[dict[str, Any]] = {
    "category": "events",
    "sides": [
        {"phone": "cid_num", "about": ["cid_num"]},
        {"phone": "appdata", "match": "contains", "part": True},
        {"sip": "peer", "match": "contains", "part": True},
    ],
}
#: How Asterisk, FreeSWITCH and people wrap a number.
WRAPPERS: Final = (
    "{}",
    '"Alice 2nd" <{}>',
    '"{}" <anonymous>',
    "SIP/{}@trunk-0000001a",
    "PJSIP/{}@trunk,30,tT",
    "PJSIP/{}-0000001a",
    "Local/{}@from-internal-0000;2",
    "SIP/101&SIP/{}@trunk&PJSIP/102,20,r",
    "101,{},102",
    "sofia/gateway/trunk/{}",
    "sip:{}@sbc.example.org:5060;user=phone",
    "tel:{};ext=12",
    "[{}]",
    "to={}; from=101",
)


class TestWrapped:
    """Law 10 on one table for all examples."""

    @pytest.fixture(scope="class", params=["sqlite", "postgresql", "mariadb"])
    @classmethod
    def url(
        cls, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[str]:
        with database(request.param, tmp_path_factory.mktemp("wrapped")) as url:
            fill(url, EVENTS, [])
            yield url

    @settings(max_examples=20)  # of some 500 texts each
    @given(data=st.data())
    def test_every_spelling_in_every_wrapper(self, url: str, data: st.DataObject) -> None:
        """100 % recall, no bystander, and the piece is the number and nothing else."""
        number = data.draw(st.integers(10**6, 10**8 - 1).map(lambda each: f"+4930{each}"))
        who = Identifier("phone", number)
        every = [*spellings(number, "DE")]
        every += [each.replace("+", "%2B") for each in every if "+" in each]
        digit = data.draw(st.sampled_from("0123456789"))
        texts = [(each, wrapper.format(each)) for each in every for wrapper in WRAPPERS]
        near = [wrapper.format(each + digit) for each in every for wrapper in WRAPPERS]
        near += [wrapper.format(each[:-1]) for each in every for wrapper in WRAPPERS]
        near = [each for each in near if each not in {text for _, text in texts}]
        rows = [{"id": n, "appdata": text} for n, (_, text) in enumerate(texts)]
        rows += [{"id": 10_000 + n, "appdata": text} for n, text in enumerate(near)]
        with raw(url) as connection:
            connection.execute(sa.delete(EVENTS))
            connection.execute(EVENTS.insert(), rows)
        founds = {_id(each): each for each in find(store(url, MAPPED, "cel"), who)}
        assert sorted(founds) == list(range(len(texts)))
        for place, (spelled, text) in enumerate(texts):
            (name,) = founds[place].about
            start = text.index(spelled)
            assert name == f"appdata[{start}:{start + len(spelled)}]"


def test_only_the_piece_is_covered(url: str) -> None:
    """Law 7: the other party's piece survives, byte for byte; offsets count characters."""
    text = "Ä€😀 SIP/+4930901820@trunk&PJSIP/+49309018200@trunk,30,tT 030 901820"
    fill(url, EVENTS, [{"id": 1, "cid_num": BOB.value, "appdata": text}])
    connector = store(url, MAPPED, "cel")
    alice, bob = find(connector, ALICE, BOB)
    assert alice.about == {"appdata[8:19]", "appdata[57:67]"}
    assert bob.about == {"cid_num", "appdata[32:44]"}
    for _ in range(2):
        connector.redact({alice.record.key: alice.about})
        (row,) = rows_of(url, EVENTS)
        covered = text.replace("+4930901820@", "*" * 11 + "@").replace("030 901820", "*" * 10)
        assert row == {"id": 1, "cid_num": BOB.value, "appdata": covered, "peer": None}
    assert find(connector, ALICE) == []
    (again,) = find(connector, BOB)
    assert again.about == again.record.personal == bob.about


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("PJSIP/+4930901820@trunk-0000001a,30,tT", False),
        ("Local/030901820@from-internal-0000001a;2", False),
        ("PJSIP/+4930901820@trunk&PJSIP/+49309018200@trunk,30,tT", True),
        ("PJSIP/+4930901820@trunk&PJSIP/101,30,tT", True),
        ("PJSIP/+4930901820@trunk&PJSIP/bob-0000001b,30,tT", True),
        ('"Bob" <+4930901820>', True),
    ],
)
def test_who_else_is_in_a_text_keeps_the_row(url: str, text: str, others: bool) -> None:
    """Law 7: a row is the subject's alone only if nothing in it may speak of somebody else."""
    fill(url, EVENTS, [{"id": 1, "appdata": text}])
    (alice,) = find(store(url, MAPPED, "cel"), ALICE)
    assert bool(alice.record.personal - alice.about) is others


def test_what_is_covered_speaks_of_nobody() -> None:
    """A covered piece is not taken for somebody else's."""
    assert list(_strangers("a", '"*****" <***********> PJSIP/*****@*****', ())) == []


def test_pieces_of_several_kinds(url: str) -> None:
    """A SIP user is covered as a number is; a batch covers each person's pieces only."""
    rows: list[dict[str, object]] = [
        {"id": 1, "appdata": "SIP/+4930901820&SIP/+49309018200", "peer": "PJSIP/alice-0000001a"},
        {"id": 2, "appdata": "SIP/+4930901820&SIP/+49309018200", "peer": "PJSIP/alice2-0000001a"},
    ]
    fill(url, EVENTS, rows)
    connector = store(url, MAPPED, "cel")
    sip = Identifier("sip", "alice@example.org")
    fields: dict[str, frozenset[str]] = {}
    for each in find(connector, sip, BOB):  # the same text, and other pieces of it in each row
        if each.who == sip or each.record.data["id"] == 2:
            fields[each.record.key] = fields.get(each.record.key, frozenset()) | each.about
    connector.redact(fields)
    assert rows_of(url, EVENTS) == [
        rows[0] | {"cid_num": None, "peer": "PJSIP/*****-0000001a"},
        rows[1] | {"cid_num": None, "appdata": f"SIP/+4930901820&SIP/{'*' * 12}"},
    ]


def test_ten_thousand_pieces_take_few_statements(url: str) -> None:
    """Issue 3: at most 50 statements for 10,000 rows, each with its piece at another place."""
    rows: list[dict[str, object]] = [
        {"id": n, "cid_num": f"+49306{n:06}", "appdata": f"{'x' * (n % 90)} SIP/030901820,{n}"}
        for n in range(10_000)
    ]
    fill(url, EVENTS, rows)
    connector = store(url, MAPPED, "cel")
    founds = find(connector, ALICE)
    assert len(founds) == 10_000
    with Counted("cel") as changes:
        for first in range(0, 10_000, 5_000):  # as the engine calls it
            connector.redact(
                {each.record.key: each.about for each in founds[first : first + 5_000]}
            )
    assert len(changes) <= 50, len(changes)
    assert find(connector, ALICE) == []
    expected = [
        row | {"appdata": str(row["appdata"]).replace("030901820", "*" * 9), "peer": None}
        for row in rows
    ]
    assert rows_of(url, EVENTS) == sorted(expected, key=repr)


class Counted(list[str]):
    """The statements that read or change a table, while it lasts."""

    def __init__(self, table: str) -> None:
        super().__init__()
        self.table = table

    def __enter__(self) -> Self:
        sa.event.listen(sa.Engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sa.event.remove(sa.Engine, "before_cursor_execute", self._note)

    def _note(self, *event: Any) -> None:
        if self.table in event[2] and event[2].lstrip()[:6] in {"UPDATE", "SELECT"}:
            self.append(event[2])


CONTACTS: Final = sa.Table(
    "v_contact_phones",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("phone_country_code", sa.String(10)),
    sa.Column("phone_number", sa.String(40)),
    sa.Column("label", sa.String(40)),
)
SPLIT: Final[dict[str, Any]] = {
    "category": "contacts",
    "sides": [
        {"phone": "phone_number", "country": "phone_country_code", "about": ["label"]},
    ],
}
PARIS: Final = Identifier("phone", "+33142685300")
BOSTON: Final = Identifier("phone", "+16175550100")


@pytest.mark.parametrize("match", ["equal", "contains"])
def test_a_number_in_two_columns(url: str, match: str) -> None:
    """Law 10 and law 7: code and number together name one subscriber, in every form of both."""
    hers = [
        *((code, number) for code in ("49", "+49", "0049") for number in ("30901820", "030901820")),
        *((code, "+4930901820") for code in ("49", None, "", "1")),
        *((code, "004930901820") for code in ("+49", None)),
        *((code, number) for code in (None, "") for number in ("030901820", "4930901820")),
        ("49", "4930901820"),
    ]
    paris = [
        ("33", "142685300"),
        ("+33", "0142685300"),
        (None, "0033142685300"),
        ("33", "+33142685300"),
    ]
    boston = [("1", "6175550100"), ("+1", "16175550100"), ("001", "+16175550100")]
    nobody = [
        ("43", "30901820"),
        ("1", "030901820"),
        ("49", "309018200"),
        ("49", "30901821"),
        ("49", None),
    ]
    wrapped = [("49", "(030) 90 18-20"), ("", "+49 (0)30 901820")] if match == "contains" else []
    every = [*hers, *wrapped, *paris, *boston, *nobody]
    rows: list[dict[str, object]] = [
        {"id": n, "phone_country_code": code, "phone_number": number, "label": "home"}
        for n, (code, number) in enumerate(every)
    ]
    fill(url, CONTACTS, rows)
    mapped = SPLIT | {"sides": [SPLIT["sides"][0] | {"match": match}]}
    founds = find(store(url, mapped, "v_contact_phones"), ALICE, PARIS, BOSTON)

    def pairs(who: Identifier) -> list[Any]:
        return [every[_id(each)] for each in _sorted(founds) if each.who == who]

    assert pairs(ALICE) == [*hers, *wrapped]
    assert pairs(PARIS) == paris
    assert pairs(BOSTON) == boston
    first = next(each for each in founds if each.record.data["id"] == 0)
    assert first.about == {"phone_country_code", "phone_number", "label"}


def _id(found: Found) -> int:
    return int(str(found.record.data["id"]))


def _sorted(founds: list[Found]) -> list[Found]:
    return sorted(founds, key=_id)


@pytest.mark.parametrize(
    ("side", "message"),
    [
        ({"sip": "a", "country": "b"}, "`country` belongs to a `phone` side"),
        ({"phone": "a", "part": True}, "`part` belongs to a side with"),
        ({"phone": "a", "part": True, "match": "contains", "country": "b"}, "`part` belongs to"),
        ({"phone": "json->a", "country": "b"}, "`country` and its number are columns"),
    ],
)
def test_settings_that_mean_nothing_are_refused(side: dict[str, object], message: str) -> None:
    """An error names the setting and what it belongs to."""
    with pytest.raises(ConfigurationError, match=message):
        store("sqlite:///x.db", {"category": "c", "sides": [side]})


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("email", "alice@example.org", "mailto:alice%40example.org"),
        ("email", "al_ce@example.org", "<Al_ce@Example.org>"),
        ("ip", "2001:db8::7", "from [2001:0DB8:0:0:0:0:0:7]:5060"),
        ("ip", "192.0.2.7", "IPV4/UDP/192.0.2.7/5060"),
        ("account", "Größe-7", "acc=größe-7;"),
    ],
)
def test_other_kinds_in_text(url: str, kind: Any, value: str, text: str) -> None:
    """Law 10: the database sifts out no row that the matcher would have found."""
    if kind == "account":
        text = text.replace("größe", "Größe")
    fill(url, EVENTS, [{"id": 1, "appdata": text}, {"id": 2, "appdata": "nobody"}])
    mapped = {"category": "c", "sides": [{kind: "appdata", "match": "contains"}]}
    founds = find(store(url, mapped, "cel"), Identifier(kind, value))
    assert [each.record.data["id"] for each in founds] == [1]
