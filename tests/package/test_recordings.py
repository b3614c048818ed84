"""Recordings: the audio as it is stored, whole or not at all, with a vCon beside it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from attrs import evolve, field, frozen

from dsr.errors import StoreError
from dsr.package import Package
from dsr.package.recordings import Recording, opened
from tests.package.filling import RIFF, Audio, cover, lines, manifest, recording, unzipped

CORPUS = Path(os.environ.get("DSR_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"))
SCHEMA = CORPUS / "vcon" / "ietf-core" / "vcon_json_schema.json"

#: What the draft requires, where its own schema is not at hand.
REQUIRED: dict[str, Any] = {
    "type": "object",
    "required": ["uuid", "created_at", "parties", "dialog"],
    "properties": {
        "uuid": {"type": "string", "format": "uuid"},
        "created_at": {"type": "string", "format": "date-time"},
        "parties": {"type": "array", "items": {"type": "object"}},
        "dialog": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["type", "start"],
                "properties": {
                    "type": {"const": "recording"},
                    "start": {"type": "string", "format": "date-time"},
                    "duration": {"type": "number", "minimum": 0},
                    "content_hash": {"type": "string", "pattern": "^sha512-[A-Za-z0-9_-]{86}$"},
                },
            },
        },
    },
}


def packed(*contents: Audio) -> zipfile.ZipFile:
    with Package(cover()) as package:
        for number, content in enumerate(contents):
            package.add(*recording(content, f"k{number}", number=number))
        return unzipped(package)


def test_audio_is_stored_as_it_is() -> None:
    """Audio is neither changed nor deflated again, and its record says where it is."""
    archive = packed(Audio(pieces=(RIFF, b"a" * 300_000)))
    info = archive.getinfo("recordings/0001.wav")
    assert info.compress_type == zipfile.ZIP_STORED
    assert archive.read(info) == RIFF + b"a" * 300_000
    assert lines(archive, "data/recordings.jsonl")[0]["_file"] == "recordings/0001.wav"
    assert manifest(archive)["recordings/0001.wav"]["mediatype"] == "audio/wav"
    assert 'src="recordings/0001.wav"' in archive.read("index.html").decode()


@pytest.mark.parametrize("own", [True, False])
def test_the_vcon_is_valid(own: bool) -> None:
    """The vCon satisfies the IETF's JSON schema (and the part of it that we wrote down)."""
    archive = packed(Audio())
    vcon = json.loads(archive.read("recordings/0001.vcon.json"))
    schema = REQUIRED if own or not SCHEMA.exists() else json.loads(SCHEMA.read_text("utf-8"))
    checker = jsonschema.FormatChecker()
    jsonschema.validate(vcon, schema, jsonschema.Draft7Validator, format_checker=checker)


def test_the_vcon_tells_who_when_and_which_file() -> None:
    """Rule 26 (GDPR Art. 20(1)): metadata beside the audio: parties, start, duration, digest."""
    audio = Audio()
    archive = packed(audio)
    vcon = json.loads(archive.read("recordings/0001.vcon.json"))
    digest = hashlib.sha512(b"".join(audio.pieces)).digest()
    assert vcon["parties"] == [{"tel": "tel:+4930901820"}, {"sip": "sip:bob@example.org"}]
    assert vcon["uuid"][14] == "8"  # the version
    assert vcon["dialog"] == [
        {
            "type": "recording",
            "start": "2026-05-01T10:00:00+02:00",
            "parties": [0, 1],
            "duration": 12,
            "mediatype": "audio/wav",
            "filename": "0001.wav",
            "content_hash": "sha512-" + base64.urlsafe_b64encode(digest).decode().rstrip("="),
        }
    ]


def test_texts_and_undated_recordings_have_no_vcon() -> None:
    """A vCon claims when a conversation began: without that, or without one, there is none."""
    step, found = recording(Audio())
    text = Audio(pieces=(b"hello",), name="k.txt", mediatype="text/plain")
    with Package(cover()) as package:
        package.add(step, evolve(found, at=None))
        package.add(step, evolve(found, content=text))
        names = unzipped(package).namelist()
    assert [each for each in names if each.startswith("recordings/")] == [
        "recordings/0001.wav",
        "recordings/0002.txt",
    ]


