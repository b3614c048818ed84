"""What `dsr check` says of Kamailio's database besides what `sql` says of its tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa

from dsr.connectors.sql import Sql
from dsr.model import Finding
from dsr_kamailio.parts import KNOWN, Part
from dsr_kamailio.session import connected

__all__ = ["findings"]


def findings(sql: Sql, parts: Mapping[str, Part], domains: Sequence[str]) -> Iterator[Finding]:
    """Yield tables of Kamailio that are in no part, copies in memory, and missing domains."""
    for name, part in parts.items():
        if part.memory:
            yield Finding("left", f"table {name}: {part.memory}")
        bare = [n.user for p in part.parties.values() for n in p.names if n.domain is None]
        if bare and len(domains) > 1 and part.call is not None:
            text = (
                f"table {name}: {', '.join(bare)} come without a domain, and several are served:"
                " add a column for it ($td for the callee), and name it in"
                f" stores.{sql.name}.tables.{name}.parties"
            )
            yield Finding("advice", text)
    for name in _others(sql, parts):
        text = (
            f"table {name} has rows and is not among the parts: what it holds of a person stays."
            f" Add it to stores.{sql.name}.parts"
        )
        yield Finding("left", text)


def _others(sql: Sql, parts: Mapping[str, Part]) -> Iterator[str]:
    """Yield the tables that Kamailio has, that hold something, and that are in no part."""
    used = {part.table or name for name, part in parts.items()}
    with connected(sql, "version") as connection:
        there = set(sa.inspect(connection).get_table_names())
        for name in sorted(KNOWN & there - used - parts.keys()):
            row = connection.execute(sa.select(sa.literal(1)).select_from(sa.table(name)).limit(1))
            if row.first() is not None:
                yield name
