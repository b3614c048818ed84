"""A small operator's real stores: PostgreSQL, a log directory, a bucket, address books.

They are filled with SQL, boto3 and files, never through dsr.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import string
import wave
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from attrs import field, frozen
from sqlalchemy.pool import NullPool

from tests.end_to_end.cli import Cli
from tests.servers.rgw import Rgw

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["RECORDED", "TABLES", "Dataset", "Office", "build", "own_card"]

RECORDED: Final = 5  # every fifth call has a recording
_SHARE: Final = 3  # the rotated log is the first third of the whole

_NUMBERED: Final = "id SERIAL PRIMARY KEY"
_REQUESTS: Final = f"""(
  {_NUMBERED},
  method VARCHAR(16) DEFAULT '' NOT NULL, from_tag VARCHAR(128) DEFAULT '' NOT NULL,
  to_tag VARCHAR(128) DEFAULT '' NOT NULL, callid VARCHAR(255) DEFAULT '' NOT NULL,
  sip_code VARCHAR(3) DEFAULT '' NOT NULL, sip_reason VARCHAR(128) DEFAULT '' NOT NULL,
  time TIMESTAMP WITHOUT TIME ZONE NOT NULL,
  src_user VARCHAR(64) DEFAULT '' NOT NULL, src_domain VARCHAR(128) DEFAULT '' NOT NULL,
  src_ip VARCHAR(64) DEFAULT '' NOT NULL, dst_ouser VARCHAR(64) DEFAULT '' NOT NULL,
  dst_user VARCHAR(64) DEFAULT '' NOT NULL, dst_domain VARCHAR(128) DEFAULT '' NOT NULL
)"""
#: As Kamailio's own scripts make them, with the usual `db_extra` and `cdr_extra` columns.
TABLES: Final[Mapping[str, str]] = {
    "acc": _REQUESTS,
    "missed_calls": _REQUESTS,
    "acc_cdrs": f"""(
      {_NUMBERED}, start_time TIMESTAMP NOT NULL, end_time TIMESTAMP NOT NULL,
      duration REAL DEFAULT 0 NOT NULL, src_user VARCHAR(64) DEFAULT '' NOT NULL,
      dst_user VARCHAR(64) DEFAULT '' NOT NULL, callid VARCHAR(255) DEFAULT '' NOT NULL
    )""",
    "location": f"""(
      {_NUMBERED}, ruid VARCHAR(64), username VARCHAR(64), domain VARCHAR(64),
      contact VARCHAR(512), received VARCHAR(128), path VARCHAR(512), expires TIMESTAMP,
      q REAL, callid VARCHAR(255), cseq INTEGER, last_modified TIMESTAMP, flags INTEGER,
      cflags INTEGER, user_agent VARCHAR(255), socket VARCHAR(64), methods INTEGER,
      instance VARCHAR(255), reg_id INTEGER, server_id INTEGER, connection_id INTEGER,
      keepalive INTEGER, partition INTEGER
    )""",
    "subscriber": f"""(
      {_NUMBERED}, username VARCHAR(64), domain VARCHAR(64), password VARCHAR(64),
      ha1 VARCHAR(128), ha1b VARCHAR(128), UNIQUE (username, domain)
    )""",
    "numbers": """(
      id SERIAL UNIQUE, number VARCHAR(32) PRIMARY KEY, account VARCHAR(32) NOT NULL,
      sip VARCHAR(128),
      assigned_at TIMESTAMP WITH TIME ZONE, released_at TIMESTAMP WITH TIME ZONE
    )""",
}


#: What `dsr check` asks for: columns that people are searched by.
_INDEXED: Final[Mapping[str, tuple[str, ...]]] = {
    "acc": ("src_user", "dst_user", "dst_ouser"),
    "missed_calls": ("src_user", "dst_user", "dst_ouser"),
    "acc_cdrs": ("src_user", "dst_user"),
    "location": ("username",),
    "subscriber": ("username",),
    "numbers": ("account", "sip"),
}


@frozen
class Dataset:
    """Where the files are, and who in them asks.

    `national` are the caller's digits behind +49, `other` a number of the other party as
    digits without prefix, `held` the call of both that the hold is about, `names` what
    the caller's telephones show.
    """

    name: str
    files: Path = field(repr=False)
    cards: tuple[Path, ...] = field(repr=False)
    national: str
    other: str
    held: str
    user: str = "alice"
    host: str = "127.0.0.1"
    names: tuple[str, ...] = ("Müller", "Alice A.", "Extension 1001")

    @property
    def number(self) -> str:
        """The caller's number as E.164 has it."""
        return f"+49{self.national}"


@frozen
class Office:
    """The running stores, as they are reached without dsr."""

    folder: Path = field(repr=False)
    database: str = field(repr=False)
    bucket: str
    client: S3Client = field(repr=False)
    cli: Cli = field(repr=False)

    @property
    def engine(self) -> sa.Engine:
        """A way into the database."""
        return sa.create_engine(self.database, poolclass=NullPool)


def build(dataset: Dataset, folder: Path, database: str, rgw: Rgw) -> Office:
    """Fill the stores in `folder`, `database` and a new bucket, and write dsr.toml."""
    bucket = f"recordings-{dataset.name}-{os.getpid()}"
    environment = {
        **os.environ,
        "DSR_TEST_DATABASE": database,
        "AWS_ACCESS_KEY_ID": rgw.access_key,
        "AWS_SECRET_ACCESS_KEY": rgw.secret_key,
        "AWS_EC2_METADATA_DISABLED": "true",
        "COLUMNS": "200",
    }
    config = folder / "dsr.toml"
    office = Office(folder, database, bucket, rgw.client(), Cli(config, environment))
    _database(office, dataset)
    _logs(folder / "logs", dataset)
    _recordings(office, dataset)
    _contacts(folder / "contacts", dataset)
    assert office.cli("init").code == 0  # for the key; its example is replaced by
    template = string.Template((Path(__file__).parent / "dsr.toml").read_text("utf-8"))
    config.write_text(template.substitute(bucket=bucket, endpoint=rgw.endpoint), "utf-8")
    return office


