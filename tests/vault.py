"""A store of accounts that also keeps what people prove themselves by."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from dsr.errors import StoreUnavailable
from dsr.identity import standing
from dsr.model import Credential, Identifier, Kind
from tests.shelf import WritableShelf

__all__ = ["REALM", "Vault", "answer", "vault"]

REALM = "sip.example.org"


@frozen
class Vault(WritableShelf):
    """Rows may have `pin` (a hash) and `sip` (a user and HA1)."""

    def pins(self, keys: Sequence[str]) -> Sequence[str]:
        self.count("pins")
        rows = self.rows()
        return [rows[key]["pin"] for key in keys if rows.get(key, {}).get("pin")]

    def credentials(self, who: Identifier) -> Sequence[Credential]:
        self.count("credentials")
        return [
            Credential(row["sip"][0], REALM, "SHA-256", row["sip"][1])
            for row in self.rows().values()
            if row.get("sip") and f"{row['sip'][0]}@{REALM}" == who.value
        ]

    def count(self, what: str) -> None:
        state = self.state()
        if state.get("down"):
            raise StoreUnavailable(self.name, "it does not answer", "try again later")
        self.save(state | {what: state.get(what, 0) + 1})

    def account(
        self,
        key: str,
        phone: str,
        since: dt.datetime,
        *,
        sip: str = "",
        password: str = "",
        pin: str = "",
        **data: object,
    ) -> None:
        """Add an account `key` that holds `phone`, with a SIP user and a standing PIN if given."""
        names = [["account", key, ["name"]], ["phone", phone, ["name"]]]
        links = [["phone", phone, since.isoformat(), None], ["account", key, None, None]]
        row: dict[str, object] = {}
        if sip:
            names.append(["sip", f"{sip}@{REALM}", ["name"]])
            links.append(["sip", f"{sip}@{REALM}", None, None])
            row["sip"] = [sip, _sha256(f"{sip}:{REALM}:{password}")]
        if pin:
            row["pin"] = standing.hashed(pin)
        self.put(
            key,
            category="accounts",
            at=since.isoformat(),
            who=names,
            data={"name": key, **data},
            links=links,
            **row,
        )


def vault(folder: Path) -> Vault:
    """Return an empty one."""
    kinds = frozenset[Kind]({"phone", "account", "sip"})
    made = Vault(folder / "accounts.json", "accounts", kinds, frozenset({"accounts"}))
    made.save({"rows": {}})
    return made


def answer(user: str, password: str, nonce: str, uri: str = f"sip:{REALM}") -> str:
    """Return the Authorization header of a telephone: RFC 7616, computed by hand."""
    ha1 = _sha256(f"{user}:{REALM}:{password}")
    ha2 = _sha256(f"REGISTER:{uri}")
    response = _sha256(f"{ha1}:{nonce}:00000001:c0ffee:auth:{ha2}")
    return (
        f'Digest username="{user}", realm="{REALM}", nonce="{nonce}", uri="{uri}",'
        f' response="{response}", algorithm=SHA-256, qop=auth, nc=00000001, cnonce="c0ffee"'
    )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
