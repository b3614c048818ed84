"""Stems: what shares one, what merely begins alike, and which can only be one call's."""

from __future__ import annotations

import pytest

from dsr.connectors.stems import extensions, is_distinct, stem_of


@pytest.mark.parametrize(
    ("path", "stem"),
    [
        ("a/3f0a.wav", "3f0a"),
        ("a/3f0a.json", "3f0a"),
        ("b/c/3f0a.wav.peaks.json", "3f0a"),
        ("3f0a.WAV.Peaks.JSON", "3f0a"),
        ("3f0a", "3f0a"),
        ("3f0a.unheard", "3f0a"),
        ("alice.smith.wav", "alice.smith"),
        ("1772323200.7.wav", "1772323200.7"),
        ("1772323200.7.vtt", "1772323200.7"),
        ("1772323200.71.wav", "1772323200.71"),
        ("a@host.example.wav", "a@host.example"),
        (".hidden", ".hidden"),
        ("folder.wav/x.txt", "x"),
        ("1772323200.7-in.wav", "1772323200.7"),
        ("1772323200.7-out.wav.json", "1772323200.7"),
        ("a/-in.wav", "-in"),
        ("call-within.wav", "call-within"),
    ],
)
def test_stems(path: str, stem: str) -> None:
    """Known endings come off one after another; what is part of the name stays."""
    assert stem_of(path) == stem


def test_three_extensions_are_told() -> None:
    """Each extension is told with those before it, so that a name with dots can be tried whole."""
    assert extensions("x.wav.peaks.json") == ["x", ".wav", ".wav.peaks", ".wav.peaks.json"]


@pytest.mark.parametrize(
    "stem",
    [
        "3f0a52d1-7c7e-4b52-9d5e-0a8f0a3b8c11",
        "in-3f0a52d1-7c7e-4b52-9d5e-0a8f0a3b8c11",
        "out-06915-030901820-20260301-101500-1772323200.7",
        "01JNA8Q3W6M2X5T7Z9C1B4D8F0",
    ],
)
def test_ids_are_one_calls(stem: str) -> None:
    """A UUID, Asterisk's unique id and a ULID name one call, wherever they stand."""
    assert is_distinct(stem)


@pytest.mark.parametrize(
    "stem",
    ["msg0001", "20260301-101500", "20260301101500", "recording", "greet", "vm-100", "rec.1"],
)
def test_names_of_every_mailbox_are_not(stem: str) -> None:
    """What every mailbox or every second call may have says nothing about whose it is."""
    assert not is_distinct(stem)
