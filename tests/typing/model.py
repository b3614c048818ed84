"""Read by mypy, not run: the values say what they are, and steps narrow.

A `type: ignore` here is an expectation: mypy complains if the error that it names goes away.
"""

from __future__ import annotations

import datetime as dt
from typing import assert_never, assert_type

from dsr.errors import DsrError, StoreError
from dsr.model import Do, Gap, Identifier, Keep, Kind, Right, Step, Subject, Verb

Identifier("phone", "+4930901820")
Identifier("fone", "+4930901820")  # type: ignore[arg-type]
Identifier("phone", 4930901820)  # type: ignore[arg-type]
Subject((Identifier("phone", "+4930901820"),))
Subject([Identifier("phone", "+4930901820")])
Subject("+4930901820")  # type: ignore[arg-type]

kind: Kind = "email"
right: Right = "forgetting"  # type: ignore[assignment]


def explain(step: Step) -> str:
    """Handle the three steps; mypy knows that there is no fourth."""
    match step:
        case Do():
            assert_type(step.verb, Verb)
            return step.verb
        case Keep():
            assert_type(step.until, dt.date | None)
            return step.reason
        case Gap():
            return step.reason
    assert_never(step)


def freeze(who: Identifier) -> None:
    """Values are frozen for the type checker as well."""
    who.value = "+4930901821"  # type: ignore[misc]


def failure(error: StoreError) -> DsrError:
    """Read what every error of a store carries: its store, and what to do next."""
    assert_type(error.store, str)
    assert_type(error.fix, str)
    return error
