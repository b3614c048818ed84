"""dsr sweep, dsr replay: for cron, and after a backup was restored."""

from __future__ import annotations

import shutil

from tests.cli.office import Office


def test_a_dry_run_shows_and_changes_nothing(office: Office) -> None:
    """Who wants to know what routine deletion will do looks first."""
    before = office.stores()
    told = office.call("sweep", "--dry-run").stdout
    assert "nothing was changed" in told
    assert "erase" in told
    assert office.stores() == before


def test_sweep_tells_what_went(office: Office) -> None:
    """The tables for people and the document for scripts say the same; again, nothing is due."""
    shutil.copytree(office.folder, office.folder.with_name("other"))
    other = Office(office.folder.with_name("other"))
    document = office.document("sweep")
    erased = document["stores"]["cdr"]["call_records"]["do"]["erase"]
    assert erased > 0
    assert f"{erased:,}  erased" in other.call("sweep").stdout
    assert (
        "erase"
        not in other.document("sweep")["stores"]
        .get("cdr", {})
        .get("call_records", {"do": {}})["do"]
    )
    assert document["problems"] == []


def test_a_store_that_is_down_is_told(office: Office) -> None:
    """Law 4: exit code 4, the store named, the others swept."""
    (office.folder / "operator.db").rename(office.folder / "away.db")
    document = office.document("sweep", code=4)
    assert document["problems"]
    assert "problem" in office.call("sweep", code=4).stdout


def test_replay_needs_to_know_of_backups(office: Office) -> None:
    """Nothing silent: without ledger.backups nobody remembers what to erase again."""
    assert "set ledger.backups" in office.error("replay", code=2)


def test_replay_erases_again(office: Office) -> None:
    """Rule 21 (GDPR Art. 17(1)): the restored recordings of the person are gone again."""
    office.edit("[ledger]", '[ledger]\nbackups = "35 days"')
    shutil.copytree(office.folder / "recordings", office.folder / "backup")
    for card in (office.folder / "contacts").rglob("*.vcf"):
        card.unlink()  # one bears no date, and would stay a gap
    request = office.verified("withdrawal")
    token = office.document("plan", request)["token"]
    office.document("run", request, "--confirm", token)
    gone = office.stores()
    shutil.rmtree(office.folder / "recordings")
    shutil.copytree(office.folder / "backup", office.folder / "recordings")
    assert office.stores() != gone
    document = office.document("replay", "--since", "2020-01-01")
    assert document == {"replayed": [{"request": request, "status": "done"}]}
    assert request in office.call("replay").stdout
    assert office.document("replay", "--since", "2099-01-01") == {"replayed": []}
    assert office.stores() == gone
