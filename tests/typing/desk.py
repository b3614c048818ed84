"""What the types forbid at a desk; mypy reads this, nothing runs it.

`warn_unused_ignores` makes each ignored line a test: the day it type-checks, mypy fails.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import assert_type

from dsr import Desk, Identifier, Plan, Receipt, Request, Verified

__all__ = ["an_unverified_request_is_of_no_use", "the_way_of_a_request"]


def the_way_of_a_request(desk: Desk, now: dt.datetime) -> None:
    """A grant comes from `verify` or `verified`, and opens what follows."""
    request = desk.open("erasure", [Identifier("phone", "+4930901820")], now=now)
    assert_type(request, Request)
    grant = desk.verify(request.id, "123456", now=now)
    assert_type(grant, Verified)
    plan = desk.plan(grant, now=now)
    assert_type(plan, Plan)
    assert_type(desk.apply(grant, plan.token, now=now), Receipt)


def an_unverified_request_is_of_no_use(desk: Desk, request: Request, now: dt.datetime) -> None:
    """An unverified request can be neither planned nor applied nor exported, by type."""
    desk.plan(request, now=now)  # type: ignore[arg-type]  # not verified
    desk.apply(request, "token", now=now)  # type: ignore[arg-type]  # not verified
    desk.export(request, Path("x"), now=now)  # type: ignore[arg-type]  # not verified
    desk.stream(request, now=now)  # type: ignore[arg-type]  # not verified
    desk.plan(request.id, now=now)  # type: ignore[arg-type]  # an id is no grant
    desk.open("oblivion", [], now=now)  # type: ignore[arg-type]  # no such right
