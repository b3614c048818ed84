"""Carrying out: converge, leaves first, holds win, only what was confirmed, and prove it."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from attrs import evolve, field, frozen

from dsr.apply import Case, apply
from dsr.confirm import Permit, confirm
from dsr.ledger import Ledger
from dsr.model import Hold, Identifier, Receipt, Request, Right, Subject
from dsr.plan import Wish
from dsr.policy.model import Basis, Category
from dsr.stores import Stores
from dsr.survey import survey
from tests.shelf import Crash, Shelf, read_only, shelf
from tests.things import EVA, NOOR, NOW, category, ledger, policy, request

AT = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)


@frozen
class House:
    """Three stores linked to each other: calls, their recordings, the recordings' texts."""

    cdr: Shelf
    audio: Shelf
    texts: Shelf
    ledger: Ledger
    categories: dict[str, Category] = field(
        factory=lambda: {name: category() for name in ("calls", "recordings", "transcripts")}
    )

    @property
    def stores(self) -> Stores:
        return Stores((self.cdr, self.audio, self.texts), policy(**self.categories), self.ledger)

    def left(self) -> dict[str, dict[str, object]]:
        """Return what the stores still hold, by store and key."""
        found = (self.cdr, self.audio, self.texts)
        return {each.name: {key: row["data"] for key, row in each.rows().items()} for each in found}


def build(folder: Path, calls: int = 3) -> House:
    """Eva calls Noor; each call has a recording, and each recording a text."""
    cdr = shelf(folder, "cdr", ["phone"], "calls")
    audio = shelf(folder, "audio", ["call"], "recordings")
    texts = shelf(folder, "texts", ["object"], "transcripts")
    for number in range(calls):
        cdr.put(
            f"c{number}",
            category="calls",
            at=AT.isoformat(),
            who=[["phone", EVA.value, ["src", "clid"]], ["phone", NOOR.value, ["dst"]]],
            data={"src": EVA.value, "clid": "Eva", "dst": NOOR.value},
            links=[["call", f"l{number}", None, None]],
        )
        audio.put(
            f"a{number}",
            category="recordings",
            at=AT.isoformat(),
            who=[["call", f"l{number}", ["content"]]],
            data={"content": "audio"},
            links=[["object", f"o{number}", None, None]],
        )
        texts.put(
            f"t{number}",
            category="transcripts",
            at=AT.isoformat(),
            who=[["object", f"o{number}", ["content"]]],
            data={"content": "text"},
        )
    return House(cdr, audio, texts, ledger(folder))


def confirmed(house: House, asked: Request, who: Sequence[Identifier] = (EVA,)) -> Case:
    """Plan a request and confirm the plan."""
    subject = Subject(tuple(who))
    with survey(house.stores.ground(NOW), [subject], [Wish(asked.right, asked.changes)]) as found:
        plan = confirm(asked.id, found.steps.rows(0), house.ledger.digester(), NOW)
    return Case(asked, subject, Permit(plan, house.ledger.digester()))


def erased(house: House, case: Case | None = None) -> Receipt:
    return apply(house.stores, [case or confirmed(house, request("erasure"))], NOW)[0]


def counts(receipt: Receipt) -> dict[str, dict[str, int]]:
    return {
        store: {verb: n for tally in found.values() for verb, n in tally.do.items()}
        for store, found in receipt.stores.items()
    }


def test_erasure_takes_the_leaves_and_the_persons_side(tmp_path: Path) -> None:
    """Law 7: recordings and texts go, of the calls only the caller's side; law 1: proved."""
    house = build(tmp_path)
    receipt = erased(house)
    dst = {"src": None, "clid": None, "dst": NOOR.value}
    assert house.left() == {"cdr": {f"c{n}": dst for n in range(3)}, "audio": {}, "texts": {}}
    assert counts(receipt) == {
        "cdr": {"redact": 3},
        "audio": {"erase": 3},
        "texts": {"erase": 3},
    }
    assert receipt.state == "done"
    assert receipt.proved == dict.fromkeys(("audio", "cdr", "texts"), NOW)


