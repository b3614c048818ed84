"""`dsr demo DIR`: a small operator, and four requests walked through it."""

from __future__ import annotations

import contextlib
import io
import json
import shlex
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.rule import Rule

from dsr.cli.common import now
from dsr.cli.failing import INCOMPLETE, Command
from dsr.cli.operator import EVA, EVA_SINCE, build
from dsr.errors import InputError

__all__ = ["COMMANDS"]

_SPELLED: Final = "030 23125-100"


@click.command(cls=Command)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def demo(folder: Path) -> None:
    """Build a small operator in DIR and serve four requests.

    Everything is embedded: SQLite, log files, recordings and address books on disk. No server
    and no root are needed, and nothing outside DIR is touched.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        empty = not any(folder.iterdir())
    except OSError as error:
        what = f"{folder} cannot be used ({error.strerror})"
        raise InputError(what, "name a new folder") from None
    if not empty:
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
        self.out = Console(highlight=False, soft_wrap=True)

    def title(self, text: str) -> None:
        self.out.print()
        self.out.print(Rule(f"[bold]{text}[/]", align="left"))

    def say(self, text: str) -> None:
        self.out.print(text)

    def dsr(self, *words: str) -> None:
        """Show a command and run it in this process."""
        self.out.print(f"[dim]$ dsr {shlex.join(words)}[/]")
        self._call(words)

    def read(self, *words: str, stdin: str = "") -> Any:  # noqa: ANN401  (a JSON document)
        """Run a command in this process and return its document."""
        text, terminal = io.StringIO(), sys.stdin
        sys.stdin = io.StringIO(stdin)
        try:
            with contextlib.redirect_stdout(text):
                self._call([*words, "--json"])
        finally:
            sys.stdin = terminal
        return json.loads(text.getvalue())

    def _call(self, words: Sequence[str]) -> None:
        from dsr.cli import main  # noqa: PLC0415  (the root knows this command)

        config = str(self.folder / "dsr.toml")
        try:
            main([*words, "--config", config], prog_name="dsr", standalone_mode=False)
        except SystemExit as end:
            if end.code != INCOMPLETE:
                raise

    def opened(self, right: str, *more: str) -> str:
        """Open a request, challenge and verify it; return its id."""
        words = ("open", right, "--phone", _SPELLED, *more)
        self.say(f"[dim]$ dsr {shlex.join(words)} --json[/]")
        document = self.read(*words)
        request = str(document["request"])
        self.say(f"request [bold]{request}[/], due {document['due']}")
        self.say(f"[dim]$ dsr challenge {request}[/]")
        self.read("challenge", request)
        sent = (self.folder / "pins.jsonl").read_text("utf-8").splitlines()
        self.say("the PIN went to the number on file (here: into pins.jsonl)")
        self.say(f"[dim]$ dsr verify {request}[/]")
        self.read("verify", request, stdin=str(json.loads(sent[-1])["pin"]))
        self.say("PIN: ******\n[green]verified[/]")
        return request

    def build(self) -> None:
        self.title("A small operator")
        build(self.folder, now())
        self.say(f"Built in {self.folder}: call records and accounts in SQLite, logs (plain and")
        self.say("gzip), recordings and address books on disk, and dsr.toml with its policy.")
        self.say(f"Eva has had {EVA} for {EVA_SINCE} days; before that it was somebody else's.")
        self.say("")
        self.dsr("check")

    def access(self) -> None:
        self.title("Access: what do you hold about me? (GDPR Art. 15)")
        request = self.opened("access")
        self.dsr("run", request, "--out", str(self.folder / "access.zip"))
        self.say("\nThe card without a date is in somebody else's address book. It may mean the")
        self.say("number's earlier holder: dsr does not guess, a person has to look at it.")

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
        self.say("A court case needs her own number on the calls of the last 400 days:")
        since = (now() - timedelta(days=400)).date().isoformat()
        hold = ("--case", "12 O 34/26", "--reason", "defence of legal claims")
        law = ("--law", "GDPR Art. 17(3)(e)", "--category", "call_records", "--field", "src")
        self.dsr("hold", "add", *hold, *law, "--since", since)
        request = self.opened("erasure")
        token = self.confirmed(request)
        self.say("\nThe same command again:")
        again = ("run", request, "--confirm", token)
        before = self.read("show", request)["receipt"]["stores"]
        self.say(f"[dim]$ dsr {shlex.join(again)}[/]")
        same = self.read(*again)["stores"] == before
        self.say("nothing was left to do; the receipt says the same" if same else "it did more")

    def confirmed(self, request: str) -> str:
        """Plan a request, run it with the plan's token, and return the token."""
        self.dsr("plan", request)
        token = str(self.read("plan", request)["token"])
        self.dsr("run", request, "--confirm", token)
        return token

    def end(self) -> None:
        self.title("What is left to look at")
        self.dsr("list")
        self.dsr("audit")
        for name in ("access.zip", "portability.zip"):
            path = self.folder / name
            self.say(f"[bold]{path}[/] ({path.stat().st_size:,} bytes): unzip, open index.html")
        self.say(
            f"To go on yourself: cd {shlex.quote(str(self.folder))}, then dsr list, dsr --help"
        )


COMMANDS: Final = (demo,)
