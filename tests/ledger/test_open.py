"""Opening a ledger: made, upgraded, refused."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

import dsr.ledger
from dsr.errors import LedgerError
from dsr.ledger import Ledger
from dsr.ledger.schema import HEAD, VERSION_TABLE
from dsr.ledger.tables import metadata
from tests.ledger.people import ERIKA, KEY, NOW, a_request, sqlite_url


def _execute(url: str, statement: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_an_empty_database_becomes_a_ledger_once(url: str) -> None:
    """Opening again changes nothing."""
    with Ledger.open(url, KEY) as first:
        first.add(a_request(), ERIKA)
        first.audit("something", at=NOW)
    with Ledger.open(url, KEY) as second:
        assert second.subject("r1") == ERIKA
        assert second.verify_audit() == 1


def test_the_migrations_make_the_tables_that_the_code_uses(url: str) -> None:
    """The schema is described twice, and both mean the same."""
    Ledger.open(url, KEY).dispose()
    engine = create_engine(url)
    with engine.connect() as connection:
        options = {"version_table": VERSION_TABLE}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_head_is_the_newest_revision() -> None:
    """A ledger that `HEAD` calls up to date is."""
    config = Config()
    folder = Path(dsr.ledger.__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_many_may_open_a_new_ledger_at_once(url: str) -> None:
    """Workers start together: one makes the schema, the others wait for it."""
    start = threading.Barrier(6)
    ledgers: list[Ledger] = []

    def work() -> None:
        start.wait()
        ledgers.append(Ledger.open(url, KEY))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(ledgers) == 6
    assert ledgers[0].verify_audit() == 0
    for ledger in ledgers:
        ledger.dispose()


def test_another_ledgers_key_is_refused(url: str) -> None:
    """Nothing is ever sealed with a key that cannot open what is there already."""
    Ledger.open(url, KEY).dispose()
    with pytest.raises(LedgerError, match="this key is not the one"):
        Ledger.open(url, bytes(32))


def test_a_key_of_another_length_is_refused(url: str) -> None:
    """A truncated key file makes no ledger."""
    with pytest.raises(LedgerError, match="32 bytes"):
        Ledger.open(url, KEY[:-1])


def test_a_lost_key_check_is_not_made_again(url: str) -> None:
    """Whoever deletes it cannot bring a key of their own."""
    Ledger.open(url, KEY).dispose()
    _execute(url, "DELETE FROM dsr_ledger")
    with pytest.raises(LedgerError, match="whose key"):
        Ledger.open(url, bytes(32))


def test_a_newer_ledger_is_refused(url: str) -> None:
    """An old dsr does not write into what it does not understand."""
    Ledger.open(url, KEY).dispose()
    _execute(url, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")  # noqa: S608  (a constant)
    with pytest.raises(LedgerError, match="newer dsr: upgrade"):
        Ledger.open(url, KEY)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("postgresql://dsr:s3cret@127.0.0.1:1/x?connect_timeout=2", "cannot be reached"),
        ("postgresql+psycopg://dsr:s3cret@127.0.0.1:1/x", "cannot be reached"),
        ("sqlite:////no/such/folder/s3cret.db", "cannot be opened"),
        ("sqlite://", "name a file"),
        ("sqlite:///:memory:", "name a file"),
        ("oracle://dsr:s3cret@db/x", "SQLite or PostgreSQL"),
        ("s3cret", "URL"),
    ],
)
def test_what_cannot_be_opened_is_told_without_secrets(url: str, text: str) -> None:
    """The message says what to do; no password of the URL is in it, or behind it."""
    with pytest.raises(LedgerError, match=text) as caught:
        Ledger.open(url, KEY)
    error: BaseException | None = caught.value
    assert "s3cret" not in str(error)
    assert error is not None
    assert error.__suppress_context__ or error.__context__ is None


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """Whatever it is, it stays as it is."""
    path = tmp_path / "ledger.db"
    path.write_bytes(b"not a database, but some other file of the operator" * 50)
    before = path.read_bytes()
    with pytest.raises(LedgerError):
        Ledger.open(f"sqlite:///{path}", KEY)
    assert path.read_bytes() == before


def test_sqlite_files_are_private(tmp_path: Path) -> None:
    """Only the owner reads the ledger, its write-ahead log included."""
    with Ledger.open(sqlite_url(tmp_path), KEY) as ledger:
        ledger.audit("something", at=NOW)
        files = sorted(tmp_path.glob("ledger.db*"))
        assert [each.name for each in files] == ["ledger.db", "ledger.db-shm", "ledger.db-wal"]
        assert {stat.S_IMODE(each.stat().st_mode) for each in files} == {0o600}
