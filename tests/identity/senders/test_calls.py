"""Calls: whoever is on the line must press what the call asks for, before the code is spoken."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest

from dsr.errors import DeliveryError
from dsr.identity.senders import Call, CallSender, Sender
from tests.identity.senders.servers import PIN, assert_silent
from tests.ledger.people import PHONE

#: mypy judges whether it is a sender.
_SENDER: Sender = CallSender(print)
WORDS = {
    "en": ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
    "de": ["null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"],
    "fr": ["zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf"],
}


def _asked_for(call: Call) -> str:
    """Return the keys that a person presses who hears the greeting."""
    words = call.greeting.replace(".", "").replace(",", "").split()
    names = WORDS[call.language]
    start = {"en": "press", "de": "Sie", "fr": "tapez"}[call.language]
    found = [words[at + 1 : at + 1 + call.digits] for at, word in enumerate(words) if word == start]
    (keys,) = [each for each in found if each and all(word in names for word in each)]
    return "".join(str(names.index(word)) for word in keys)


def _person(heard: list[str | None]) -> Callable[[Call], None]:
    def place(call: Call) -> None:
        heard.append(call.press(_asked_for(call)))

    return place


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Your code is: zero, four, eight, two, one, three."),
        ("de-AT", "Ihr Code lautet: null, vier, acht, zwei, eins, drei."),
        ("fr", "Votre code est : zéro, quatre, huit, deux, un, trois."),
        ("it", "Your code is: zero, four, eight, two, one, three."),
    ],
)
def test_a_person_hears_the_code(language: str, said: str) -> None:
    """Digit by digit, in their language, once they press what they are asked to."""
    heard: list[str | None] = []
    CallSender(_person(heard)).send(PHONE, PIN, language, 10)
    (text,) = heard
    assert text is not None
    assert text.startswith(said)


def _voicemail(_: Call) -> None:
    """Record the greeting, and whatever would follow."""


def _presses(keys: Callable[[Call], Iterable[str]]) -> Callable[[Call], None]:
    def place(call: Call) -> None:
        for each in keys(call):
            assert call.press(each) is None

    return place


def _wrong(call: Call) -> str:
    return f"{(int(_asked_for(call)) + 1) % 10**call.digits:0{call.digits}}"


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(_voicemail, id="voicemail"),
        pytest.param(_presses(lambda _: [""]), id="nothing"),
        pytest.param(_presses(lambda it: [_wrong(it)]), id="wrong"),
        pytest.param(_presses(lambda it: [_wrong(it), _asked_for(it)]), id="wrong, then right"),
        pytest.param(_presses(_asked_for), id="one key at a time"),
        pytest.param(_presses(lambda it: [_asked_for(it) * 2]), id="twice in one"),
        pytest.param(_presses(lambda _: ["0123456789*#"]), id="a greeting of all tones"),
    ],
)
def test_a_mailbox_does_not_hear_the_code(place: Callable[[Call], None]) -> None:
    """Rule 43 (voicemail capture): nothing was released, so nothing was sent."""
    with pytest.raises(DeliveryError, match="nobody pressed") as caught:
        CallSender(place).send(PHONE, PIN, "en", 10)
    assert_silent(caught.value)


def test_a_greeting_recorded_before_is_not_what_is_asked_for() -> None:
    """Rule 43 (voicemail capture): tones that were right once are wrong by the next call."""
    keys: list[str] = []
    for _ in range(20):
        heard: list[str | None] = []

        def place(call: Call, heard: list[str | None] = heard) -> None:
            keys.append(_asked_for(call))
            heard.append(call.press(keys[-1]))

        CallSender(place).send(PHONE, PIN, "en", 10)
        assert heard[0]
    assert len(set(keys)) > 10
    assert {len(each) for each in keys} == {3}


def test_the_code_is_released_once() -> None:
    """And to one of many who press at once: a hook may be called from several threads."""
    results: Counter[bool] = Counter()

    def place(call: Call) -> None:
        keys, start = _asked_for(call), threading.Barrier(20)

        def press(_: int) -> bool:
            start.wait()
            return call.press(keys) is not None

        with ThreadPoolExecutor(20) as pool:
            results.update(pool.map(press, range(20)))

    CallSender(place).send(PHONE, PIN, "en", 10)
    assert results == {True: 1, False: 19}


def test_nothing_is_released_after_the_call() -> None:
    """A hook that returns at once, and calls later, cannot speak: the error says it did not."""
    calls: list[Call] = []
    with pytest.raises(DeliveryError):
        CallSender(calls.append).send(PHONE, PIN, "en", 10)
    assert calls[0].press(_asked_for(calls[0])) is None


def test_a_call_shows_neither_number_nor_code() -> None:
    """Law 8: not in its repr, and the code not among its attributes."""
    calls: list[Call] = []

    def place(call: Call) -> None:
        calls.append(call)
        call.press(_asked_for(call))

    CallSender(place).send(PHONE, PIN, "en", 10)
    (call,) = calls
    assert repr(call) == "Call(language='en', digits=3)"
    public = [getattr(call, name) for name in dir(call) if not name.startswith("_")]
    assert not [each for each in public if PIN in str(each) or "zero, four" in str(each)]


def test_a_hook_that_raises_tells_no_number() -> None:
    """Law 8: also not when the code was released before; and it counts as not handed over."""

    def place(call: Call) -> None:
        told = f"{call.number} hung up during {call.press(_asked_for(call))}"
        raise DeliveryError(told)

    with pytest.raises(DeliveryError, match="ended with DeliveryError") as caught:
        CallSender(place).send(PHONE, PIN, "en", 10)
    assert_silent(caught.value, "zero, four")


@pytest.mark.parametrize(("minutes", "said"), [(1, "one minute."), (10, "10 minutes.")])
def test_a_call_says_how_long_the_code_is_valid(minutes: int, said: str) -> None:
    """In words that can be spoken."""
    heard: list[str | None] = []
    CallSender(_person(heard)).send(PHONE, PIN, "en", minutes)
    assert heard[0] is not None
    assert heard[0].endswith(f"It is valid for {said}")
