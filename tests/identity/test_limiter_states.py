"""The limits on guessing as a state machine, against a model written from rule 41's text.

The model remembers what happened, and counts anew each time; it knows no counters. The ledger
must agree with it after any sequence of challenges, guesses, new codes, days and resets.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter
from typing import Final

from attrs import define, field
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from dsr.errors import NotVerified
from dsr.identity import OneTimePin
from dsr.ledger import Ledger
from dsr.model import Identifier, Subject
from tests.ledger.people import NOW, a_request

#: Small, so that sequences of some dozen steps reach each of them.
ATTEMPTS: Final = 2
PER_NUMBER: Final = 3
PER_SOURCE: Final = 4
OVERALL: Final = 5
HARD: Final = 4

NUMBERS: Final = ("one", "two", "three")
#: Two requests of one person, and one each of two others.
REQUESTS: Final = {"a": "one", "b": "one", "c": "two", "d": "three"}
SOURCES: Final = ("home", "away", "")
NAMES: Final = ("staff:anna", "staff:bert")
#: What is tried in a row: whether each guess is right.
GUESSES: Final = ((False,), (False,) * 2, (False,) * 3, (True,), (False, True), (True, False))

_SERIAL: Final = itertools.count()
_YEAR: Final = dt.timedelta(days=400)


@define
class Box:
    """Where messages arrive: the last code of each number."""

    codes: dict[str, str] = field(factory=dict)

    def send(self, number: str, pin: str, language: str, minutes: int) -> None:
        assert (language, minutes) == ("de", 10)
        self.codes[number] = pin


@define
class Event:
    """What happened: a code `sent`, a `failure`, a `success` or a `reset`, and for whom."""

    what: str
    day: dt.date
    whom: str
    kind: str
    source: str
    code: int = 0


@define
class Model:
    """Rule 41, read off the list of all that happened."""

    events: list[Event] = field(factory=list)

    def count(self, what: str, **same: object) -> int:
        return sum(
            each.what == what and all(getattr(each, name) == value for name, value in same.items())
            for each in self.events
        )

    def in_a_row(self, whom: str) -> int:
        """Return the failures at `whom` since its last success, or a person's decision."""
        row = 0
        for each in self.events:
            if each.whom == whom:
                row = row + 1 if each.what == "failure" else row if each.what == "sent" else 0
        return row

    def locked(self, day: dt.date, whom: str, kind: str, source: str) -> str:
        """Return which limit the failures have reached, or nothing."""
        if self.in_a_row(whom) >= HARD:
            return "hard"
        if self.count("failure", day=day, whom=whom) >= PER_NUMBER:
            return "per_number"
        if source and self.count("failure", day=day, source=source) >= PER_SOURCE:
            return "per_source"
        return "overall" if self.count("failure", day=day, kind=kind) >= OVERALL else ""

    def flooded(self, day: dt.date, whom: str, source: str) -> str:
        """Return which limit the codes sent have reached, or nothing."""
        if self.count("sent", day=day, whom=whom) >= PER_NUMBER:
            return "per_number"
        many = source and self.count("sent", day=day, source=source) >= PER_SOURCE
        return "per_source" if many else ""


@define
class Code:
    """The last code of a request."""

    pin: str
    number: int
    sent: dt.datetime
    used: bool = False


