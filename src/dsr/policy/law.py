"""Whose law binds, and which exception of Art. 17(3) GDPR a citation names.

What is recognised here are citations as people write them; what is not recognised must be told.
"""

from __future__ import annotations

import re
from typing import Final, Literal, get_args

from dsr.errors import InputError

__all__ = [
    "EEA",
    "EXCEPTIONS",
    "LegalException",
    "check_jurisdiction",
    "ground_of",
    "is_foreign",
    "is_member_state_law",
    "is_union_law",
]

#: The exceptions of Art. 17(3) GDPR: why a hold may keep what somebody wants erased.
LegalException = Literal["17(3)(a)", "17(3)(b)", "17(3)(c)", "17(3)(d)", "17(3)(e)"]
EXCEPTIONS: Final[tuple[LegalException, ...]] = get_args(LegalException)

#: ISO 3166-1 alpha-2. The GDPR applies in the 27 Member States, and by the EEA Agreement
#: (Joint Committee Decision No 154/2018) in Iceland, Liechtenstein and Norway.
EEA: Final = frozenset(
    {
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"),
        *("IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
        *("IS", "LI", "NO"),
    }
)

#: "Art. 17(3)(e)", "Art. 17 Abs. 3 lit. e", "article 17, paragraphe 3, point e)", "art. 17.3.e".
_POINT: Final = re.compile(
    r"\b17\s*,?\s*(?:\(\s*3\s*\)|(?:Absatz|Abs\.|paragraphe?|para\.?|par\.|§|\.)\s*\(?3\)?)"
    r"[\s,.]*(?:Buchstabe|Buchst\.|lit\.|lettre|letter|point)?\s*\(?([a-e])\b",
    re.IGNORECASE,
)
_UNION: Final = re.compile(
    r"\b(?:GDPR|DS-?GVO|RGPD)\b"
    r"|\((?:EU|EC|EEC|EG|EWG|UE|CE|CEE)(?:, Euratom)?\)"
    r"|\b\d+/(?:EU|EC|EEC|EG|EWG|UE|CE|CEE)\b"
    r"|\bePrivacy\s+Directive\b",
    re.IGNORECASE,
)
_OTHERS_GDPR: Final = re.compile(r"\b(?:UK|U\.K\.|Swiss)[\s-]*GDPR\b", re.IGNORECASE)
#: Citations that stand for law from outside the EEA wherever they are written.
_FOREIGN: Final = (
    _OTHERS_GDPR,
    re.compile(
        # the United States: codes, statutes, agencies that set periods for telephony or finance
        r"\bC\.?\s?F\.?\s?R\b|\bU\.?\s?S\.?\s?C\b|\bUSCA\b|\bU\.S\.C"
        r"|\bCode of Federal Regulations\b|\bUnited States Code\b|\bPub\.?\s?L\."
        r"|\b(?:Rev\.|Ann\.|Gen\.)\s?(?:Stat|Laws?)\b|\bStat\.\s"
        r"|\bFCC\b|\bCALEA\b|\bHIPAA\b|\bSarbanes\b|\bFINRA\b|\bSEC\s+Rule\b"
        # the United Kingdom
        r"|\bInvestigatory Powers\b|\bRIPA\b|\bDRIPA\b|\bSI\s+(?:19|20)\d\d/\d"
        # Switzerland, Canada, Australia, China, Russia
        r"|\bBÜPF\b|\bLSCPT\b|\bSR\s+\d{3}\.\d|\bPIPEDA\b|\bR\.?S\.?C\.?,?\s+\d{4}|\(Cth\)"
        r"|\bPIPL\b|\b\d+-FZ\b"
        # "US law", "UK Companies Act", "Swiss Code of Obligations"
        r"|\b(?:(?-i:USA?|U\.S\.|UK|U\.K\.)|United States|United Kingdom|American|British|Swiss"
        r"|Canadian|Australian|Chinese|Indian|Russian|Turkish)(?:\W+\w+){0,3}?"
        r"\W+(?:laws?|acts?|codes?|statutes?|regulations?|rules?|ordinances?)\b",
        re.IGNORECASE,
    ),
)
#: "Companies Act 2006": of the law of the EEA, only that of Ireland and Malta is cited like this.
_ACT: Final = re.compile(r"\bAct,?\s+(?:of\s+)?(?:1[789]|20)\d\d\b(?!/)")
_COUNTRY: Final = re.compile(r"[A-Za-z]{2}")


def is_member_state_law(jurisdiction: str) -> bool:
    """Return whether a duty under this law (`EU`, or a country) counts in Art. 17(3)(b) GDPR."""
    return jurisdiction.strip().upper() in EEA | {"EU"}


def is_union_law(law: str) -> bool:
    """Return whether a citation names an act of the Union, such as the GDPR or a directive."""
    return bool(_UNION.search(_OTHERS_GDPR.sub("", law)))


def is_foreign(law: str, jurisdiction: str = "") -> bool:
    """Return whether a citation, or what is said of it, names law from outside the EEA.

    `jurisdiction` is whose law it is said to be, or empty. A citation of the United States'
    codes stays foreign whatever is said; one that could be Irish is not if that is said.
    """
    said = jurisdiction.strip()
    if said and not is_member_state_law(said):
        return True
    if any(each.search(law) for each in _FOREIGN):
        return True
    return not said and bool(_ACT.search(law))


def check_jurisdiction(jurisdiction: str) -> None:
    """Raise `InputError` unless it is empty, `EU` or the two letters of a country."""
    if jurisdiction and not _COUNTRY.fullmatch(jurisdiction):
        what = "this says not whose law it is"
        raise InputError(what, 'write "EU", or the two letters of a country such as "DE"')


def ground_of(law: str, told: str | None) -> LegalException:
    """Return the exception of Art. 17(3) GDPR that a hold under `law` rests on.

    `told` is what was said, or None: then the citation itself has to name it, as "GDPR
    Art. 17(3)(e)" does. Raises `InputError` where it names none or several, or another one.
    """
    named = {f"17(3)({point.lower()})" for point in _POINT.findall(law)}
    grounds = {each for each in EXCEPTIONS if told == each or (told is None and each in named)}
    if told is None and len(grounds) != 1:
        what = "the law does not tell on which exception of GDPR Art. 17(3) the hold rests"
        fix = "tell its ground: 17(3)(b) for a legal duty, 17(3)(e) for legal claims"
        raise InputError(what, fix)
    if not grounds:
        what = "this ground is no exception of GDPR Art. 17(3)"
        raise InputError(what, f"use one of {', '.join(EXCEPTIONS)}")
    if named and not grounds & named:
        what = "the law names another exception of GDPR Art. 17(3) than the ground"
        raise InputError(what, "correct one of them")
    return grounds.pop()
