"""What strangers send: whatever it is, one kind of error, and nothing of it repeated.

Texts are any that Python can hold, lone surrogates included, and pieces of the real thing put
together wrongly.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import example, given
from hypothesis import strategies as st

from dsr.assurance import from_config
from dsr.errors import ConfigurationError, DsrError, InputError, InvalidIdentifier, NotVerified
from dsr.identify import identify
from dsr.identity import standing
from dsr.identity.levels import level
from dsr.identity.login import Login
from dsr.identity.sip import Digest
from dsr.identity.staff import Member
from dsr.model import KINDS, Kind
from dsr.settings import Context

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
TEXT = st.text(st.characters(codec=None), max_size=200)
HEADERS = st.lists(
    st.sampled_from(
        [
            "Digest ",
            'username="',
            '"',
            ",",
            "=",
            "realm=x",
            'nonce="n"',
            "uri=sip:a",
            "response=" + "0" * 64,
            "qop=auth",
            "nc=00000001",
            "cnonce=c",
            "algorithm=SHA-256",
            "\\",
            " ",
            "\x00",
            "é",
        ]
    ),
    max_size=24,
).map(lambda parts: "Digest " + ", ".join(parts))
_PUBLIC = Ed25519PrivateKey.generate().public_key()
LOGIN = Login(
    "portal", _PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
)
#: The hash of another PIN, made with the least work that Argon2 takes.
_CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("0815 4711 0815 4711 0815")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def refused(act: Callable[[], object], *kinds: type[DsrError], secret: str = "") -> None:
    """Let it succeed, or fail with one of `kinds`, which repeats nothing."""
    with suppress(*kinds), _silent(secret):
        act()


@contextmanager
def _silent(secret: str) -> Iterator[None]:
    """Look at an error on its way: neither it nor its cause may tell what was sent."""
    try:
        yield
    except DsrError as error:
        told = f"{error} {error!r} {error.__cause__!r}"
        if len(secret) > len("a short text") and secret in told:
            pytest.fail("the error repeats what was sent")
        raise


@given(TEXT | HEADERS)
def test_any_authorization_header(text: str) -> None:
    """Rule 43 (RFC 7616): it is an answer to a challenge, or told to be none."""
    refused(lambda: Digest.parse(text), InputError, secret=text)


@given(TEXT)
def test_any_token(text: str) -> None:
    """Rule 43 (RFC 7519): no text is a login that the portal did not sign."""
    with pytest.raises(NotVerified):
        LOGIN.session(text, "r1", NOW)


@given(header=JSON, claims=JSON)
def test_any_json_in_a_token(header: Any, claims: Any) -> None:
    """Rule 43 (RFC 7519): of whatever shape its parts are."""
    import base64  # noqa: PLC0415  (this test's own)

    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    with pytest.raises(NotVerified):
        LOGIN.session(f"{part(header)}.{part(claims)}.AAAA", "r1", NOW)


@given(kind=st.sampled_from(KINDS), text=TEXT)
def test_any_identifier(kind: Kind, text: str) -> None:
    """Law 8: what is none is told, and not repeated."""
    refused(lambda: identify(kind, text, "DE"), InvalidIdentifier, secret=text)


@given(TEXT)
@example("\ud800")
def test_any_standing_pin(text: str) -> None:
    """Rule 40 (LG Bonn, 29 OWi 1/20): no text is right where none is on file."""
    if len(text) > 64:  # hashing has a price: only what is compared at all
        assert not standing.proves(text, [])
    assert not standing.proves(text, ["", "not a hash", _CHEAP])


@given(TEXT)
def test_any_code_of_an_authenticator(text: str) -> None:
    """Rule 41 (RFC 6238): a step, or none."""
    step = Member("ada", frozenset(), "JBSWY3DPEHPK3PXP" * 2).step(text, NOW)
    assert step is None or text.replace(" ", "").isascii()


@given(TEXT)
def test_any_level(text: str) -> None:
    """Bad input: a level, or a sentence about what one is."""
    with suppress(ValueError):
        assert str(level(text))


@given(st.dictionaries(st.sampled_from(["levels", "line", "sip", "login", "four_eyes"]), JSON))
def test_any_table(table: dict[str, Any]) -> None:
    """Bad input: `[identity]` of any shape is read, or one error tells the key."""
    from pathlib import Path  # noqa: PLC0415  (this test's own)

    refused(
        lambda: from_config(table, {}, Context("DE", Path("/nonexistent")), ()),
        ConfigurationError,
    )
