"""An existing login as proof: what the operator's own portal signs of the session it has.

The portal knows who is logged in; it says so in a JSON Web Token (RFC 7519), signed with a key
of which dsr has only the public half. The token is bound to one request, is good for minutes,
and counts once.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import jwt
from attrs import field, frozen

from dsr.errors import NotVerified
from dsr.model import KINDS, Identifier

__all__ = ["Login", "Session"]

#: Signatures that dsr cannot itself make: a shared secret could be used to sign, too.
_ALGORITHMS: Final = ("EdDSA", "ES256", "RS256")
_AUDIENCE: Final = "dsr"
_LONGEST: Final = 8192  # characters of a token that anybody may send
_LIFE: Final = dt.timedelta(minutes=5)
_SKEW: Final = dt.timedelta(seconds=30)  # between the clocks of two machines
_NEEDED: Final = ("aud", "exp", "iat", "iss", "jti", "request", "sub")


@frozen
class Session:
    """Who is logged in, by one identifier, and the token's own name: it counts once."""

    who: Identifier
    token: str = field(repr=False)
    until: dt.datetime


@frozen
class Login:
    """Reads what the portal `issuer` signed; `key` is its public key (PEM)."""

    issuer: str
    key: str = field(repr=False)

    def session(self, token: str, request: str, now: dt.datetime) -> Session:
        """Return whom a token says to be logged in.

        Its claims: `iss` the issuer, `aud` "dsr", `request` the request's id, `sub` an
        identifier such as `account:A-1001`, `iat` and `exp` at most five minutes apart, `jti`
        unique. Raises `NotVerified` that repeats nothing of it for any other token.
        """
        claims = self._claims(token)
        try:
            issued, ends = (
                dt.datetime.fromtimestamp(claims[each], dt.UTC) for each in ("iat", "exp")
            )
            kind, _, value = claims["sub"].partition(":")
        except (TypeError, ValueError, OverflowError, OSError, AttributeError):
            raise _refused() from None
        fresh = issued - _SKEW <= now < ends and dt.timedelta(0) < ends - issued <= _LIFE
        if not fresh or claims["request"] != request or kind not in KINDS or not value:
            raise _refused()
        return Session(Identifier(kind, value), str(claims["jti"]), ends)

    def _claims(self, token: str) -> dict[str, Any]:
        if len(token) > _LONGEST:
            raise _refused()
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self.key,
                algorithms=list(_ALGORITHMS),
                audience=_AUDIENCE,
                issuer=self.issuer,
                options={  # its times are compared with the caller's clock, not the machine's
                    "require": list(_NEEDED),
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            raise _refused() from None
        return claims


def _refused() -> NotVerified:
    what = "the login's assertion is not right, or no longer valid"
    return NotVerified(what, "have the portal sign a new one for this request")
