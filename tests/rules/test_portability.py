"""Rule 27: who one talked to and one's contacts go along; refusals are per field."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import zipfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from dsr.connectors.sql import from_config as sql
from dsr.connectors.vcards import from_config as vcards
from dsr.desk import Desk
from dsr.identity import FileSender, OneTimePin
from dsr.model import Right, Tally
from dsr.policy.model import Category, ThirdParty
from dsr.settings import Context
from tests.shelf import shelf
from tests.things import EVA, NOOR, NOW, category, ledger, policy

NAME: Final = "Noor van Dijk"
WHY: Final = "the name of somebody who is not listed"
REFUSED: Final = ThirdParty(("dst_name", "src_name"), WHY)
CARD: Final = "\r\n".join(
    [
        "BEGIN:VCARD",
        "VERSION:4.0",
        "UID:urn:uuid:1",
        "FN:Noor van Dijk",
        f"TEL;VALUE=uri:tel:{NOOR.value}",
        "EMAIL:noor@example.nl",
        "NOTE:owes me money\\, and more than she says to anybody who asks her about it, ev",
        " en to me",
        "END:VCARD",
        "",
    ]
)
SQL: Final[dict[str, Any]] = {
    "tables": {
        "calls": {
            "category": "calls",
            "at": "start",
            "sides": [
                {"phone": "src", "about": ["src", "src_name"]},
                {"phone": "dst", "about": ["dst", "dst_name"]},
            ],
        }
    }
}


def desk(folder: Path, **categories: Category) -> Desk:
    """Build an operator with calls of Eva and Noor, and their address books, hers and Noor's."""
    with closing(sqlite3.connect(folder / "operator.db")) as db, db:
        db.execute(
            "CREATE TABLE calls (id INTEGER PRIMARY KEY, start TEXT, src TEXT, src_name TEXT,"
            " dst TEXT, dst_name TEXT)"
        )
        rows = [
            (1, EVA.value, "Eva Muller", NOOR.value, NAME),
            (2, NOOR.value, NAME, EVA.value, "Eva Muller"),
        ]
        for number, *parties in rows:
            db.execute(
                "INSERT INTO calls VALUES (?,?,?,?,?,?)", (number, NOW.isoformat(), *parties)
            )
    own = folder / "books" / EVA.value.removeprefix("+")
    hers = folder / "books" / NOOR.value.removeprefix("+")
    for each in (own, hers):
        each.mkdir(parents=True)
    (own / "noor.vcf").write_bytes(CARD.encode())
    mine = CARD.replace(NAME, "Eva Muller").replace(NOOR.value, EVA.value).replace("noor@", "eva@")
    (hers / "eva.vcf").write_bytes(mine.encode())
    context = Context("DE", folder)
    url = f"sqlite:///{folder / 'operator.db'}"
    book = {"path": str(folder / "books"), "category": "contacts"}
    return Desk(
        stores=(
            sql("cdr", {"url": url, "timezone": "UTC", **SQL}, context),
            vcards("book", book | {"owner": "{account}/{any}"}, context),
            accounts(folder),
        ),
        policy=policy(
            **({"calls": category(), "contacts": CONTACTS, "accounts": category()} | categories)
        ),
        ledger=ledger(folder),
        pin=OneTimePin(FileSender(folder / "pins")),
        accounts="accounts",
    )


CONTACTS: Final = category(origin="provided")


def accounts(folder: Path) -> Any:
    """Return the store that knows which account, and so which address book, is whose."""
    made = shelf(folder, "accounts", ["phone", "account"], "accounts")
    for who in (EVA, NOOR):
        account, both = who.value.removeprefix("+"), ["number", "account"]
        made.put(
            account,
            category="accounts",
            who=[["phone", who.value, both], ["account", account, both]],
            data={"number": who.value, "account": account},
            links=[["account", account, None, None], ["phone", who.value, None, None]],
        )
    return made


def answer(desk: Desk, folder: Path, right: Right = "portability") -> Mapping[str, bytes]:
    """Fulfil Eva's request and return the files of the package."""
    request = desk.open(right, [EVA], now=NOW)
    desk.challenge(request.id, now=NOW)
    sent = (folder / "pins").read_text("utf-8").splitlines()
    grant = desk.verify(request.id, str(json.loads(sent[-1])["pin"]), now=NOW)
    desk.export(grant, folder / "package.zip", now=NOW)
    with zipfile.ZipFile(folder / "package.zip") as package:
        return {name: package.read(name) for name in package.namelist()}


def lines(files: Mapping[str, bytes], name: str) -> list[dict[str, Any]]:
    return [json.loads(each) for each in files[f"data/{name}.jsonl"].splitlines()]


def withheld(files: Mapping[str, bytes], name: str) -> list[dict[str, Any]]:
    found = json.loads(files["withheld.json"])["withheld"]
    return [entry for each in found if each["category"] == name for entry in each["entries"]]


def test_counterparties_stay_by_default(tmp_path: Path) -> None:
    """Rule 27 (GDPR Art. 20(4); WP242 rev.01): whom one called, by number and by name."""
    files = answer(desk(tmp_path), tmp_path)
    calls = {each["id"]: each for each in lines(files, "calls")}
    assert (calls[1]["dst"], calls[1]["dst_name"]) == (NOOR.value, NAME)
    assert (calls[2]["src"], calls[2]["src_name"]) == (NOOR.value, NAME)
    assert withheld(files, "calls") == []


