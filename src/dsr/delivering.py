"""Bring a package to the person: to a contact that is old enough, by a link that works once.

    contact -> (export) -> link -> fetch -> expire

Whoever sends the link, by e-mail or in the operator's portal, is the operator; nothing is sent
from here. A link is a secret of 256 bits: it is returned once, and shown nowhere else.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from attrs import Attribute, field, frozen

from dsr.connector import Connector
from dsr.errors import ConfigurationError, DeliveryError, DsrError, NotVerified, RequestError
from dsr.ledger import Ledger
from dsr.model import Found, Identifier, Request, Subject, Unread
from dsr.onfile import SHARED, on_file
from dsr.package import File
from dsr.place import Place
from dsr.policy.delivery import deliverable
from dsr.policy.model import check_period

__all__ = ["Delivery", "Expired", "Fetched", "contact", "expire", "fetch", "link"]

_HERE: Final = "{token}"  # where the token goes in a URL
_SECRET: Final = 32  # bytes of a link's secret: 256 bits
_LONGEST: Final = 30  # days that a package may wait
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_S3: Final = "s3://"
#: Until then a time that bears no zone has passed wherever it was written.
_ANYWHERE: Final = dt.timedelta(hours=12)
_OTHERWISE: Final = (
    "send it by post to the address on file, or have a person speak with the customer first"
)

_NOBODY: Final = "the store of accounts does not join the request to one person"
_UNREAD: Final = "the store of accounts cannot be read whole"
_NONE: Final = "it is none"

#: Returns the place of a name, such as `Delivery.place`.
Places = Callable[[str], Place]


def _url(_: object, _attribute: Attribute[str], value: str) -> None:
    parts = urlsplit(value)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if value and not (safe and parts.hostname and value.count(_HERE) == 1):
        msg = f'write "https://…/{_HERE}": the page where a person fetches their package'
        raise ValueError(msg)


def _days(_: object, _attribute: Attribute[int], value: int) -> None:
    if not 1 <= value <= _LONGEST:
        msg = f"write 1 to {_LONGEST} days"
        raise ValueError(msg)


@frozen
class Delivery:
    """`[delivery]`: how packages reach people. Raises `ValueError` for what is unsafe."""

    encrypt: Literal["", "aes-zip"] = ""
    url: str = field(default="", validator=_url)
    days: int = field(default=7, validator=_days)
    contact: str = ""
    changed: str = ""
    settled: str = field(default="7 days", validator=check_period)
    endpoint: str = field(default="", repr=False)  # a URL may hold a login

    def __attrs_post_init__(self) -> None:
        """Check what belongs together."""
        if bool(self.contact) != bool(self.changed):
            what = "delivery.contact and delivery.changed belong together"
            raise ConfigurationError(what, "write both, or neither")

    def place(self, name: str) -> Place:
        """Return the place of a name: a path, or `s3://bucket/key`. Raises `InputError`."""
        if name.startswith("s3:"):
            from dsr.connectors.s3.upload import Object  # noqa: PLC0415  (boto3 is slow to load)

            return Object.at(name, self.endpoint)
        return File(Path(name))

    def expires(self, now: dt.datetime) -> dt.datetime:
        """Return until when a link is good that is made now."""
        return now + dt.timedelta(days=self.days)

    def address(self, token: str) -> str:
        """Return what to send to the person: the URL, or the token where none is configured."""
        return self.url.replace(_HERE, token) or token


@frozen
class Fetched:
    """A package on its way to the person.

    `content` is a URL to redirect to, good for a minute, or the package in pieces; `sha256` is
    that of the receipt.
    """

    request: str
    sha256: str
    content: str | Iterator[bytes] = field(repr=False)


@frozen
class Expired:
    """What `expire` did: how many packages it removed, and what it could not remove."""

    removed: int
    problems: tuple[str, ...] = ()


def link(ledger: Ledger, request: str, place: Place, expires: dt.datetime, now: dt.datetime) -> str:
    """Return the secret token of a new link to the package of a request, at `place`.

    Earlier links of the request end. Raises `RequestError` (it has no package),
    `RequestNotFound`, and `DeliveryError` if what lies at `place` is not what the receipt says.
    """
    ledger.get(request)
    receipt = ledger.receipt(request)
    if receipt is None or receipt.package is None:
        what = f"request {request} has no package"
        raise RequestError(what, f"write it with `dsr run {request}`")
    package = receipt.package
    if place.size() != package.size or not _is(place, package.sha256):
        what = f"the package of request {request} does not lie there, or was changed"
        raise DeliveryError(what, "say where it was moved to")
    name = place.name if place.name.startswith(_S3) else str(Path(place.name).resolve())
    token = secrets.token_urlsafe(_SECRET)
    ledger.add_delivery(request, token, name, package.sha256, expires, now)
    return token


def _is(place: Place, sha256: str) -> bool:
    """Return whether the bytes of a file are those of the receipt; an object's are not read."""
    content = place.open()
    if isinstance(content, str):
        return True
    digest = hashlib.sha256()
    for piece in content:
        digest.update(piece)
    return digest.hexdigest() == sha256


