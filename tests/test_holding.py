"""Holds in the stores themselves: placed where a hold covers, lifted where none does any more."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve, frozen

from dsr.holding import Locked, lift, place
from dsr.ledger import Ledger
from dsr.model import Hold, Subject
from dsr.stores import Stores
from tests.shelf import Crash, LockingShelf, Shelf, shelf
from tests.things import EVA, NOOR, NOW, category, ledger, policy

MINE = Hold("h1", "12 O 34/26", "claims", "Art. 17(3)(e)", subject=Subject((EVA,)))
HERS = evolve(MINE, id="h2", subject=Subject((NOOR,)))
ALL = evolve(MINE, id="h3", subject=None, categories=frozenset({"recordings"}))
AT = NOW.isoformat()


@frozen
class House:
    """Calls of Eva alone (c0, c1) and of both (c2); each has a recording in a store that locks."""

    cdr: Shelf
    audio: LockingShelf
    ledger: Ledger

    @property
    def stores(self) -> Stores:
        rules = policy(calls=category(), recordings=category())
        return Stores((self.cdr, self.audio), rules, self.ledger)


@pytest.fixture
def house(tmp_path: Path) -> House:
    cdr = shelf(tmp_path, "cdr", ["phone"], "calls")
    path = tmp_path / "audio.json"
    audio = LockingShelf(path, "audio", frozenset({"call"}), frozenset({"recordings"}))
    audio.save({"rows": {}})
    for number in range(3):
        both = [["phone", NOOR.value, ["dst"]]] if number == 2 else []
        cdr.put(
            f"c{number}",
            category="calls",
            at=AT,
            who=[["phone", EVA.value, ["src"]], *both],
            data={"src": EVA.value, "dst": NOOR.value if both else ""},
            links=[["call", f"l{number}", None, None]],
        )
        audio.put(
            f"a{number}",
            category="recordings",
            at=AT,
            who=[["call", f"l{number}", ["content"]]],
            data={"content": "audio"},
        )
    return House(cdr, audio, ledger(tmp_path))


def test_what_a_hold_covers_is_locked_where_a_store_can(house: House) -> None:
    """The recordings of a person under a hold are locked; a store without locks is not asked."""
    assert place(house.stores, MINE, NOW) == Locked({"audio": 3})
    assert house.audio.held() == {"a0", "a1", "a2"}
    assert place(house.stores, HERS, NOW) == Locked({"audio": 1})


def test_a_hold_on_other_categories_locks_nothing(house: House) -> None:
    """A hold of call records does not hold recordings."""
    calls = evolve(MINE, categories=frozenset({"calls"}))
    assert place(house.stores, calls, NOW) == Locked()
    assert house.audio.held() == set()


@pytest.mark.parametrize(("other", "left"), [(HERS, {"a2"}), (ALL, {"a0", "a1", "a2"})])
def test_releasing_a_hold_frees_what_no_other_covers(
    house: House, other: Hold, left: set[str]
) -> None:
    """Law 5: releasing a hold re-checks every other reason."""
    for hold in (MINE, other):
        house.ledger.add_hold(hold, NOW)
    place(house.stores, MINE, NOW)
    lift(house.stores, MINE, NOW)
    assert house.audio.held() == left


def test_a_hold_that_has_run_out_keeps_nothing_locked(house: House) -> None:
    """A hold whose last day is over is no reason any more."""
    house.ledger.add_hold(evolve(HERS, until=NOW.date()), NOW)
    place(house.stores, MINE, NOW)
    lift(house.stores, MINE, NOW)
    assert house.audio.held() == set()


def test_a_refusal_is_told_and_does_not_stop_the_others(house: House) -> None:
    """Law 4: what the store does not lock is said; the rest is locked."""
    house.audio.set(refuse=["a1"])
    locked = place(house.stores, MINE, NOW)
    assert locked.stores == {"audio": 2}
    assert locked.problems == ("store audio: it refuses a record",)
    assert house.audio.held() == {"a0", "a2"}


def test_a_store_that_is_down_is_told(house: House) -> None:
    """Law 4: a store that leads to recordings and does not answer makes the lock incomplete."""
    house.cdr.set(down=True)
    locked = place(house.stores, MINE, NOW)
    assert not locked.stores
    assert any("it does not answer" in each for each in locked.problems)


def test_a_crash_while_locking_converges(house: House) -> None:
    """Law 2: the same call after a crash ends as if there had been none."""
    house.audio.set(crash_after=2)
    with pytest.raises(Crash):
        place(house.stores, MINE, NOW)
    house.audio.set(crash_after=None)
    place(house.stores, MINE, NOW)
    assert house.audio.held() == {"a0", "a1", "a2"}


def test_a_hold_on_everybody_is_not_locked_in_silence(house: House) -> None:
    """A store is searched by person: that a general hold locks nothing there is told."""
    (told,) = place(house.stores, ALL, NOW).problems
    assert told.startswith("audio: locked for holds on a person only")
