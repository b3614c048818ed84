"""Spools as Asterisk writes them, made and looked into with the file system alone."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

__all__ = ["Left", "leave", "listen", "recording", "text"]


def recording(seed: int, seconds: float = 0.1) -> bytes:
    """Return a WAV as Asterisk records it: 8 kHz, 16 bit, mono."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes([seed % 256, seed // 256 % 256]) * int(8000 * seconds))
    return file.getvalue()


def text(callerid: str, msg_id: str, **others: str) -> bytes:
    """Return a text as `leave_voicemail` of Asterisk 20 writes it."""
    values = {
        "origmailbox": "100",
        "context": "from-trunk",
        "exten": "100",
        "rdnis": "unknown",
        "priority": "2",
        "callerchan": "PJSIP/trunk-0000001a",
        "callerid": callerid,
        "origdate": "Sun Mar  1 09:15:00 AM UTC 2026",
        "origtime": "1772356500",
        "category": "",
        "msg_id": msg_id,
        "flag": "",
        "duration": "7",
        **others,
    }
    lines = [f"{name}={value}" for name, value in values.items() if name != "msg_id" or value]
    return "\n".join([";", "; Message Information file", ";", "[message]", *lines, ""]).encode()


@frozen
class Left:
    """One message as Asterisk sees it: its text, and its sounds by extension."""

    text: bytes
    sounds: dict[str, bytes]


def leave(
    folder: Path, callerid: str, number: int, *, formats: tuple[str, ...] = ("wav",), **fields: str
) -> Left:
    """Leave a message, the `number`th ever, at the end of a folder, as Asterisk does."""
    folder.mkdir(parents=True, exist_ok=True)
    last = len(list(folder.glob("msg[0-9][0-9][0-9][0-9].txt")))
    msg_id = fields.pop("msg_id", f"{1_772_356_500 + number}-{number:08}")
    note = text(callerid, msg_id, **{"origtime": str(1_772_356_500 + number), **fields})
    sounds = {
        each: recording(number) if each == "wav" else each.encode() * (100 + number)
        for each in formats
    }
    for ending, sound in sounds.items():
        (folder / f"msg{last:04}.{ending}").write_bytes(sound)
    (folder / f"msg{last:04}.txt").write_bytes(note)
    return Left(note, sounds)


def listen(folder: Path) -> Iterator[Left]:
    """Yield the messages that Asterisk plays: from 0 up to the first gap, text and sounds."""
    number = 0
    while (path := folder / f"msg{number:04}.txt").exists():
        sounds = {
            each.suffix[1:]: each.read_bytes()
            for each in sorted(folder.glob(f"msg{number:04}.*"))
            if each != path
        }
        yield Left(path.read_bytes(), sounds)
        number += 1
