"""The laws of what `Connector.find` yields: records, their fields, content and links."""

from __future__ import annotations

import datetime as dt
import pickle
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from dsr.model import KINDS, Content, Record
from dsr.testing._views import bytes_of, found, secrets, subjects, view
from dsr.testing.harness import Harness

__all__ = ["RecordLaws"]

_CHUNK: Final = 256 * 1024
_PART: Final = re.compile(r"(?P<field>.+)\[(?P<start>\d+):(?P<end>\d+)\]")
_SCALARS: Final = (str, int, float, Decimal, bool, type(None), bytes, dt.date)
_E164: Final = re.compile(r"\+[1-9]\d{1,14}")


class RecordLaws:
    """What all that is found obeys; needs the fixture `harness`."""

    def test_about_names_fields_that_hold_something(self, harness: Harness) -> None:
        """`about` is never empty, and names fields of the record, parts of them, or content."""
        harness.seed()
        for each in found(harness.connector, [harness.subject, harness.bystander]):
            assert each.about, "a Found that says nothing about the identifier"
            for name in each.about:
                assert _holds(each.record, name), "`about` names a field that is empty or absent"
            for name in each.record.personal:
                assert _holds(each.record, name), "`personal` names a field that is empty"
            assert not each.record.personal or each.about <= each.record.personal

    def test_values_are_of_the_documented_types(self, harness: Harness) -> None:
        """Records hold only values that a package can write, and aware timestamps."""
        harness.seed()
        for each in subjects(harness):
            assert each.record.key
            assert each.record.at is None or each.record.at.tzinfo is not None
            assert _plain(each.record.data), "a value of record.data is of no documented type"

    def test_reprs_show_nobody(self, harness: Harness) -> None:
        """No repr shows an identifier: reprs end up in logs and tracebacks."""
        harness.seed()
        founds = found(harness.connector, [harness.subject, harness.bystander])
        shown = [repr(harness.connector)]
        shown += [repr(each) + repr(each.record.content) + repr(each.record) for each in founds]
        for secret in secrets(harness):
            assert not any(secret in text for text in shown), "a repr shows personal data"

    def test_connector_and_records_can_be_pickled(self, harness: Harness) -> None:
        """A worker in another process finds the same, and can send it back."""
        harness.seed()
        copy = pickle.loads(pickle.dumps(harness.connector))  # noqa: S301  (our own bytes)
        founds = found(copy, [harness.subject])
        assert view(founds) == view(subjects(harness))
        back = pickle.loads(pickle.dumps(founds))  # noqa: S301  (our own bytes)
        assert view(back) == view(founds)
        for here, there in zip(founds, back, strict=True):
            assert bytes_of(here.record) == bytes_of(there.record)

    def test_links_can_be_looked_up(self, harness: Harness) -> None:
        """A link is an identifier as `dsr.model` writes it, or no other store would know it."""
        harness.seed()
        for each in found(harness.connector, [harness.subject, harness.bystander]):
            for link in each.record.links:
                assert link.kind in KINDS
                assert link.value, "a link that leads nowhere"
                if link.kind == "phone":
                    assert _E164.fullmatch(link.value), "a phone number that is not E.164"
                if link.kind in {"sip", "email"}:
                    assert link.value == link.value.lower(), "an address that is not lower case"

    def test_content_is_whole_and_repeatable(self, harness: Harness) -> None:
        """Content comes in pieces of at most 256 KiB, twice the same, all of it, and never less."""
        harness.seed()
        for each in found(harness.connector, [harness.subject, harness.bystander]):
            content, raw = each.record.content, harness.content(each.record)
            if content is None:
                assert raw is None, "a record comes without the content that Harness.content reads"
                continue
            assert raw is not None, "a record has content: write Harness.content to compare it"
            assert isinstance(content, Content)
            assert content.name
            assert "/" not in content.name
            assert "/" in content.mediatype
            assert all(0 < len(chunk) <= _CHUNK for chunk in content.chunks())
            data = bytes_of(each.record)
            assert data == bytes_of(each.record)
            assert content.size in (None, len(data))
            assert data == raw


def _holds(record: Record, name: str) -> bool:
    """Return whether `name` is a field with a value, a part inside one, or the content."""
    if name in record.data:
        value = record.data[name]
        return value is not None and value not in ("", b"", [], {})
    if name == "content":
        return record.content is not None
    part = _PART.fullmatch(name)
    if part is None:
        return False
    value = record.data.get(part["field"])
    if isinstance(value, str):  # a connector may count in bytes
        value = value.encode("utf-8", "surrogateescape")
    return isinstance(value, bytes) and int(part["start"]) < int(part["end"]) <= len(value)


def _plain(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _plain(each) for key, each in value.items())
    if isinstance(value, list | tuple):
        return all(map(_plain, value))
    if isinstance(value, dt.datetime):
        return value.tzinfo is not None
    return isinstance(value, _SCALARS)
