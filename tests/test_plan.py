"""From what was found to what will be done: one pure decision a record."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from dsr.find import Hit
from dsr.model import Do, Gap, Hold, Keep, Lock, Record, Right, Step, Unread, Verb
from dsr.plan import Decision, Rules, Wish, decide, gaps_of, restrained
from dsr.policy.model import Category, Retention
from dsr.policy.reasons import Reason
from tests.shelf import shelf
from tests.things import EVA, category, policy

TODAY = dt.date(2026, 11, 23)
AT = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
NEEDLESS = "17(1)(a)"  # the ground of Art. 17(1): no longer necessary
ALL: frozenset[Verb] = frozenset({"export", "unchanged", "erase", "redact", "rectify", "restrict"})
CALL = Record(
    key="k",
    category="calls",
    data={"src": "1", "clid": "Eva", "dst": "2", "billed": dt.date(2026, 11, 1), "note": None},
    at=AT,
    personal=frozenset({"src", "clid", "dst"}),
)
CARD = Record(
    key="k",
    category="calls",
    data={"fn": "Eva", "tel": "1"},
    at=AT,
    personal=frozenset({"fn", "tel"}),
)


def hit(record: Record, *about: str, undecidable: bool = False) -> Hit:
    mine = frozenset(about) or record.personal
    return Hit(0, "cdr", record, mine, 0, (EVA,), again=False, undecidable=undecidable)


def decided(
    right: Right,
    found: Hit,
    rules: Category | None = None,
    able: frozenset[Verb] = ALL,
    holds: tuple[Hold, ...] = (),
    **changes: str,
) -> Decision:
    known = policy(calls=rules or category())
    return decide(found, Wish(right, changes), Rules(known, holds, {"cdr": able}, TODAY))


def test_a_category_without_policy_is_a_gap() -> None:
    """law.md, four operators: nothing unpoliced is ever erased or exported silently."""
    stray = evolve(CARD, category="surprise")
    rights: tuple[Right, ...] = ("access", "erasure", "portability")
    for right in rights:
        decision = decided(right, hit(stray))
        assert decision.do is None
        assert decision.gap is not None


def test_an_undecidable_record_is_a_gap() -> None:
    """Law 7: an undated record under a reassigned number is a gap, for every right."""
    rights: tuple[Right, ...] = ("access", "erasure", "restriction")
    for right in rights:
        assert decided(right, hit(CARD, undecidable=True)).steps[0].__class__ is Gap


def test_what_is_processed_for_a_customer_is_not_answered() -> None:
    """Rule 37 (GDPR Art. 28(3)(e)): customers' content is forwarded, not answered."""
    decision = decided("erasure", hit(CARD), category(role="processor", controller="Acme"))
    assert decision.do is None
    assert decision.keep is not None
    assert "Acme" in decision.keep.reason


def test_a_controller_that_the_record_names_stays_out_of_plans() -> None:
    """Law 8: plans and receipts tell no field's value; without one nobody can be told: a gap."""
    named = category(role="processor", controller="{customer}")
    found = evolve(CARD, data={**CARD.data, "customer": "Acme"})
    decision = decided("erasure", hit(found), named)
    assert decision.keep is not None
    assert decision.keep.reason == "processed for its controller, to whom the request goes"
    for nobody in (CARD, evolve(CARD, data={**CARD.data, "customer": " "})):
        assert decided("erasure", hit(nobody), named).steps[0].__class__ is Gap


def test_a_whole_record_is_deleted_where_it_speaks_of_nobody_else() -> None:
    """Rule 13 (GDPR Art. 17(1)), law 7: delete what is the person's alone."""
    decision = decided("erasure", hit(CARD))
    assert decision.steps == (Do("cdr", "calls", "k", "erase", ground=NEEDLESS),)


def test_in_a_two_party_record_only_the_persons_side_goes() -> None:
    """Law 7: only the fields about the subject are erased, whatever the policy prefers."""
    for how in ("delete", "redact"):
        decision = decided("erasure", hit(CALL, "src", "clid"), category(erase=how))
        emptied = frozenset({"src", "clid"})
        assert decision.steps == (Do("cdr", "calls", "k", "redact", emptied, NEEDLESS),)


@pytest.mark.parametrize("able", [frozenset({"export"}), frozenset({"export", "erase"})])
def test_a_verb_that_the_store_lacks_is_a_gap(able: frozenset[Verb]) -> None:
    """Law 4: a store that cannot do a verb is a gap in the receipt, never a success."""
    decision = decided("erasure", hit(CALL, "src"), able=able)
    assert decision.do is None
    assert decision.gap is not None
    assert "redact" in decision.gap.reason


def test_a_store_that_cannot_delete_redacts_and_says_so() -> None:
    """Law 11: masking is not called erasure: the verb in the receipt is redact."""
    decision = decided("erasure", hit(CARD), able=frozenset({"redact"}))
    assert decision.do is not None
    assert decision.do.verb == "redact"


