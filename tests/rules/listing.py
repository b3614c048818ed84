"""Which tests carry which rule: read from their docstrings.

`python -m tests.rules.listing` writes the page that the reference shows.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Final

__all__ = [
    "EXPLANATION",
    "LEFT_OUT",
    "PAGE",
    "carried",
    "is_unsourced",
    "page",
    "rules",
    "unsourced",
]

ROOT: Final = Path(__file__).parent.parent.parent
EXPLANATION: Final = ROOT / "docs" / "explanation" / "law.md"
PAGE: Final = ROOT / "docs" / "reference" / "rules.md"

_ROW: Final = re.compile(r"^\| (\d+) \| (.*?) \| (.*?) \|$", re.MULTILINE)
_NAMED: Final = re.compile(r"Rules? ((?:\d+(?:, | and | to |-)?)+)")
#: A rule that a docstring names, and what follows it in brackets.
_SOURCED: Final = re.compile(_NAMED.pattern.rstrip(")") + r")\s*(?:\(((?:[^()]|\([^()]*\))*)\))?")
#: What a source is made of: an article of the GDPR or of another act, a court, an authority.
_SOURCES: Final = (
    r"GDPR|\bArts?\. \d|Directive|Reg\.|C-\d+/\d|BVerwG|EDPB|WP242|AO|BDSG|CPCE|HGB|TDDDG"
)
_IDENTITY: Final = 39  # the first of them
_IN_PART: Final = """`dsr refuse` refuses a request as a whole. A part of it is refused by what the
  policy or a hold says of that data, and the letter to the receipt tells it with its reason;
  `dsr.package.refusal(categories=…)` words such a refusal for a backend that decides otherwise."""
_STILL_NECESSARY: Final = """What is kept because it is still necessary for its own purpose (a bill
  that can be challenged, a contract that runs) is not restricted: a mark says "stored and no more",
  and that purpose goes on. It is restricted as soon as only a duty or a claim keeps it."""
_UNMARKABLE: Final = """A record is marked where its store can. A row of a table without a key is
  not: the mark would give it another name, and nothing would know it again to erase it."""
_ANONYMOUS: Final = """Whether what a stage leaves of a record identifies nobody is not computed:
  counsel judges it."""
_AUDIO: Final = """The other party is not cut out of audio, nor out of transcripts: both go along
  whole, or are withheld whole with the reason (`third_party`, `content`). Transcripts tell in too
  many ways who speaks: a label read wrongly would hand over what it should withhold."""
_HEAD: Final = """# The rules, and the tests that carry them

{rules} rules, carried by {tests} tests. Made from the tests (`python -m tests.rules.listing`); what
the rules ask is in [The law, and where it is in the code](../explanation/law.md).

## Left out, and why

{left_out}

## By rule

| rule | tests |
|---|---|
"""
#: Parts of rules that dsr does not do, and why.
LEFT_OUT: Final[tuple[tuple[int, str], ...]] = (
    (6, _IN_PART),
    (16, _STILL_NECESSARY),
    (16, _UNMARKABLE),
    (20, _ANONYMOUS),
    (34, _AUDIO),
)


def rules() -> dict[int, str]:
    """Return each rule's number and what it asks."""
    return {int(number): text for number, text, _ in _ROW.findall(EXPLANATION.read_text("utf-8"))}


def carried() -> dict[int, list[str]]:
    """Return for each rule the tests that name it, as file and function, sorted."""
    found: dict[int, list[str]] = {number: [] for number in rules()}
    for path, node in _tests():
        for number in _numbers(ast.get_docstring(node) or ""):
            found.setdefault(number, []).append(f"`{path.relative_to(ROOT)}` `{node.name}`")
    return {number: sorted(set(tests)) for number, tests in sorted(found.items())}


def unsourced() -> list[str]:
    """Return the tests that name a rule of the law itself, and no source in brackets behind it.

    Rules on identity (39 to 45) rest on standards and our own choice, which the page names.
    """
    known = {number for number in rules() if number < _IDENTITY}
    return [
        f"{path.relative_to(ROOT)} {node.name}"
        for path, node in _tests()
        if is_unsourced(ast.get_docstring(node) or "", known)
    ]


def is_unsourced(docstring: str, known: Container[int]) -> bool:
    """Return whether one of the `known` rules is named without a source."""
    return any(
        not re.search(_SOURCES, source) and any(number in known for number in _parts(named))
        for named, source in _SOURCED.findall(_written(docstring))
    )


def _written(text: str) -> str:
    """Return a docstring with "law.md rule 7" and "rule 7" as a rule is named: "Rule 7"."""
    return re.sub(r"\b(?:[Ll]aw\.md )?rule(s?) (?=\d)", r"Rule\1 ", text)


def _tests() -> Iterator[tuple[Path, ast.FunctionDef]]:
    for path in sorted(ROOT.glob("**/test_*.py")):
        if any(part.startswith(".") for part in path.relative_to(ROOT).parts):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield path, node


def _numbers(text: str) -> Iterator[int]:
    for named in _NAMED.findall(text):
        yield from _parts(named)


def _parts(named: str) -> Iterator[int]:
    for part in re.split(r", | and ", named):
        first, _, last = part.strip(" ,").replace(" to ", "-").partition("-")
        if first.isdigit():
            yield from range(int(first), int(last or first) + 1)


def page() -> str:
    """Return the page."""
    asked = rules()
    known = {number: tests for number, tests in carried().items() if number in asked}
    rows = [f"| {number} | {'<br>'.join(tests) or 'none'} |" for number, tests in known.items()]
    head = _HEAD.format(
        rules=len(asked),
        tests=len({each for tests in known.values() for each in tests}),
        left_out="\n".join(f"- Rule {number}: {why}" for number, why in LEFT_OUT),
    )
    return head + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
