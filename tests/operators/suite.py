"""What every operator's folder in `docs/operators/` keeps: the same tests for each of them.

Subclass it in the operator's test module, and pytest runs all of it:

    class TestFluffycall(OperatorSuite):
        name = "fluffycall"                  # the folder, and
        page = "fluffycall.en.txt"           # the page that its policy quotes
        people, points = (ANNA, BRUNO), (INSIDE, AFTER, HELD)
        matrix, labels = parse(EXPECTED, …), LABELS
        routine = parse_days(ROUTINE, BERLIN)    # what routine deletion does, and when
        held_routine = parse_days(…, BERLIN)     # the same under the holds of the last point
        open_points = frozenset({…})         # what policy.toml leaves open, by hand
        refused = frozenset({…})             # what lint refuses in policy.toml alone, by hand
        due = {date(…): date(…)}             # received then, an answer is due on, by hand
        database = "FLUFFYCALL_DATABASE"     # the variable with the URL of its database

        @classmethod
        def fill(cls, folder, url): …        # fill the stores, without dsr
        @classmethod
        def facts(cls, folder, url): …      # what the raw stores say of whom, without dsr

Tests of what only this operator has stand below, with the fixtures `template` and `office`.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final, cast

import pytest

from dsr.cli.lint import errors
from dsr.config import load
from dsr.errors import DsrError, NotVerified
from dsr.model import Right
from dsr.policy.lint import lint, must_not_run
from tests.operators.harness import (
    OPERATORS,
    ROOT,
    Labels,
    Office,
    Person,
    Point,
    cells,
    copied,
    tally_cells,
)
from tests.operators.matrix import Case, Matrix, check_page, points_page
from tests.operators.promises import PROMISES
from tests.operators.routine import Day, routine_page, without

__all__ = ["OperatorSuite"]

#: The pages themselves, as they were read. Others' texts: not part of this project.
_PAGES: Final = ROOT.parent / "shared" / "seeds"
_SHORTEST: Final = 3  # words of a quote: fewer stand on any page
_NOBODY: Final = "example: to be decided by the operator's counsel"
#: What a policy needs besides, to be looked at without any store.
_BARE: Final = """
extends = "policy.toml"
[ledger]
url = "sqlite:///bare.db"
key = "file:dsr.key"
[identity.one-time-pin]
sender = "file:pins.jsonl"
[stores]
"""


class OperatorSuite(ABC):
    """The tests; see the module's docstring."""

    name: ClassVar[str]
    page: ClassVar[str]
    people: ClassVar[Sequence[Person]]
    points: ClassVar[Sequence[Point]]
    matrix: ClassVar[Matrix]
    #: Whether `dsr sweep` ran before people ask, as it does every night; the matrix says so, too.
    daily: ClassVar[bool] = False
    routine: ClassVar[Sequence[Day]]
    held_routine: ClassVar[Sequence[Day]]
    labels: ClassVar[Labels]
    open_points: ClassVar[frozenset[str]]
    refused: ClassVar[frozenset[str]]
    due: ClassVar[Mapping[dt.date, dt.date]]
    database: ClassVar[str]

    @classmethod
    @abstractmethod
    def fill(cls, folder: Path, url: str) -> None:
        """Fill the stores in `folder` and in the database at `url`."""

    @classmethod
    @abstractmethod
    def facts(cls, folder: Path, url: str) -> Mapping[str, set[str]]:
        """Return what the raw stores say of each person by name, and of `others`."""

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run the matrix row by row."""
        if "case" in metafunc.fixturenames:
            metafunc.parametrize("case", self.matrix.cases(), ids=str)

    @pytest.fixture(autouse=True)
    def _environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Say where the database is, as the operator's environment does: beside dsr.toml."""
        monkeypatch.setenv(self.database, "sqlite:///operator.db")

    @pytest.fixture(scope="class")
    @classmethod
    def template(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """Fill the stores once."""
        folder = tmp_path_factory.mktemp(cls.name)
        copied(cls.name, folder)
        cls.fill(folder, _url(folder))
        return folder

    @pytest.fixture
    def office(self, template: Path, tmp_path: Path) -> Iterator[Office]:
        """Give each test stores of its own."""
        office = Office.open(template, tmp_path / "office")
        yield office
        office.close()

    def seen(self, office: Office) -> Mapping[str, set[str]]:
        """Return the facts of an office."""
        return self.facts(office.folder, _url(office.folder))

    # --- the outcomes -------------------------------------------------------------------

    def test_every_right_comes_out_as_the_page_and_the_law_say(
        self, case: Case, office: Office
    ) -> None:
        """Arts. 7(3), 15 to 18, 20, 21, 77: what is done, kept until when, and not reached.

        Nothing of anybody else is touched (law 7), and the answer names the authority.
        """
        person = next(each for each in self.people if each.name == case.who)
        point = next(each for each in self.points if each.name == case.when)
        office.hold(point)
        if self.daily:
            office.swept(point.now)
        before = self.seen(office)
        if not self.matrix.rows[case]:
            self._is_unknown(office, cast("Right", case.right), person, point)
            return
        grant = office.verified(cast("Right", case.right), person, point.now)
        answer = office.answer(grant, point.now)
        assert cells(answer.receipt, self.labels) == self.matrix.rows[case]
        after = self.seen(office)
        for owner in before.keys() - {person.name}:
            assert after[owner] == before[owner], owner
        assert office.configuration.policy.operator.authority in office.letter(answer)

    def _is_unknown(self, office: Office, right: Right, person: Person, point: Point) -> None:
        """Nothing is left by which the person could be known: no PIN is sent, none is right."""
        who = person.identifiers(office.configuration.context.region)
        changes = person.changes if right == "rectification" else None
        request = office.desk.open(right, who, now=point.now, changes=changes)
        before = self.seen(office)
        office.desk.challenge(request.id, now=point.now)
        assert not (office.folder / "pins.jsonl").exists()
        with pytest.raises(NotVerified):
            office.desk.verify(request.id, "123456", now=point.now)
        assert self.seen(office) == before

    def test_every_right_is_in_the_table(self) -> None:
        """The library serves every right for every operator, whatever its page lists."""
        rights = ["access", "portability", "rectification", "erasure"]
        rights += ["restriction", "objection", "withdrawal"]
        names = [
            (right, who.name, at.name)
            for right in rights
            for who in self.people
            for at in self.points
        ]
        assert set(self.matrix.rows) == set(names)

    def test_an_answer_is_due_when_the_page_and_the_law_say(self, office: Office) -> None:
        """Rules 1, 2, 4 (Art. 12(3); Reg. 1182/71 Art. 3): a month, or what the page promises."""
        who = self.people[0].identifiers(office.configuration.context.region)
        zone = office.configuration.policy.operator.zone
        for received, due in self.due.items():
            at = dt.datetime.combine(received, dt.time(18), zone)
            request = office.desk.open("access", who, now=at, received=at)
            assert request.due == due

    # --- routine deletion ---------------------------------------------------------------

    def test_routine_deletion_keeps_the_promises(self, office: Office) -> None:
        """Art. 5(1)(e): what is due goes on its day, not a second before, and nothing else.

        Of nobody does anything change but what the table says (law 7). Again nothing is left to
        do (law 2), and the audit trail holds.
        """
        self._runs(office, self.routine)

    def test_routine_deletion_spares_what_is_held(self, office: Office) -> None:
        """Art. 17(3)(e), law 5: under the hold the same data stays, and all else goes."""
        office.hold(self.points[-1])
        self._runs(office, self.held_routine)

    def _runs(self, office: Office, days: Sequence[Day]) -> None:
        assert days
        for day in days:
            expected = without(self.seen(office), day)
            swept = office.swept(day.at)
            assert tally_cells(swept.stores, self.labels) == day.cells, day.at
            assert swept.problems == ()
            assert swept.complete is not any("gap" in cell for cell in day.cells.values())
            assert self.seen(office) == expected, day.at
            again = office.swept(day.at)
            assert not any(tally.do for each in again.stores.values() for tally in each.values())
            assert self.seen(office) == expected, day.at
        office.desk.ledger.verify_audit()

    # --- the two files ------------------------------------------------------------------

    def test_the_policy_quotes_its_page(self) -> None:
        """Every promise stands beside the setting that carries it, in the page's own words.

        A quote is more than a word or two; and what `PROMISES` lists of the page is quoted.
        """
        quotes = _quotes((OPERATORS / self.name / "policy.toml").read_text("utf-8"))
        assert [each for each in quotes if len(each.split()) < _SHORTEST] == []
        promises = PROMISES[self.name]
        assert [each for each in promises if not any(each in quote for quote in quotes)] == []
        if (_PAGES / self.page).exists():  # the page is its operator's, and no part of this project
            page = _plain((_PAGES / self.page).read_text("utf-8"))
            assert [each for each in (*quotes, *promises) if each not in page] == []

    def test_the_policy_alone_runs_nothing(self, tmp_path: Path) -> None:
        """What a page leaves open, and what it may not say, is told, and nothing runs by itself."""
        copied(self.name, tmp_path)
        (tmp_path / "bare.toml").write_text(_BARE, "utf-8")
        policy = load(tmp_path / "bare.toml").policy
        day = self.points[0].now.date()
        errors = {each.place for each in lint(policy, (), day) if each.kind == "error"}
        assert errors == self.refused
        assert {
            name for name, each in policy.unresolved.items() if each.is_open
        } == self.open_points
        assert all(each.recommendation for each in policy.unresolved.values())
        assert len(must_not_run(policy, (), day)) >= len(self.open_points)

    def test_the_decided_policy_runs(self, office: Office) -> None:
        """Each point is decided, for the example, by nobody who could: counsel has to.

        And its stores have every category, and every field that a period is counted from.
        """
        assert list(errors(office.configuration)) == []
        policy = office.configuration.policy
        assert must_not_run(policy, (), self.points[-1].now.date()) == []
        assert {each.by for each in policy.unresolved.values()} == {_NOBODY}
        assert policy.unresolved.keys() == self.open_points

    def test_nothing_runs_before_all_is_decided(self, office: Office) -> None:
        """One open point is enough: no export, no run; a person may still ask and be verified."""
        name = min(self.open_points)
        decided = f"[unresolved.{name}]\ndecision = "
        other = office.changed(decided, f'{decided}"" # ')
        now = self.points[0].now
        export = other.verified("access", self.people[0], now)
        erase = other.verified("erasure", self.people[0], now)
        before = self.seen(other)
        with pytest.raises(DsrError, match=name):
            other.answer(export, now)
        with pytest.raises(DsrError, match=name):
            other.answer(erase, now)
        assert self.seen(other) == before
        other.close()

    # --- the page for counsel -----------------------------------------------------------

    def test_the_readme_shows_the_outcomes(self, request: pytest.FixtureRequest) -> None:
        """Counsel reads the same table that the tests check, and the same open points."""
        folder = OPERATORS / self.name
        update = bool(request.config.getoption("--update-operators"))
        check_page(folder / "README.md", "outcomes", self.matrix.page(self.labels), update=update)
        routine = routine_page([*self.routine])
        check_page(folder / "README.md", "routine deletion", routine, update=update)
        points = points_page(_toml(folder / "policy.toml"), _toml(folder / "dsr.toml"))
        check_page(folder / "README.md", "open points", points, update=update)


def _url(folder: Path) -> str:
    return f"sqlite:///{folder / 'operator.db'}"


def _toml(path: Path) -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    return tomllib.loads(path.read_text("utf-8"))


def _quotes(text: str) -> list[str]:
    """Return what stands in quotes in comments, also over several lines of comment."""
    comments = re.sub(r"\n# ?", " ", "\n".join(_comments(text)))
    return [_plain(each) for each in re.findall(r'"([^"]+)"', comments)]


def _comments(text: str) -> Iterator[str]:
    """Yield whole-line comments, those in a row joined, others apart."""
    for line in text.splitlines():
        yield line if line.startswith("#") else ""


def _plain(text: str) -> str:
    """Return a text in one line; a quote in it is single, as in a quote of it."""
    return " ".join(text.replace('"', "'").split())
