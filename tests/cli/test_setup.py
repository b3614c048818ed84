"""init, check, audit, completion."""

from __future__ import annotations

import json
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.cli.office import EVA, Office, call

CONSENT = """basis = "consent"
withdraw = "switch voicemail off in the customer portal"
origin = "provided\""""
CALL_STAGES = 'stages = [{ period = "6 months", anchor = "billed_at" }]'
VOICEMAIL = """[categories.voicemail]
role = "controller"
purposes = ["voicemail"]
basis = "contract"
origin = "observed"
[categories.logs]"""


def test_init_writes_what_check_accepts(office: Office) -> None:
    """The file that `init` writes loads, and passes `check` once its stores are there."""
    office.config.unlink()
    (office.folder / "dsr.key").unlink()
    written = office.document("init")
    assert written == {"config": str(office.config), "key": str(office.folder / "dsr.key")}
    assert stat.S_IMODE((office.folder / "dsr.key").stat().st_mode) == 0o600
    checked = office.document("check")
    assert {name: _problems(each) for name, each in checked["stores"].items()} == {
        name: [] for name in ("numbers", "cdr", "recordings", "logs", "contacts")
    }


def _problems(store: dict[str, Any]) -> list[str]:
    """Return what is wrong or not allowed; what stays behind, and advice, is no problem."""
    return [each["text"] for each in store["findings"] if each["kind"] in {"fault", "right"}]


def _of_kind(store: dict[str, Any], kind: str) -> list[str]:
    return [each["text"] for each in store["findings"] if each["kind"] == kind]