def fetch(ledger: Ledger, token: str, now: dt.datetime, places: Places) -> Fetched:
    """Return the package that a link leads to, and use the link up.

    Once only, whichever process asks first. A token that is unknown, used or over raises
    `NotVerified` with one text. A package that is not there raises `DeliveryError`, and leaves
    the link as it is.
    """
    with ledger.transaction():
        parcel = ledger.take_delivery(token, now)
        content = places(parcel.place).open() if parcel else ""
    if parcel is None:
        what = "the link is not right, or no longer valid"
        raise NotVerified(what, "ask for a new one")
    return Fetched(parcel.request, parcel.sha256, content)


def expire(ledger: Ledger, now: dt.datetime, places: Places) -> Expired:
    """Remove the packages whose links are over, and say how many.

    One to which another link still leads stays. What cannot be removed is told, and tried again
    the next time.
    """
    parcels = ledger.parcels()
    needed = {each.place for each in parcels if now < each.expires}
    removed, problems = set[str](), list[str]()
    for each in parcels:
        if now < each.expires:
            continue
        if each.place not in needed:
            try:
                places(each.place).remove()
            except DsrError as error:
                problems.append(f"the package of request {each.request}: {error}")
                continue
            removed.add(each.place)
        ledger.forget_parcel(each, now, removed=each.place not in needed)
    return Expired(len(removed), tuple(problems))


def contact(
    store: Connector, subject: Subject, request: Request, delivery: Delivery, now: dt.datetime
) -> str:
    """Return the e-mail address on file that the package of `request` may be sent to.

    `store` is the store of accounts; `subject` whom the request is about. Call it before the
    request ends: then it is forgotten who that was. Raises `DeliveryError`, with what to do
    instead, when the address is unknown, ambiguous, or not older than the request (law.md rule
    43); `ConfigurationError` when `delivery` names no fields; `StoreError`.
    """
    if not delivery.contact:
        what = "nobody knows which field of the store of accounts is the e-mail address"
        raise ConfigurationError(what, "set delivery.contact and delivery.changed")
    known = on_file(store, subject, now)
    if known.subject is None or known.why == SHARED:
        raise _refused(_NOBODY)
    addresses: dict[str, list[dt.datetime | None]] = {}
    for found in _records(store, known.subject, now):
        data = found.record.data
        address = str(data.get(delivery.contact) or "").strip()
        if address and delivery.contact in found.about:
            since = _moment(data.get(delivery.changed))
            addresses.setdefault(address, []).append(since)
    if len(addresses) != 1:
        raise _refused("there are several" if addresses else "there is none")
    ((address, dates),) = addresses.items()
    for since in dates:
        if why := deliverable(since, request.received, delivery.settled):
            raise _refused(why)
    if "@" not in address or not address.isprintable() or " " in address:
        raise _refused(_NONE)
    return address


def _records(store: Connector, known: Subject, now: dt.datetime) -> Iterator[Found]:
    """Yield what the store has of the person today; former holders' records are left out.

    `on_file` has seen to it that no other person's record is found.
    """
    who = [Identifier(each.kind, each.value) for each in known.identifiers]
    for item in store.find([each for each in who if each.kind in store.accepts]):
        if isinstance(item, Unread):
            raise _refused(_UNREAD)
        numbers = [each for each in item.record.links if each.kind == "phone"]
        if not numbers or any(each.covers(now) for each in numbers):
            yield item


def _moment(value: object) -> dt.datetime | None:
    """Return the latest moment that a date in a store can mean; None if it is none."""
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value.strip())
        except ValueError:
            return None
        if value.tzinfo is None and value.time() == dt.time.min:
            value = value.date()  # a day, which may be anywhere in it
    if isinstance(value, dt.datetime):
        return value if value.tzinfo else value.replace(tzinfo=dt.UTC) + _ANYWHERE
    if isinstance(value, dt.date):
        after = dt.datetime.combine(value, dt.time.min, dt.UTC) + dt.timedelta(days=1)
        return after + _ANYWHERE
    return None


def _refused(why: str) -> DeliveryError:
    what = f"the e-mail address on file must not be used: {why}"
    return DeliveryError(what, _OTHERWISE)