def test_leaves_are_erased_before_what_leads_to_them(tmp_path: Path) -> None:
    """Law 3: a record found through a link is erased before the record that carries the link."""
    house = build(tmp_path, calls=1)
    case = confirmed(house, request("erasure"))
    house.audio.set(crash_after=1)
    with pytest.raises(Crash):
        erased(house, case)
    left = house.left()
    assert not left["texts"]  # the deepest is gone
    assert left["cdr"]["c0"] == {"src": EVA.value, "clid": "Eva", "dst": NOOR.value}


def test_twice_is_once(tmp_path: Path) -> None:
    """Law 2: applying twice equals applying once; the second run writes nothing."""
    house = build(tmp_path)
    case = confirmed(house, request("erasure"))
    first = erased(house, case)
    stores, written = house.left(), house.cdr.state()["writes"]
    second = erased(house, case)
    assert house.left() == stores
    assert house.cdr.state()["writes"] == written
    assert second == first


def test_a_crash_at_any_write_and_the_same_again_ends_alike(tmp_path: Path) -> None:
    """Law 2: a crash anywhere, then the same command again, ends as if there was no crash."""
    (tmp_path / "whole").mkdir()
    whole = build(tmp_path / "whole")
    expected, stores = erased(whole), whole.left()
    for store, number in itertools.product(("cdr", "audio", "texts"), (1, 2, 3)):
        folder = tmp_path / f"{store}{number}"
        folder.mkdir()
        house = build(folder)
        case = confirmed(house, request("erasure"))
        getattr(house, store).set(crash_after=number)
        with pytest.raises(Crash):
            erased(house, case)
        again = erased(house, case)
        assert house.left() == stores
        assert again == expected


def test_a_refused_record_is_a_gap_and_the_others_go(tmp_path: Path) -> None:
    """Peers: a refusal in the middle must not leave half done and no list; law 4."""
    house = build(tmp_path, calls=9)
    house.texts.set(refuse=["t4"])
    receipt = erased(house)
    left = house.left()
    assert list(left["texts"]) == ["t4"]
    assert list(left["audio"]) == ["a4"]  # law 3: it leads to the text that stayed
    assert left["cdr"]["c4"] == {"src": EVA.value, "clid": "Eva", "dst": NOOR.value}
    assert left["cdr"]["c5"] == {"src": None, "clid": None, "dst": NOOR.value}
    assert counts(receipt) == {
        "cdr": {"redact": 8},
        "audio": {"erase": 8},
        "texts": {"erase": 8},
    }
    gaps = {s: sum(t.gaps.values()) for s, f in receipt.stores.items() for t in f.values()}
    assert gaps == {"cdr": 1, "audio": 1, "texts": 1}
    assert receipt.state == "incomplete"
    house.texts.set(refuse=[])
    case = confirmed(house, request("erasure"))
    assert erased(house, case).state == "done"


def test_a_store_that_goes_down_keeps_what_leads_to_it(tmp_path: Path) -> None:
    """Law 3: nothing is orphaned when a store fails in the middle; the same again finishes."""
    house = build(tmp_path)
    case = confirmed(house, request("erasure"))
    house.audio.set(gone=True)
    receipt = erased(house, case)
    left = house.left()
    assert not left["texts"]
    assert len(left["audio"]) == 3
    assert left["cdr"]["c0"] == {"src": EVA.value, "clid": "Eva", "dst": NOOR.value}
    assert "audio" not in receipt.proved
    house.audio.set(gone=False)
    assert erased(house, case).state == "done"


def test_what_leads_into_an_unread_store_stays(tmp_path: Path) -> None:
    """Laws 3 and 4: a recording that could not be read must still be found the next time."""
    house = build(tmp_path)
    house.audio.set(down=True)
    receipt = erased(house)
    assert house.left()["cdr"]["c0"] == {"src": EVA.value, "clid": "Eva", "dst": NOOR.value}
    assert receipt.state == "incomplete"
    assert receipt.proved == {}


