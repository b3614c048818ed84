"""index.html: a true picture of what the files hold."""

from __future__ import annotations

import datetime as dt
import html
import re

from dsr.package import Package
from tests.package.filling import BERLIN, cover, export, keep, packed, record, unzipped


def page_of(*times: dt.datetime) -> str:
    with Package(cover()) as package:
        for at in times:
            package.add(export(), record({"at": at}, at=at))
        return html.unescape(unzipped(package).read("index.html").decode())


def test_months_are_those_of_the_operator() -> None:
    """A call of 31 March, 23:30 UTC is a call of April in Berlin; empty months are shown."""
    page = page_of(
        dt.datetime(2026, 1, 31, 12, tzinfo=BERLIN),
        dt.datetime(2026, 3, 31, 23, 30, tzinfo=dt.UTC),
        dt.datetime(2026, 4, 2, tzinfo=BERLIN),
    )
    bars = re.findall(r"<title>(\w+ 2026): (\d+)</title>", page)
    assert bars == [
        ("January 2026", "1"),
        ("February 2026", "0"),
        ("March 2026", "0"),
        ("April 2026", "2"),
    ]
    assert ">31 Jan 2026<" in page
    assert ">2 Apr 2026<" in page


def test_the_chart_ends_somewhere() -> None:
    """A record with a wrong year does not make a chart of ten thousand bars."""
    page = page_of(*(dt.datetime(year, 1, 15, tzinfo=BERLIN) for year in (1970, 2024, 2025)))
    assert "the last 24 months" in page
    assert len(re.findall(r"<title>\w+ 20\d\d: ", page)) == 24


def test_long_tables_say_where_the_rest_is() -> None:
    """500 records are shown; the page says how many more there are, and where."""
    page = packed(*({"n": f"row {n}"} for n in range(777))).read("index.html").decode()
    assert ">row 499<" in page.replace("<bdi>", "").replace("</bdi>", "")
    assert "row 500" not in page
    assert "277 more records are in data/call_records.csv" in page


def test_long_texts_are_shortened_and_empty_columns_left_out() -> None:
    """The page stays readable; the files have it all."""
    page = packed({"long": "x" * 10_000, "void": None, "blank": ""}).read("index.html").decode()
    assert "x" * 240 + "…" in page
    assert "x" * 241 not in page
    assert "<bdi>void</bdi>" not in page
    assert "<bdi>blank</bdi>" not in page


def test_what_is_withheld_is_shown_with_its_remedy() -> None:
    """The page names the reason and the authority."""
    with Package(cover()) as package:
        package.add(keep(), None)
        page = html.unescape(unzipped(package).read("index.html").decode())
    assert "another person's rights" in page
    assert "complain about it to BfDI and go to court" in page