def test_a_record_that_says_nothing_of_the_person_is_left() -> None:
    """Law 7: found through a call id alone, it may speak of the other party only."""
    found = hit(CALL)._replace(about=frozenset())
    assert decided("erasure", found).steps == (Do("cdr", "calls", "k", "unchanged"),)


def kept(*fields: str, period: str = "6 months", anchor: str = "billed") -> Category:
    rule = Retention(period=period, law="TDDDG § 10", anchor=anchor, fields=fields)
    return category(keep=(rule,))


def test_retention_counts_from_the_records_own_date() -> None:
    """Rule 30 (TDDDG §§ 9, 10): the anchor is a field of the record, not the request.

    Six months from billing.
    """
    decision = decided("erasure", hit(CALL, "src", "clid"), kept())
    assert decision.do is None
    assert decision.keep is not None
    assert decision.keep.until == dt.date(2027, 5, 1)
    assert decision.keep.law == "TDDDG § 10; GDPR Art. 17(3)(b)"


@pytest.mark.parametrize(
    ("period", "stays"), [("21 days", False), ("22 days", False), ("23 days", True)]
)
def test_retention_ends_on_its_day(period: str, stays: bool) -> None:
    """5(1)(e): on the first day after the period (2026-11-01 + 22 days) the record may go."""
    decision = decided("erasure", hit(CALL, "src", "clid"), kept(period=period))
    assert (decision.keep is not None) is stays


def test_a_hold_is_as_wide_as_its_reason() -> None:
    """Rule 15 (GDPR Art. 5(1)(e)): fields, not records: what it does not name is emptied."""
    decision = decided("erasure", hit(CALL, "src", "clid"), kept("src", "dst", "start"))
    assert decision.do == Do("cdr", "calls", "k", "redact", frozenset({"clid"}), NEEDLESS)
    assert decision.keep is not None
    assert decision.keep.fields == frozenset({"src"})


def test_fields_kept_turn_deletion_into_redaction_until_they_may_go() -> None:
    """Rule 15 (GDPR Art. 5(1)(e)): what the duty to keep does not need is emptied now."""
    decision = decided("erasure", hit(CARD), kept("tel", anchor=""))
    assert decision.wanted == Do("cdr", "calls", "k", "erase", ground=NEEDLESS)
    assert decision.do == Do("cdr", "calls", "k", "redact", frozenset({"fn"}), NEEDLESS)
    rest = evolve(CARD, data={"fn": None, "tel": "1"}, personal=frozenset({"tel"}))
    again = decided("erasure", hit(rest), kept("tel", anchor=""))
    assert again.do is None  # it converges: nothing more to empty
    assert again.keep is not None


def test_a_missing_anchor_keeps() -> None:
    """Law 5: a missing date is undecidable: kept, listed, never guessed."""
    decision = decided("erasure", hit(CALL, "src"), kept(anchor="note"))
    assert decision.do is None
    assert decision.keep is not None
    assert decision.keep.until is None
    assert "missing" in decision.keep.reason


def hold(**changes: Any) -> Hold:
    return evolve(Hold(id="h", case="12 O 34/26", reason="claims", law="Art. 17(3)(e)"), **changes)


def test_of_several_reasons_the_longest_wins_and_all_are_listed() -> None:
    """Law 5: releasing a hold re-checks every other reason; until then all are named."""
    decision = decided("erasure", hit(CALL, "src"), kept(), holds=(hold(),))
    assert decision.keep is not None
    assert decision.keep.until is None
    assert "12 O 34/26" in decision.keep.reason
    assert "statutory retention" in decision.keep.reason


@pytest.mark.parametrize(
    ("change", "holds"),
    [
        ({}, True),
        ({"categories": frozenset({"calls"})}, True),
        ({"categories": frozenset({"tickets"})}, False),
        ({"since": AT}, True),
        ({"since": AT + dt.timedelta(seconds=1)}, False),
        ({"before": AT}, False),
        ({"before": AT + dt.timedelta(seconds=1)}, True),
    ],
)
def test_a_hold_holds_what_it_names(change: dict[str, Any], holds: bool) -> None:
    """Issue: holds by category and span; the span is half-open as a tenure is."""
    decision = decided("erasure", hit(CALL, "src"), holds=(hold(**change),))
    assert (decision.keep is not None) is holds


def test_a_lock_of_the_store_is_a_reason_with_its_date() -> None:
    """Design: `lock` is the store's own refusal, with its date and reason."""
    until = dt.datetime(2027, 1, 1, 12, tzinfo=dt.UTC)
    decision = decided("erasure", hit(evolve(CARD, lock=Lock("object lock", until))))
    assert decision.keep is not None
    assert decision.keep.until == dt.date(2027, 1, 2)  # on the day itself it still holds
    past = Lock("object lock", dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC))
    assert decided("erasure", hit(evolve(CARD, lock=past))).keep is None