HOLD = Hold(id="h1", case="12 O 34/26", reason="claims", law="GDPR Art. 17(3)(e)")


def test_a_kept_leaf_keeps_its_way(tmp_path: Path) -> None:
    """Rule 15 (GDPR Art. 5(1)(e)), law 3: the call stays and goes with its text."""
    house = build(tmp_path)
    house.ledger.add_hold(evolve(HOLD, categories=frozenset({"transcripts"})), NOW)
    case = confirmed(house, request("erasure"))
    receipt = erased(house, case)
    assert all(len(found) == 3 for found in house.left().values())
    assert receipt.state == "incomplete"
    keeps = [why for f in receipt.stores.values() for t in f.values() for why in t.keep]
    assert all("12 O 34/26" in reason for reason, _, _ in keeps)
    house.ledger.release_hold("h1", NOW)
    assert erased(house, case).state == "done"
    assert not house.left()["texts"]


def test_a_hold_on_one_person_covers_the_calls_they_share(tmp_path: Path) -> None:
    """Law 5: holds win. Eva's calls with Noor stay under Noor's hold, her other calls go."""
    house = build(tmp_path, calls=1)
    house.cdr.put(
        "x",
        category="calls",
        at=AT.isoformat(),
        who=[["phone", EVA.value, ["src"]], ["phone", "+442079460018", ["dst"]]],
        data={"src": EVA.value, "dst": "+442079460018"},
    )
    house.ledger.add_hold(evolve(HOLD, subject=Subject((NOOR,))), NOW)
    receipt = erased(house)
    left = house.left()
    assert left["cdr"]["c0"] == {"src": EVA.value, "clid": "Eva", "dst": NOOR.value}
    assert left["cdr"]["x"] == {"src": None, "dst": "+442079460018"}
    assert len(left["audio"]) == 1  # found for Noor as well, through the same call
    assert receipt.stores["cdr"]["calls"].do == {"redact": 1}


def journal(house: House, folder: Path, lines: int = 3) -> House:
    """Put in front a store whose lines name both Eva and the call: found by one, then the other."""
    log = shelf(folder, "log", ["phone", "call"], "calls")
    for number in range(lines):
        log.put(
            f"j{number}",
            category="calls",
            at=AT.isoformat(),
            who=[["phone", EVA.value, ["src"]], ["call", "l0", ["id"]]],
            data={"src": EVA.value, "id": "l0"},
            links=[["call", "l0", None, None]],
        )
    return evolve(house, cdr=log)


CALL = Subject((Identifier("call", "l0"),))


def test_a_hold_on_a_call_covers_the_record_that_names_it(tmp_path: Path) -> None:
    """Law 5: holds win, also where the call's own record is searched by numbers only."""
    house = build(tmp_path, calls=2)
    house.audio.set(rows={})
    house.ledger.add_hold(evolve(HOLD, subject=CALL), NOW)
    receipt = erased(house)
    assert house.left()["cdr"] == {
        "c0": {"src": EVA.value, "clid": "Eva", "dst": NOOR.value},
        "c1": {"src": None, "clid": None, "dst": NOOR.value},
    }
    assert receipt.stores["cdr"]["calls"].keep == {
        ("hold 12 O 34/26: claims", "GDPR Art. 17(3)(e)", None): 1
    }


def test_what_a_hold_covers_is_kept_for_the_hold_alone(tmp_path: Path) -> None:
    """Art. 12(4): records that lead to each other are not kept because of each other."""
    house = journal(build(tmp_path, calls=1), tmp_path)
    house.ledger.add_hold(evolve(HOLD, subject=CALL), NOW)
    receipt = erased(house)
    assert receipt.stores["log"]["calls"].keep == {
        ("hold 12 O 34/26: claims", "GDPR Art. 17(3)(e)", None): 3
    }


