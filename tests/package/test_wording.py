"""An operator's own wording: laid over ours, checked before a letter is written."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

import pytest
from attrs import evolve

from dsr.config import load
from dsr.errors import ConfigurationError
from dsr.model import Receipt, Subject, Tally
from dsr.package import Handover, Package, letter, notice, refusal, worded
from dsr.package.language import language
from dsr.policy.model import Answers, Recipient
from tests.package.filling import cover, export, record, unzipped
from tests.things import EVA, NOW


def own(folder: Path, **contents: str) -> Answers:
    """Write files, `texts_de` as texts/de.toml and `sheet` as sheet.html; return them checked."""
    (folder / "texts").mkdir(exist_ok=True)
    for name, text in contents.items():
        kind, _, rest = name.partition("_")
        path = f"texts/{rest}.toml" if kind == "texts" else f"{name}.html"
        (folder / path).write_text(text, "utf-8")
    return worded(Answers(folder.name), folder.parent)


def test_own_words_go_before_ours(tmp_path: Path) -> None:
    """Art. 12(1): an operator says it in its own words; what it leaves out stays as it was."""
    answers = own(
        tmp_path,
        texts_en='[words]\nCalls = "Your calls"\n[common]\ndear = "Hello,"\n',
        sheet='{% extends "dsr/sheet.html" %}{% block letterhead %}PO box 12{% endblock %}',
    )
    told = refusal(evolve(cover(), answers=answers), "why", categories=["call_records"])
    assert "Hello," in told
    assert "PO box 12" in told
    assert "Your calls" in told
    assert "BfDI" in told
    assert "Dear customer" in refusal(cover(), "why")
    assert "Your calls" in letter_of(answers)


def letter_of(answers: Answers) -> str:
    with Package(evolve(cover(), answers=answers)) as package:
        package.add(export(), record({"src": "1"}))
        return unzipped(package).read("letter.html").decode()


def test_what_an_operator_words_is_escaped_where_it_is_data(tmp_path: Path) -> None:
    """A template of the operator escapes as ours do, unless it says otherwise itself."""
    answers = own(
        tmp_path,
        letter='{% extends "dsr/letter.html" %}{% block salutation %}{{ reason }}{% endblock %}',
    )
    told = refusal(evolve(cover(), answers=answers), "<script>alert(1)</script>")
    assert "<script>" not in told
    assert told.count("&lt;script&gt;") == 2


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[letter]\ncourt = ' '", "letter.court is empty"),
        ("[letter]\ncuort = 'x'", "letter.cuort is unknown"),
        ("[lettre]\ncourt = 'x'", "unknown section lettre"),
        ("[letter]\ncomplaint = 'x'", "complaint has to have the placeholders authority"),
        ("[letter]\ncourt = '{x}'", "court has to have the placeholders (none)"),
        ("[letter]\ncourt = '{'", "court has a brace without its partner"),
        ("[letter]\ncourt = 1", "court is not a text"),
        ("letter = 1", "unknown section letter"),
        ("[words]\n'hold {a}' = 'x {b}'", "has to have the placeholders a"),
        ("[anchors]\nstart = '{x}'", "anchors.start has to have the placeholders (none)"),
        ("court", "texts/en.toml cannot be read"),
    ],
)
def test_a_wrong_text_is_named(tmp_path: Path, text: str, fault: str) -> None:
    """A text that a letter could not be written with is an error before there is a letter."""
    with pytest.raises(ConfigurationError, match=r"answers\.templates: texts/en\.toml") as error:
        own(tmp_path, texts_en=text)
    assert fault in str(error.value)


def test_a_wrong_folder_template_or_language_is_named(tmp_path: Path) -> None:
    """What is not there, cannot be parsed, or is a language that dsr does not have."""
    with pytest.raises(ConfigurationError, match="names no folder"):
        worded(Answers("nowhere"), tmp_path)
    with pytest.raises(ConfigurationError, match=r"letter\.html is no template") as error:
        own(tmp_path, letter="{% block x %}", texts_tlh="")
    assert "texts/tlh.toml is no language" in str(error.value)


@pytest.mark.parametrize(
    "template",
    [
        '{% extends "dsr/sheet.html" %}{% block remedies %}{% endblock %}',
        '{% extends "dsr/sheet.html" %}{% block remedies %}{{ operator.authority }}{% endblock %}',
        '{% extends "dsr/sheet.html" %}{% block main %}{{ operator.authority }}{% endblock %}',
    ],
)
def test_no_template_leaves_out_the_remedies(tmp_path: Path, template: str) -> None:
    """Art. 12(4): a letter without reason, authority or judicial remedy is not written."""
    answers = own(tmp_path, sheet=template)
    with pytest.raises(ConfigurationError, match="leaves out what a letter has to say"):
        refusal(evolve(cover(), answers=answers), "why")
    with pytest.raises(ConfigurationError, match="leaves out"):
        letter_of(answers)


def test_a_failing_template_shows_nothing_of_the_person(tmp_path: Path) -> None:
    """Law 8: the error names the template; what it was filled with stays out of it."""
    answers = own(
        tmp_path,
        letter='{% extends "dsr/letter.html" %}{% block body %}{{ reason + 1 }}{% endblock %}',
    )
    with pytest.raises(ConfigurationError, match="ends with a TypeError") as error:
        refusal(evolve(cover(), answers=answers), "Eva Muller")
    assert "Eva" not in str(error.value)


def test_the_configuration_names_the_folder(tmp_path: Path) -> None:
    """`[answers] templates` starts at the configuration's folder; mistakes come with the others."""
    example = files("dsr.cli").joinpath("example.toml").read_text("utf-8")
    path = tmp_path / "dsr.toml"
    path.write_text(example + '\n[answers]\ntemplates = "wording"\n', "utf-8")
    with pytest.raises(ConfigurationError, match="names no folder"):
        load(path)
    (tmp_path / "wording" / "texts").mkdir(parents=True)
    (tmp_path / "wording" / "texts" / "de.toml").write_text('[common]\ndear = "Hallo,"\n')
    answers = load(path).policy.answers
    assert language("de", answers.templates)("common.dear") == "Hallo,"


