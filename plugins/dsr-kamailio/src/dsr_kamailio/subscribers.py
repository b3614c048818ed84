"""SIP password hashes from `subscriber`, for the verifier.

`ha1` is hash(username:realm:password) and `ha1b` hash(username@domain:realm:password), by MD5 or
(`auth` module, `hash_algorithm`) SHA-256: their length tells which. Where Kamailio is set up to
compute them from a plain password (`calculate_ha1`) they are empty: then there is nothing to
check against, and the password is not read instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal

import sqlalchemy as sa

from dsr.connectors.sql import Sql
from dsr.model import Credential, Identifier
from dsr_kamailio.session import connected

__all__ = ["credentials"]

_LENGTHS: Final[dict[int, Literal["MD5", "SHA-256"]]] = {32: "MD5", 64: "SHA-256"}
_HEX: Final = re.compile(r"[0-9a-f]+")


def credentials(
    sql: Sql, table: str, who: Identifier, realm: str | None, domains: Sequence[str]
) -> Sequence[Credential]:
    """Return the hashes of `who`: of the user alone, and of user and domain together.

    An address without a domain means the one that is served; of several it means none.
    """
    user, _, domain = who.value.lower().partition("@")
    if not domain and len(domains) == 1:
        domain = domains[0]
    schema, _, name = table.rpartition(".")
    names = ("username", "domain", "ha1", "ha1b")
    rows = sa.table(name, *(sa.column(each) for each in names), schema=schema or None)
    mine = sa.func.lower(rows.c.username) == user
    theirs = sa.func.lower(rows.c.domain) == domain
    with connected(sql, table) as connection:
        found = connection.execute(sa.select(rows).where(mine, theirs)).all()
    return [each for row in found for each in _hashes(*row, realm=realm)]


def _hashes(
    username: str, domain: str, ha1: str | None, ha1b: str | None, *, realm: str | None
) -> Iterator[Credential]:
    for name, text in ((username, ha1), (f"{username}@{domain}", ha1b)):
        value = (text or "").strip().lower()
        algorithm = _LENGTHS.get(len(value))
        if algorithm is not None and _HEX.fullmatch(value):
            yield Credential(name, realm or domain, algorithm, value)
