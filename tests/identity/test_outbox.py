"""Posting what waits in the outbox, by real senders."""

from __future__ import annotations

import datetime as dt
import threading
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pytest
from attrs import field, frozen

from dsr.errors import DeliveryError
from dsr.identity import FileSender, Sender
from dsr.identity.outbox import Posted, document, post
from dsr.identity.senders import CallableSender, PinMessage, WebhookSender
from dsr.ledger import Ledger
from tests.identity.post import Post
from tests.identity.senders.servers import running
from tests.ledger.people import ERIKA, NOW, PHONE, a_request

PIN: Final = "048213"
MINUTE: Final = dt.timedelta(minutes=1)
EXPIRES: Final = NOW + 10 * MINUTE


@pytest.fixture
def inbox(post: Post) -> Post:
    """Return where messages arrive: here, `post` is what is tested."""
    return post


@frozen
class Careless:
    """A sender of others that does not map its errors."""

    error: BaseException
    called: list[int] = field(factory=list)

    def send(self, number: str, pin: str, language: str, minutes: int) -> None:
        del number, pin, language
        self.called.append(minutes)
        raise self.error


def _put(ledger: Ledger, request: str = "r1", pin: str = PIN) -> None:
    ledger.put(request, document(PHONE, pin, "de"), EXPIRES, NOW)


def _events(ledger: Ledger) -> list[str]:
    return [each.event for each in ledger.entries() if "challenge" in each.event]


def test_what_waits_is_sent_once(ledger: Ledger, inbox: Post) -> None:
    """Number, PIN and language arrive as they were put; the audit trail has that, not them."""
    _put(ledger)
    sender = FileSender(inbox.path)
    assert post(ledger, sender, NOW) == Posted(1, 0, 0)
    assert post(ledger, sender, NOW) == Posted(0, 0, 0)
    (message,) = inbox.messages()
    assert (message["number"], message["pin"], message["language"]) == (PHONE, PIN, "de")
    assert message["minutes"] == 10
    assert _events(ledger) == ["challenge sent"]
    trail = repr(list(ledger.entries()))
    assert PIN not in trail
    assert PHONE[3:] not in trail


def test_nobody_is_sent_nothing(ledger: Ledger, inbox: Post) -> None:
    """Rule 11 (GDPR Art. 15(1)): what waited for nobody is gone; no figure tells of it."""
    ledger.put("r1", None, EXPIRES, NOW)
    assert post(ledger, FileSender(inbox.path), NOW) == Posted(0, 0, 0)
    assert inbox.messages() == []
    assert _events(ledger) == []
    assert ledger.claim(NOW) == []
    assert ledger.expire(EXPIRES) == 0


@pytest.mark.parametrize(
    ("late", "minutes"),
    [(0, 10), (1, 10), (59, 10), (60, 9), (61, 9), (540, 1), (599, 1)],
)
def test_a_late_message_says_how_long_is_left(
    ledger: Ledger, inbox: Post, late: int, minutes: int
) -> None:
    """Rule 41: nobody is told of ten minutes when one is left."""
    _put(ledger)
    post(ledger, FileSender(inbox.path), NOW + dt.timedelta(seconds=late))
    assert inbox.messages()[0]["minutes"] == minutes


def test_a_failure_is_tried_again_by_the_next_call(ledger: Ledger) -> None:
    """Three calls, three tries; the third gives it up. Why, is told once."""
    _put(ledger)
    with running(400, 401, 401, 200) as gateway:
        sender = WebhookSender(gateway.url)
        results = [post(ledger, sender, NOW + minute * MINUTE) for minute in range(4)]
        assert len(gateway.received) == 3
    assert [(each.sent, each.failed, each.dropped) for each in results] == [
        (0, 1, 0),
        (0, 1, 0),
        (0, 0, 1),
        (0, 0, 0),
    ]
    assert "status 400" in results[0].reasons[0]
    assert _events(ledger) == ["challenge not sent"] * 3


def test_a_gateway_that_recovers_gets_the_message(ledger: Ledger) -> None:
    """The person need not ask again."""
    _put(ledger)
    with running(400, 200) as gateway:
        sender = WebhookSender(gateway.url)
        assert post(ledger, sender, NOW).failed == 1
        assert post(ledger, sender, NOW).sent == 1
        assert [each.json["pin"] for each in gateway.received] == [PIN, PIN]
    assert _events(ledger) == ["challenge not sent", "challenge sent"]


