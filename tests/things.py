"""Small things that many tests need: an operator, categories, a ledger, a request."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from attrs import evolve

from dsr.ledger import Ledger
from dsr.model import Identifier, Request, Right
from dsr.policy.model import Category, Operator, Policy

KEY = bytes(range(32))
NOW = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)
EVA = Identifier("phone", "+4930901820")
NOOR = Identifier("phone", "+33142685300")

OPERATOR = Operator(
    name="Example Telekom GmbH",
    country="DE",
    timezone="Europe/Berlin",
    authority="BfDI",
    languages=("en", "de"),
)
CATEGORY = Category(
    role="controller", purposes=("billing",), basis="contract", origin="observed", erase="delete"
)


def category(**changes: Any) -> Category:
    return evolve(CATEGORY, **changes)


def policy(**categories: Category) -> Policy:
    return Policy(OPERATOR, categories)


def ledger(folder: Path) -> Ledger:
    return Ledger.open(f"sqlite:///{folder / 'ledger.db'}", KEY)


def request(right: Right, name: str = "r1", **changes: str) -> Request:
    return Request(
        id=name,
        right=right,
        state="verified",
        received=NOW,
        due=dt.date(2026, 12, 23),
        changes=changes,
    )
