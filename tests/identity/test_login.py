"""A signed login proves one identifier, for one request, for minutes."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from dsr.errors import NotVerified
from dsr.identity.login import Login
from dsr.model import Identifier

NOW: Final = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
KEY: Final = Ed25519PrivateKey.generate()
PUBLIC: Final = (
    KEY.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)
LOGIN: Final = Login("https://portal.example.org", PUBLIC)
CLAIMS: Final[dict[str, Any]] = {
    "iss": "https://portal.example.org",
    "aud": "dsr",
    "sub": "account:A-1001",
    "request": "r1",
    "iat": int(NOW.timestamp()),
    "exp": int(NOW.timestamp()) + 300,
    "jti": "5f1c",
}


def _token(**change: Any) -> str:
    claims = {name: each for name, each in {**CLAIMS, **change}.items() if each is not None}
    return jwt.encode(claims, KEY, algorithm="EdDSA")


def test_a_login_proves_an_identifier() -> None:
    """The portal's word for who is logged in, and the name by which it counts once."""
    session = LOGIN.session(_token(), "r1", NOW)
    assert session.who == Identifier("account", "A-1001")
    assert (session.token, session.until) == ("5f1c", NOW + dt.timedelta(minutes=5))


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://evil.example.net"},
        {"aud": "portal"},
        {"request": "r2"},
        {"sub": "A-1001"},
        {"sub": "name:Eva"},
        {"sub": "account:"},
        {"sub": 7},
        {"exp": int(NOW.timestamp()) + 301},
        {"exp": int(NOW.timestamp())},
        {"exp": "soon"},
        {"exp": 10**30},
        {"iat": int(NOW.timestamp()) + 60},
        *({name: None} for name in CLAIMS),
    ],
)
def test_no_other_token_does(change: dict[str, Any]) -> None:
    """Rule 43: bound to this request, this audience, these minutes; nothing may be missing."""
    with pytest.raises(NotVerified) as told:
        LOGIN.session(_token(**change), "r1", NOW)
    assert "A-1001" not in str(told.value)


def test_a_token_ends() -> None:
    """The second after its last is too late; our clock may be half a minute behind the portal's."""
    for later, fine in ((299, True), (300, False), (-30, True), (-31, False)):
        now = NOW + dt.timedelta(seconds=later)
        if fine:
            assert LOGIN.session(_token(), "r1", now).token == "5f1c"
        else:
            with pytest.raises(NotVerified):
                LOGIN.session(_token(), "r1", now)


def test_nobody_else_can_sign() -> None:
    """Another key, no signature, and the public key used as a shared secret are all refused."""
    other = jwt.encode(CLAIMS, Ed25519PrivateKey.generate(), algorithm="EdDSA")
    unsigned = jwt.encode(CLAIMS, "", algorithm="none")
    shared = jwt.encode(CLAIMS, "a secret that is long enough for it", algorithm="HS256")
    for token in (other, unsigned, shared, _token()[:-4] + "AAAA"):
        with pytest.raises(NotVerified):
            LOGIN.session(token, "r1", NOW)


@given(st.text(max_size=200) | st.just("." * 9000))
def test_whatever_a_stranger_sends_is_read(text: str) -> None:
    """No text ends in anything but no."""
    with pytest.raises(NotVerified):
        LOGIN.session(text, "r1", NOW)
