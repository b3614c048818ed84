"""Errors: the tree as drawn is the tree, and every error survives the way between processes."""

from __future__ import annotations

import inspect
import pickle

import pytest

from dsr import errors
from dsr.errors import DsrError, StoreError

CLASSES = [
    each
    for _, each in inspect.getmembers(errors, inspect.isclass)
    if each.__module__ == errors.__name__
]


def _drawn() -> dict[str, str]:
    """Return each class of the module's docstring with the class it is drawn under."""
    parents: dict[str, str] = {}
    path: list[str] = []
    assert errors.__doc__ is not None
    for line in errors.__doc__.splitlines():
        head = line.removeprefix("    ")
        name = head.lstrip("│├└─ ").split(" ")[0]
        if not name.isidentifier() or not (head.startswith("DsrError") or "── " in line):
            continue
        depth = (len(head) - len(head.lstrip("│├└─ "))) // 4
        path[depth:] = [name]
        parents[name] = path[depth - 1] if depth else "Exception"
    return parents


def _make(cls: type[DsrError]) -> DsrError:
    if issubclass(cls, StoreError):
        return cls("cdr", "down", "start it")
    return cls("it broke", "mend it")


def test_the_tree_is_the_one_drawn() -> None:
    """The docstring is the reference that readers catch by: it never lags behind the code."""
    assert _drawn() == {each.__name__: each.__bases__[0].__name__ for each in CLASSES}
    assert sorted(errors.__all__) == sorted(_drawn())


@pytest.mark.parametrize("cls", CLASSES)
def test_an_error_survives_pickling(cls: type[DsrError]) -> None:
    """A worker process's error arrives as the same error, with all that it said."""
    error = _make(cls)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301  (our own bytes)
    assert type(copy) is cls
    assert (copy.args, str(copy), copy.what, copy.fix) == (
        error.args,
        str(error),
        error.what,
        error.fix,
    )
    assert getattr(copy, "store", None) == getattr(error, "store", None)


def test_a_message_is_one_line_of_what_and_fix() -> None:
    """What happened, a colon, and what to do; no colon where there is no fix."""
    assert str(DsrError("the ledger is locked", "run one dsr at a time")) == (
        "the ledger is locked: run one dsr at a time"
    )
    assert str(DsrError("the ledger is locked")) == "the ledger is locked"


def test_a_store_error_names_its_store() -> None:
    """The reader of a log learns which store, in the name that the policy gives it."""
    error = StoreError("cdr", "table calls is missing", "run its migrations")
    assert error.store == "cdr"
    assert str(error) == "store cdr: table calls is missing: run its migrations"


@pytest.mark.parametrize("cls", CLASSES)
def test_one_except_catches_everything(cls: type[DsrError]) -> None:
    """A backend needs one `except DsrError`."""
    with pytest.raises(DsrError):
        raise _make(cls)
