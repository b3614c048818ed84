"""Rules that a policy itself must keep: `dsr check` tells, and nothing runs until it does."""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve

from dsr.desk import Desk
from dsr.errors import PolicyError
from dsr.identity import FileSender, OneTimePin
from dsr.model import WRITES, Hold, Identifier, Right, Tally
from dsr.policy.lint import Problem, lint, must_not_run
from dsr.policy.model import Category, Policy, Recipient, Retention, Stage, Unresolved
from tests.shelf import shelf
from tests.things import CATEGORY, EVA, NOW, OPERATOR, ledger

TODAY: Final = dt.date(2026, 11, 24)
#: The CJEU's judgment in C-311/18 ended the Privacy Shield on this day.
VOID: Final = dt.date(2020, 7, 16)


def _errors(country: str = "DE", **change: Any) -> list[Problem]:
    category = evolve(CATEGORY, retention="six months after the bill", **change)
    policy = Policy(evolve(OPERATOR, country=country), {"calls": category})
    return [each for each in lint(policy, (), TODAY) if each.kind == "error"]


def test_recipients_are_named() -> None:
    """Rule 8 (CJEU C-154/21): a kind of recipients is refused, unless naming is impossible."""
    assert _errors(recipients=(Recipient(kind="carriers"),))
    assert not _errors(recipients=(Recipient("Carrier GmbH"),))
    impossible = Recipient(kind="carriers", impossible="the called number decides")
    assert not _errors(recipients=(impossible,))


@pytest.mark.parametrize(
    ("jurisdiction", "refused"), [("US", True), ("GB", True), ("EU", False), ("FR", False)]
)
def test_only_union_law_is_a_duty(jurisdiction: str, refused: bool) -> None:
    """Rule 14 (GDPR Art. 17(3)(b)): eighteen months under the law of the USA keep nothing."""
    duty = Retention("18 months", "records rule", jurisdiction=jurisdiction)
    assert bool(_errors(keep=(duty,))) is refused
    assert _errors(keep=(evolve(duty, law="47 CFR § 42.6"),))  # whatever is said of it


@pytest.mark.parametrize("ground", ["17(3)(b)", "17(3)(e)"])
def test_no_hold_under_a_statute_of_the_united_states(ground: str) -> None:
    """Rule 14 (GDPR Art. 17(3)(b)): a duty that calls itself a claim, as is a hold's default."""
    hold = Hold("h1", "toll records", "compliance", "47 CFR s. 42.6", ground=ground)
    policy = Policy(OPERATOR, {"calls": evolve(CATEGORY, retention="6 months")})
    (told,) = must_not_run(policy, [hold], TODAY)
    assert "17(3)(b)" in told
    claim = evolve(hold, ground="17(3)(e)", law="GDPR Art. 17(3)(e)")
    assert not must_not_run(policy, [claim], TODAY)


def test_a_foreign_operator_has_no_duty_by_itself() -> None:
    """Rule 14 (GDPR Art. 17(3)(b)): left out, the law is that of the operator's seat."""
    assert _errors("US", keep=(Retention("18 months", "records rule"),))
    assert not _errors("DE", keep=(Retention("18 months", "records rule"),))


def test_no_hold_under_the_data_retention_that_fell() -> None:
    """Rule 32 (BVerwG 6 C 6.22): TKG § 176 is no reason to keep, as a rule or as a hold."""
    assert _errors(keep=(Retention("10 weeks", "TKG § 176"),))
    hold = Hold("h1", "1", "data retention", "§ 176 TKG")
    policy = Policy(OPERATOR, {"calls": evolve(CATEGORY, retention="6 months")})
    assert any("BVerwG" in told for told in must_not_run(policy, [hold], TODAY))


@pytest.mark.parametrize(("span", "warned"), [("1 year", False), ("3 years", True)])
def test_three_years_of_french_call_records_are_a_warning(span: str, warned: bool) -> None:
    """Rule 33 (CPCE L34-1, L34-2, R10-13): billing takes a year; more is counsel's to confirm."""
    category = evolve(CATEGORY, stages=(Stage(span),))
    policy = Policy(evolve(OPERATOR, country="FR"), {"calls": category})
    told = [each for each in lint(policy, (), TODAY) if "traffic data" in each.text]
    assert bool(told) is warned
    assert all(each.kind == "warning" for each in told)


@pytest.mark.parametrize(
    ("told", "refused"),
    [
        ("The logs are automatically rotated", True),
        ("Die Logs werden rotiert", True),
        ("rotated weekly, 4 generations", False),
        ("until the incident is resolved", False),
    ],
)
def test_rotation_needs_a_number_or_criteria(told: str, refused: bool) -> None:
    """Rule 38 (GDPR Art. 5(1)(e)): "automatically rotated" says nothing of when."""
    policy = Policy(OPERATOR, {"logs": evolve(CATEGORY, retention=told)})
    assert bool([each for each in lint(policy, (), TODAY) if each.kind == "error"]) is refused


