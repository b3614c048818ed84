"""An operator's own wording, checked before it is used: a letter is no place to find a mistake.

The folder holds templates (`letter.html`) and texts (`texts/de.toml`); each file is laid over
ours of the same name.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from string import Formatter

from attrs import evolve
from jinja2 import TemplateError

from dsr.errors import ConfigurationError
from dsr.package.language import LANGUAGES, OPEN, built_in, own_texts
from dsr.package.pages import environment
from dsr.policy.model import Answers

__all__ = ["worded"]


def worded(answers: Answers, folder: Path) -> Answers:
    """Return `answers` with its path made whole; relative ones start at `folder`.

    Raises `ConfigurationError` that names every wrong file and key: what is no template, a text
    that ours do not have, one that is empty where ours is not, or has other {placeholders}.
    """
    if not answers.templates:
        return answers
    templates = (folder / answers.templates).resolve()
    if not templates.is_dir():
        what = "answers.templates names no folder"
        raise ConfigurationError(what, "create it, or leave the setting out")
    if problems := [*_templates(templates), *_texts(templates)]:
        raise ConfigurationError("; ".join(problems))
    return evolve(answers, templates=str(templates))


def _templates(folder: Path) -> Iterator[str]:
    known = environment(str(folder))
    for path in sorted(folder.rglob("*.html")):
        name = path.relative_to(folder).as_posix()
        try:
            known.get_template(name)
        except (TemplateError, OSError, UnicodeDecodeError) as error:
            yield f"answers.templates: {name} is no template ({error})"


def _texts(folder: Path) -> Iterator[str]:
    for path in sorted((folder / "texts").glob("*.toml")):
        where = f"answers.templates: texts/{path.name}"
        if path.stem not in LANGUAGES:
            yield f"{where} is no language of dsr: {', '.join(LANGUAGES)}"
            continue
        try:
            own = own_texts(path.stem, str(folder))
        except (OSError, ValueError) as error:
            yield f"{where} cannot be read ({error})"
            continue
        ours = built_in(path.stem)
        for section, texts in own.items():
            if section not in ours or not isinstance(texts, dict):
                yield f"{where} has the unknown section {section}"
                continue
            for name, text in texts.items():
                if fault := _fault(section, name, text, ours[section]):
                    yield f"{where}: {section}.{name} {fault}"


def _fault(section: str, name: str, text: object, ours: dict[str, str]) -> str:
    """Return what is wrong with a text; nothing if it is right."""
    if not isinstance(text, str):
        return "is not a text"
    try:
        said = _placeholders(text)
    except ValueError:
        return "has a brace without its partner: write {{ and }} for braces"
    if section in OPEN:
        wanted = _placeholders(name) if section == "words" else set()
    elif name not in ours:
        return "is unknown: its name has to be one of ours"
    else:
        wanted = _placeholders(ours[name])
    if not text.strip() and ours.get(name, "-").strip():
        return "is empty"
    if said != wanted:
        return f"has to have the placeholders {', '.join(sorted(wanted)) or '(none)'}"
    return ""


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}