def test_one_failure_does_not_hold_up_the_others(ledger: Ledger) -> None:
    """Each is tried once in a call, whatever became of those before; one reason is told once."""
    for request in ("r2", "r3", "r4"):
        ledger.add(a_request(request), ERIKA)
        _put(ledger, request)
    with running(400, 200, 400) as gateway:
        posted = post(ledger, WebhookSender(gateway.url), NOW)
        assert len(gateway.received) == 3
    assert (posted.sent, posted.failed, posted.dropped) == (1, 2, 0)
    assert len(posted.reasons) == 1


def test_an_expired_message_is_dropped(ledger: Ledger, inbox: Post) -> None:
    """Rule 41: a PIN that is over is not sent."""
    _put(ledger)
    assert post(ledger, FileSender(inbox.path), EXPIRES) == Posted(0, 0, 1)
    assert inbox.messages() == []


def test_sending_takes_time_in_which_pins_get_old(ledger: Ledger, inbox: Post) -> None:
    """Rule 41: one whose time is over when its turn comes is not sent."""
    ledger.add(a_request("r2"), ERIKA)
    soon = NOW + dt.timedelta(milliseconds=200)
    ledger.put("r1", document(PHONE, PIN, "de"), soon, NOW)
    ledger.put("r2", document(PHONE, "000000", "de"), soon + dt.timedelta(milliseconds=1), NOW)
    taken: list[str] = []

    def slow(message: PinMessage) -> None:
        taken.append(message.pin)
        threading.Event().wait(0.4)

    assert post(ledger, CallableSender(slow), NOW).sent == 1
    assert taken == [PIN]
    assert post(ledger, FileSender(inbox.path), NOW + MINUTE) == Posted(0, 0, 1)


@pytest.mark.parametrize(
    "error",
    [RuntimeError(f"{PHONE} {PIN}"), KeyError(PHONE), OSError(PIN)],
    ids=["RuntimeError", "KeyError", "OSError"],
)
def test_the_error_of_a_careless_sender_is_not_repeated(ledger: Ledger, error: Exception) -> None:
    """Law 8: only its kind is told."""
    _put(ledger)
    sender: Sender = Careless(error)
    posted = post(ledger, sender, NOW)
    assert posted.failed == 1
    assert type(error).__name__ in posted.reasons[0]
    shown = repr(posted) + repr(list(ledger.entries()))
    assert PHONE[3:] not in shown
    assert PIN not in shown


def test_what_broke_off_is_not_sent_twice(ledger: Ledger) -> None:
    """A message that may be on its way is not tried again; what failed before it is."""
    ledger.add(a_request("r2"), ERIKA)
    ledger.put("r1", document(PHONE, PIN, "de"), EXPIRES - MINUTE, NOW)
    _put(ledger, "r2")

    @frozen
    class Stopped:
        def send(self, number: str, pin: str, language: str, minutes: int) -> None:
            del number, language
            if minutes == 9:
                what = "busy"
                raise DeliveryError(what)
            told = f"stopped at {pin}"
            raise KeyboardInterrupt(told)

    with pytest.raises(KeyboardInterrupt) as caught:
        post(ledger, Stopped(), NOW)
    assert PHONE[3:] not in "".join(traceback.format_exception(caught.value))
    assert [each.request for each in ledger.claim(NOW)] == ["r1"]
    assert _events(ledger) == ["challenge not sent"]


def test_several_share_the_work(ledger: Ledger) -> None:
    """Workers that post at the same moment send each message once."""
    for number in range(30):
        ledger.add(a_request(f"n{number}"), ERIKA)
        _put(ledger, f"n{number}", f"{number:06}")
    taken: Counter[str] = Counter()
    start = threading.Barrier(6)

    def work(_: int) -> int:
        start.wait()
        return post(ledger, CallableSender(lambda it: taken.update([it.pin])), NOW).sent

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(work, range(6))) == 30
    assert set(taken.values()) == {1}
    assert len(taken) == 30
    ledger.verify_audit()
