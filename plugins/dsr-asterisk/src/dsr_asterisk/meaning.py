"""What rows of Asterisk's tables mean beyond their columns.

- A *mailbox* is `number@context`. It is found as the account of that text (a bare number is one
  of the context `default`, as Asterisk reads it), and an extension's mailbox is the one of its
  number in the context `default`, as the sample dialplan and FreePBX have it.
- What `data1` and `data2` of a queue's log hold depends on the event.
- A call record that nobody answered leads to no recording.
- Some values are words for nobody: they lead nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from attrs import evolve, frozen

from dsr.model import Identifier, Record

__all__ = [
    "Mailboxes",
    "is_unanswered",
    "mailbox_links",
    "silent",
    "without_nobody",
    "without_recording",
]

_DEFAULT: Final = "default"
#: FreePBX writes the first two where a person has no extension or mailbox.
_NOBODY: Final = frozenset({"none", "novm", "unknown", "anonymous", "s"})

#: The events of a queue's log in which a column names somebody
#: (Asterisk, queuelog documentation: "Queue Logs").
_EVENTS: Final[Mapping[str, frozenset[str]]] = {
    "data1": frozenset({"TRANSFER", "BLINDTRANSFER", "DID"}),
    "data2": frozenset({"ENTERQUEUE"}),
}
#: cdr.c, ast_cdr_disp2str: all but ANSWERED.
_UNANSWERED: Final = frozenset({"NO ANSWER", "NOANSWER", "BUSY", "FAILED", "CONGESTION"})


@frozen
class Mailboxes:
    """The mailboxes that a batch of identifiers may have, each as `number@context`.

    `owners` maps a mailbox, in the form in which a table is asked for it, to whose it may be.
    """

    owners: Mapping[Identifier, tuple[Identifier, ...]]

    @classmethod
    def of(cls, who: Iterable[Identifier]) -> Mailboxes:
        """Return the mailboxes of accounts and extensions."""
        owners: dict[Identifier, tuple[Identifier, ...]] = {}
        for each in who:
            if each.kind in {"account", "sip"}:
                box = Identifier("sip", _mailbox(each))
                owners[box] = (*owners.get(box, ()), each)
        return cls(owners)

    def is_in(self, box: Identifier, record: Record, columns: tuple[str, str]) -> bool:
        """Return whether a record is about this mailbox; it may only mention the number."""
        return _in(record, columns).lower() == box.value


def _mailbox(who: Identifier) -> str:
    number, _, context = who.value.lower().partition("@")
    return f"{number}@{context if who.kind == 'account' and context else _DEFAULT}"


def _in(record: Record, columns: tuple[str, str]) -> str:
    number, context = (str(record.data.get(each) or "") for each in columns)
    return f"{number}@{context}" if number and context and context not in _NOBODY else ""


def mailbox_links(record: Record, columns: tuple[str, str]) -> Iterator[Identifier]:
    """Yield what the holder of a mailbox leads to: its messages, and the extension."""
    box = _in(record, columns)
    if box:
        number, _, context = box.partition("@")
        yield Identifier("account", box)
        if context == _DEFAULT:
            yield Identifier("sip", number.lower())


def silent(event: str) -> frozenset[str]:
    """Return the columns of a queue's log that name nobody in a row of this event."""
    return frozenset(
        column for column, events in _EVENTS.items() if event.strip().upper() not in events
    )


def without_recording(record: Record) -> Record:
    """Return a call without its recording, if this row's callee did not answer.

    Where several telephones ring, each has a row, and all rows name the recording of the one
    that answered: it is nothing of the others'.
    """
    links = tuple(each for each in record.links if each.kind != "object")
    return evolve(record, links=links)


def is_unanswered(disposition: object) -> bool:
    """Return whether a call record says that nobody answered."""
    return str(disposition or "").strip().upper() in _UNANSWERED


def without_nobody(record: Record) -> Record:
    """Return the record without links to what is a word for nobody."""
    if any(each.value.lower() in _NOBODY for each in record.links):
        links = tuple(each for each in record.links if each.value.lower() not in _NOBODY)
        return evolve(record, links=links)
    return record
