"""The connector of Asterisk's voicemail on disk."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final
from urllib.parse import quote_from_bytes

from attrs import field, frozen

from dsr.connectors.aging import check_anchor
from dsr.connectors.disk import Blocked, Folder, reason, text
from dsr.connectors.voicemail import checking
from dsr.connectors.voicemail.content import Sound
from dsr.connectors.voicemail.messages import TMP, Message
from dsr.connectors.voicemail.people import ACCEPTS, People
from dsr.connectors.voicemail.reading import Placed, is_deadlocked, of_mailbox, twins
from dsr.connectors.voicemail.sounds import HEADER
from dsr.connectors.voicemail.spool import greetings, mailboxes
from dsr.connectors.voicemail.writing import ERASE, REDACT, TWINS, Act, change, greeting_mark
from dsr.errors import Refused
from dsr.model import Finding, Found, Identifier, Kind, Lock, Record, Unread

__all__ = ["Voicemail"]

_PERSONAL: Final = frozenset({"callerid", "callerchan", "rdnis", "exten", "origmailbox"})
_RECORDING: Final = 600.0  # seconds without a change, until a message counts as broken off
_DEADLOCKED: Final = (
    "a killed run left its lock in a folder, and no message can be left there: run the request"
    " again, or remove the file .lock"
)
_LINKED: Final = "a file of it has another name (a hard link) elsewhere: remove that first"


@frozen
class Voicemail:
    """A spool of mailboxes.

    A record's key is its mailbox and the mark of the message (from its `msg_id`, or from all
    that its text says besides the caller), which stays when Asterisk or dsr renumbers a folder,
    and when the owner moves the message to another one. Copies of a message in its mailbox are
    one record. `data` has what the text says, and `mailbox` and `folder`; content is the sound.

    `zone` is that of dates without Unix time that are not in UTC; `patience` how many seconds
    a verb waits for a folder that Asterisk holds; `greetings` the category of greetings, where
    it is another one than that of messages.
    """

    name: str
    folder: Folder = field(repr=False)
    category: str
    region: str
    zone: dt.tzinfo = dt.UTC
    patience: float = 5.0
    greetings: str = ""

    @property
    def accepts(self) -> frozenset[Kind]:
        """Owners by account or number, callers by number or SIP address."""
        return ACCEPTS

    @property
    def categories(self) -> frozenset[str]:
        """Those of messages and of greetings."""
        return frozenset({self.category, self.greetings or self.category})

    def find(self, who: Sequence[Identifier]) -> Iterator[Found | Unread]:
        """Read every mailbox once, and yield what it holds of its owner and of callers."""
        people = People(who, self.region)
        for each in mailboxes(self.folder):
            if isinstance(each, Blocked):
                yield Unread(each.reason, self.category)
            else:
                yield from self._of_mailbox(each, people)

    def aged(self, category: str, anchor: str, before: dt.datetime) -> Iterator[Record | Unread]:
        """Yield every message that was left before `before`.

        Greetings only where they have a category of their own, by the time of their file: they
        are in use until their owner replaces them, however old.
        """
        check_anchor(self.name, category, anchor)
        if category == self.category:
            return self._aged(self._messages, before)
        return self._aged(self._greetings, before) if category == self.greetings else iter(())

    def erase(self, keys: Sequence[str]) -> None:
        """Remove messages and greetings; what is left in a folder is numbered without a gap.

        Raises `Refused`, after all else was done, if a folder is held or cannot be written.
        """
        self._change(dict.fromkeys(keys, frozenset()), ERASE)

    def redact(self, fields: Mapping[str, frozenset[str]]) -> None:
        """Empty fields of texts and, with `content`, the sounds.

        Raises `Refused`, after all else was done, if a folder is held or cannot be written.
        """
        self._change(fields, REDACT)

    def check(self) -> Sequence[Finding]:
        """Return rights that are missing, locks and rests left behind, and what stays."""
        return checking.findings(self.folder)

    def _aged(
        self, read: Callable[[bytes], Iterator[Record | Unread]], before: dt.datetime
    ) -> Iterator[Record | Unread]:
        for mailbox in mailboxes(self.folder):
            if isinstance(mailbox, Blocked):
                yield Unread(mailbox.reason, self.category)
                continue
            for each in read(mailbox):
                if isinstance(each, Unread) or (each.at is not None and each.at < before):
                    yield each

    def _of_mailbox(self, mailbox: bytes, people: People) -> Iterator[Found | Unread]:
        unread, found = self._placed(mailbox)
        yield from unread
        context, _, number = text(mailbox).rstrip("/").partition("/")
        owners = people.owners(context, number)
        doubtful, seen = twins(found), set[str]()
        for path, message in found:
            callers = people.callers(message.note)
            if message.mark in seen or not (owners or callers):
                continue
            seen.add(message.mark)
            record = self._record(path, message, doubtful, callers.values())
            for who in dict.fromkeys((*owners, *callers) if record.personal else ()):
                yield Found(who, record, record.personal if who in owners else callers[who])
        for each in self._greetings(mailbox) if owners else ():
            if isinstance(each, Unread):
                yield each
            else:
                yield from (Found(who, each, each.personal) for who in owners)

    def _messages(self, mailbox: bytes) -> Iterator[Record | Unread]:
        """Yield the messages of a mailbox, whoever they are about."""
        unread, found = self._placed(mailbox)
        yield from unread
        doubtful, seen = twins(found), set[str]()
        for path, message in found:
            record = self._record(path, message, doubtful)
            if record.personal and message.mark not in seen:
                seen.add(message.mark)
                yield record

    def _placed(self, mailbox: bytes) -> tuple[list[Unread], list[Placed]]:
        """Read a mailbox: what could not be read of it, and all messages with their folders."""
        unread: list[Unread] = []
        found: list[Placed] = []
        for each in of_mailbox(self.folder, mailbox):
            if isinstance(each, Blocked):
                unread.append(Unread(each.reason, self.category))
            else:
                found.append(each)
        paths = dict.fromkeys(path for path, _ in found)
        deadlocked = [path for path in paths if is_deadlocked(self.folder, path)]
        return unread + [Unread(_DEADLOCKED, self.category)] * len(deadlocked), found

    def _record(
        self,
        path: bytes,
        message: Message,
        doubtful: AbstractSet[str],
        about: Iterable[frozenset[str]] = (),
    ) -> Record:
        """Return a message as a record.

        `doubtful` are the marks of twins; `about` are fields that speak of somebody.
        """
        *mailbox, folder = text(path).rstrip("/").split("/")
        values = message.note.values
        sound = next(iter(message.sounds), None)
        filled = {name for name in _PERSONAL.union(*about) if values.get(name)}
        if sound and sound.size > HEADER:
            filled.add("content")
        lock = _lock(message, is_new=folder == TMP)
        return Record(
            key=f"{quote_from_bytes(path.rsplit(b'/', 2)[0])}/:{message.mark}",
            category=self.category,
            data={**values, "mailbox": _address(*mailbox), "folder": folder},
            at=message.note.at(self.zone) or _moment(message.modified),
            personal=frozenset(filled),
            content=Sound(self.folder, path, sound) if sound else None,
            lock=Lock(TWINS) if message.mark in doubtful else lock,
        )

    def _greetings(self, mailbox: bytes) -> Iterator[Record | Unread]:
        """Yield the greetings of a mailbox."""
        category = self.greetings or self.category
        try:
            with self.folder.open(mailbox) as here:
                files = [each for each in greetings(here) if each.size > HEADER]
        except FileNotFoundError:
            return
        except OSError as error:
            yield Unread(f"a mailbox cannot be read ({reason(error)})", category)
            return
        address = _address(*text(mailbox).rstrip("/").split("/"))
        for each in files:
            yield Record(
                key=f"{quote_from_bytes(mailbox)}:{greeting_mark(each.name)}",
                category=category,
                data={"mailbox": address, "greeting": text(os.fsencode(each.name))},
                at=_moment(each.modified),
                personal=frozenset({"content"}),
                content=Sound(self.folder, mailbox, each),
                lock=Lock(_LINKED) if each.links > 1 else None,
            )

    def _change(self, fields: Mapping[str, frozenset[str]], act: Act) -> None:
        problems = Counter(change(self.folder, fields, act, self.patience))
        if problems:
            what = ", ".join(f"{why} ({count} times)" for why, count in sorted(problems.items()))
            raise Refused(self.name, what, "run the request again")


def _address(context: str, number: str) -> str:
    """Return a mailbox as Asterisk writes it."""
    return f"{number}@{context}"


def _moment(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def _lock(message: Message, *, is_new: bool) -> Lock | None:
    """Return why a message cannot go now; `is_new` says that its caller may still be speaking."""
    if is_new and time.time() < message.modified + _RECORDING:
        return Lock("it is being recorded", _moment(message.modified + _RECORDING))
    return Lock(_LINKED) if message.is_linked_elsewhere else None
