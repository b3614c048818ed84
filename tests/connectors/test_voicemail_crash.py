"""Voicemail on disk: killed at any step, and beside a PBX that locks and writes."""

from __future__ import annotations

import fcntl
import os
import sys
import threading
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr.connectors.voicemail import Voicemail, from_config
from dsr.errors import Refused
from dsr.model import Found, Identifier
from dsr.settings import Context
from tests.connectors.voicemail_spools import Left, leave, listen

SUBJECT = Identifier("phone", "+4930901820")
_STEPS = frozenset({"open", "os.link", "os.remove", "os.rename", "os.chmod", "os.utime"})
_KILLED = 9

FORMATS = st.sampled_from([("wav",), ("wav", "gsm"), ("wav", "WAV", "gsm"), ("gsm",), ()])
FOLDERS = st.lists(st.tuples(st.booleans(), FORMATS), min_size=1, max_size=6)


def store(spool: Path) -> Voicemail:
    return from_config("voicemail", {"path": str(spool)}, Context("DE", spool))


def keys(spool: Path) -> dict[str, frozenset[str]]:
    founds = [each for each in store(spool).find([SUBJECT]) if isinstance(each, Found)]
    return {each.record.key: each.about for each in founds}


def killed(verb: Callable[[], None], step: int) -> bool:
    """Do it in a process that is killed before its `step`th change; return whether it was."""
    child = os.fork()
    if not child:
        steps = iter(range(step))

        def watch(event: str, _: object) -> None:
            if event in _STEPS and next(steps, None) is None:
                os._exit(_KILLED)

        try:
            sys.addaudithook(watch)
            verb()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == _KILLED


def pairs(folder: Path) -> list[tuple[bytes, bytes]]:
    """Return each text that Asterisk sees with each sound that it would play for it."""
    return [(each.text, sound) for each in listen(folder) for sound in each.sounds.values()]


def fill(
    inbox: Path, layout: Sequence[tuple[bool, tuple[str, ...]]]
) -> tuple[list[Left], list[Left]]:
    """Leave messages; return all of them, and those that are not the subject's."""
    left = [
        (mine, leave(inbox, "<030901820>" if mine else f"<03012345{number}>", number, formats=own))
        for number, (mine, own) in enumerate(layout)
    ]
    return [each for _, each in left], [each for mine, each in left if not mine]


def erased_in_two_runs(layout: Sequence[tuple[bool, tuple[str, ...]]], step: int) -> bool:
    """Kill an erasure at a step, judge what it left, end it; return whether it was killed."""
    with TemporaryDirectory() as folder:
        spool = Path(folder)
        inbox = spool / "default" / "100" / "INBOX"
        everything, others = fill(inbox, layout)
        own = list(keys(spool))
        was_killed = killed(lambda: store(spool).erase(own), step)
        allowed = {(each.text, sound) for each in everything for sound in each.sounds.values()}
        assert set(pairs(inbox)) <= allowed, "a text has another message's sound"
        names = {each.read_bytes() for each in inbox.iterdir()}
        for each in others:
            assert {each.text, *each.sounds.values()} <= names, "another's message is not whole"
        rest = list(keys(spool))
        assert rest or list(listen(inbox)) == others, "nobody would ever end it"
        store(spool).erase(rest)
        assert list(listen(inbox)) == others
        assert len(list(inbox.iterdir())) == sum(1 + len(each.sounds) for each in others)
    return was_killed


@settings(max_examples=100, deadline=None)
@given(FOLDERS, st.integers(0, 150))
def test_erasing_killed_at_any_step_ends_as_without(
    layout: Sequence[tuple[bool, tuple[str, ...]]], step: int
) -> None:
    """Law 2: whatever was reached, no text has another's sound, and once more ends it."""
    erased_in_two_runs(layout, step)


def test_erasing_killed_at_every_step_ends_as_without() -> None:
    """Law 2 at each step of one folder: two of four messages go, one of them the first."""
    layout = [(mine, ("wav", "gsm")) for mine in (True, False, True, False)]
    step = next(step for step in count() if not erased_in_two_runs(layout, step))
    assert step > 40, "the process was not watched"


