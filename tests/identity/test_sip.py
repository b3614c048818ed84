"""SIP credentials: the vectors of the RFC, and what is no proof."""

from __future__ import annotations

import contextlib
import hashlib

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from dsr.errors import InputError
from dsr.identity.sip import Digest, proves
from dsr.model import Credential

NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
REALM = "http-auth@example.org"
HEADER = (
    'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", '
    'algorithm={algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, '
    'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, response="{response}", '
    'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
#: RFC 7616, section 3.9.1: the same request by two algorithms.
MD5 = HEADER.format(algorithm="MD5", response="8ca523f5e9506fed4657c9700eebdbec")
SHA256 = HEADER.format(
    algorithm="SHA-256",
    response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
)
SECRET = f"Mufasa:{REALM}:Circle of Life".encode()
BY_MD5 = Credential("Mufasa", REALM, "MD5", hashlib.md5(SECRET).hexdigest())  # noqa: S324  (HA1)
BY_SHA256 = Credential("Mufasa", REALM, "SHA-256", hashlib.sha256(SECRET).hexdigest())


@pytest.mark.parametrize("header", [MD5, SHA256], ids=["MD5", "SHA-256"])
def test_the_answers_of_the_rfc_are_proofs(header: str) -> None:
    """RFC 7616, 3.9.1: each answer proves by the hash of its own algorithm, and by no other."""
    digest = Digest.parse(header)
    assert proves(digest, [BY_MD5, BY_SHA256], NONCE, "GET")
    own = BY_MD5 if digest.algorithm == "MD5" else BY_SHA256
    assert proves(digest, [own], NONCE, "GET")
    assert not proves(digest, [each for each in (BY_MD5, BY_SHA256) if each != own], NONCE, "GET")


def test_sha_512_256_is_the_hash_of_its_name() -> None:
    """RFC 8760: SHA-512/256 with its own initial values (FIPS 180-4), no cut SHA-512."""
    ha1 = hashlib.new("sha512_256", SECRET).hexdigest()
    ha2 = hashlib.new("sha512_256", b"REGISTER:sip:example.org").hexdigest()
    text = f"{ha1}:n:00000001:c:auth:{ha2}".encode()
    digest = Digest(
        username="Mufasa",
        realm=REALM,
        nonce="n",
        uri="sip:example.org",
        response=hashlib.new("sha512_256", text).hexdigest(),
        algorithm="SHA-512-256",
        qop="auth",
        nc="00000001",
        cnonce="c",
    )
    assert proves(digest, [Credential("Mufasa", REALM, "SHA-512-256", ha1)], "n", "REGISTER")


@pytest.mark.parametrize(
    "wrong",
    [
        {"response": "0" * 32},
        {"nonce": "another"},
        {"uri": "/other"},
        {"cnonce": "other"},
        {"nc": "00000002"},
        {"username": "Scar"},
        {"realm": "other"},
        {"algorithm": "SHA-256"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_an_answer_with_anything_else_is_none(wrong: dict[str, str]) -> None:
    """Every field of the answer counts."""
    digest = evolve(Digest.parse(MD5), **wrong)
    assert not proves(digest, [BY_MD5], NONCE, "GET")


def test_an_answer_to_another_challenge_is_none() -> None:
    """A replayed answer bears another nonce than the one that was sent."""
    assert not proves(Digest.parse(MD5), [BY_MD5], "fresh", "GET")
    assert not proves(Digest.parse(MD5), [BY_MD5], NONCE, "REGISTER")
    assert not proves(Digest.parse(MD5), [], NONCE, "GET")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic TXVmYXNh",
        "Digest",
        "Digest x",
        MD5.replace("qop=auth", "qop=auth-int"),
        MD5.replace("qop=auth, ", ""),
        MD5.replace("MD5", "MD5-sess"),
        MD5.replace("00000001", "1"),
        MD5 + " " * 5000,
    ],
)
def test_what_cannot_be_read_is_refused(header: str) -> None:
    """The error says what is missing, and repeats nothing."""
    with pytest.raises(InputError) as raised:
        Digest.parse(header)
    assert "Mufasa" not in str(raised.value)


@given(st.text(st.characters(codec=None), max_size=300))
def test_nothing_that_a_stranger_sends_breaks_the_parser(text: str) -> None:
    """Whatever comes is an answer or an `InputError`."""
    for header in (text, f"Digest {text}", f'{MD5}, {text}="x"'):
        with contextlib.suppress(InputError):
            proves(Digest.parse(header), [BY_MD5], text, "GET")


def test_nobody_is_shown() -> None:
    """Law 8: neither the name nor the hash stands in a repr."""
    shown = repr(Digest.parse(MD5)) + repr(BY_MD5)
    assert "Mufasa" not in shown
    assert BY_MD5.ha1 not in shown
