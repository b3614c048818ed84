"""What the operator has promised and the law demands, per category, as frozen values.

These are the settings of `[operator]` and `[categories.NAME]` in `dsr.toml`; law.md's "what a
policy file must express" is their long-term shape.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal
from zoneinfo import ZoneInfo

from attrs import Attribute, field, frozen
from dateutil.relativedelta import relativedelta

from dsr.phone import check_region

__all__ = ["Category", "Operator", "Policy", "Recipient", "Retention", "period"]

Role = Literal["controller", "processor"]
Basis = Literal[
    "consent",
    "contract",
    "legal obligation",
    "vital interests",
    "public task",
    "legitimate interests",
]
Origin = Literal["provided", "observed", "inferred", "third party"]

_PERIOD: Final = re.compile(r"(\d+) (day|week|month|year)s?")


def period(text: str) -> relativedelta:
    """Return the calendar span of a text such as `6 months` or `7 days`.

    Raises `ValueError` for anything else.
    """
    match = _PERIOD.fullmatch(text)
    if not match:
        msg = 'write a period such as "6 months", "7 days" or "3 years"'
        raise ValueError(msg)
    return relativedelta(**{match[2] + "s": int(match[1])})  # type: ignore[arg-type]  # a unit name


def _period(_: object, _attribute: Attribute[str], value: str) -> None:
    period(value)


def _zone(_: object, _attribute: Attribute[str], value: str) -> None:
    try:
        ZoneInfo(value)
    except (OSError, ValueError, KeyError):
        msg = 'write an IANA time zone such as "Europe/Berlin"'
        raise ValueError(msg) from None


def _country(_: object, _attribute: Attribute[str], value: str) -> None:
    check_region(value)


@frozen
class Operator:
    """Who answers (GDPR Arts. 13(1)(a), 15): name, seat, contact, supervisory authority.

    `country` is the home region (ISO 3166-1 alpha-2) for numbers and law; `timezone` the one
    whose calendar days deadlines and retention are counted in.
    """

    name: str
    country: str = field(validator=_country)
    timezone: str = field(validator=_zone)
    authority: str
    languages: tuple[str, ...] = ("en",)
    address: str = ""
    contact: str = ""
    dpo: str = ""

    @property
    def zone(self) -> ZoneInfo:
        """The time zone itself."""
        return ZoneInfo(self.timezone)


@frozen
class Recipient:
    """Who receives data of a category (GDPR Art. 15(1)(c); named, CJEU C-154/21)."""

    name: str
    role: Literal["processor", "controller", "joint controller"] = "processor"
    country: str = ""
    safeguard: str = ""


@frozen
class Retention:
    """A duty to keep: `period` counted from the record's field `anchor`, under `law`.

    `anchor` is a field of the record; left out, the record's own time. With `whole_years` the
    period starts at the end of the anchor's calendar year (AO s. 147(4), HGB s. 257(5)).
    `fields` limits what is kept; empty means the whole record.
    """

    period: str = field(validator=_period)
    law: str
    reason: str = "statutory retention"
    anchor: str = ""
    whole_years: bool = False
    fields: tuple[str, ...] = ()


@frozen
class Category:
    """What the policy says of one kind of data.

    `erase` tells how erasure is done: `delete` removes the record where it speaks of nobody
    else (else only the person's fields go), `redact` always empties the person's fields.
    `rectifiable` lists the fields a person may have corrected. `portable` overrides what
    `origin` and `basis` say (GDPR Art. 20(1)). `automated` tells of decisions made solely by
    automated means with this data: logic, significance, consequences (Art. 15(1)(h)); left
    out, the answer says that there are none.
    """

    role: Role
    purposes: tuple[str, ...]
    basis: Basis
    origin: Origin
    title: str = ""
    controller: str = ""
    sources: tuple[str, ...] = ()
    recipients: tuple[Recipient, ...] = ()
    erase: Literal["delete", "redact"] = "delete"
    keep: tuple[Retention, ...] = ()
    retention: str = ""
    portable: bool | None = None
    rectifiable: tuple[str, ...] = ()
    automated: str = ""

    @property
    def is_portable(self) -> bool:
        """Whether Art. 20 covers it: provided or observed data, on consent or contract."""
        if self.portable is not None:
            return self.portable
        return self.origin in {"provided", "observed"} and self.basis in {"consent", "contract"}


@frozen
class Policy:
    """The operator and, by name, every category."""

    operator: Operator
    categories: Mapping[str, Category]