@settings(max_examples=60, deadline=None)
@given(FOLDERS, st.integers(0, 60))
def test_redacting_killed_at_any_step_ends_as_without(
    layout: Sequence[tuple[bool, tuple[str, ...]]], step: int
) -> None:
    """Law 2 for redaction: every message is still there, and no text is half written."""
    with TemporaryDirectory() as folder:
        spool = Path(folder)
        inbox = spool / "default" / "100" / "INBOX"
        everything, _ = fill(inbox, layout)
        own = keys(spool)
        killed(lambda: store(spool).redact(own), step)
        assert [each.sounds for each in listen(inbox)] == [each.sounds for each in everything]
        store(spool).redact(own)
        assert keys(spool) == {}
        left = [each.name for each in inbox.iterdir() if not each.name.startswith("msg")]
        assert left == []
        assert [each.text.count(b"\n") for each in listen(inbox)] == [
            each.text.count(b"\n") for each in everything
        ]


def test_a_gap_that_was_there_before_is_closed(tmp_path: Path) -> None:
    """Numbers of a damaged folder are put right with the others, as Asterisk would."""
    inbox = tmp_path / "default" / "100" / "INBOX"
    _, others = fill(inbox, [(False, ("wav",)), (True, ("wav",)), (False, ("wav", "gsm"))])
    for path in list(inbox.glob("msg0002.*")):
        path.rename(path.with_stem("msg0007"))
    store(tmp_path).erase(list(keys(tmp_path)))
    assert list(listen(inbox)) == others


# locks


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """Return a folder with one message of the subject."""
    inbox = tmp_path / "default" / "100" / "INBOX"
    leave(inbox, "<030901820>", 0)
    return inbox


@pytest.mark.parametrize("way", ["lockfile", "flock"])
def test_a_folder_that_asterisk_holds_is_left_alone(tmp_path: Path, inbox: Path, way: str) -> None:
    """Whatever `lockmode` the PBX has, its lock is kept, and the refusal can be tried again."""
    lock = inbox / (".lock" if way == "lockfile" else "lock")
    with lock.open("w") as file:
        if way == "flock":
            fcntl.flock(file, fcntl.LOCK_EX)
        hasty = evolve(store(tmp_path), patience=0.05)
        before = {each.name for each in inbox.iterdir()}
        with pytest.raises(Refused, match="held by Asterisk") as raised:
            hasty.erase(list(keys(tmp_path)))
        assert "901820" not in str(raised.value)
        assert {each.name for each in inbox.iterdir()} == before
    lock.unlink()
    hasty.erase(list(keys(tmp_path)))
    assert list(inbox.iterdir()) == []


def test_a_lock_that_is_given_back_is_waited_for(tmp_path: Path, inbox: Path) -> None:
    """Asterisk holds a folder for moments: an erasure waits for them."""
    (inbox / ".lock").touch()
    threading.Timer(0.2, (inbox / ".lock").unlink).start()
    store(tmp_path).erase(list(keys(tmp_path)))
    assert list(inbox.iterdir()) == []


def test_a_lock_of_a_killed_run_is_told_and_cleared(tmp_path: Path, inbox: Path) -> None:
    """A killed run must not keep callers from leaving messages: the next one clears its lock."""
    own = list(keys(tmp_path))
    steps = range(1, 40)
    assert any(
        killed(lambda: store(tmp_path).erase(own), step) and (inbox / ".lock").exists()
        for step in steps
    )
    reading = list(store(tmp_path).find([SUBJECT]))
    assert sum(not isinstance(each, Found) for each in reading) == 1
    assert any("lock" in each.text for each in store(tmp_path).check() if each.kind == "fault")
    store(tmp_path).erase(list(keys(tmp_path)))
    assert list(inbox.iterdir()) == []


def test_a_pbx_that_writes_meanwhile_loses_nothing(tmp_path: Path) -> None:
    """Messages that arrive, under Asterisk's lock, while others are erased are all kept."""
    inbox = tmp_path / "default" / "100" / "INBOX"
    fill(inbox, [(number % 2 == 0, ("wav", "gsm")) for number in range(20)])
    arrived: list[Left] = []

    def pbx() -> None:
        for number in range(100, 130):
            own = inbox / f".lock-{number:08x}"
            own.touch()
            while True:
                try:
                    (inbox / ".lock").hardlink_to(own)
                except FileExistsError:
                    continue
                break
            own.unlink()
            arrived.append(leave(inbox, f"<0301234{number}>", number))
            (inbox / ".lock").unlink()

    calls = threading.Thread(target=pbx)
    calls.start()
    for key in keys(tmp_path):
        store(tmp_path).erase([key])
    calls.join()
    heard = list(listen(inbox))
    assert len(heard) == 10 + 30
    assert [each for each in heard if each in arrived] == arrived
