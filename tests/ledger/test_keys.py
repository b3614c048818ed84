"""Where the ledger's key is read from."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from dsr.errors import ConfigurationError
from dsr.ledger import new_key, read_key


def _write(path: Path, text: str, mode: int = 0o600) -> None:
    path.write_text(text)
    path.chmod(mode)


def test_a_new_key_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a file next to the configuration, an absolute path, or the environment."""
    text = new_key()
    raw = base64.urlsafe_b64decode(text)
    assert len(raw) == 32
    _write(tmp_path / "dsr.key", text + "\n")
    monkeypatch.setenv("DSR_TEST_KEY", text)
    assert read_key("file:dsr.key", tmp_path) == raw
    assert read_key(f"file:{tmp_path / 'dsr.key'}", Path("/")) == raw
    assert read_key("env:DSR_TEST_KEY", tmp_path) == raw


def test_new_keys_differ() -> None:
    """A key is random."""
    assert len({new_key() for _ in range(100)}) == 100


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    """Whoever reads the key opens every seal: its file is the owner's alone."""
    _write(tmp_path / "dsr.key", new_key(), mode)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        read_key("file:dsr.key", tmp_path)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("file:none.key", "cannot be read"),
        ("file:", "file:PATH"),
        ("env:", "file:PATH"),
        ("env:DSR_NO_SUCH_VARIABLE", "DSR_NO_SUCH_VARIABLE is not set"),
        ("dsr.key", "file:PATH"),
        ("keyring:dsr", "file:PATH"),
    ],
)
def test_a_missing_key_is_told_with_its_fix(tmp_path: Path, source: str, text: str) -> None:
    """The message names the place and what to write."""
    with pytest.raises(ConfigurationError, match=text):
        read_key(source, tmp_path)


@pytest.mark.parametrize(
    "cut",
    ["", "s3cret", new_key()[:-5], new_key() + new_key(), "s3cret é"],
    ids=["empty", "password", "short", "long", "no ASCII"],
)
def test_what_is_no_key_is_refused_unshown(tmp_path: Path, cut: str) -> None:
    """A damaged key makes no other key, and never shows in a message."""
    _write(tmp_path / "dsr.key", cut)
    with pytest.raises(ConfigurationError, match="base64 text of 32 bytes") as caught:
        read_key("file:dsr.key", tmp_path)
    assert not cut or cut not in str(caught.value)
