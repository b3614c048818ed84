"""The staff of an operator's office, each with an authenticator."""

from __future__ import annotations

import datetime as dt
from typing import Self

import pyotp
from attrs import field, frozen

from tests.cli.office import Office

__all__ = ["Staff"]

ROLES = ("open", "verify", "approve", "run", "hold", "audit")


@frozen
class Staff:
    """Names in `[staff]`, and their secrets in files beside dsr.toml."""

    office: Office
    before: str = field(repr=False)
    secrets: dict[str, str] = field(factory=dict, repr=False)

    @classmethod
    def of(cls, office: Office, *names: str, roles: tuple[str, ...] = ROLES) -> Self:
        """Let people of these names work here, with these roles."""
        staff = cls(office, office.config.read_text("utf-8"))
        for name in names:
            staff.add(name, roles)
        return staff

    def add(self, name: str, roles: tuple[str, ...]) -> None:
        self.secrets[name] = pyotp.random_base32()
        path = self.office.folder / f"{name}.totp"
        path.touch(0o600)
        path.write_text(self.secrets[name], "ascii")
        told = f'\n[staff.{name}]\nroles = {list(roles)}\ntotp = "file:{name}.totp"\n'
        with self.office.config.open("a", encoding="utf-8") as file:
            file.write(told)

    def code(self, name: str, later: int = 0) -> str:
        """Return the code that the authenticator shows `later` steps from now (a clock ahead)."""
        at = dt.datetime.now(dt.UTC) + later * dt.timedelta(seconds=30)
        return pyotp.TOTP(self.secrets[name]).at(at)

    def leave(self) -> None:
        """Nobody is listed any more."""
        self.office.config.write_text(self.before, "utf-8")
