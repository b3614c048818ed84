"""An operator's office: the made-up operator of `dsr demo`, and its staff at the command line."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
from attrs import frozen
from click.testing import CliRunner, Result

from dsr.cli import main
from dsr.cli.operator import build

__all__ = ["EVA", "Office", "check_run", "office", "template"]

ROOT: Final = Path(__file__).parent.parent.parent
#: Eva's number, as she writes it.
EVA: Final = "030 23125-100"
#: Parts of numbers, names and addresses of everybody at this operator, in every spelling.
PERSONAL: Final = (
    *("23125100", "23125-100", "23125111", "23125-111", "23125122", "23125133"),
    *(
        "79460018",
        "7946 0018",
        "199001234",
        "Muller",
        "Müller",
        "Haddad",
        "Noor",
        "Smith",
        "eva@",
        "noor@",
        "john@",
    ),
)
STORES: Final = ("operator.db", "logs", "recordings", "contacts")


@frozen
class Office:
    """A folder with stores and dsr.toml."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "dsr.toml"

    def call(self, *words: str, stdin: str | bytes = "", code: int | None = 0) -> Result:
        """Call a command; nobody's data may show in what it prints (law 8)."""
        result = call(*words, "--config", str(self.config), stdin=stdin)
        printed = result.stdout + result.stderr
        assert not [each for each in PERSONAL if each in printed], words
        assert code is None or result.exit_code == code, (words, printed)
        return result

    def document(self, *words: str, stdin: str | bytes = "", code: int | None = 0) -> Any:
        """Call a command with --json; all of stdout is one document in one line."""
        result = self.call(*words, "--json", stdin=stdin, code=code)
        assert result.stdout.count("\n") == 1
        return json.loads(result.stdout)

    def error(self, *words: str, stdin: str | bytes = "", code: int) -> str:
        """Call a command that fails, with and without --json; return what it tells people."""
        told = self.document(*words, stdin=stdin, code=code)["error"]
        result = self.call(*words, stdin=stdin, code=code)
        assert result.stdout == ""
        assert set(told) == {"type", "what", "fix"}
        assert told["fix"] or ": " in told["what"], f"no advice on {told['what']}"
        line = "error: " + ": ".join(each for each in (told["what"], told["fix"]) if each)
        assert result.stderr == f"{line}\n"
        return line

    def challenged(self, right: str, *more: str, phone: str = EVA) -> str:
        """Open a request and have a PIN sent; return its id."""
        request = self.document("open", right, "--phone", phone, *more)["request"]
        self.call("challenge", request)
        assert isinstance(request, str)
        return request

    def verified(self, right: str, *more: str) -> str:
        """Open a request and verify it; return its id."""
        request = self.challenged(right, *more)
        self.call("verify", request, stdin=self.pin() + "\n")
        return request

    def pin(self) -> str:
        """Return the PIN that was sent last."""
        sent = (self.folder / "pins.jsonl").read_text("utf-8").splitlines()
        return str(json.loads(sent[-1])["pin"])

    def stores(self) -> dict[str, str]:
        """Return the digest of every file of every store."""
        paths = [
            each
            for name in STORES
            for each in [self.folder / name, *(self.folder / name).rglob("*")]
            if each.is_file()
        ]
        files = {str(each.relative_to(self.folder)): each.read_bytes() for each in paths}
        return {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}

    def edit(self, old: str, new: str) -> None:
        """Replace a part of dsr.toml that stands in it once."""
        text = self.config.read_text("utf-8")
        assert text.count(old) == 1, old
        self.config.write_text(text.replace(old, new), "utf-8")


def call(*words: str, stdin: str | bytes = "", env: dict[str, str | None] | None = None) -> Result:
    """Call `dsr` in this process, as its entry point does."""
    clean = {"DSR_CONFIG": None, "COLUMNS": "80"} | (env or {})
    return CliRunner(env=clean).invoke(main, words, input=stdin, prog_name="dsr")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the operator once."""
    folder = tmp_path_factory.mktemp("office")
    build(folder, dt.datetime.now(dt.UTC))  # commands look at the clock, and so must their data
    return folder


@pytest.fixture
def office(template: Path, tmp_path: Path) -> Office:
    """Give each test an operator of its own."""
    folder = tmp_path / "operator"
    shutil.copytree(template, folder)
    return Office(folder)


def check_run(document: Any) -> None:
    """Check what `plan` and `run` print against the schema that scripts are promised."""
    path = ROOT / "docs" / "reference" / "run.schema.json"
    schema = json.loads(path.read_text("utf-8"))
    formats = jsonschema.FormatChecker(formats=())
    formats.checks("date", raises=ValueError)(_is_date)
    formats.checks("date-time", raises=ValueError)(_is_moment)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema, format_checker=formats).validate(document)


def _is_date(value: object) -> bool:
    return not isinstance(value, str) or bool(dt.datetime.strptime(value, "%Y-%m-%d"))  # noqa: DTZ007  (a day)


def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or dt.datetime.fromisoformat(value).tzinfo is not None
