"""One phone number and all its spellings; the only place that knows `phonenumbers`.

The canonical form is E.164 with the plus (ITU-T E.164, RFC 3966 global number). Stores spell
it in ten ways; `spellings` lists them as bare digits and plusses, so that a store can be asked
by equality, and `dsr.match` finds them inside text.

A site may dial with more digits before a number than the numbering plans know: an outside line,
a carrier's or an account's code. Wherever a `region` is asked for, `dialling(region, prefixes)`
may stand, and spellings with these prefixes count as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import phonenumbers

from dsr.errors import ConfigurationError, InvalidIdentifier

__all__ = ["check_region", "compact", "dialling", "nationals", "normalise", "spellings"]

#: What a private branch exchange or a careless user puts before the country code: the plus, an
#: international prefix (ITU-T E.123 `+`, `00`; North America `011`), after an outside-line digit.
_INTERNATIONAL: Final = ("+", "++", "00", "00+", "011", "011+", "0+", "000", "9011", "9011+", "900")

_PREFIX: Final = re.compile("[0-9]{1,8}")
_WRAPPED = re.compile(r"<([^<>]*)>\s*$")
_SCHEME = re.compile(r"^\s*(?:sips?|tel):(?://)?", re.IGNORECASE)
_BEHIND = re.compile(r"(?::[^@]*)?@.*|;.*", re.DOTALL)  # password, host, parameters (RFC 3261)
_ALLOWED = re.compile(r"^[+\d\s().\-/\u00a0\u2010-\u2015]+$")
_SEPARATORS = re.compile(r"[^+\d]+")


def check_region(region: str) -> str:
    """Return `region` if it is an ISO 3166-1 alpha-2 region with a numbering plan.

    Raises `ConfigurationError` otherwise.
    """
    if region not in phonenumbers.SUPPORTED_REGIONS:
        what = "this is no region with a numbering plan"
        raise ConfigurationError(what, 'write a two-letter country code such as "DE"')
    return region


def dialling(region: str, prefixes: Sequence[str]) -> str:
    """Return `region` as it is dialled from a site that puts any of `prefixes` before numbers.

    Each is one to eight digits. Raises `ConfigurationError` otherwise.
    """
    if not all(_PREFIX.fullmatch(each) for each in prefixes):
        what = "this is no prefix of dialled numbers"
        raise ConfigurationError(what, 'write one to eight digits, such as "9" or "9810"')
    return " ".join((region, *sorted(set(prefixes), key=lambda each: (-len(each), each))))


def compact(text: str) -> str:
    """Return the digits and plusses of `text`, everything else dropped."""
    return _SEPARATORS.sub("", text)


@lru_cache(maxsize=4096)
def normalise(text: str, region: str) -> str:
    """Return the E.164 form (`+4930901820`) of a number spelled in any way.

    `text` may be a SIP or tel URI, a name-addr (`"Name" <030…>`) or plain; a number without
    country code is read in `region` (ISO 3166-1 alpha-2, or from `dialling`). Raises
    `InvalidIdentifier` for what is no possible number; the message does not repeat it.
    """
    region, *prefixes = region.split(" ")
    bare = text.strip()
    if wrapped := _WRAPPED.search(bare):
        bare = wrapped[1]
    bare = _BEHIND.sub("", _SCHEME.sub("", bare)).replace("%2B", "+")
    if not _ALLOWED.match(bare):
        raise _invalid()
    digits = compact(bare.replace("(0)", "") if "+" in bare or "00" in bare[:2] else bare)
    head, plus, tail = digits.rpartition("+")
    if plus:  # 9011+44…, ++44…, 0+44…: the plus says where the country code begins
        if head + plus not in _INTERNATIONAL and head not in prefixes:
            raise _invalid()  # two numbers: which one is meant?
        digits = plus + tail
    number = _listed(digits, region) or _prefixed(digits, region, prefixes) or _unlisted(digits)
    if number is None:
        raise _invalid()
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _invalid() -> InvalidIdentifier:
    return InvalidIdentifier(
        "this is not a phone number", "write it with country code, such as +49 30 123456"
    )


def _listed(digits: str, region: str) -> phonenumbers.PhoneNumber | None:
    """Return the number of a numbering plan that the digits most likely mean."""
    for candidate in _readings(digits, region):
        number = _parse(candidate, region)
        if number is not None and phonenumbers.is_valid_number(number):
            return number
    return None


def _prefixed(digits: str, region: str, prefixes: Sequence[str]) -> phonenumbers.PhoneNumber | None:
    """Return the number of a numbering plan that stands behind a prefix of the site, the longest.

    With country code or trunk prefix: a bare national number could be too many others.
    """
    home = phonenumbers.PhoneMetadata.metadata_for_region(region)
    trunk = (home.national_prefix or "") if home is not None else "0"
    for prefix in prefixes:
        if not digits.startswith(prefix):
            continue
        rest = digits[len(prefix) :]
        number = None if rest.startswith("0") else _listed("+" + rest, region)
        if number is None and rest.startswith(("0", trunk)):
            number = _listed(rest, region)
        if number is not None:
            return number
    return None


def _unlisted(digits: str) -> phonenumbers.PhoneNumber | None:
    """Return a number that no plan lists yet: numbering plans grow faster than libraries.

    Only with its country code: else it may be an extension, or lack its area code.
    """
    number = _parse("+" + digits[2:] if digits.startswith("00") else digits, None)
    if number is None:
        return None
    reason = phonenumbers.is_possible_number_with_reason(number)
    return number if reason == phonenumbers.ValidationResult.IS_POSSIBLE else None


def _parse(digits: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return None


def _readings(digits: str, region: str) -> list[str]:
    """List how the digits may be meant, the likeliest first."""
    if digits.startswith("+"):
        return [digits]
    readings = [digits]
    prefixes = ("0000", "9011", "000", "011", "00", "900")
    readings += ["+" + digits[len(each) :] for each in prefixes if digits.startswith(each)]
    if digits.startswith(str(phonenumbers.country_code_for_region(region))):
        # systems write E.164 without the plus; people write national numbers with their zero
        readings.insert(0, "+" + digits)
    elif not digits.startswith("0"):
        readings.append("+" + digits)
    return readings


@lru_cache(maxsize=65536)
def spellings(e164: str, region: str) -> tuple[str, ...]:
    """Return every spelling of `e164`, as digits and plusses without separators.

    International forms always; national ones (with trunk prefix, and bare) where the number
    belongs to the country calling code of `region`. Behind the prefixes of a site (`dialling`)
    those that mean this number only, as `normalise` reads them: where the whole is somebody's
    number as it stands, it is none. Sorted, so that statements are stable.
    """
    site = region
    region, *prefixes = site.split(" ")
    number = phonenumbers.parse(e164, None)
    code = str(number.country_code)
    national = phonenumbers.national_significant_number(number)
    found = {code + national, *(prefix + code + national for prefix in _INTERNATIONAL)}
    home = phonenumbers.PhoneMetadata.metadata_for_region(region)
    if home is not None and home.country_code == number.country_code:
        trunk = home.national_prefix or ""
        found |= {national, trunk + national}
        if trunk and trunk != code:  # +49 (0)30 …
            found |= {f"+{code}{trunk}{national}", f"00{code}{trunk}{national}"}
    dialled = {prefix + each for prefix in prefixes for each in found}
    return tuple(sorted(found | {each for each in dialled if _means(each, site, e164)}))


def _means(digits: str, region: str, e164: str) -> bool:
    try:
        return normalise(digits, region) == e164
    except InvalidIdentifier:
        return False


@lru_cache(maxsize=65536)
def nationals(e164: str) -> tuple[str, tuple[str, ...]]:
    """Return the country code of `e164`, and the spellings of what follows it, as digits.

    These are the national number bare and with the trunk prefix of its own country, for stores
    that keep country code and number apart.
    """
    number = phonenumbers.parse(e164, None)
    code = number.country_code or 0
    national = phonenumbers.national_significant_number(number)
    region = phonenumbers.region_code_for_country_code(code)
    home = phonenumbers.PhoneMetadata.metadata_for_region(region)
    trunk = (home.national_prefix or "") if home is not None else ""
    return str(code), tuple(sorted({national, trunk + national}))
