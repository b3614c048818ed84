"""`dsr demo DIR`: a small operator, and four requests walked through it."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.rule import Rule

from dsr.cli.common import now
from dsr.cli.operator import EVA, EVA_SINCE, build
from dsr.errors import InputError
from dsr.ledger import new_key

__all__ = ["COMMANDS"]

_SPELLED: Final = "030 23125-100"


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def demo(folder: Path) -> None:
    """Build a small operator in DIR and walk four requests through it.

    Everything is embedded: SQLite, log files, recordings and address books on disk. No server
    and no root are needed, and nothing outside DIR is touched.
    """
    if folder.exists() and any(folder.iterdir()):
        what = f"{folder} is not empty"
        raise InputError(what, "name a new folder")
    walk = _Walk(folder)
    walk.build()
    walk.access()
    walk.portability()
    walk.rectification()
    walk.erasure()
    walk.end()


class _Walk:
    """Calls the commands that support would call, and shows them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = Console(highlight=False)

    def title(self, text: str) -> None:
        self.out.print()
        self.out.print(Rule(f"[bold]{text}[/]", align="left"))

    def say(self, text: str) -> None:
        self.out.print(text)

    def dsr(self, *words: str, stdin: str = "", quiet: bool = False) -> str:
        """Run one command in this process and return what it printed."""
        from dsr.cli import main  # noqa: PLC0415  (the root knows this command)

        self.out.print(f"[dim]$ dsr {' '.join(_quoted(word) for word in words)}[/]")
        config = str(self.folder / "dsr.toml")
        buffer, terminal = io.StringIO(), sys.stdin
        sys.stdin = io.StringIO(stdin)
        try:
            with contextlib.redirect_stdout(buffer if quiet else sys.stdout):
                main([*words, "--config", config], prog_name="dsr", standalone_mode=False)
        except SystemExit as end:
            if end.code not in (0, 4):
                raise
        finally:
            sys.stdin = terminal
        return buffer.getvalue()

    def opened(self, right: str, *more: str) -> str:
        """Open a request, challenge and verify it; return its id."""
        document = json.loads(
            self.dsr("open", right, "--phone", _SPELLED, *more, "--json", quiet=True)
        )
        request = str(document["request"])
        self.say(f"request [bold]{request}[/], due {document['due']}")
        self.dsr("challenge", request, "--json", quiet=True)
        sent = (self.folder / "pins.jsonl").read_text("utf-8").splitlines()
        pin = str(json.loads(sent[-1])["pin"])
        self.say("the PIN went to the number on file (here: into pins.jsonl)")
        self.dsr("verify", request, "--json", stdin=pin, quiet=True)
        self.say("[green]verified[/]")
        return request

    def build(self) -> None:
        self.title("A small operator")
        build(self.folder, now())
        key = self.folder / "dsr.key"
        key.touch(0o600)
        key.write_text(new_key() + "\n", "utf-8")
        self.say(f"built in {self.folder}: call records and accounts in SQLite, logs (plain and")
        self.say("gzip), recordings and address books on disk, and dsr.toml with its policy.")
        self.say(f"Eva holds {EVA} since {EVA_SINCE} days; before that it was somebody else's.")
        self.dsr("check")

    def access(self) -> None:
        self.title("Access: what do you hold about me? (GDPR Art. 15)")
        request = self.opened("access")
        self.dsr("run", request, "--out", str(self.folder / "access.zip"))

    def portability(self) -> None:
        self.title("Portability: I take it along (GDPR Art. 20)")
        request = self.opened("portability")
        self.dsr("run", request, "--out", str(self.folder / "portability.zip"))

    def rectification(self) -> None:
        self.title("Rectification: my name is spelled wrong (GDPR Art. 16)")
        request = self.opened("rectification", "--set", "address_book.fn=Eva Müller")
        self.confirmed(request)

    def erasure(self) -> None:
        self.title("Erasure: I want it gone (GDPR Art. 17)")
        self.say("A court case needs the calls of the last 400 days kept for now:")
        start = (now().date().toordinal()) - 400
        since = type(now().date()).fromordinal(start).isoformat()
        hold = ("--case", "12 O 34/26", "--reason", "defence of legal claims")
        law = ("--law", "GDPR Art. 17(3)(e)", "--category", "call_records", "--field", "src")
        self.dsr("hold", "add", *hold, *law, "--since", since)
        request = self.opened("erasure")
        token = self.confirmed(request)
        self.say("\nThe same command again finds nothing left to do:")
        self.dsr("run", request, "--confirm", token)

    def confirmed(self, request: str) -> str:
        """Plan a request, run it with the plan's token, and return the token."""
        self.dsr("plan", request)
        token = str(json.loads(self.dsr("plan", request, "--json", quiet=True))["token"])
        self.dsr("run", request, "--confirm", token)
        return token

    def end(self) -> None:
        self.title("What is left to look at")
        self.dsr("list")
        self.dsr("audit")
        for name in ("access.zip", "portability.zip"):
            path = self.folder / name
            self.say(f"[bold]{path}[/] ({path.stat().st_size:,} bytes): unzip, open index.html")


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word


COMMANDS: Final = (demo,)