# --- each template by itself ---------------------------------------------------------------------

MINE: Final = "Post office box 12"


def _over(name: str, block: str, text: str) -> str:
    return f'{{% extends "dsr/{name}.html" %}}{{% block {block} %}}{text}{{% endblock %}}'


def _pages(answers: Answers) -> dict[str, str]:
    """Return every page that dsr writes, by its template."""
    told = evolve(cover(), answers=answers)
    with Package(told) as package:
        package.add(export(), record({"src": "1"}))
        made = unzipped(package)
    done = Receipt("r1", "erasure", "done", NOW, {"cdr": {"call_records": Tally({"erase": 1})}}, {})
    with Handover(told, "Acme", Subject((EVA,)), {}) as package:
        package.add(export(), record({"src": "1"}))
        passed_on = unzipped(package)
    return {
        "index.html": made.read("index.html").decode(),
        "answer.html": made.read("letter.html").decode(),
        "receipt.html": letter(told, done),
        "letter.html": refusal(told, "why"),
        "notice.html": notice(told, Recipient("Carrier GmbH"), "erase", {"calls": 1}, [EVA]),
        "handover.html": passed_on.read("letter.html").decode(),
    }


@pytest.mark.parametrize(
    "name", ["index", "answer", "receipt", "letter", "notice", "handover", "base", "sheet"]
)
def test_every_template_can_be_an_operators_own(tmp_path: Path, name: str) -> None:
    """Art. 12(1): each page is worded by itself; what is no page is in every one that uses it."""
    plain = _pages(Answers())
    block = {"index": "main", "base": "kind"}.get(name, "closing")
    worded_so = _pages(own(tmp_path, **{name: _over(name, block, MINE + "{{ super() }}")}))
    mine = {each for each, page in worded_so.items() if MINE in page}
    users = {"sheet": set(plain) - {"index.html"}, "base": {"index.html"}}
    assert mine == users.get(name, {f"{name}.html"})
    for each, page in worded_so.items():
        assert page.replace(MINE, "") == plain[each]


@pytest.mark.parametrize("name", ["answer", "receipt", "letter"])
def test_no_own_letter_leaves_out_the_remedies(tmp_path: Path, name: str) -> None:
    """Rule 6 (GDPR Art. 12(4)): whichever of the letters to the person is worded otherwise."""
    answers = own(tmp_path, **{name: _over(name, "remedies", "")})
    with pytest.raises(ConfigurationError, match=rf"{name}\.html, .* leaves out"):
        _pages(answers)


@pytest.mark.parametrize("name", ["index", "answer", "receipt", "letter", "notice", "handover"])
def test_whichever_template_fails_is_named(tmp_path: Path, name: str) -> None:
    """Law 8: the error names the template, and nothing that it was filled with."""
    block = "main" if name == "index" else "body"
    answers = own(tmp_path, **{name: _over(name, block, "{{ nothing + 1 }}")})
    with pytest.raises(ConfigurationError, match=rf"{name}\.html, .* ends with a") as error:
        _pages(answers)
    assert EVA.value not in str(error.value)


def test_the_how_to_names_every_template() -> None:
    """What can be worded otherwise is on the page that tells how."""
    page = Path(__file__).parents[2].joinpath("docs/how-to/letters.md").read_text("utf-8")
    known = {each.name for each in files("dsr.package").joinpath("templates").iterdir()}
    assert {name for name in known if f"`{name}`" not in page} == set()
