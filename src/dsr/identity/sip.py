"""SIP credentials as proof: a digest response checked against the hash that a store keeps.

The person's phone or app answers a challenge as it answers its registrar (RFC 3261 section 22,
RFC 7616, RFC 8760); the password itself is neither asked for nor stored. Stores that keep HA1
hashes (`dsr.connector.Vouches`) give them: Asterisk's `ps_auths`, Kamailio's `subscriber`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Final, Self
from urllib.request import parse_http_list, parse_keqv_list

from attrs import field, frozen

from dsr.errors import InputError
from dsr.model import Credential

__all__ = ["Digest", "proves"]

_HASHES: Final = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
_HEX: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{64}")
_COUNT: Final = re.compile(r"[0-9a-f]{8}")
_LONGEST: Final = 4096  # characters of a header that anybody may send
_FIX: Final = "send the Authorization header of the answer to the challenge, as it stands"


@frozen
class Digest:
    """The answer to a digest challenge: the fields of an `Authorization` header.

    `algorithm` is `MD5` where the header names none (RFC 7616 section 3.3).
    """

    username: str = field(repr=False)
    realm: str
    nonce: str = field(repr=False)
    uri: str = field(repr=False)
    response: str = field(repr=False)
    algorithm: str
    qop: str
    nc: str
    cnonce: str = field(repr=False)

    @classmethod
    def parse(cls, header: str) -> Self:
        """Read the value of an `Authorization` header: `Digest username="…", realm="…", …`.

        Raises `InputError` that repeats nothing of it. The quality of protection must be
        `auth`: a body is not protected, and without any the answer could be replayed.
        """
        scheme, _, rest = header.strip().partition(" ")
        if scheme.lower() != "digest" or len(header) > _LONGEST:
            what = "this is no answer to a digest challenge"
            raise InputError(what, _FIX)
        try:
            pairs = parse_keqv_list(parse_http_list(rest))
        except (ValueError, IndexError):
            what = "the answer to the digest challenge cannot be read"
            raise InputError(what, _FIX) from None
        given = {name.lower(): value for name, value in pairs.items()}
        names = ("username", "realm", "nonce", "uri", "response", "qop", "nc", "cnonce")
        missing = [name for name in names if not given.get(name)]
        if missing:
            what = f"the answer to the digest challenge lacks {', '.join(missing)}"
            raise InputError(what, _FIX)
        digest = cls(
            algorithm=given.get("algorithm", "MD5").upper(),
            **{name: given[name] for name in names},
        )
        if digest.algorithm not in _HASHES or digest.qop != "auth":
            what = "the answer uses another algorithm or quality of protection than asked for"
            raise InputError(what, f"algorithms are {', '.join(_HASHES)}; the qop is auth")
        if not _COUNT.fullmatch(digest.nc) or not _HEX.fullmatch(digest.response):
            what = "the answer to the digest challenge cannot be read"
            raise InputError(what, _FIX)
        return digest


def proves(digest: Digest, credentials: Iterable[Credential], nonce: str, method: str) -> bool:
    """Return whether `digest` answers the challenge `nonce` by one of `credentials`.

    `method` is that of the request the header came with (`REGISTER`). Whose credentials they
    are, and that the nonce is fresh and used once, is the caller's to see to. All are tried,
    and compared in constant time.
    """
    proved = False
    for each in credentials:
        proved |= _answers(digest, each, method)
    return proved and hmac.compare_digest(
        digest.nonce.encode("utf-8", "surrogatepass"), nonce.encode("utf-8", "surrogatepass")
    )


def _answers(digest: Digest, credential: Credential, method: str) -> bool:
    if (digest.algorithm, digest.realm) != (credential.algorithm, credential.realm):
        return False
    ha2 = _hash(digest.algorithm, f"{method}:{digest.uri}")
    parts = (credential.ha1, digest.nonce, digest.nc, digest.cnonce, digest.qop, ha2)
    expected = _hash(digest.algorithm, ":".join(parts))
    same_name = hmac.compare_digest(
        digest.username.encode("utf-8", "surrogatepass"),
        credential.username.encode("utf-8", "surrogatepass"),
    )
    return hmac.compare_digest(expected, digest.response) and same_name


def _hash(algorithm: str, text: str) -> str:
    return hashlib.new(
        _HASHES[algorithm], text.encode("utf-8", "surrogatepass"), usedforsecurity=False
    ).hexdigest()