def _database(office: Office, dataset: Dataset) -> None:
    with office.engine.begin() as connection:
        for table, columns in TABLES.items():
            connection.execute(sa.text(f"CREATE TABLE {table} {columns}"))
            for column in _INDEXED[table]:
                for each in (column, f"lower({column})"):
                    connection.execute(sa.text(f"CREATE INDEX ON {table} ({each})"))
        cursor = connection.connection.cursor()
        for table in ("acc", "missed_calls", "acc_cdrs", "location", "subscriber"):
            path = dataset.files / f"kamailio_{table}.csv"
            copy = f"COPY {table} ({_header(path)}) FROM STDIN (FORMAT csv, HEADER)"
            with cursor.copy(copy) as rows:
                rows.write(path.read_bytes())
        connection.execute(
            sa.text("INSERT INTO subscriber VALUES (90, 'bob', :host, 'pw', 'x', 'y')"),
            {"host": dataset.host},
        )
        connection.execute(
            sa.text(
                "INSERT INTO location (id, username, contact, last_modified)"
                " VALUES (90, 'bob', 'sip:bob@127.0.0.1:15082', '2026-03-01 10:00:00')"
            )
        )
        connection.execute(
            sa.text(
                "INSERT INTO numbers (number, account, sip, assigned_at) VALUES"
                " (:mine, 'C-1001', :user, NULL), (:near, 'C-1002', 'bob@127.0.0.1', '2020-01-01'),"
                " (:longer, 'C-1003', NULL, NULL), ('+33199001299', 'C-1004', NULL, NULL)"
            ),
            {
                "mine": dataset.number,
                "user": f"{dataset.user}@{dataset.host}",
                "near": dataset.number[:-1] + "9",
                "longer": dataset.number + "1",
            },
        )


def _header(path: Path) -> str:
    return path.read_text("utf-8").partition("\n")[0]


def _logs(folder: Path, dataset: Dataset) -> None:
    """Write the log: its first part as logrotate leaves it, the rest in the file still written."""
    folder.mkdir()
    (source,) = dataset.files.glob("kamailio-*.log")
    lines = source.read_bytes().splitlines(keepends=True)
    first = len(lines) // _SHARE
    (folder / "kamailio.log").write_bytes(b"".join(lines[first:]))
    (folder / "kamailio.log.1.gz").write_bytes(gzip.compress(b"".join(lines[:first])))


def _recordings(office: Office, dataset: Dataset) -> None:
    """Put each recording twice, with a transcript; hide every second behind a delete marker."""
    client, bucket = office.client, office.bucket
    client.create_bucket(Bucket=bucket)
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for key, hidden in _keys(office, dataset):
        for take in ("draft", "final"):
            client.put_object(Bucket=bucket, Key=f"{key}.wav", Body=_audio(f"{take} {key}"))
        transcript = json.dumps({"recording": key, "text": "…"}).encode()
        client.put_object(Bucket=bucket, Key=f"{key}.json", Body=transcript)
        if hidden:
            client.delete_object(Bucket=bucket, Key=f"{key}.wav")


def _keys(office: Office, dataset: Dataset) -> Iterator[tuple[str, bool]]:
    statement = sa.text(
        "SELECT to_char(start_time, 'YYYY/MM/DD/') || callid FROM acc_cdrs"
        " WHERE split_part(callid, '-', 1)::int % :every = 1 ORDER BY callid"
    )
    with office.engine.connect() as connection:
        calls = connection.execute(statement, {"every": RECORDED}).scalars().all()
    for number, key in enumerate(calls):
        yield key, bool(number % 2)
    numbers = (f"49{dataset.national}", f"0{dataset.national}", f"49{dataset.national}1")
    for number, digits in enumerate((*numbers, f"33{dataset.other}")):
        yield f"voicemail/2026/03/0{number + 1}/{digits}-msg000{number}", False


def _audio(text: str) -> bytes:
    """Return a short WAVE file whose samples are `text`: no two are alike."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(text.encode())
    return file.getvalue()


_CARD: Final = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nTEL;TYPE=cell:{number}\r\n"
    "NOTE:ünïcode\\, and a comma\r\nX-ODD;A=1:kept\r\nEND:VCARD\r\n"
)


def _contacts(folder: Path, dataset: Dataset) -> None:
    """Copy the cards of others, and add a book that the caller's card shares with a bystander."""
    for number, source in enumerate(dataset.cards):
        for path in sorted(source.rglob("*.vcf")):
            target = folder / str(number) / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    cards = (
        _card("a-1", "Noor", f"{dataset.number}1"),
        own_card(dataset),
        _card("c-3", "Paris", f"+33 {dataset.other}"),
    )
    (folder / "office.vcf").write_bytes(b"".join(cards))


def own_card(dataset: Dataset) -> bytes:
    """Return the caller's card, with the number as people write it."""
    digits = dataset.national
    return _card("b-2", "Eva Müller", f"+49 (0){digits[:2]} {digits[2:5]}-{digits[5:]}")


def _card(uid: str, name: str, number: str) -> bytes:
    return _CARD.format(uid=uid, name=name, number=number).encode()
