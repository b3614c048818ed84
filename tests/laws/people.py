"""Who holds which number when, and the many ways in which their calls are written down.

The speller knows nothing of `dsr.phone`; who is right is known by construction. Numbers are
chosen to be taken for each other: one digit more or less, the same digits in another country,
the same number of two people at different times.
"""

from __future__ import annotations

import datetime as dt
import random
from typing import Final, NamedTuple

from dsr.model import Identifier, Subject

__all__ = [
    "NUMBERS",
    "PEOPLE",
    "Call",
    "Number",
    "Person",
    "call",
    "digits",
    "holder",
    "named",
    "spelled",
]

START: Final = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
MOVED: Final = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)

Number = tuple[str, str]

#: country code, national number: each with neighbours that must not be taken for it
NUMBERS: Final[list[Number]] = [
    ("49", "30901820"),
    ("49", "309018200"),
    ("49", "30901821"),
    ("49", "3090182"),
    ("43", "30901820"),
    ("49", "15123456789"),
    ("49", "1512345678"),
    ("44", "2079460018"),
    ("44", "2079460019"),
    ("33", "142685300"),
    ("1", "2125550147"),
]


class Person(NamedTuple):
    """Who holds a number, and when."""

    country: str
    national: str
    since: dt.datetime | None
    until: dt.datetime | None

    @property
    def subject(self) -> Subject:
        value = f"+{self.country}{self.national}"
        return Subject((Identifier("phone", value, self.since, self.until),))


#: The first four numbers have changed hands.
PEOPLE: Final = [
    person
    for place, number in enumerate(NUMBERS)
    for person in (
        [Person(*number, None, MOVED), Person(*number, MOVED, None)]
        if place % 3 == 0
        else [Person(*number, None, None)]
    )
]


class Call(NamedTuple):
    """A call as it was, and as it was written down."""

    at: dt.datetime
    src: Number
    dst: Number
    src_text: str
    dst_text: str


def grouped(rng: random.Random, digits: str) -> str:
    """Write digits in groups, as people do (ITU-T E.123)."""
    mark = rng.choice((" ", "-", ".", "/"))
    cuts = [2, *rng.sample(range(4, len(digits) - 1), rng.randint(0, 1))]  # the area code apart
    return mark.join(digits[a:b] for a, b in zip([0, *cuts], [*cuts, None], strict=True))


def spelled(rng: random.Random, country: str, national: str) -> str:
    """Write a number in one of the ways that stores.md lists as seen."""
    plain = f"{country}{national}"
    forms = [f"+{plain}", f"00{plain}", plain, f"9011+{plain}", f"++{plain}", f"0+{plain}"]
    if country == "49":
        forms += [f"0{national}", national, f"+49 (0){grouped(rng, national)}"]
        forms += [f"0{grouped(rng, national)}"]
    forms += [f"+{country} {grouped(rng, national)}", f"00{country} {grouped(rng, national)}"]
    text = rng.choice(forms)
    if " " in text or "-" in text or "/" in text or "." in text:
        return rng.choice((text, f'"Somebody" <{text}>'))
    return rng.choice(
        (
            text,
            f"sip:{text}@sip.example.org;user=phone",
            f"tel:{text}",
            f"tel:{text};ext=12",
            f'"Somebody" <{text}>',
            f'"{text}" <{text}>',
            f"SIP/{text}@trunk-0000001a",
            f"PJSIP/{text}-0000001a",
        )
    )


def call(rng: random.Random) -> Call:
    src, dst = rng.choice(NUMBERS), rng.choice(NUMBERS)
    at = START + dt.timedelta(seconds=rng.randrange(2 * 366 * 86_400))
    return Call(at, src, dst, spelled(rng, *src), spelled(rng, *dst))


def digits(rng: random.Random, country: str, national: str) -> str:
    """Write a number as digits and pluses alone, as SIP users and names of files hold it."""
    whole = f"{country}{national}"
    forms = [f"+{whole}", f"00{whole}", whole, f"9011+{whole}", f"++{whole}", f"0+{whole}"]
    return rng.choice([*forms, f"0{national}", national] if country == "49" else forms)


def named(rng: random.Random, country: str, national: str) -> str:
    """Write a number in any of the ways in which the name of a file can hold it."""
    apart = grouped(rng, national).replace("/", "-")
    forms = [f"+{country} {apart}", f"00{country} {apart}", f"%2B{country}{national}"]
    if country == "49":
        forms += [f"0{apart}", f"+49 (0){apart}"]
    return rng.choice((rng.choice(forms), digits(rng, country, national)))


def holder(number: Number, at: dt.datetime) -> int:
    """Return who holds a number at a time, as an index of `PEOPLE`."""
    (found,) = (
        place
        for place, (*held, since, until) in enumerate(PEOPLE)
        if number == tuple(held)
        and (since is None or since <= at)
        and (until is None or at < until)
    )
    return found
