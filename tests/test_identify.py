"""What people write, as identifiers in the one form that stores are asked for."""

from __future__ import annotations

import datetime as dt
from typing import cast

import pytest

from dsr.errors import InvalidIdentifier
from dsr.identify import identify
from dsr.model import Kind


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("phone", "030 901820", "+4930901820"),
        ("phone", "sip:+4930901820@h;user=phone", "+4930901820"),
        ("sip", "sip:Alice@Example.ORG;transport=tcp", "alice@example.org"),
        ("sip", "sips:alice@example.org", "alice@example.org"),
        ("sip", "alice", "alice"),
        ("email", "mailto:Eva@Example.org", "eva@example.org"),
        ("account", " A-17 ", "A-17"),
    ],
)
def test_one_form_for_every_spelling(kind: Kind, text: str, value: str) -> None:
    """Law 10: many spellings are one identifier (RFC 3261, RFC 3966, RFC 6068)."""
    assert identify(kind, text, "DE").value == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("phone", "no number"),
        ("phone", ""),
        ("sip", "bob@"),
        ("sip", "sip:"),
        ("sip", "a b@c"),
        ("email", "eva"),
        ("email", "eva@@example.org"),
        ("account", " "),
        ("nickname", "eva"),
    ],
)
def test_malformed_input_is_refused_and_never_repeated(kind: str, text: str) -> None:
    """Law 8: no identifier in an exception message."""
    with pytest.raises(InvalidIdentifier) as caught:
        identify(cast("Kind", kind), text, "DE")
    assert caught.value.fix
    assert not text.strip() or text.strip() not in str(caught.value)


def test_an_empty_tenure_is_refused() -> None:
    """Law 4: nothing lies inside such a tenure, so it would find nothing in silence."""
    at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    with pytest.raises(InvalidIdentifier):
        identify("phone", "030 901820", "DE", at, at)