@pytest.mark.parametrize("name", ["dsr.toml", "dsr.key"])
def test_init_overwrites_nothing(tmp_path: Path, name: str) -> None:
    """A configuration or key that is there stays as it is, and nothing is put beside it."""
    (tmp_path / name).write_text("mine")
    result = call("init", "--config", str(tmp_path / "dsr.toml"), "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["what"] == f"{tmp_path / name} exists already"
    assert [each.name for each in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_init_needs_a_folder(tmp_path: Path) -> None:
    """A path that cannot be written is told, with what to do."""
    result = call("init", "--config", str(tmp_path / "no" / "dsr.toml"))
    assert result.exit_code == 2
    assert "cannot be written (No such file or directory): choose a folder" in result.stderr


def test_init_makes_another_key_each_time(tmp_path: Path) -> None:
    """Two installations never share a key."""
    keys = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        assert call("init", "--config", str(tmp_path / name / "dsr.toml")).exit_code == 0
        keys.add((tmp_path / name / "dsr.key").read_text())
    assert len(keys) == 2


def test_check_tells_what_each_store_can_do(office: Office) -> None:
    """Verbs and kinds of identifier, per store; exit code 0 when every store is well."""
    stores = office.document("check")["stores"]
    recordings = stores["recordings"]
    assert recordings["reached"]
    assert recordings["verbs"] == ["erase", "export"]
    assert recordings["accepts"] == ["object"]
    assert _problems(recordings) == []
    assert "redact" in office.call("check").stdout


def test_check_ends_with_4_for_a_problem_and_1_for_a_store_out_of_reach(office: Office) -> None:
    """A script can tell a store that needs a look from one that is not there."""
    with sqlite3.connect(office.folder / "operator.db") as db:
        db.execute("DROP INDEX cdr_dst")
    [slow] = _of_kind(office.document("check")["stores"]["cdr"], "advice")
    assert "dst is searched without an index" in slow
    with db:
        db.execute("UPDATE cdr SET dst = '030 / 23125-122' WHERE sequence = 1")
    db.close()
    assert len(_of_kind(office.document("check", code=4)["stores"]["cdr"], "fault")) == 1
    assert "with separators" in " ".join(office.call("check", code=4).stdout.split())
    (office.folder / "operator.db").rename(office.folder / "elsewhere.db")
    checked = office.document("check", code=1)["stores"]
    assert [name for name, each in checked.items() if not each["reached"]] == ["numbers", "cdr"]
    assert "not reached" in office.call("check", code=1).stdout


@pytest.mark.parametrize(
    ("old", "new", "warning"),
    [
        ('accounts = "numbers"', "", "identity.accounts names no store"),
        ("", "", "identity.one-time-pin.sender shows PINs"),
        ("", "", "requests for restriction and objections end as gaps there"),
        (
            "[categories.logs]",
            VOICEMAIL.replace("[categories.logs]", 'present = "no"\n[categories.logs]'),
            "categories.voicemail: no store is read to see that there is none",
        ),
        (
            'retention = "rotated after 30 days"',
            'stages = [{ period = "30 days" }]',
            "store logs cannot list what has grown old: categories.logs.stages do not run there",
        ),
        (
            CALL_STAGES,
            (
                'stages = [{ period = "6 months", act = "anonymise", anchor = "billed_at",'
                ' fields = ["src", "clid"] }, { period = "2 years", anchor = "billed_at" }]'
            ),
            "categories.call_records.stages[0].fields: leaves dst in stores.cdr.tables.cdr",
        ),
        (
            CONSENT,
            CONSENT + '\nerase = "redact"',
            "store recordings cannot redact recordings: erasures (categories.recordings.erase)",
        ),
        (
            CONSENT,
            CONSENT + '\nrectifiable = ["path"]',
            "store recordings cannot rectify recordings: corrections",
        ),
        (
            CONSENT,
            CONSENT + '\nkeep = [{ period = "1 year", law = "§ 1", fields = ["path"] }]',
            "store recordings cannot redact recordings: fields that categories.recordings.keep",
        ),
        (
            'path = "contacts"',
            'path = "contacts"\nowner = "{account}/{any}"',
            "(categories.address_book.rectifiable) is left to you where cards differ",
        ),
        (
            'retention = "rotated after 30 days"\nerase = "redact"',
            'retention = "rotated after 30 days"',
            "store logs cannot delete logs: erasures redact there instead",
        ),
    ],
)
def test_check_warns_before_a_request_stumbles(
    office: Office, old: str, new: str, warning: str
) -> None:
    """What policy and stores do not agree on is told, and is no failure."""
    if old:
        office.edit(old, new)
    assert [each for each in office.document("check")["warnings"] if warning in each]


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("[categories.logs]", VOICEMAIL, "categories.voicemail: no store holds it"),
        (
            CALL_STAGES,
            CALL_STAGES.replace("billed_at", "biled_at"),
            (
                "categories.call_records.stages[0].anchor: stores.cdr.tables.cdr has no column"
                ' "biled_at" to count a period from'
            ),
        ),
        (
            'keep = [{ period = "6 months", anchor = "billed_at"',
            'keep = [{ period = "6 months", anchor = "biled_at"',
            "categories.call_records.keep[0].anchor: stores.cdr.tables.cdr has no column",
        ),
        (
            'at = "start"',
            "",
            None,  # whoever counts from billed_at needs no `at`
        ),
        (
            CALL_STAGES + "\n",
            'stages = [{ period = "6 months" }]\n',
            None,  # counted from `at`
        ),
        (
            'retention = "rotated after 30 days"',
            (
                'keep = [{ period = "1 week", law = "§ 1", anchor = "written" }]\n'
                'retention = "rotated after 30 days"'
            ),
            "categories.logs.keep[0].anchor: entries of store logs have no time but their own",
        ),
        (
            'retention = "as long as the contract runs"',
            'stages = [{ period = "1 year", anchor = "closed_at" }]',
            'categories.address_book.stages[0].anchor: store contacts has no times called "closed',
        ),
        (
            'retention = "as long as the contract runs"',
            'stages = [{ period = "1 year", anchor = "accounts.closed_at" }]',
            "categories.address_book.stages[0].anchor: stores.numbers.tables.numbers has no col",
        ),
        (
            'retention = "as long as the contract runs"',
            'stages = [{ period = "1 year", anchor = "accounts.released_at" }]',
            None,
        ),
        (
            'retention = "until the person deletes it or withdraws consent"',
            'stages = [{ period = "1 year", anchor = "path" }]',
            'categories.recordings.stages[0].anchor: store recordings has no times called "path"',
        ),
        (
            CALL_STAGES,
            (
                'stages = [{ period = "6 months", act = "anonymise", anchor = "billed_at",'
                ' fields = ["src", "clid"] }]'
            ),
            "categories.call_records.stages[0].fields: leaves dst in stores.cdr.tables.cdr",
        ),
        (
            CALL_STAGES,
            'stages = [{ period = "6 months", act = "anonymise", anchor = "billed_at" }]',
            None,  # all that speak of anybody
        ),
    ],
)
def test_check_refuses_what_fits_no_store(
    office: Office, old: str, new: str, error: str | None
) -> None:
    """A category that none holds, an anchor that is no field, "anonymous" rows that name people.

    Exit code 2, as for what law forbids: the policy says what cannot be. The other side of each
    border is no error.
    """
    office.edit(old, new)
    errors = office.document("check", code=2 if error else 0)["errors"]
    assert len(errors) == bool(error), errors
    assert all(str(error) in each for each in errors)


def test_a_period_without_any_date_is_told(office: Office) -> None:
    """GDPR Art. 5(1)(e): without `at` and without an anchor there is nothing to count from."""
    office.edit('at = "start"', "")
    office.edit('keep = [{ period = "6 months", anchor = "billed_at", law', 'keep = [{ period = "6 '
                'months", law')  # fmt: skip
    (told,) = office.document("check", code=2)["errors"]
    assert "categories.call_records.keep[0].anchor: stores.cdr.tables.cdr has no `at`" in told
    with sqlite3.connect(office.folder / "operator.db") as db:
        db.execute("ALTER TABLE cdr RENAME TO calls")
    db.close()
    assert office.document("check", code=4)["errors"] == []  # the store tells what is wrong