@pytest.mark.parametrize(
    ("name", "mediatype", "member", "told"),
    [
        ("a.mp3", "application/octet-stream", "0001.mp3", "audio/mpeg"),
        ("a", "audio/x-wav", "0001.wav", "audio/x-wav"),
        ("a", "audio/mpeg; rate=8000", "0001.mp3", "audio/mpeg; rate=8000"),
        ("a", "", "0001.bin", "application/octet-stream"),
    ],
)
def test_endings_and_types_help_each_other(
    name: str, mediatype: str, member: str, told: str
) -> None:
    """The ending comes from the name or the type, the type from the store or the ending."""
    archive = packed(Audio(name=name, mediatype=mediatype))
    assert manifest(archive)[f"recordings/{member}"]["mediatype"] == told


def test_what_cannot_be_opened_is_a_gap_and_no_file() -> None:
    """An unreadable recording is named as such; its record and the other recordings are there."""
    with Package(cover()) as package:
        for number in range(40):
            content = Audio(pieces=(b"%d" % number,), missing=number == 20)
            package.add(*recording(content, f"k{number}", number=number))
        archive = unzipped(package)
        assert [(each.store, each.category, each.key) for each in package.gaps] == [
            ("bucket", "recordings", "k20")
        ]
    files = {each["number"]: each.get("_file") for each in lines(archive, "data/recordings.jsonl")}
    assert list(files) == list(range(40))
    assert files[20] is None
    for number, file in files.items():
        assert file is None or archive.read(file) == b"%d" % number
    assert len([each for each in archive.namelist() if each.endswith(".wav")]) == 39
    [entry] = json.loads(archive.read("withheld.json"))["withheld"]
    assert entry["category"] == "recordings"
    assert entry["entries"][0]["count"] == 1
    assert "could not be read" in archive.read("letter.html").decode()


@pytest.mark.parametrize(
    "content",
    [Audio(broken=True), Audio(announced=10_000), Audio(pieces=(), announced=5)],
    ids=["breaks off", "ends early", "is empty"],
)
def test_a_truncated_recording_is_never_handed_over(content: Audio) -> None:
    """A recording that breaks off, or is shorter than announced, leaves no package at all."""
    with Package(cover()) as package:
        package.add(*recording(content))
        with pytest.raises(StoreError, match="store bucket"):
            unzipped(package)


def test_many_recordings_come_in_order() -> None:
    """Recordings are opened ahead, and still written in the order in which they were added."""
    archive = packed(*(Audio(pieces=(b"%d" % number,)) for number in range(200)))
    for number in range(200):
        assert archive.read(f"recordings/{number + 1:04d}.wav") == b"%d" % number


@frozen
class Slow(Audio):
    """Audio whose store answers only when enough others are being asked, too."""

    together: threading.Barrier = field(factory=lambda: threading.Barrier(1))

    def chunks(self) -> Iterator[bytes]:
        """Wait for the others, but not for ever."""
        self.together.wait(timeout=20)
        yield from super().chunks()


def test_slow_recordings_are_opened_together() -> None:
    """Opening mostly waits: eight contents of which none answers before all are asked come in."""
    together = threading.Barrier(8)
    contents = [Slow(pieces=(b"%d" % number,), together=together) for number in range(8)]
    archive = packed(*contents)
    assert len([each for each in archive.namelist() if each.endswith(".wav")]) == 8


def test_no_more_is_opened_than_can_wait() -> None:
    """Law 9: of a thousand recordings few are open before the first one is taken."""
    opened_ahead: list[int] = []

    class Counted(Audio):
        def chunks(self) -> Iterator[bytes]:
            opened_ahead.append(1)
            return super().chunks()

    steps = [recording(Counted()) for _ in range(1000)]
    reading = opened(Recording(*each) for each in steps)
    next(reading)
    assert len(opened_ahead) <= 2 * 16
    reading.close()
