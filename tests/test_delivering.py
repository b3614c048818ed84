"""Links to packages, which work once, and what goes when they are over (law.md rules 43, 45)."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from dsr.delivering import Delivery, Expired
from dsr.errors import (
    DeliveryError,
    DsrError,
    NotVerified,
    RequestError,
    RequestNotFound,
)
from dsr.model import Subject
from dsr.package import File
from tests.parcels import CONTENT, DAY, Post, post
from tests.things import EVA, NOW, request

__all__ = ["post"]

WRONG = "the link is not right, or no longer valid: ask for a new one"


class TestLinks:
    """Rule 43: links are single use."""

    def test_a_link_works_once(self, post: Post) -> None:
        """Rule 43: replayed, it opens nothing; the trail names the package, not the link."""
        info = post.answered("r1", post.file())
        token = post.link()
        assert post.fetch(token) == CONTENT + b"r1"
        with pytest.raises(NotVerified) as told:
            post.fetch(token)
        assert str(told.value) == WRONG
        told_of = [each for each in post.events() if each[0] != "receipt signed"]
        assert told_of == [
            ("link made", info.sha256),
            ("package fetched", info.sha256),
            ("link refused", ""),
        ]
        assert token not in repr(list(post.ledger.entries()))

    def test_used_over_and_unknown_read_the_same(self, post: Post) -> None:
        """Rule 43 (enumeration): one text, whatever is wrong with a token."""
        for name in ("r1", "r2"):
            post.answered(name, post.file(name))
        used, over = post.link("r1"), post.link("r2")
        post.fetch(used)
        texts = set()
        for token, now in ((used, NOW), (over, NOW + 7 * DAY), ("unknown", NOW), ("", NOW)):
            with pytest.raises(NotVerified) as told:
                post.fetch(token, now)
            texts.add((str(told.value), told.value.__cause__ is None))
        assert texts == {(WRONG, True)}
        assert post.fetch(over, NOW + 7 * DAY - dt.timedelta(seconds=1))

    def test_tokens_cannot_be_guessed(self, post: Post) -> None:
        """256 bits each, and no two alike."""
        post.answered("r1", post.file())
        tokens = {post.link() for _ in range(20)}
        assert len(tokens) == 20
        assert {len(each) for each in tokens} == {43}

    def test_what_was_swapped_is_not_delivered(self, post: Post) -> None:
        """The link leads to what the receipt names; never to a file that took its place."""
        post.answered("r1", post.file())
        post.answered("r2", post.file("r2"))
        for place in (post.file("r2"), post.file("absent")):
            with pytest.raises(DeliveryError, match="does not lie there, or was changed"):
                post.link("r1", place)
        assert post.ledger.parcels() == []

    def test_a_request_without_a_package(self, post: Post) -> None:
        """There is nothing to lead to: told, with what to do."""
        post.ledger.add(request("access", "r1"), Subject((EVA,)))
        with pytest.raises(RequestError, match="has no package: write it with `dsr run r1`"):
            post.link()
        with pytest.raises(RequestNotFound):
            post.link("r9")

    def test_a_package_that_is_away_does_not_use_the_link_up(self, post: Post) -> None:
        """A disk that is not mounted is no reason to lose the person's only link."""
        post.answered("r1", post.file())
        token = post.link()
        away = post.folder / "away"
        post.file().path.rename(away)
        with pytest.raises(DeliveryError, match="cannot be read"):
            post.fetch(token)
        assert ("package fetched", post.ledger.parcels()[0].sha256) not in post.events()
        away.rename(post.file().path)
        assert post.fetch(token)

    def test_a_relative_path_is_found_from_elsewhere(
        self, post: Post, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The link is made in one folder, and followed by a service that runs in another."""
        monkeypatch.chdir(post.folder)
        post.answered("r1", File(Path("p.zip")))
        token = post.link("r1", File(Path("p.zip")))
        monkeypatch.chdir("/")
        assert post.fetch(token)


class TestExpiry:
    """GDPR Art. 5(1)(e): a package that nobody may fetch any more is not kept."""

    def test_packages_go_when_their_links_are_over(self, post: Post) -> None:
        """Fetched or not, to the moment; the next time there is nothing left to do."""
        info = [post.answered(name, post.file(name)) for name in ("r1", "r2")]
        post.fetch(post.link("r1"))
        post.link("r2", now=NOW + DAY)
        assert post.expire(6) == Expired(0)
        assert post.expire(7) == Expired(1)
        assert [each.exists() for each in (post.file("r1").path, post.file("r2").path)] == [
            False,
            True,
        ]
        assert post.expire(8) == Expired(1)
        assert post.expire(9) == Expired(0)
        assert post.events()[-2:] == [("package removed", each.sha256) for each in info]

    def test_a_package_that_another_link_leads_to_stays(self, post: Post) -> None:
        """The older link ends; what the newer one leads to is still there."""
        post.answered("r1", post.file())
        post.link()
        newer = post.link(now=NOW + DAY)
        assert post.expire(7) == Expired(0)
        assert post.events()[-1][0] == "link ended"
        assert post.fetch(newer, NOW + 7 * DAY)
        assert post.expire(8) == Expired(1)

    def test_what_cannot_be_removed_is_told_and_tried_again(self, post: Post) -> None:
        """Law 4: a package that stays is no success, and others go nevertheless."""
        for name in ("r1", "r2"):
            post.answered(name, post.file(name))
            post.link(name)
        post.file().path.unlink()
        post.file().path.mkdir()
        done = post.expire(7)
        assert done.removed == 1
        (problem,) = done.problems
        assert problem.startswith("the package of request r1: a package cannot be removed: ")
        assert str(post.folder) not in problem
        post.file().path.rmdir()
        assert post.expire(7) == Expired(1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://portal.example.org/{token}"},
        {"url": "https://portal.example.org/"},
        {"url": "https://{token}/{token}"},
        {"url": "{token}"},
        {"days": 0},
        {"days": 31},
        {"settled": "a week"},
        {"contact": "email"},
        {"changed": "changed"},
    ],
)
def test_unsafe_settings_are_refused(wrong: dict[str, Any]) -> None:
    """Rule 43: a link in the clear, one that is good for ever, a contact without its date."""
    with pytest.raises((ValueError, DsrError)):
        Delivery(**wrong)


def test_a_link_is_an_address_of_the_portal() -> None:
    """The token stands in the URL where the operator wants it, or alone."""
    assert Delivery(url="https://p.example/{token}").address("abc") == "https://p.example/abc"
    assert Delivery(url="http://localhost:1/?t={token}").address("abc").endswith("?t=abc")
    assert Delivery().address("abc") == "abc"
    assert Delivery(days=3).expires(NOW) == NOW + 3 * DAY
