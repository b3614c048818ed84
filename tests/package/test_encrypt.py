"""Encrypted packages: what ordinary programs open with the passphrase, and nobody without."""

from __future__ import annotations

import datetime as dt
import math
import shutil
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import field, frozen

from dsr.errors import ConfigurationError, DeliveryError, StoreError
from dsr.package import Encrypted, File, Package, encrypted, new_passphrase, save
from tests.package.filling import Audio, bytes_of, cover, export, record, recording
from tests.things import NOW

ROWS = [{"src": "+4930901820", "n": number} for number in range(3)]


@pytest.fixture
def seven_zip() -> str:
    """Return 7-Zip, what a person would open the package with."""
    found = shutil.which("7z")
    if found is None:
        pytest.skip("7z is not installed: apt install p7zip-full")
    return found


@frozen
class Sealed:
    """A package that was saved encrypted."""

    path: Path
    passphrases: list[str] = field(factory=list, repr=False)

    def save(self) -> str:
        """Save it, and return the SHA-256 that the receipt would name."""
        place = Encrypted(File(self.path), self.passphrases.append, NOW)
        with Package(cover()) as package:
            for row in ROWS:
                package.add(export(), record(row))
            return save(package, place).sha256


def _extract(
    program: str, path: Path, passphrase: str, to: Path
) -> subprocess.CompletedProcess[bytes]:
    command = [program, "x", "-y", f"-p{passphrase}", f"-o{to}", str(path)]
    return subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL)


def test_seven_zip_opens_it_with_the_passphrase(tmp_path: Path, seven_zip: str) -> None:
    """Rule 43 (design, the package): an ordinary program gives back the package, byte for byte."""
    plain = bytes_of(ROWS)
    path, secret = tmp_path / "p.zip", new_passphrase()
    path.write_bytes(b"".join(encrypted([plain[:100], plain[100:]], secret, NOW)))
    done = _extract(seven_zip, path, secret, tmp_path / "out")
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "out" / "package.zip").read_bytes() == plain


def test_a_saved_package_is_encrypted(tmp_path: Path, seven_zip: str) -> None:
    """The passphrase that was handed over opens what was saved, and the package in it is whole."""
    sealed = Sealed(tmp_path / "p.zip")
    sealed.save()
    (secret,) = sealed.passphrases
    assert _extract(seven_zip, sealed.path, secret, tmp_path / "out").returncode == 0
    with zipfile.ZipFile(tmp_path / "out" / "package.zip") as package:
        assert package.testzip() is None
        assert "data/call_records.jsonl" in package.namelist()
    assert sealed.path.stat().st_mode & 0o777 == 0o600


def test_a_wrong_passphrase_opens_nothing(tmp_path: Path, seven_zip: str) -> None:
    """Rule 43: not one byte of the package comes out, and the program says so."""
    sealed = Sealed(tmp_path / "p.zip")
    sealed.save()
    for wrong in (new_passphrase(), sealed.passphrases[0].upper(), sealed.passphrases[0][:-1]):
        done = _extract(seven_zip, sealed.path, wrong, tmp_path / "out")
        assert done.returncode != 0
        assert b"Wrong password" in done.stdout + done.stderr
        assert not [e for e in (tmp_path / "out").rglob("*") if e.is_file() and e.stat().st_size]


def test_nothing_shows_of_what_is_inside(tmp_path: Path) -> None:
    """Law 8: neither data nor names of files, only one member of a fixed name."""
    sealed = Sealed(tmp_path / "p.zip")
    sealed.save()
    content = sealed.path.read_bytes()
    assert zipfile.ZipFile(sealed.path).namelist() == ["package.zip"]
    for each in (b"call_records", b"index.html", b"recordings", b"PK\x03\x04\x14\x00\x08"):
        assert each not in content[60:]
    assert sealed.passphrases[0].encode() not in content
    assert sealed.passphrases[0] not in repr(sealed)


def test_a_changed_byte_is_noticed(tmp_path: Path, seven_zip: str) -> None:
    """AE-2 authenticates: who carries the package cannot change it unseen."""
    sealed = Sealed(tmp_path / "p.zip")
    sealed.save()
    content = bytearray(sealed.path.read_bytes())
    content[len(content) // 2] ^= 1
    sealed.path.write_bytes(content)
    assert _extract(seven_zip, sealed.path, sealed.passphrases[0], tmp_path / "out").returncode


def test_passphrases_cannot_be_guessed() -> None:
    """At least 100 bits, in groups that can be read out: none of its signs look alike."""
    seen = {new_passphrase() for _ in range(1_000)}
    assert len(seen) == 1_000
    signs = "".join(seen).replace("-", "")
    assert not set(signs) & set("ilou") | set(signs) - set("0123456789abcdefghjkmnpqrstvwxyz")
    assert all(len(each.split("-")) == 6 and len(each) == 29 for each in seen)
    assert 24 * math.log2(len(set(signs))) >= 100


def test_every_package_has_its_own(tmp_path: Path) -> None:
    """Two packages of the same data share neither passphrase nor bytes."""
    sealed = Sealed(tmp_path / "p.zip")
    assert sealed.save() != sealed.save()
    assert len(set(sealed.passphrases)) == 2


def test_a_package_that_breaks_off_has_no_passphrase(tmp_path: Path) -> None:
    """What is not whole is not there, and its passphrase is handed to nobody."""
    sealed = Sealed(tmp_path / "p.zip")
    with Package(cover()) as package:
        package.add(*recording(Audio(broken=True)))
        with pytest.raises(StoreError):
            save(package, Encrypted(File(sealed.path), sealed.passphrases.append, NOW))
    assert sealed.passphrases == []
    assert list(tmp_path.iterdir()) == []


def test_a_passphrase_that_is_not_handed_over_is_told(tmp_path: Path) -> None:
    """Then nobody could open the package: the caller must not take it for delivered."""

    def refuse(_: str) -> None:
        what = "the letters cannot be printed"
        raise DeliveryError(what)

    with Package(cover()) as package, pytest.raises(DeliveryError):
        save(package, Encrypted(File(tmp_path / "p.zip"), refuse, NOW))


def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The place cannot even be made: nothing is read from any store before."""
    monkeypatch.setitem(sys.modules, "stream_zip", None)
    with pytest.raises(ConfigurationError, match=r'pip install "dsr\[encrypt\]"'):
        Encrypted(File(tmp_path / "p.zip"), print, NOW)
    with pytest.raises(ConfigurationError):
        encrypted([b"x"], "secret", NOW)


def test_a_naive_time_is_a_mistake(tmp_path: Path) -> None:
    """Datetimes are timezone-aware."""
    with pytest.raises(ValueError, match="time zone"):
        Encrypted(File(tmp_path / "p.zip"), print, dt.datetime(2026, 1, 1))  # noqa: DTZ001


def test_memory_does_not_grow_with_the_package() -> None:
    """Law 9: 64 MiB need what 4 MiB need."""

    def pieces(count: int) -> Iterator[bytes]:
        for number in range(count):
            yield bytes([number % 256]) * 65536

    def peak(count: int) -> int:
        tracemalloc.start()
        try:
            for _ in encrypted(pieces(count), "secret", NOW):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1)
    assert peak(1024) - peak(64) < 512 * 1024
