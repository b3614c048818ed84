"""Identifiers that are no phone numbers in text: addresses, accounts, call ids, IP addresses.

Each is looked for as it is written (and as URLs and IPv6 write it), without regard to case.
What may stand next to it depends on its kind: `1.2.3.4` in `@1.2.3.4:5060` is that address,
`alice` in `foo.alice@example.org` is nobody we know. A SIP user without its host is found only
where the text says that it is one: `sip:alice@`, `PJSIP/alice-0000001a`, `user="alice"`, the
caller ID `"Alice" <1001>`, the mailbox `1001@default`; and not where a field of the same name
tells another domain: `src_user=alice;src_domain=other.example`.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from attrs import field, frozen

from dsr.match import addresses, hyper
from dsr.match.sieve import FEW, Rewriting, Sieve, lines_with_words
from dsr.match.span import Match
from dsr.model import Identifier

__all__ = ["Words"]

_PART: Final = re.compile(rb"[0-9a-z_]+")
_ESCAPE: Final = re.compile(rb"%[0-9a-f]{2}|\\u[0-9a-f]{4}")
#: A letter right before is part of the word, unless it ends an escape (%3C, \u003c).
_LETTER: Final = re.compile(rb"(?<!%[0-9a-f])(?<!\\u[0-9a-f]{3})[0-9a-z_]\Z")

_SIP_CONTEXT: Final = re.compile(
    rb"""(?:
        sips?(?::|%3a)
      | (?<![0-9a-z])(?:pjsip|sip|iax2|sccp|local|sofia/[\w.-]+)/
      | (?:user(?:_?name)?|account_?(?:id|code)|auth_?id|peer|endpoint|contact|aor
        |ext(?:en(?:sion)?)?)(?:["']?\s?[=:]\s?|\s)["'\[<(]?
      | (?:authenticate\sas|call\sfrom)\s["']
      | "\s?<
      | \bprocessing\s[^<>"]{0,36}<  # FreeSWITCH: Processing NAME <USER>->CALLED in context
      | >->
    )\Z""",
    re.VERBOSE,
)
_CONTEXT: Final = 48  # bytes before a SIP user that can tell that it is one
_CHANNEL: Final = re.compile(rb"-[0-9a-f]{8}(?!\w)")
#: A host; an IPv6 address, which FreeSWITCH writes without brackets, has two colons or more.
_AT_HOST: Final = re.compile(rb"(?:@|%40)(\[?[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}|[\w.-]+)")
_DOMAIN: Final = re.compile(rb"[\w.-]*\.[a-z][\w-]*\.?")

_USER_KEY: Final = re.compile(rb"([0-9a-z_-]*?)[_-]?user(?:_?name)?[\"']?\s?[=:]\s?[\"'\[<(]?\Z")
_DOMAIN_FIELD: Final = rb"(?<![0-9a-z_-])%b[_-]?(?:domain|realm)[\"']?\s?[=:]\s?[\"']?([\w.-]+)"

_Borders = tuple[re.Pattern[bytes], re.Pattern[bytes]]
#: Per shape: what before and what behind makes the text a part of something longer.
_ADDRESS: Final[_Borders] = (re.compile(rb"[.+%@-]\Z"), re.compile(rb"[\w@-]|\.\w"))
_IPV4: Final[_Borders] = (re.compile(rb"\.\Z"), re.compile(rb"\w|\.\d"))
#: Of those with short groups alone (::1), which are looked for as they are written.
_IPV6: Final[_Borders] = (
    re.compile(rb"(?:::|\.|(?<![0-9a-z])[0-9a-f]{1,4}:)\Z"),
    re.compile(rb"\w|\.\d|:[0-9a-f:]"),
)
_USER: Final[_Borders] = (re.compile(rb"[.+%-]\Z"), re.compile(rb"[\w+-]|\.\w"))


@frozen
class _Text:
    """A text (lower case) that stands for `who`.

    `user`: it is only the user of an address; `part`: it is only a group of that address.
    """

    text: bytes = field(repr=False)
    who: Identifier
    user: bool = False
    part: ipaddress.IPv6Address | None = field(default=None, repr=False)


class Words:
    """Finds any of many identifiers of all kinds but phone."""

    def __init__(self, who: Iterable[Identifier], *, fast: bool) -> None:
        """List the texts that stand for `who` and choose each one's rarest word, once.

        `fast`: let Hyperscan turn the sieve.
        """
        texts = [text for each in who for text in _texts(each)]
        common = Counter(part for text in texts for part in set(_words_of(text.text)))
        self._by_word: dict[bytes, list[_Text]] = {}
        for text in texts:
            parts = _words_of(text.text)
            rarest = min(parts, key=lambda part: (common[part], -len(part)), default=b"")
            self._by_word.setdefault(rarest, []).append(text)
        needles = frozenset(text.text for text in texts)
        self.sieve: Sieve
        if fast:
            escaped = sorted(b"".join(b"\\x%02x" % byte for byte in each) for each in needles)
            self.sieve = hyper.Patterns(tuple(escaped), caseless=True)
        elif len(needles) <= FEW:
            self.sieve = Rewriting(needles, bytes.lower, lines_with_words)
        elif b"" in self._by_word:  # a text without any word: every line needs an exact look
            self.sieve = Rewriting(frozenset({b""}), bytes.lower, lines_with_words)
        else:
            self.sieve = Rewriting(frozenset(self._by_word), _unescaped, lines_with_words)

    def scan(self, text: bytes, start: int, end: int) -> Iterator[Match]:
        """Yield the matches in the line that `text[start:end]` is."""
        line = text[start:end].lower()
        whole: set[Identifier] = set()
        for word in self._by_word.keys() & {b"", *_words_of(line)}:
            for each in self._by_word[word]:
                if each.part is not None:
                    if each.who not in whole:  # its groups may be written in several ways
                        whole.add(each.who)
                        for first, last in addresses.places(line, each.part):
                            yield Match(start + first, start + last, each.who)
                    continue
                place = line.find(each.text)
                while place >= 0:
                    if _stands_alone(each, line, place):
                        yield Match(start + place, start + place + len(each.text), each.who)
                    place = line.find(each.text, place + 1)


def _unescaped(text: bytes) -> bytes:
    """Return `text` in lower case with blanks for the escapes of URLs and JSON; same length."""
    text = text.lower()
    if b"%" not in text and b"\\u" not in text:
        return text
    return _ESCAPE.sub(lambda escape: b" " * len(escape[0]), text)


def _words_of(text: bytes) -> list[bytes]:
    return _PART.findall(_unescaped(text))


def _texts(who: Identifier) -> Iterator[_Text]:
    value = who.value.encode().lower().decode()  # only ASCII, as the text is
    spelled = {value}
    if who.kind in {"sip", "email"}:
        spelled.add(value.replace("@", "%40"))
    if who.kind == "ip":
        try:
            address = ipaddress.ip_address(value)
        except ValueError:  # a host name or a network: as it is written
            pass
        else:
            if isinstance(address, ipaddress.IPv6Address):
                told = addresses.groups_of(address)
                yield from (_Text(group, who, part=address) for group in told)
                spelled |= {address.compressed, address.exploded, _unpadded(address.exploded)}
                if told:
                    return
    user, at, _ = value.partition("@")
    if who.kind != "sip" or at:
        yield from (_Text(each.encode(), who) for each in sorted(spelled) if each)
    if who.kind == "sip" and user:
        yield _Text(user.encode(), who, user=True)


def _unpadded(address: str) -> str:
    """Return an IPv6 address with all its groups, without leading zeros in them."""
    if ":" not in address:
        return address
    return ":".join(group.lstrip("0") or "0" for group in address.split(":"))


def _stands_alone(each: _Text, line: bytes, start: int) -> bool:
    """Return whether `line` has the text at `start` with the borders of its kind."""
    end = start + len(each.text)
    if _LETTER.search(line, max(0, start - 6), start):
        return False
    if each.user:
        return _is_sip_user(each, line, start, end)
    before, behind = _borders(each.who.kind, each.text)
    return not before.search(line, max(0, start - 6), start) and not behind.match(line, end)


def _borders(kind: str, text: bytes) -> _Borders:
    if kind == "ip":
        return _IPV6 if b":" in text else _IPV4
    if kind in {"email", "sip", "account"}:
        return _ADDRESS
    return _like_inside(b"".join(sign for sign in (b".", b"-", b"@", b"+") if sign in text))


@lru_cache
def _like_inside(signs: bytes) -> _Borders:
    """Return the borders of a text that has `signs` inside: none of them may go on outside.

    A dot may, before anything but a digit: `.wav` behind an id is a file's extension.
    """
    one_of = rb"[%b]" % re.escape(signs) if signs else rb"(?!)"
    behind = rb"(?!\.\D)(?!\.\Z)%b|\w" % one_of
    return re.compile(one_of + rb"\Z"), re.compile(behind)


def _is_sip_user(each: _Text, line: bytes, start: int, end: int) -> bool:
    """Return whether the text says that this word is a SIP user, and of no other domain.

    Where a host is an IP address, or only a name without dots, it is the server's own.
    """
    before, behind = _USER
    if before.search(line, max(0, start - 1), start):
        return False
    if behind.match(line, end) and not _CHANNEL.match(line, end):
        return False
    host = _AT_HOST.match(line, end)
    if host and _DOMAIN.fullmatch(host[1]) and "@" in each.who.value:
        return False  # another domain's user; with their own, found as an address
    if not host and _of_another_domain(each, line, start):
        return False
    if host and (line[start - 1 : start] == b"[" or b"." not in host[1]):
        return True
    return _SIP_CONTEXT.search(line, max(0, start - _CONTEXT), start) is not None


def _of_another_domain(each: _Text, line: bytes, start: int) -> bool:
    """Return whether a field of the line gives the user at `start` a domain that is not theirs.

    Kamailio writes `src_user=alice;src_domain=example.org`: the field goes by the same prefix.
    """
    own = each.who.value.lower().partition("@")[2].encode()
    key = _USER_KEY.search(line, max(0, start - _CONTEXT), start)
    if not own or key is None:
        return False
    domains = re.findall(_DOMAIN_FIELD % re.escape(key[1]), line)
    named = {domain.rstrip(b".") for domain in domains if _DOMAIN.fullmatch(domain)}
    return bool(named) and own not in named
