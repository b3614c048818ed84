"""Identifiers inside text: the one place that decides whether some bytes speak of a subject.

`Matcher.scan` yields byte spans. Everything that reads text (log lines, composite database
columns, file and object names, vCard values) asks it, so that borders and spellings are judged
alike everywhere. A sieve first leaves out the lines that cannot speak of anyone, fast; `numbers`
and `words` then judge the few that are left, exactly. A faster engine stands behind the same two
methods: Hyperscan does where the extra `fast` is installed.
"""

from __future__ import annotations

from dsr.match.hyper import INSTALLED as FAST
from dsr.match.matcher import Matcher
from dsr.match.span import Match

__all__ = ["FAST", "Match", "Matcher"]
