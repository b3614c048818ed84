"""One caller's access and erasure from beginning to end, with a look at the stores in between."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from tests.end_to_end.cli import Done
from tests.end_to_end.evidence import Evidence, Witness
from tests.end_to_end.office import TABLES, Dataset, build, own_card
from tests.servers.rgw import Rgw

__all__ = ["CASE", "LAW", "REASON", "Story", "tell"]

CASE: Final = "12 O 34/26"
REASON: Final = "defence of legal claims"
LAW: Final = "GDPR Art. 17(3)(e)"


@frozen
class Story:
    """What was asked, what was answered, and what the stores held before and after.

    `calls` and `sides` (`Witness.sides` by table) say what is the caller's, `counts` how many
    rows name the caller, by category; all are taken by SQL and grep before anything was asked.
    `bodies` are the newest bytes of each object at first, `card` is the caller's vCard.
    `ledgers` are the bytes of the ledger while the request was open, and at the end.

    `before` is before anything was asked, `exported` after the access request, `planned` after
    the plan of the erasure, `held` after it was carried out under the hold, `again` after the
    same command once more, `free` after the hold was released and it was run again.
    """

    witness: Witness
    package: Path = field(repr=False)
    letter: Path = field(repr=False)
    answers: dict[str, Done] = field(repr=False)
    looks: dict[str, Evidence] = field(repr=False)
    counts: dict[str, dict[str, int]] = field(repr=False)
    calls: frozenset[str] = field(repr=False)
    sides: dict[str, dict[int, frozenset[str]]] = field(repr=False)
    bodies: dict[str, bytes] = field(repr=False)
    card: bytes = field(repr=False)
    ledgers: bytes = field(repr=False)

    @property
    def dataset(self) -> Dataset:
        """Whose data it is."""
        return self.witness.dataset

    def document(self, answer: str) -> dict[str, Any]:
        """Return the JSON document of an answer."""
        return self.answers[answer].document


def tell(dataset: Dataset, folder: Path, database: str, rgw: Rgw) -> Story:
    """Fill the stores, walk both requests through the command line, and look in between."""
    office = build(dataset, folder, database, rgw)
    witness, dsr = Witness(dataset, office), office.cli
    answers: dict[str, Done] = {"check": dsr("check")}
    looks = {"before": witness.look()}
    counts = {"before": _count(witness)}
    calls = frozenset(witness.calls())
    bodies = witness.bodies()
    sides = {table: witness.sides(table) for table in TABLES}
    digits = dataset.national
    spoken = f"0{digits[:2]} / {digits[2:5]} {digits[5:]}"
    who = ("--phone", spoken, "--sip", f"sip:{dataset.user}@{dataset.host}")

    access = dsr.opened("access", *who)
    pin = dsr.pin()
    answers["early"] = dsr("run", access, "--out", str(folder / "early.zip"))
    answers["wrong pin"] = dsr("verify", access, stdin=f"{(int(pin) + 1) % 10**6:06d}\n")
    answers["verified"] = dsr.verify(access)
    package = folder / "access.zip"
    answers["export"] = dsr("run", access, "--out", str(package))
    looks["exported"] = witness.look()

    hold = dsr(
        *("hold", "add", "--case", CASE, "--reason", REASON, "--law", LAW),
        *("--call", dataset.held),
    )
    erasure = dsr.opened("erasure", *who)
    dsr.verify(erasure)
    answers["plan"] = dsr("plan", erasure)
    token = str(answers["plan"].document["token"])
    looks["planned"] = witness.look()
    answers["unconfirmed"] = dsr("run", erasure)
    answers["wrong token"] = dsr("run", erasure, "--confirm", token[::-1])
    letter = folder / "letter.html"
    answers["run"] = dsr("run", erasure, "--confirm", token, "--out", str(letter))
    looks["held"], counts["held"] = witness.look(), _count(witness)
    ledgers = _ledger(folder)
    answers["again"] = dsr("run", erasure, "--confirm", token)
    looks["again"] = witness.look()

    answers["released"] = dsr("hold", "release", str(hold.document["hold"]))
    answers["free"] = dsr("run", erasure, "--confirm", token)
    looks["free"], counts["free"] = witness.look(), _count(witness)
    answers["once more"] = dsr("run", erasure, "--confirm", token)
    answers["audit"] = dsr("audit")
    ledgers += _ledger(folder)
    return Story(
        witness,
        package,
        letter,
        answers,
        looks,
        counts,
        calls,
        sides,
        bodies,
        own_card(dataset),
        ledgers,
    )


def _ledger(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("ledger.db*")))


def _count(witness: Witness) -> dict[str, int]:
    tables = {
        "call_records": ("acc", "missed_calls", "acc_cdrs"),
        "registrations": ("location",),
        "sip_accounts": ("subscriber",),
        "accounts": ("numbers",),
    }
    return {category: witness.count(*names) for category, names in tables.items()}