def test_a_record_keeps_its_link_until_what_it_leads_to_is_gone(tmp_path: Path) -> None:
    """Law 3: also where the record was found again by the very link that it carries."""
    house = journal(build(tmp_path, calls=1), tmp_path)
    case = confirmed(house, request("erasure"))
    house.cdr.set(crash_after=1)
    with pytest.raises(Crash):
        erased(house, case)
    assert not house.left()["audio"]
    assert erased(house, case).state == "done"


def test_a_hold_placed_while_the_run_writes_is_honoured(tmp_path: Path) -> None:
    """Law 5: holds are read again at the moment of the write."""
    house = build(tmp_path)
    case = confirmed(house, request("erasure"))

    def place(store: str, _count: int) -> None:
        if store == "texts" and house.texts.state().get("writes") == 3:
            house.texts.set(writes=4)
            house.ledger.add_hold(evolve(HOLD, categories=frozenset({"calls"})), NOW)

    receipt = apply(house.stores, [case], NOW, place)[0]
    left = house.left()
    assert not left["texts"]
    assert left["cdr"]["c0"] == {"src": EVA.value, "clid": "Eva", "dst": NOOR.value}
    assert receipt.stores["cdr"]["calls"].do == {}
    assert sum(receipt.stores["cdr"]["calls"].keep.values()) == 3


def test_only_what_was_confirmed_is_done(tmp_path: Path) -> None:
    """Design: applying does only what the confirmed plan says; a later call is a gap."""
    house = build(tmp_path)
    case = confirmed(house, request("erasure"))
    row = house.cdr.rows()["c0"]
    house.cdr.put("late", **(row | {"links": []}))
    receipt = erased(house, case)
    assert house.left()["cdr"]["late"] == {"src": EVA.value, "clid": "Eva", "dst": NOOR.value}
    assert counts(receipt)["cdr"] == {"redact": 3}
    assert list(receipt.stores["cdr"]["calls"].gaps.values()) == [1]


def test_the_lapse_of_a_field_is_not_more_than_was_confirmed(tmp_path: Path) -> None:
    """Design: a hold on fields that ends lets the plan finish what it announced, no more."""
    house = build(tmp_path, calls=1)
    house.ledger.add_hold(evolve(HOLD, fields=frozenset({"src"})), NOW)
    case = confirmed(house, request("erasure"))
    receipt = erased(house, case)
    assert house.left()["cdr"]["c0"] == {"src": EVA.value, "clid": None, "dst": NOOR.value}
    assert receipt.stores["cdr"]["calls"].do == {"redact": 1}
    assert sum(receipt.stores["cdr"]["calls"].keep.values()) == 1
    house.ledger.release_hold("h1", NOW)
    assert erased(house, case).stores["cdr"]["calls"].do == {"redact": 1}
    assert house.left()["cdr"]["c0"] == {"src": None, "clid": None, "dst": NOOR.value}


def test_two_people_of_one_call_in_one_batch(tmp_path: Path) -> None:
    """Law 6: found for two people of a batch, a record is decided for each."""
    house = build(tmp_path, calls=2)
    cases = [
        confirmed(house, request("erasure", "eva"), (EVA,)),
        confirmed(house, request("erasure", "noor"), (NOOR,)),
    ]
    reads = house.cdr.state()["reads"]
    receipts = apply(house.stores, cases, NOW)
    assert house.left()["cdr"]["c0"] == {"src": None, "clid": None, "dst": None}
    assert [each.stores["cdr"]["calls"].do for each in receipts] == [{"redact": 2}] * 2
    assert house.cdr.state()["reads"] == reads + 2  # once to do, once to prove