@pytest.mark.parametrize(
    ("origin", "basis", "portable"),
    [
        ("provided", "contract", True),
        ("observed", "consent", True),
        ("inferred", "contract", False),
        ("observed", "legitimate interests", False),
    ],
)
def test_portability_covers_provided_and_observed_data(
    origin: Any,
    basis: Any,
    portable: bool,
) -> None:
    """Rule 25 (GDPR Art. 20(1)): on consent or contract; an inferred score is in access only."""
    rules = category(origin=origin, basis=basis)
    assert (decided("portability", hit(CARD), rules).do is not None) is portable
    assert decided("access", hit(CARD), rules).do is not None


def test_rectification_changes_what_the_person_provided() -> None:
    """Rule 18 (GDPR Art. 16): facts that the network observed are not overwritten."""
    rules = category(rectifiable=("fn",))
    decision = decided("rectification", hit(CARD), rules, fn="Eva Müller")
    assert decision.do == Do("cdr", "calls", "k", "rectify", frozenset({"fn"}))
    assert decided("rectification", hit(CARD), rules, fn="Eva").do == Do(
        "cdr", "calls", "k", "unchanged"
    )
    observed = decided("rectification", hit(CARD), rules, tel="3")
    assert observed.do == Do("cdr", "calls", "k", "annotate", frozenset({"tel"}))
    assert observed.keep is None
    both = decided("rectification", hit(CARD), rules, tel="3", fn="Eva Müller")
    assert both.do is not None
    assert both.keep is not None
    assert both.keep.fields == frozenset() or both.keep.fields == frozenset({"tel"})


def test_rectification_leaves_the_other_party_alone() -> None:
    """Law 7: a field that speaks of somebody else is not the person's to correct."""
    rules = category(rectifiable=("dst",))
    decision = decided("rectification", hit(CALL, "src"), rules, dst="3")
    assert decision.steps == (Do("cdr", "calls", "k", "unchanged"),)


def test_withdrawal_erases_what_rests_on_consent_alone() -> None:
    """Arts. 7(3), 17(1)(b): other bases are not touched."""
    assert decided("withdrawal", hit(CARD)).do == Do("cdr", "calls", "k", "unchanged")
    decision = decided("withdrawal", hit(CARD), category(basis="consent"))
    assert decision.do == Do("cdr", "calls", "k", "erase", ground="17(1)(b)")


def test_restriction_is_done_once() -> None:
    """Art. 18; law 2: twice equals once."""
    assert decided("restriction", hit(CARD)).do == Do("cdr", "calls", "k", "restrict")
    done = decided("restriction", hit(evolve(CARD, restricted=True)))
    assert done.do == Do("cdr", "calls", "k", "unchanged")


RIGHTS = st.sampled_from(
    ("access", "portability", "rectification", "erasure", "restriction", "objection", "withdrawal")
)


@given(
    right=RIGHTS,
    about=st.sets(st.sampled_from(("src", "clid", "dst")), min_size=1),
    able=st.sets(st.sampled_from(sorted(ALL))),
    fields=st.sets(st.sampled_from(("src", "clid", "dst", "billed"))),
    undecidable=st.booleans(),
    erase=st.sampled_from(("delete", "redact")),
)
def test_nothing_is_silent(
    right: Right,
    about: set[str],
    able: set[Verb],
    fields: set[str],
    undecidable: bool,
    erase: Any,
) -> None:
    """Law 4: every record found ends as do, keep or gap; law 7: no foreign field is written."""
    rule = Retention(period="1 year", law="x", fields=tuple(sorted(fields)))
    decision = decided(
        right,
        hit(CALL, *about, undecidable=undecidable),
        category(keep=(rule,), erase=erase, rectifiable=("src",)),
        frozenset(able) | {"export", "unchanged"},
        src="7",
    )
    steps: tuple[Step, ...] = decision.steps
    assert steps
    for step in steps:
        if isinstance(step, Do) and step.verb in {"redact", "rectify"}:
            assert step.fields <= about
            assert step.verb in able
            if step.verb == "redact":  # what must be kept must be right: it is corrected
                assert not step.fields & fields
        if isinstance(step, Do) and step.verb == "erase":
            assert about == {"src", "clid", "dst"}
        if isinstance(step, Keep) and right == "erasure":
            assert step.law


def test_what_could_not_be_read_is_a_gap_in_every_category_it_may_hold(tmp_path: Path) -> None:
    """Law 4: never silent, not even for a store that does not say what it holds."""
    lost = Unread("down", store="cdr", whole=True)
    known, mute = shelf(tmp_path, "cdr", ["phone"], "b", "a"), shelf(tmp_path, "cdr", ["phone"])
    assert [gap.category for gap in gaps_of(lost, [known])] == ["a", "b"]
    assert [gap.category for gap in gaps_of(lost, [mute])] == ["unknown"]
    part = evolve(lost, category="a", whole=False)
    assert [gap.category for gap in gaps_of(part, [known])] == ["a"]


def test_a_reason_found_later_restrains_what_was_decided() -> None:
    """Law 5: holds win, also one whose subject turned up elsewhere in the reading."""
    decision = decided("erasure", hit(CARD))
    late = restrained(decision, [Reason("hold", "law", None)], ALL)
    assert late.do is None
    assert late.keep is not None
    assert late.wanted == decision.wanted
