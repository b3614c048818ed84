"""Why a request is refused: a value that cannot exist without what the law wants of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal, get_args

from attrs import field, frozen

from dsr.errors import InputError
from dsr.model import Right
from dsr.policy.counting import is_a_count

__all__ = ["CAUSES", "CONDITIONS", "Cause", "Condition", "Refusal"]

Cause = Literal["not entitled", "unfounded", "excessive", "national law", "not identifiable"]
#: The three that BDSG s. 34(1) no. 2 asks for together.
Condition = Literal["retention or backup only", "disproportionate effort", "other use excluded"]

CAUSES: Final[tuple[Cause, ...]] = get_args(Cause)
CONDITIONS: Final[tuple[Condition, ...]] = get_args(Condition)

_ARTICLE_11: Final = "GDPR Art. 11(2)"
_ARTICLE_12: Final = "GDPR Art. 12(5)(b)"
_GDPR: Final = re.compile(r"\b(GDPR|DSGVO|DS-GVO|RGPD)\b", re.IGNORECASE)
_BDSG_34: Final = re.compile(r"\bBDSG\b\D*34\b|\b34\b.*\bBDSG\b", re.IGNORECASE)
_NO_1: Final = re.compile(r"\b(no|nr|nummer|number)\.?\s*1\b", re.IGNORECASE)


def _conditions(given: Iterable[Condition]) -> frozenset[Condition]:
    return frozenset(given)  # by its name, `frozenset` as a converter would type as "of anything"


@frozen
class Refusal:
    """A decision to refuse a request, made by a person and told with its reason (Art. 12(4)).

    `cause` is one of

    - `not entitled`: the right does not reach this far; `law` says by which provision
    - `unfounded`, `excessive` (Art. 12(5)): manifestly so. `evidence` says where that is shown,
      for the operator bears the burden of proof; a number of requests alone shows nothing
      (C-526/24)
    - `national law` (Art. 23): `law` cites it. BDSG s. 34(1) no. 2 needs all three `confirmed`
    - `not identifiable` (Art. 11): which data is the person's cannot be told

    `reason` is told to the person; `by` names who decided. None of the texts names the person
    of the request: all but the conditions go to the audit trail. Raises `InputError`.
    """

    cause: Cause
    reason: str = field(repr=False)
    by: str = field(repr=False)
    law: str = ""
    evidence: str = field(default="", repr=False)
    confirmed: frozenset[Condition] = field(default=frozenset[Condition](), converter=_conditions)

    def __attrs_post_init__(self) -> None:
        """Refuse to exist without what the law wants."""
        if self.cause not in CAUSES:
            what = "this is no cause to refuse a request"
            raise InputError(what, f"use one of {', '.join(CAUSES)}")
        if not self.reason.strip():
            what = "a refusal needs its reason (GDPR Art. 12(4))"
            raise InputError(what, "say why, in words that the person may read")
        if not self.by.strip():
            what = "a refusal needs a person who decided it"
            raise InputError(what, "name who did")
        if self.cause in {"unfounded", "excessive"} and not self._has_evidence:
            what = f"{self.cause} needs evidence, and a number of requests is none (Art. 12(5))"
            raise InputError(what, "say what shows it, and where that is on file")
        if self.cause == "not entitled" and not self.law.strip():
            what = "a refusal needs the provision that the right ends at"
            raise InputError(what, 'give it, such as "GDPR Art. 20(1)"')
        if self.cause == "national law":
            self._check_national()

    def _check_national(self) -> None:
        if not self.law.strip() or _GDPR.search(self.law):
            what = "a refusal by national law cites that law (GDPR Art. 23)"
            raise InputError(what, 'give its section, such as "BDSG § 29(1)"')
        missing = [each for each in CONDITIONS if each not in self.confirmed]
        if self._by_bdsg_34 and not _NO_1.search(self.law) and missing:
            what = f"BDSG § 34(1) no. 2 needs all three, and lacks: {', '.join(missing)}"
            raise InputError(what, "confirm what is true; if one is not, answer the request")

    @property
    def _has_evidence(self) -> bool:
        return bool(self.evidence.strip()) and not is_a_count(self.evidence)

    @property
    def _by_bdsg_34(self) -> bool:
        return bool(_BDSG_34.search(self.law))

    @property
    def source(self) -> str:
        """The provision that allows the refusal, as the letter cites it."""
        match self.cause:
            case "unfounded" | "excessive":
                return self.law or _ARTICLE_12
            case "not identifiable":
                return self.law or _ARTICLE_11
            case "national law":
                return f"{self.law}; GDPR Art. 23"
        return self.law

    @property
    def decision(self) -> str:
        """What the audit trail keeps: enough to show later that the law was kept."""
        parts = [f"{self.cause}: {self.reason} ({self.source})", f"decided by {self.by}"]
        parts += [f"evidence: {self.evidence}"] if self.evidence else []
        parts += [f"confirmed: {', '.join(sorted(self.confirmed))}"] if self.confirmed else []
        return "; ".join(parts)

    def check_right(self, right: Right) -> None:
        """Raise `InputError` if the law that is cited does not limit this right."""
        if self.cause == "national law" and self._by_bdsg_34 and right != "access":
            what = f"BDSG § 34 limits access, not {right}"
            raise InputError(what, "cite the law that limits this right, or carry it out")
        if self.cause == "not identifiable" and right == "objection":
            what = "GDPR Art. 11(2) leaves the right to object as it is"
            raise InputError(what, "answer the objection")