def test_a_store_without_the_verb_is_a_gap(tmp_path: Path) -> None:
    """Law 4: a store that cannot do a verb is a gap in the receipt, never a success."""
    house = build(tmp_path, calls=1)
    stores = evolve(house.stores, connectors=(read_only(house.cdr), house.audio, house.texts))
    case = confirmed(evolve(house, cdr=read_only(house.cdr)), request("erasure"))
    receipt = apply(stores, [case], NOW)[0]
    assert list(receipt.stores["cdr"]["calls"].gaps.values()) == [1]
    assert receipt.state == "incomplete"


@pytest.mark.parametrize(
    ("right", "changes", "check"),
    [
        ("restriction", {}, lambda row: row["restricted"]),
        ("objection", {}, lambda row: row["restricted"]),
        ("rectification", {"clid": "Eva M."}, lambda row: row["data"]["clid"] == "Eva M."),
    ],
)
def test_the_other_rights_that_write(
    tmp_path: Path, right: Right, changes: dict[str, str], check: Callable[[object], bool]
) -> None:
    """Arts. 16, 18, 21: corrected or restricted, and proved; twice is once."""
    house = build(tmp_path)
    basis: Basis = "legitimate interests" if right == "objection" else "contract"
    house.categories["calls"] = category(rectifiable=("clid",), basis=basis)
    case = confirmed(house, request(right, **changes))
    receipt = erased(house, case)
    assert all(check(row) for row in house.cdr.rows().values())
    assert receipt.state == "done"
    assert "cdr" in receipt.proved
    assert erased(house, case) == receipt


@frozen
class Liar(Shelf):
    """Says that it erased, and did not."""

    def erase(self, keys: Sequence[str]) -> None:
        """Do nothing."""


def test_a_store_that_only_says_so_is_found_out(tmp_path: Path) -> None:
    """Design: erasure is finished when a fresh plan has nothing left to do, not when told."""
    house = build(tmp_path, calls=1)
    texts = house.texts
    liar = Liar(texts.path, texts.name, texts.accepts, texts.categories)
    receipt = erased(evolve(house, texts=liar))
    assert receipt.stores["texts"]["transcripts"].do == {}
    assert sum(receipt.stores["texts"]["transcripts"].gaps.values()) == 1
    assert "texts" not in receipt.proved


def test_the_receipt_and_the_audit_hold_no_personal_data(tmp_path: Path) -> None:
    """Law 8: no identifier or key in an audit entry or a receipt."""
    house = build(tmp_path)
    receipt = erased(house)
    texts = [repr(receipt), *(repr(each) for each in house.ledger.entries())]
    assert len(texts) > 1
    for secret in (EVA.value, NOOR.value, "c0", "a0", "l0"):
        assert not any(secret in text for text in texts)


def test_one_correction_does_not_sweep_over_different_values(tmp_path: Path) -> None:
    """Law 7: a corrected name must not become the name of every contact in the person's book."""
    house = build(tmp_path, calls=2)
    house.categories["calls"] = category(rectifiable=("clid",))
    other = house.cdr.rows()["c1"]
    house.cdr.put("c1", **(other | {"data": other["data"] | {"clid": "Noor"}}))
    case = confirmed(house, request("rectification", clid="Eva M."))
    receipt = erased(house, case)
    assert [row["data"]["clid"] for row in house.cdr.rows().values()] == ["Eva", "Noor"]
    assert sum(receipt.stores["cdr"]["calls"].gaps.values()) == 2
    assert receipt.stores["cdr"]["calls"].do == {}


def test_a_leaf_store_read_in_part_proves_nothing(tmp_path: Path) -> None:
    """Laws 3 and 4: the way to the leaves stays while a part of their store cannot be read."""
    house = build(tmp_path, calls=1)
    case = confirmed(house, request("erasure"))
    house.audio.set(broken=True)
    receipt = erased(house, case)
    assert house.left()["cdr"]["c0"] == {"src": EVA.value, "clid": "Eva", "dst": NOOR.value}
    assert receipt.state == "incomplete"
    house.audio.set(broken=False)
    assert erased(house, case).state == "done"
    assert house.left()["cdr"]["c0"] == {"src": None, "clid": None, "dst": NOOR.value}