def test_a_store_out_of_reach_is_told_once(office: Office) -> None:
    """What its fields are cannot be asked then, and is not guessed."""
    (office.folder / "operator.db").rename(office.folder / "elsewhere.db")
    assert office.document("check", code=1)["errors"] == []


def test_check_tells_what_law_forbids(office: Office) -> None:
    """Exit code 2, with the setting and its source; nothing is handed over meanwhile."""
    request = office.verified("access")
    office.edit('"Der Bundesbeauftragte für den Datenschutz und die Informationsfreiheit"', '""')
    (told,) = office.document("check", code=2)["errors"]
    assert told.startswith("operator.authority: ")
    assert "GDPR Arts. 12(4)" in told
    assert "against the law" in office.call("check", code=2).stdout
    out = ("--out", str(office.folder / "p.zip"))
    assert "operator.authority" in office.error("run", request, *out, code=2)
    assert not (office.folder / "p.zip").exists()


def test_check_tells_what_nobody_decided(office: Office) -> None:
    """Exit code 4, with question and recommendation, until somebody has decided it, by name."""
    request = office.verified("access")
    text = office.config.read_text("utf-8")
    point = (
        '\n[unresolved.anchor]\nquestion = "from the call, or from the bill?"\n'
        'recommendation = "from the bill"\n'
    )
    office.config.write_text(text + point, "utf-8")
    checked = office.document("check", code=4)
    told = "unresolved.anchor: from the call, or from the bill? (recommended: from the bill)"
    assert checked["unresolved"] == [told]
    assert checked["errors"] == []
    assert "undecided" in office.call("check", code=4).stdout
    out = ("--out", str(office.folder / "p.zip"))
    assert "unresolved.anchor" in office.error("run", request, *out, code=2)
    office.config.write_text(text + point + 'decision = "from the bill"\nby = "W"\n', "utf-8")
    assert office.document("check")["unresolved"] == []
    office.call("run", request, *out, code=4)


def test_check_warns_of_nothing_that_works(office: Office) -> None:
    """The demo's stores do what its policy asks: only its sender and Art. 18 are left to tell."""
    office.edit('sender = "file:pins.jsonl"', 'sender = "https://sms.example.net/send"')
    (warning,) = office.document("check")["warnings"]
    assert "Art. 18" in warning


def test_audit_verifies_and_tells_the_public_key(office: Office, tmp_path: Path) -> None:
    """An untouched ledger verifies; the key that receipts are checked with is printed."""
    request = office.verified("access")
    office.call("run", request, "--out", str(tmp_path / "p.zip"), code=4)
    document = office.document("audit")
    assert document["verified"] is True
    assert document["entries"] > 3
    assert document["public_key"] in office.call("audit").stderr


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE dsr_audit SET document = replace(document, 'verified', 'guessed')",
        "DELETE FROM dsr_audit WHERE seq = 2",
        "UPDATE dsr_receipts SET document = replace(document, 'incomplete', 'done')",
        "DELETE FROM dsr_receipts",
    ],
)
def test_audit_fails_when_a_row_was_changed(office: Office, tmp_path: Path, change: str) -> None:
    """Whoever changes the ledger behind dsr's back is found out (exit code 1)."""
    request = office.verified("access")
    office.call("run", request, "--out", str(tmp_path / "p.zip"), code=4)
    db = sqlite3.connect(office.folder / "dsr-ledger.db")
    with db:
        assert db.execute(change).rowcount > 0
    db.close()
    told = office.document("audit", code=1)["error"]
    assert told["type"] == "AuditBroken"
    assert "backup" in told["fix"]


@pytest.mark.parametrize(
    ("shell", "mark"),
    [("bash", "complete -o nosort -F"), ("zsh", "#compdef dsr"), ("fish", "complete --no-files")],
)
def test_completion_prints_a_script(shell: str, mark: str) -> None:
    """The script is the shell's own, asks `dsr` for words, and comes alone."""
    result = call("completion", shell)
    assert result.exit_code == 0
    assert mark in result.stdout
    assert "_DSR_COMPLETE" in result.stdout
    assert call("completion", "csh").exit_code == 2


def test_completion_completes() -> None:
    """What the script asks for is answered: commands and options."""
    env = {"_DSR_COMPLETE": "bash_complete", "COMP_WORDS": "dsr hold re", "COMP_CWORD": "2"}
    assert call(env=dict(env)).stdout.split() == ["plain,release"]


def test_a_key_of_another_ledger_is_refused(office: Office) -> None:
    """A ledger is never read or written with a key that is not its own."""
    office.call("open", "access", "--phone", EVA)
    (office.folder / "dsr.key").unlink()
    other = office.folder / "other"
    other.mkdir()
    assert call("init", "--config", str(other / "dsr.toml")).exit_code == 0
    (other / "dsr.key").rename(office.folder / "dsr.key")
    assert "use the key file of this ledger" in office.error("list", code=1)