def test_own_contacts_stay(tmp_path: Path) -> None:
    """Rule 27 (GDPR Art. 20(4); WP242 rev.01): the address book moves, and works elsewhere."""
    files = answer(desk(tmp_path), tmp_path)
    assert CARD.encode() in files["contacts.vcf"]
    assert NAME in [each["fn"] for each in lines(files, "contacts")]
    assert withheld(files, "contacts") == []


def test_a_refusal_is_per_field(tmp_path: Path) -> None:
    """Rule 27 (GDPR Art. 20(4)): the name stays out of every file, the call and number go along."""
    office = desk(tmp_path, calls=category(third_party=(REFUSED,)))
    (tmp_path / "books" / EVA.value.removeprefix("+") / "noor.vcf").unlink()
    files = answer(office, tmp_path)
    calls = {each["id"]: each for each in lines(files, "calls")}
    assert calls[1]["dst"] == NOOR.value
    assert "dst_name" not in calls[1]
    assert "src_name" not in calls[2]
    rows = {
        each["id"]: each for each in csv.DictReader(io.StringIO(files["data/calls.csv"].decode()))
    }
    assert (rows["1"]["src_name"], rows["1"]["dst_name"]) == ("Eva Muller", "")
    for name, content in files.items():
        assert NAME.encode() not in content, name


def test_what_is_withheld_is_counted_with_its_law(tmp_path: Path) -> None:
    """Rule 27 (GDPR Arts. 20(4), 12(4)): per field, with the reason, in package and receipt."""
    office = desk(tmp_path, calls=category(third_party=(REFUSED,)))
    files = answer(office, tmp_path)
    found = [(e["count"], e["fields"], e["reason"], e["law"]) for e in withheld(files, "calls")]
    assert found == [
        (1, ["dst_name"], WHY, "GDPR Art. 20(4)"),
        (1, ["src_name"], WHY, "GDPR Art. 20(4)"),
    ]
    assert WHY in files["letter.html"].decode()
    (request,) = office.ledger.requests()
    receipt = office.ledger.receipt(request.id)
    assert receipt is not None
    assert receipt.stores["cdr"]["calls"] == Tally(
        {"export": 2}, {(WHY, "GDPR Art. 20(4)", None): 2}
    )
    assert receipt.state == "done"


def test_what_speaks_of_the_person_stays(tmp_path: Path) -> None:
    """Rule 27 (GDPR Art. 20(4)): the same field of another call is the person's own name."""
    files = answer(desk(tmp_path, calls=category(third_party=(REFUSED,))), tmp_path)
    calls = {each["id"]: each for each in lines(files, "calls")}
    assert calls[1]["src_name"] == "Eva Muller"
    assert calls[2]["dst_name"] == "Eva Muller"


@pytest.mark.parametrize("access", [False, True])
def test_access_gives_it_unless_the_policy_says_otherwise(tmp_path: Path, access: bool) -> None:
    """Rule 27 (GDPR Art. 15(4)): a refusal on a move is none of access by itself."""
    rule = ThirdParty(("dst_name",), WHY, access=access)
    files = answer(desk(tmp_path, calls=category(third_party=(rule,))), tmp_path, "access")
    calls = {each["id"]: each for each in lines(files, "calls")}
    assert ("dst_name" in calls[1]) is not access
    laws = {each["law"] for each in withheld(files, "calls")}
    assert laws == ({"GDPR Art. 15(4)"} if access else set())


def test_a_contacts_field_is_cut_out_of_its_card(tmp_path: Path) -> None:
    """Rule 27 (GDPR Art. 20(4)): what one noted of others, folded lines and all; the rest stays."""
    rule = ThirdParty(("note",), "what you think of others", own=True)
    files = answer(
        desk(tmp_path, contacts=category(origin="provided", third_party=(rule,))), tmp_path
    )
    cards = files["contacts.vcf"].decode()
    assert "EMAIL:noor@example.nl\r\nEND:VCARD" in cards
    for name, content in files.items():
        assert b"owes me money" not in content, name
        assert b"en to me" not in content, name
    (note,) = [each for each in withheld(files, "contacts") if each["fields"] == ["note"]]
    assert note["law"] == "GDPR Art. 20(4)"


def test_a_card_that_cannot_be_cut_stays_out_whole(tmp_path: Path) -> None:
    """Rule 27 (GDPR Art. 20(4)): the value stands in the card a second time, where nobody looks."""
    rule = ThirdParty(("email",), "an address of others", own=True)
    office = desk(tmp_path, contacts=category(origin="provided", third_party=(rule,)))
    card = tmp_path / "books" / EVA.value.removeprefix("+") / "noor.vcf"
    card.write_bytes(CARD.replace("owes me", "write to noor@example.nl, she owes me").encode())
    files = answer(office, tmp_path)
    assert b"noor@example.nl" not in files.get("contacts.vcf", b"")
    assert ["email", "vcard"] in [each["fields"] for each in withheld(files, "contacts")]


@pytest.mark.parametrize("right", ["access", "portability"])
def test_whose_book_names_the_person_is_never_told(tmp_path: Path, right: Right) -> None:
    """Rule 27 (GDPR Arts. 15(4), 20(4)): Noor has Eva in her book; no file tells whose it is."""
    files = answer(desk(tmp_path, calls=category(portable=False)), tmp_path, right)
    told = b"".join(content for name, content in files.items() if name != "contacts.vcf")
    cards = [each for each in lines(files, "contacts") if each["fn"] == "Eva Muller"]
    assert len(cards) == 1
    assert NOOR.value not in json.dumps(cards)
    assert NOOR.value.removeprefix("+") + "/" not in told.decode()
