"""The reference of the configuration, compared with the settings themselves and with real use."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from types import UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

import attrs
import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from dsr import assurance, config
from dsr.connectors import files, logs, s3, vcards, voicemail
from dsr.connectors.sql import config as sql
from dsr.connectors.sql import from_config
from dsr.delivering import Delivery
from dsr.identity import config as identity
from dsr.model import Identifier
from dsr.policy.model import (
    Answers,
    Category,
    Clir,
    Deadlines,
    Operator,
    Recipient,
    Retention,
    Stage,
    ThirdParty,
    Unresolved,
)
from dsr.settings import Context
from tests.servers.postgresql import postgresql

__all__ = ["postgresql"]

ROOT: Final = Path(__file__).parent.parent
TEXT: Final = (ROOT / "docs" / "reference" / "configuration.md").read_text("utf-8")
_HEADING = re.compile(r"^##+ (.*)$", re.MULTILINE)
_ROW = re.compile(r"^\| `([a-z_]+)` \| (.*?) \| (.*?) \| (.*?) \|(.*)\|$", re.MULTILINE)

#: Each section of the page, and the class that reads it.
SECTIONS: Final[Mapping[str, type]] = {
    "`[operator]`": Operator,
    "`[deadlines]`": Deadlines,
    "`[ledger]`": config._Ledger,
    "`[identity]`": config._Identity,
    "`[identity.one-time-pin]`": identity._Settings,
    "`[identity.line]`": assurance._Line,
    "`[identity.standing-pin]`": assurance._StandingPin,
    "`[identity.sip]`": assurance._Sip,
    "`[identity.login]`": assurance._Login,
    "`[staff.NAME]`": assurance._Member,
    '`[stores.NAME]` with `connector = "sql"`': sql._Store,
    "`[stores.NAME.tables.TABLE]`": sql._Table,
    "One of `sides`": sql._Side,
    "One of `links`, with tenure": sql._Link,
    '`[stores.NAME]` with `connector = "files"`': files.Settings,
    '`[stores.NAME]` with `connector = "s3"`': s3.Settings,
    '`[stores.NAME]` with `connector = "logs"`': logs.Settings,
    '`[stores.NAME]` with `connector = "vcards"`': vcards.Settings,
    '`[stores.NAME]` with `connector = "voicemail"`': voicemail.Settings,
    "`[categories.NAME]`": Category,
    "One of `keep`": Retention,
    "One of `stages`": Stage,
    "One of `clir`": Clir,
    "One of `third_party`": ThirdParty,
    "One of `recipients`": Recipient,
    "`[[holds]]`": config._Hold,
    "`[answers]`": Answers,
    "`[delivery]`": Delivery,
    "`[unresolved.NAME]`": Unresolved,
}


def _sections() -> dict[str, str]:
    """Return the text below each heading."""
    parts = _HEADING.split(TEXT)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _fields(cls: type) -> Iterator[tuple[str, str, str]]:
    """Yield key, type and default of each setting, as the page writes them."""
    attrs.resolve_types(cls)
    for each in attrs.fields(cls):
        yield each.name, _type(each.type), _default(each.default)


def _type(kind: Any) -> str:
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _type(next(each for each in args if each is not type(None)))
    if origin is Literal:
        return " or ".join(f"`{json.dumps(each)}`" for each in args)
    if origin is tuple:
        return "list of tables" if attrs.has(args[0]) else f"list of {_type(args[0])}s"
    if origin is not None and issubclass(origin, Mapping):
        inner = "tables" if attrs.has(args[1]) else f"{_type(args[1])}s"
        return "table" if args[1] is object else f"table of {inner}"
    names = {object: "value", str: "text", int: "whole number", bool: "true or false"}
    return {**names, dt.date: "date", dt.datetime: "time"}[kind]


def _default(value: object) -> str:
    if value is attrs.NOTHING:
        return "*needed*"
    if value is None:
        return "none"
    factory = getattr(value, "factory", None)
    return f"`{json.dumps(factory() if factory else value)}`"


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_setting_is_described(heading: str) -> None:
    """Key, type and default of each setting stand in the reference, in order, and no others do."""
    rows = _ROW.findall(_sections()[heading])
    assert [row[:3] for row in rows] == list(_fields(SECTIONS[heading]))
    assert all(row[3] for row in rows)


def test_every_section_is_described() -> None:
    """A table of settings on the page is one that is compared; and so is every connector."""
    tables = {name for name, text in _sections().items() if _ROW.search(text)}
    assert tables == set(SECTIONS)
    described = {name for name in SECTIONS if "connector =" in name}
    built_in = entry_points(group=config.GROUP)
    names = {each.name for each in built_in if each.value.startswith("dsr.")}
    assert {f'`[stores.NAME]` with `connector = "{name}"`' for name in names} == described
    first = TEXT[: TEXT.index("## ")]
    for name in attrs.fields_dict(config._File):
        assert re.search(rf"^\| `\[+{name}[].]", first, re.MULTILINE), name


# --- what the stores' users need ---------------------------------------------------------------


def test_the_grants_are_enough_and_no_more(postgresql: str) -> None:
    """With the GRANTs of the page dsr reads both tables and changes the one; not the other."""
    admin = sa.create_engine(postgresql, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    grants = next(
        each for each in re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL) if "GRANT" in each
    )
    with admin.connect() as connection:
        for statement in (
            (
                "CREATE TABLE cdr (id int PRIMARY KEY, src text, clid text, channel text, dst text,"
                ' dstchannel text, blocked boolean, "start" timestamptz)'
            ),
            "CREATE TABLE numbers (number text PRIMARY KEY, account text)",
            "CREATE TABLE secrets (number text)",
            (
                "INSERT INTO cdr (id, src, dst, start) SELECT n, '+4930901820', '0', now()"
                " FROM generate_series(1, 3) AS n"
            ),
            "INSERT INTO numbers VALUES ('+4930901820', 'A-1')",
            "DROP ROLE IF EXISTS dsr",
            "CREATE ROLE dsr LOGIN PASSWORD 'x'",
            *filter(None, map(str.strip, grants.split(";"))),
        ):
            connection.execute(sa.text(statement))
    url = sa.make_url(postgresql).set(username="dsr", password="x")
    sides = [
        {"phone": "src", "about": ["src", "clid", "channel"]},
        {"phone": "dst", "about": ["dst", "dstchannel"]},
    ]
    table = {
        "url": url.render_as_string(hide_password=False),
        "tables": {
            "cdr": {"category": "c", "at": "start", "sides": sides, "restricted": "blocked"},
            "numbers": {"category": "n", "sides": [{"phone": "number"}]},
        },
    }
    store = from_config("db", table, Context("DE", ROOT))
    who = [Identifier("phone", "+4930901820")]
    try:
        keys = [each.record.key for each in store.find(who) if each.record.category == "c"]
        assert len(keys) == 3
        store.redact({keys[0]: frozenset({"src"})})
        store.rectify(keys[1], {"src": "+4930901829"})
        store.erase(keys[2:])
        assert [each.record.category for each in store.find(who)] == ["n"]
        rights = [each.text for each in store.check() if each.kind == "right"]
        assert rights
        assert all(each.startswith("table numbers: ") for each in rights)
    finally:
        with admin.connect() as connection:
            connection.execute(sa.text("DROP OWNED BY dsr"))
            connection.execute(sa.text("DROP ROLE dsr"))


#: Which permission AWS asks for each call (Service Authorization Reference, Amazon S3), and for
#: what: the statements of the policy on the page. Object calls always name a version.
_CALLS: Final = {
    "Find": {
        "list_object_versions": {"s3:ListBucketVersions"},
        "list_multipart_uploads": {"s3:ListBucketMultipartUploads"},
        "get_object_lock_configuration": {"s3:GetBucketObjectLockConfiguration"},
        "get_object_legal_hold": {"s3:GetObjectLegalHold"},
        "get_object_retention": {"s3:GetObjectRetention"},
        "get_object": {"s3:GetObjectVersion"},
        "head_object": {"s3:GetObjectVersion"},
    },
    "Erase": {
        "delete_object": {"s3:DeleteObjectVersion"},
        "delete_objects": {"s3:DeleteObject", "s3:DeleteObjectVersion"},
        "abort_multipart_upload": {"s3:AbortMultipartUpload"},
    },
    "Mark": {
        "get_object_tagging": {"s3:GetObjectVersionTagging"},
        "put_object_tagging": {"s3:PutObjectVersionTagging"},
        "put_object_legal_hold": {"s3:PutObjectLegalHold"},
    },
    "Prove": {"put_object": {"s3:PutObject"}},
    "Check": {
        "get_bucket_replication": {"s3:GetReplicationConfiguration"},
        "get_bucket_logging": {"s3:GetBucketLogging"},
        "list_bucket_inventory_configurations": {"s3:GetInventoryConfiguration"},
        "get_bucket_notification_configuration": {"s3:GetBucketNotification"},
        "get_bucket_lifecycle_configuration": {"s3:GetLifecycleConfiguration"},
        "get_bucket_versioning": {"s3:GetBucketVersioning"},
    },
}


#: The same for the bucket of packages.
_UPLOADS: Final = {
    "create_multipart_upload": {"s3:PutObject"},
    "upload_part": {"s3:PutObject"},
    "complete_multipart_upload": {"s3:PutObject"},
    "abort_multipart_upload": {"s3:AbortMultipartUpload"},
    "head_object": {"s3:GetObject"},
    "generate_presigned_url": {"s3:GetObject"},
    "list_multipart_uploads": {"s3:ListBucketMultipartUploads"},
    "list_object_versions": {"s3:ListBucketVersions"},
    "delete_objects": {"s3:DeleteObject", "s3:DeleteObjectVersion"},
}
_THROUGH_THE_CONNECTOR: Final = {
    "list_multipart_uploads",
    "list_object_versions",
    "delete_objects",
}
_S3: Final = ROOT / "src" / "dsr" / "connectors" / "s3"


def test_the_bucket_policy_names_what_is_called() -> None:
    """Every call of the connector is allowed by the policy on the page, and nothing else is."""
    source = "".join(
        path.read_text("utf-8")
        for path in sorted(_S3.glob("*.py"))
        if path.name != "upload.py"  # it has a bucket of its own
    )
    assert _called(source) == set().union(*_CALLS.values())
    assert _allowed(TEXT) == {name: set().union(*calls.values()) for name, calls in _CALLS.items()}


def test_the_policy_of_the_bucket_of_packages_names_what_is_called() -> None:
    """What writes, signs and removes packages is allowed by the how-to's policy, and no more."""
    page = (ROOT / "docs" / "how-to" / "deliver.md").read_text("utf-8")
    source = (_S3 / "upload.py").read_text("utf-8")
    assert _called(source) == _UPLOADS.keys() - _THROUGH_THE_CONNECTOR
    assert _allowed(page) == {"Deliver": set().union(*_UPLOADS.values())}


def _called(source: str) -> set[str]:
    return set(re.findall(r"client(?:\(\))?\.(\w+)\(", source))


def _allowed(page: str) -> dict[str, set[str]]:
    (policy,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    return {each["Sid"]: set(each["Action"]) for each in json.loads(policy)["Statement"]}