class Guessing(RuleBasedStateMachine):
    """All that can be done with codes, by several people from several places."""

    #: How often each thing happened in all runs: what never did was not tested.
    seen: Counter[str]
    ledger: Ledger

    @initialize()
    def begin(self) -> None:
        """Start with numbers that were never guessed at, on a day on which nobody guessed."""
        serial = next(_SERIAL)
        self.now = NOW + serial * _YEAR
        self.box, self.model = Box(), Model()
        self.otp = OneTimePin(
            self.box,
            attempts=ATTEMPTS,
            per_number=PER_NUMBER,
            per_source=PER_SOURCE,
            overall=OVERALL,
            hard=HARD,
        )
        self.phones = {name: f"+493{serial:06}{place}" for place, name in enumerate(NUMBERS)}
        self.codes: dict[str, Code] = {}
        self.serial, self.limits = serial, list[str]()
        with self.ledger.transaction():
            for name, number in REQUESTS.items():
                subject = Subject((Identifier("phone", self.phones[number]),))
                self.ledger.add(a_request(self._id(name)), subject)

    def _id(self, name: str) -> str:
        return f"{name}{self.serial}"

    def _own(self, name: str) -> str:
        """Return a source, or a name of the staff, that no other run has."""
        return f"{name}-{self.serial}" if name else ""

    def _happened(self, what: str, whom: str, kind: str, source: str, code: int = 0) -> None:
        self.model.events.append(Event(what, self.now.date(), whom, kind, source, code))

    @rule(name=st.sampled_from(sorted(REQUESTS)), source=st.sampled_from(SOURCES))
    def challenge(self, name: str, source: str) -> None:
        """Ask for a code, or for a new one."""
        whom, day = REQUESTS[name], self.now.date()
        limit = self.model.locked(day, whom, "pin", source)
        limit = limit or self.model.flooded(day, whom, source)
        request, phone = a_request(self._id(name)), self.phones[whom]
        try:
            self.otp.challenge(self.ledger, request, phone, self.now, source=self._own(source))
        except NotVerified:
            assert limit
            self._refused(limit)
            return
        assert not limit
        number = len(self.model.events) + 1  # 0 is no code
        self.codes[name] = Code(self.box.codes[phone], number, self.now)
        self._happened("sent", whom, "pin", source)

    @rule(
        name=st.sampled_from(sorted(REQUESTS)),
        source=st.sampled_from(SOURCES),
        guesses=st.sampled_from(GUESSES),
    )
    def verify(self, name: str, source: str, guesses: tuple[bool, ...]) -> None:
        """Guess at a code: right or wrong, in time or too late."""
        for right in guesses:
            self._guess_code(name, source, right)

    def _guess_code(self, name: str, source: str, right: bool) -> None:
        code, whom, day = self.codes.get(name), REQUESTS[name], self.now.date()
        pin = code.pin if code else "123456"
        guess = pin if right else f"{(int(pin) + 1) % 10**6:06}"
        found = self._verify(name, guess, source)
        if code is None:
            assert found == "no"
            return
        limit = self.model.locked(day, whom, "pin", source)
        if not limit and self.model.count("failure", code=code.number) >= ATTEMPTS:
            limit = "attempts"
        if limit:
            assert found == "limit"
            self._refused(limit)
        elif code.used or self.now >= code.sent + dt.timedelta(minutes=10):
            assert found == "no"
            self.seen["over"] += 1
        elif right:
            assert found == "in"
            code.used = True
            self.seen["in"] += 1
            self._happened("success", whom, "pin", source, code.number)
        else:
            assert found == "no"
            self._happened("failure", whom, "pin", source, code.number)

    def _verify(self, name: str, guess: str, source: str) -> str:
        request = a_request(self._id(name))
        try:
            self.otp.verify(self.ledger, request, guess, self.now, source=self._own(source))
        except NotVerified as error:
            return "limit" if "limit" in str(error) else "no"
        return "in"

    @rule(
        name=st.sampled_from(NAMES),
        source=st.sampled_from(SOURCES),
        guesses=st.sampled_from(GUESSES),
    )
    def other_factor(self, name: str, source: str, guesses: tuple[bool, ...]) -> None:
        """Guess at a code of the staff's: a factor of another kind, maybe from the same place."""
        for right in guesses:
            self._guess_other(name, source, right)

    def _guess_other(self, name: str, source: str, right: bool) -> None:
        limit = self.model.locked(self.now.date(), name, "staff", source)
        request, target, where = self._id("a"), self._own(name), self._own(source)
        taken = self.ledger.take_guess(request, target, self.otp.limits, self.now, where)
        assert taken is not bool(limit)
        if limit:
            self._refused(limit)
        elif right:
            self.ledger.guess_was_right(request, target, self.now, where)
            self._happened("success", name, "staff", source)
        else:
            self._happened("failure", name, "staff", source)

    def _refused(self, limit: str) -> None:
        self.limits.append(limit)
        self.seen[limit] += 1

    @rule(minutes=st.sampled_from([1, 9, 10]))
    def minutes_pass(self, minutes: int) -> None:
        """Let codes grow old; sometimes over midnight."""
        self.now += dt.timedelta(minutes=minutes)

    @rule(days=st.sampled_from([1, 30]))
    def days_pass(self, days: int) -> None:
        """Begin a new day, and forget what nothing is limited by any more."""
        self.now += dt.timedelta(days=days)
        self.ledger.forget_counts(self.now)

    @precondition(lambda self: "hard" in self.limits)
    @rule(number=st.sampled_from(NUMBERS))
    def a_person_decides(self, number: str) -> None:
        """Let a number be guessed at again, on a person's word."""
        self.ledger.reset_failures(self.phones[number], self.now)
        self._happened("reset", number, "pin", "")

    @invariant()
    def the_bounds_hold(self) -> None:
        """Whatever the model thinks: no more failures than each limit, counted from the list."""
        if not hasattr(self, "model"):
            return
        failures = [each for each in self.model.events if each.what == "failure"]
        for limit, groups in (
            (ATTEMPTS, Counter(each.code for each in failures if each.kind == "pin")),
            (PER_NUMBER, Counter((each.day, each.whom) for each in failures)),
            (PER_SOURCE, Counter((each.day, each.source) for each in failures if each.source)),
            (OVERALL, Counter((each.day, each.kind) for each in failures)),
        ):
            assert max(groups.values(), default=0) <= limit
        assert all(self.model.in_a_row(number) <= HARD for number in NUMBERS)

    def teardown(self) -> None:
        """The trail has the limits that were reached, each by its name."""
        if not hasattr(self, "model"):
            return
        notes = Counter(
            each.note
            for name in REQUESTS
            for each in self.ledger.entries(self._id(name))
            if each.event.endswith(" refused")
        )
        assert notes == Counter(f"limit reached: {limit}" for limit in self.limits)


def test_the_limits_agree_with_rule_41(ledger: Ledger) -> None:
    """Rule 41: whatever is done in whatever order, exactly the guesses it allows are compared."""

    class Machine(Guessing):
        pass

    Machine.ledger, Machine.seen = ledger, Counter()
    run_state_machine_as_test(
        Machine, settings=settings(max_examples=60, stateful_step_count=50, deadline=None)
    )
    reached = {"attempts", "per_number", "per_source", "overall", "hard", "in", "over"}
    assert reached <= set(Machine.seen), "else this shows nothing of the rest"
