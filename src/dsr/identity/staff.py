"""Who works here, what they may do, and the code of their own that proves it was them.

A role is leave to do one thing. What counts for a person's decision on identity, and for
approvals, is each member's own TOTP code (RFC 6238): a name typed by somebody else is none.
"""

from __future__ import annotations

import datetime as dt
import hmac
from typing import Final, Literal, get_args

import pyotp
from attrs import Attribute, field, frozen

__all__ = ["ROLES", "Member", "Role"]

Role = Literal["open", "verify", "approve", "run", "hold", "audit"]

ROLES: Final[tuple[Role, ...]] = get_args(Role)
_STEP: Final = 30  # seconds, RFC 6238's default
_DRIFT: Final = 1  # steps that a clock may be off


def _usable(_: object, _attribute: Attribute[str], value: str) -> None:
    if value:
        pyotp.TOTP(value).at(0)  # raises ValueError for what is no base32, or too short


@frozen
class Member:
    """One of the staff. `secret` is the base32 secret of their authenticator.

    Raises `ValueError` for a secret that is none.
    """

    name: str
    roles: frozenset[Role]
    secret: str = field(default="", repr=False, validator=_usable)

    def may(self, role: Role) -> bool:
        """Return whether they have the role."""
        return role in self.roles

    def step(self, code: str, now: dt.datetime) -> int | None:
        """Return the time step that `code` is right for, None if it is right for none.

        The caller sees to it that a step counts once. All steps that the drift of a clock
        allows are compared, in constant time.
        """
        digits = "".join(code.split())
        if not self.secret or not digits.isascii() or not digits.isdecimal():
            return None
        totp = pyotp.TOTP(self.secret, interval=_STEP)
        current = int(now.timestamp()) // _STEP
        right = [
            step
            for step in range(current - _DRIFT, current + _DRIFT + 1)
            if hmac.compare_digest(totp.generate_otp(step), digits)
        ]
        return right[-1] if right else None
