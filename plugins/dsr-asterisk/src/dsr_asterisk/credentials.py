"""SIP password hashes from `ps_auths`, for the verifier.

`md5_cred` is MD5(user:realm:password); `password_digest` is a list of `algorithm:hex`, by the
algorithms' IANA names (Asterisk, configuration of res_pjsip: `auth`). The column `password` is
never selected: a row that has only that one vouches for nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

import sqlalchemy as sa

from dsr.model import Credential, Identifier
from dsr_asterisk.session import connect

if TYPE_CHECKING:
    from dsr_asterisk.database import AsteriskDb
    from dsr_asterisk.part import Part

__all__ = ["credentials", "has_hashes"]

Algorithm = Literal["MD5", "SHA-256", "SHA-512-256"]

#: Asterisk compares the names without regard to case; each hash has its length in hexadecimal.
_ALGORITHMS: Final[Mapping[str, tuple[Algorithm, int]]] = {
    "MD5": ("MD5", 32),
    "SHA-256": ("SHA-256", 64),
    "SHA-512-256": ("SHA-512-256", 64),
}
_HEX: Final = re.compile(r"[0-9a-f]+")
_COLUMNS: Final = ("username", "realm", "md5_cred", "password_digest")


def credentials(store: AsteriskDb, part: Part, who: Identifier) -> Iterator[Credential]:
    """Yield the hashes of the SIP user that `who` names, in whatever realm they are.

    Raises `StoreUnavailable`.
    """
    user = who.value.lower().partition("@")[0]
    with connect(store.name, store.url, store.folder) as connection:
        table = table_of(connection, part, _COLUMNS)
        name = table.c[part.column("username")]
        rows = connection.execute(sa.select(table).where(sa.func.lower(name) == user)).mappings()
        for row in rows.all():
            yield from _of(row, part, store.realm)


def has_hashes(connection: sa.Connection, part: Part) -> bool:
    """Return whether every row of the table has a hash of its password."""
    table = table_of(connection, part, _COLUMNS)
    hashes = [each for each in table.c if each.name not in ("username", "realm")]
    bare = sa.and_(sa.true(), *(sa.func.coalesce(each, "") == "" for each in hashes))
    some = sa.select(sa.literal(1)).select_from(table).where(bare).limit(1)
    return connection.execute(some).first() is None


def table_of(connection: sa.Connection, part: Part, columns: tuple[str, ...]) -> sa.Table:
    """Return a part's table with those of `columns` that it really has."""
    schema, _, name = part.table.rpartition(".")
    real = {each["name"] for each in sa.inspect(connection).get_columns(name, schema or None)}
    wanted = [each for each in map(part.column, columns) if each in real]
    return sa.Table(
        name, sa.MetaData(), *(sa.Column(each, sa.Text) for each in wanted), schema=schema or None
    )


def _of(row: Mapping[Any, Any], part: Part, realm: str) -> Iterator[Credential]:
    user = str(row[part.column("username")])
    realm = str(row.get(part.column("realm")) or "") or realm
    digests = str(row.get(part.column("password_digest")) or "").split(",")
    old = str(row.get(part.column("md5_cred")) or "").strip()
    seen: set[Algorithm] = set()
    for each in (*digests, f"MD5:{old}"):
        name, _, hexadecimal = (piece.strip() for piece in each.strip().partition(":"))
        ha1 = hexadecimal.lower()
        algorithm, length = _ALGORITHMS.get(name.upper(), ("MD5", 0))
        if len(ha1) == length and _HEX.fullmatch(ha1) and algorithm not in seen:
            seen.add(algorithm)
            yield Credential(user, realm, algorithm, ha1)
