"""What people show of who they are: one value for each way to prove it.

None has a field for an image: an identity document is never asked for, nor kept (rule 39).
"""

from __future__ import annotations

from typing import Final

from attrs import field, frozen

from dsr.identity.levels import Factor

__all__ = ["METHODS", "Assertion", "Code", "Decision", "Proof", "SipAnswer", "StandingPin"]

#: What a factor is called in grants, in the audit trail and on screen.
METHODS: Final[dict[Factor, str]] = {
    "one-time-pin": "one-time PIN",
    "standing-pin": "standing PIN",
    "sip": "SIP credentials",
    "login": "login",
    "person": "decision of two people",
}


@frozen
class Code:
    """The one-time PIN that was sent to the number on file."""

    pin: str = field(repr=False)


@frozen
class StandingPin:
    """The PIN that the customer has with the operator. It never counts alone (rule 40)."""

    pin: str = field(repr=False)


@frozen
class SipAnswer:
    """The `Authorization` header of a telephone that answered the challenge, and its method."""

    header: str = field(repr=False)
    method: str = "REGISTER"


@frozen
class Assertion:
    """What the operator's own portal signed of the session it has (`dsr.identity.login`)."""

    token: str = field(repr=False)


@frozen
class Decision:
    """One member of the staff is sure who asks: their name, their TOTP code, and the reason.

    Two of them are needed. `reason` names nobody: it goes to the audit trail.
    """

    member: str
    code: str = field(repr=False)
    reason: str = field(repr=False)


Proof = Code | StandingPin | SipAnswer | Assertion | Decision