def test_the_privacy_shield_protects_nothing() -> None:
    """Rule 7 (GDPR Art. 15(2); CJEU C-311/18): a safeguard that is void is not told as one."""
    shield = Recipient("Host Inc.", country="US", safeguard="EU-U.S. Privacy Shield")
    ended = Recipient("Host Inc.", country="US", safeguard="adequacy", safeguard_until=VOID)
    assert [_errors(recipients=(each,)) == [] for each in (shield, ended)] == [False, False]


def test_nothing_runs_under_a_policy_that_is_undecided(tmp_path: Path) -> None:
    """Rule 13 (GDPR Art. 5(2)): taking in, verifying and planning go on; acting waits."""
    desk = _desk(tmp_path, CATEGORY)
    request = desk.open("erasure", [Identifier("phone", EVA.value)], now=NOW)
    desk.challenge(request.id, now=NOW)
    grant = desk.verify(request.id, _pin(tmp_path), now=NOW)
    plan = desk.plan(grant, now=NOW)
    point = Unresolved("six months from the call, or from the bill?")
    open_ = evolve(desk, policy=evolve(desk.policy, unresolved={"anchor": point}))
    with pytest.raises(PolicyError, match=r"unresolved\.anchor"):
        open_.apply(grant, plan.token, now=NOW)
    assert open_.plan(grant, now=NOW).token == plan.token
    decided = evolve(point, decision="from the bill", by="counsel")
    closed = evolve(open_, policy=evolve(desk.policy, unresolved={"anchor": decided}))
    assert closed.apply(grant, plan.token, now=NOW).state == "done"


def test_nothing_is_handed_over_under_a_policy_against_the_law(tmp_path: Path) -> None:
    """Rule 6 (GDPR Art. 12(4)): without an authority to complain to, no answer goes out."""
    desk = _desk(tmp_path, CATEGORY)
    request = desk.open("access", [Identifier("phone", EVA.value)], now=NOW)
    desk.challenge(request.id, now=NOW)
    grant = desk.verify(request.id, _pin(tmp_path), now=NOW)
    nobody = evolve(desk, policy=evolve(desk.policy, operator=evolve(OPERATOR, authority="")))
    with pytest.raises(PolicyError, match="authority"):
        nobody.export(grant, tmp_path / "p.zip", now=NOW)
    with pytest.raises(PolicyError, match="authority"):
        nobody.stream(grant, now=NOW)
    assert not (tmp_path / "p.zip").exists()


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize(
    "right", ["access", "portability", "erasure", "restriction", "objection", "withdrawal"]
)
def test_nothing_unpoliced_is_touched_or_handed_over(
    tmp_path: Path, right: Right, declared: bool
) -> None:
    """Rule 13 (GDPR Art. 5(2)): a category that no policy names is a gap, and never silent.

    Whether the store says that it holds it, or only yields it. What the policy names is done.
    """
    names = ("calls", "faxes") if declared else ("calls",)
    store = shelf(tmp_path, "cdr", ["phone"], *names)
    for key, category in (("c1", "calls"), ("f1", "faxes")):
        who = [["phone", EVA.value, ["src"]]]
        store.put(key, category=category, at=NOW.isoformat(), who=who, data={"src": EVA.value})
    before = store.rows()["f1"]
    pin = OneTimePin(FileSender(tmp_path / "pins.jsonl"))
    policy = Policy(OPERATOR, {"calls": CATEGORY})
    desk = Desk((store,), policy, ledger(tmp_path), pin)
    request = desk.open(right, [EVA], now=NOW)
    desk.challenge(request.id, now=NOW)
    grant = desk.verify(request.id, _pin(tmp_path), now=NOW)
    if right in WRITES:
        receipt = desk.apply(grant, desk.plan(grant, now=NOW).token, now=NOW)
    else:
        receipt = desk.export(grant, tmp_path / "p.zip", now=NOW)
        with zipfile.ZipFile(tmp_path / "p.zip") as package:
            assert "data/calls.jsonl" in package.namelist()
            assert not [each for each in package.namelist() if "faxes" in each]
    faxes = receipt.stores["cdr"]["faxes"]
    (reason,) = faxes.gaps
    assert "no policy names this category: add [categories.faxes]" in reason
    assert not any(faxes.do.values())
    assert receipt.state == "incomplete"
    assert store.rows()["f1"] == before
    assert not any(desk.sweep(now=NOW).stores.get("cdr", {}).get("faxes", Tally()).do.values())
    assert store.rows()["f1"] == before


def _desk(folder: Path, category: Category) -> Desk:
    store = shelf(folder, "cdr", ["phone"], "calls")
    who = [["phone", EVA.value, ["src"]]]
    store.put("c1", category="calls", at=NOW.isoformat(), who=who, data={"src": EVA.value})
    pin = OneTimePin(FileSender(folder / "pins.jsonl"))
    return Desk((store,), Policy(OPERATOR, {"calls": category}), ledger(folder), pin)


def _pin(folder: Path) -> str:
    return str(json.loads((folder / "pins.jsonl").read_text("utf-8").splitlines()[-1])["pin"])
