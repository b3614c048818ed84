"""Stems of file names: what a recording, its transcript and its waveform have in common.

The stem is the name without its extensions: the last one, whatever it is, and before it those
that are known here. So `3f0a.wav`, `3f0a.json` and `3f0a.wav.peaks.json` share the stem `3f0a`,
and `alice.wav` shares none with `alice.smith.wav`. The two halves of a call that Asterisk's
Monitor and MixMonitor write apart, `3f0a-in.wav` and `3f0a-out.wav`, share the stem of the whole.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["extensions", "is_distinct", "stem_of", "whole"]

_EXTENSION: Final = re.compile(r"\.(?=\d*[A-Za-z])[A-Za-z0-9]{1,14}\Z")
_MOST: Final = 3  # `.wav.peaks.json`
_HALF: Final = re.compile(r"(?<=[^/])-(?:in|out)\Z")
#: What may stand before another extension: kinds of recordings, and of files beside them.
_RECORDINGS: Final = (
    "3gp aac aif aiff alaw amr au caf flac g722 g729 gsm m4a mka mkv mp2 mp3 mp4 oga ogg opus pcm"
    " raw sln sln16 snd ul ulaw wav wav49 webm wma"
)
_SIDECARS: Final = (
    "asr csv ctm dat diarization info json lrc md5 meta metadata peaks pdf png redacted sentiment"
    " sha1 sha256 srt sub summary svg transcript transcription ttml txt vcon vtt waveform words xml"
)
_KNOWN: Final = frozenset((*_RECORDINGS.split(), *_SIDECARS.split()))
#: An id that no two calls share: a UUID, Asterisk's unique id, or a long word with digits.
_DISTINCT: Final = re.compile(
    r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
    r"|(?<!\d)\d{9,10}\.\d+(?!\d)"
    r"|(?<![0-9A-Za-z])(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[0-9A-Za-z]{16,}(?![0-9A-Za-z])"
)


def extensions(path: str) -> list[str]:
    """Return the stem of a path, then its extensions: each, and each with those before it.

    `a/b.wav.json` gives `a/b`, `.wav`, `.wav.json`.
    """
    endings: list[str] = []
    stem = path
    for _ in range(_MOST):
        found = _EXTENSION.search(stem)
        if found is None or stem[: found.start()].endswith("/") or not found.start():
            break  # none, or the whole name of a hidden file
        if endings and found[0][1:].lower() not in _KNOWN:
            break  # a part of the name
        endings = [found[0], *(found[0] + each for each in endings)]
        stem = stem[: found.start()]
    return [stem, *endings]


def stem_of(path: str) -> str:
    """Return the stem of a path's last part."""
    return extensions(whole(path).rpartition("/")[2])[0]


def whole(path: str) -> str:
    """Return the path of the call that a path is one half of; the same path if it is none.

    `a/b-in.wav` gives `a/b.wav`.
    """
    stem, *endings = extensions(path)
    return _HALF.sub("", stem) + (endings[-1] if endings else "")


def is_distinct(stem: str) -> bool:
    """Return whether a stem holds an id that no other call's would: `msg0001` does not."""
    return _DISTINCT.search(stem) is not None
