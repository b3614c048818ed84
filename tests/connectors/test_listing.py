"""The files that patterns name: all of them, each once, in order, a folder at a time."""

from __future__ import annotations

import os
import tempfile
import tracemalloc
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr.connectors.listing import listing, walk
from dsr.errors import StoreUnavailable
from tests.unprivileged import public_folder, unprivileged

PATTERNS = ("*.vcf", "a/*.vcf", "**/*.vcf", "*/b/*.vcf", "**/a/*")

names = st.sampled_from(["a", "b", "a.vcf", "a!.vcf", "b.vcf", "z.vcf", "a0", "c.txt"])
paths = st.lists(names, min_size=1, max_size=3).map("/".join)


def make(root: Path, files: list[str], links: list[tuple[str, str]], hard: list[bool]) -> None:
    """Write files, and links from one path to another, as far as the paths allow."""
    for name in files:
        try:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).touch(exist_ok=False)
        except OSError:
            continue
    for (name, target), is_hard in zip(links, hard, strict=True):
        try:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            if is_hard:
                os.link(root / target, root / name)
            else:
                (root / name).symlink_to(root / target)
        except OSError:
            continue


def expected(root: Path, patterns: list[str]) -> list[str]:
    """Return what should be listed, by looking at everything at once."""
    once: dict[tuple[int, int], str] = {}
    for each in sorted(os.fsencode(path) for path in root.rglob("*")):
        path = Path(os.fsdecode(each))
        below = PurePosixPath(path.relative_to(root))
        through = any((root / above).is_symlink() for above in below.parents)
        if (
            path.is_file()
            and not through
            and any(fits(PurePosixPath(below), each) for each in patterns)
        ):
            seen = path.stat()
            once.setdefault((seen.st_dev, seen.st_ino), str(below))
    return sorted(once.values(), key=os.fsencode)


def fits(path: PurePosixPath, pattern: str) -> bool:
    """Return whether a shell's pattern names a path."""
    depth, wanted = len(path.parts), pattern.removeprefix("**/").split("/")
    if not pattern.startswith("**/") and depth != len(wanted):
        return False
    tail = PurePosixPath(*path.parts[-len(wanted) :])
    return depth >= len(wanted) and tail.match("/".join(wanted))


@given(
    files=st.lists(paths, max_size=12),
    links=st.lists(st.tuples(paths, paths), max_size=5),
    hard=st.lists(st.booleans(), min_size=5, max_size=5),
    patterns=st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=3),
)
def test_each_file_comes_once_in_order(
    files: list[str], links: list[tuple[str, str]], hard: list[bool], patterns: list[str]
) -> None:
    """Whatever names a file has, it is read once, under the first of them that a pattern names."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make(root, files, links, hard[: len(links)])
        seen = [each for each in walk("store", root, patterns) if not each.error]  # a link's loop
        found = [os.fsdecode(each.path) for each in seen]
        assert found == expected(root, patterns)


def test_a_missing_folder_is_no_empty_one(tmp_path: Path) -> None:
    """Law 4: what is not mounted cannot be read."""
    with pytest.raises(StoreUnavailable, match="mount it"):
        listing("store", tmp_path / "away", ["*"])


def test_what_cannot_be_listed_is_told() -> None:
    """Law 4: a folder that may not be read comes with the reason, in its place."""
    with public_folder() as root:
        for name in ("a/1", "b/2", "c/3"):
            (root / name).parent.mkdir()
            (root / name).touch()
        (root / "b").chmod(0)

        def look() -> list[tuple[bytes, bool]]:
            return [(each.path, bool(each.error)) for each in listing("store", root, ["**/*"])]

        found = unprivileged(root, look)
    assert found == [(b"a/1", False), (b"b", True), (b"c/3", False)]


def test_memory_is_that_of_a_folder(tmp_path: Path) -> None:
    """Law 9: ten times the folders take no more memory."""
    peaks = []
    for count in (20, 200):
        for folder in range(count):
            path = tmp_path / f"{folder // 20:02}" / f"{folder % 20:02}"
            path.mkdir(parents=True, exist_ok=True)
            for number in range(50):
                (path / f"{number}.vcf").touch()
        tracemalloc.start()
        assert sum(1 for _ in walk("store", tmp_path, ["**/*.vcf"])) == count * 50
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]
