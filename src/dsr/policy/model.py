"""What the operator has promised and the law demands, per category, as frozen values.

These are the settings of `[operator]` and `[categories.NAME]` in `dsr.toml`; law.md's "what a
policy file must express" is their long-term shape.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Final, Literal
from zoneinfo import ZoneInfo

from attrs import Attribute, field, frozen
from dateutil.relativedelta import relativedelta

from dsr.phone import check_region, dialling
from dsr.policy.calendars import check_calendar

__all__ = [
    "Answers",
    "Category",
    "Clir",
    "Deadlines",
    "Operator",
    "Policy",
    "Recipient",
    "Retention",
    "Stage",
    "Unresolved",
    "check_period",
    "period",
]

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
#: Why data may stay although its erasure is asked for: no ground of Art. 17(1) is met because
#: it is still necessary for its purpose, or an exception of Art. 17(3) applies.
Ground = Literal["still necessary", "17(3)(a)", "17(3)(b)", "17(3)(c)", "17(3)(d)", "17(3)(e)"]

_MARKETING: Final = frozenset({"direct marketing", "marketing"})
_PERIOD: Final = re.compile(r"(\d+) (day|week|month|year)s?")
_FIELD: Final = re.compile(r"\{([^{}]+)\}")


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


def _prefixes(_: object, _attribute: Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    dialling("", value)


@frozen
class Operator:
    """Who answers (GDPR Arts. 13(1)(a), 15): name, seat, contact, supervisory authority.

    `country` is the home region (ISO 3166-1 alpha-2) for numbers and law; `timezone` the one
    whose calendar days deadlines and retention are counted in. `legal_name` is the company's
    where `name` is a brand; `representative` the one in the Union (Art. 27) of an operator
    outside it; `channels` where requests may arrive: receipt there starts the clock.
    `dial_prefixes` are digits that its sites dial before numbers: see `dsr.phone.dialling`.
    """

    name: str
    country: str = field(validator=_country)
    timezone: str = field(validator=_zone)
    authority: str
    languages: tuple[str, ...] = ("en",)
    address: str = ""
    contact: str = ""
    dpo: str = ""
    legal_name: str = ""
    representative: str = ""
    channels: tuple[str, ...] = ()
    dial_prefixes: tuple[str, ...] = field(default=(), validator=_prefixes)

    @property
    def region(self) -> str:
        """The home region, as numbers are dialled from there."""
        return dialling(self.country, self.dial_prefixes)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone itself."""
        return ZoneInfo(self.timezone)


def check_period(_: object, attribute: Attribute[str], value: str) -> None:
    """Raise `ValueError` unless `value` is empty or a period: a validator of attrs."""
    if value:
        _period(_, attribute, value)


def _calendar(_: object, _attribute: Attribute[str], value: str) -> None:
    check_calendar(value)


@frozen
class Deadlines:
    """By when requests are answered (GDPR Art. 12(3); Regulation (EEC, Euratom) No 1182/71).

    `promise` is the operator's own, such as `30 days`; `capped` says that the month of the law
    ends it where the month is shorter. `calendar` names the public holidays that move an end
    to the next working day: a country, or a country and its subdivision (`DE`, `DE-BY`);
    empty: nothing moves. `alarm` is how long before the end a request is told as due.
    """

    promise: str = field(default="", validator=check_period)
    capped: bool = False
    calendar: str = field(default="", validator=_calendar)
    alarm: str = field(default="7 days", validator=_period)


@frozen
class Recipient:
    """Who receives data of a category (GDPR Art. 15(1)(c)).

    Recipients are named (CJEU C-154/21): a `name`, or a `kind` of recipients and why naming
    them is `impossible`. `safeguard` is what protects data that leaves the Union (Art. 15(2)),
    valid before the day `safeguard_until`. `notify` is where notices under Art. 19 go;
    `exempt` why there are none (impossible, or of disproportionate effort).
    """

    name: str = ""
    role: Literal["processor", "controller", "joint controller"] = "processor"
    country: str = ""
    safeguard: str = ""
    safeguard_until: dt.date | None = None
    kind: str = ""
    impossible: str = ""
    notify: str = ""
    exempt: str = ""

    def __attrs_post_init__(self) -> None:
        """Raise `ValueError` for a recipient that is neither named nor described."""
        if not self.name.strip() and not self.kind.strip():
            msg = "write its name (or its kind, and why naming it is impossible)"
            raise ValueError(msg)

    @property
    def title(self) -> str:
        """What an answer calls it."""
        return self.name or self.kind


@frozen
class Retention:
    """A duty to keep: `period` counted from the record's field `anchor`, under `law`.

    `anchor` is a field of the record; left out, the record's own time. With `whole_years` the
    period starts at the end of the anchor's calendar year (AO s. 147(4), HGB s. 257(5)).
    `fields` limits what is kept; empty means the whole record. `ground` is why that is allowed
    against a request; a duty (`17(3)(b)`) is one of Union or Member State law: `jurisdiction`
    is `EU` or a country, the operator's own where it is left out.
    """

    period: str = field(validator=_period)
    law: str
    reason: str = "statutory retention"
    anchor: str = ""
    whole_years: bool = False
    fields: tuple[str, ...] = ()
    ground: Ground = "17(3)(b)"
    jurisdiction: str = ""


@frozen
class Stage:
    """What becomes of every record of a category, without a request: routine deletion.

    `period` after `anchor` (a field of the record; left out, the record's own time) the record
    is deleted, or anonymised: `fields` are emptied, all that speak of anybody where it names
    none. An `anchor` such as `accounts.closed_at` is the field of another category's record:
    when it is reached there, all records of this category go that are found for that record's
    person (end of contract, last activity, an app's uninstall signal).
    """

    period: str = field(validator=_period)
    act: Literal["delete", "anonymise"] = "delete"
    anchor: str = ""
    whole_years: bool = False
    fields: tuple[str, ...] = ()
    law: str = ""

    @property
    def of_person(self) -> tuple[str, str] | None:
        """The category and field of the record that it is counted from, if it is another's."""
        category, dot, name = self.anchor.partition(".")
        return (category, name) if dot else None


@frozen
class Clir:
    """How a record tells that its caller withheld the number, and where it stands all the same.

    In `field` one of `says` is written (in any case: `anonymous`, `Privacy: id`); the fields
    `mask` then hold a number that nobody is shown but the caller (Directive 2002/58/EC Art. 8).
    """

    field: str
    mask: tuple[str, ...]
    says: tuple[str, ...] = ("anonymous", "privacy: id", "restricted", "withheld")


@frozen
class Unresolved:
    """A point that the operator's promises leave open; nothing runs by itself until decided.

    `decision` is what was decided and `by` who decided it; empty while it is open.
    `recommendation` is what dsr's authors would decide.
    """

    question: str
    recommendation: str = ""
    decision: str = ""
    by: str = ""

    @property
    def is_open(self) -> bool:
        """Whether nobody has decided it."""
        return not (self.decision.strip() and self.by.strip())


@frozen
class Category:
    """What the policy says of one kind of data.

    `erase` tells how erasure is done: `delete` removes the record where it speaks of nobody
    else (else only the person's fields go), `redact` always empties the person's fields.
    `rectifiable` lists the fields a person may have corrected. `portable` overrides what
    `origin` and `basis` say (GDPR Art. 20(1)). `automated` tells of decisions made solely by
    automated means with this data: logic, significance, consequences (Art. 15(1)(h)); left
    out, the answer says that there are none. `keep` are duties and needs that stand against a
    request, `stages` what happens to every record in time, `retention` criteria in words.
    `present` says whether such data exists: `no` makes any record found an alarm. `withdraw`
    tells how consent is withdrawn (Art. 7(3)), `clir` how a withheld caller number is told.
    `controller` is whom a `processor` works for: a name, or a `{field}` of the record in which
    it stands.
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
    stages: tuple[Stage, ...] = ()
    retention: str = ""
    portable: bool | None = None
    rectifiable: tuple[str, ...] = ()
    automated: str = ""
    present: Literal["yes", "no", "unknown"] = "yes"
    withdraw: str = ""
    clir: tuple[Clir, ...] = ()

    @property
    def controller_field(self) -> str:
        """The field that names the controller of each record; empty where the policy does."""
        template = _FIELD.fullmatch(self.controller)
        return template[1] if template else ""

    def controller_of(self, data: Mapping[str, object]) -> str:
        """Return the controller of a record with this `data`; empty where nobody names it."""
        if not self.controller_field:
            return self.controller
        return str(data.get(self.controller_field) or "").strip()

    @property
    def is_for_marketing(self) -> bool:
        """Whether direct marketing is a purpose: an objection to it is absolute (Art. 21(3))."""
        return any(each.casefold() in _MARKETING for each in self.purposes)

    @property
    def is_portable(self) -> bool:
        """Whether Art. 20 covers it: provided or observed data, on consent or contract."""
        if self.portable is not None:
            return self.portable
        return self.origin in {"provided", "observed"} and self.basis in {"consent", "contract"}


@frozen
class Answers:
    """How answers are worded: `templates` is a folder that is laid over dsr's own texts."""

    templates: str = ""


@frozen
class Policy:
    """The operator, its deadlines and, by name, every category and every open point.

    `answers` says where the operator's own wording of letters and pages is.
    """

    operator: Operator
    categories: Mapping[str, Category]
    deadlines: Deadlines = field(factory=Deadlines)
    unresolved: Mapping[str, Unresolved] = field(factory=dict)
    answers: Answers = field(factory=Answers)
