"""What a running Kamailio keeps besides bindings and calls: told by `dsr check`, never guessed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from dsr.model import Finding

__all__ = ["kept_in_memory"]

#: By module: what an erasure leaves behind there.
_LEFT: Final = {
    "dmq_usrloc": "copies of bindings on the other nodes: dmq passes removals on while they run;"
    " add a kamailio-location store for each node to see that it did",
    "dmq": "what dmq has passed on to other nodes",
    "htable": "entries of hash tables, which the routing script fills: htable.delete removes them",
    "imc": "members of conference rooms, until Kamailio stops",
    "mtree": "numbers in trees, until mtree.reload",
    "ndb_mongodb": "what the routing script writes to MongoDB",
    "ndb_redis": "what the routing script writes to Redis",
    "permissions": "addresses, until permissions.addressReload",
    "pike": "IP addresses of busy senders, for some minutes",
    "presence": "subscriptions, until they run out, unless subs_db_mode is 3",
    "pua": "subscriptions, until they run out, unless db_mode is 2",
    "rtpengine": "recordings that rtpengine was asked to make, on its own hosts",
    "sca": "subscriptions to shared lines, until they run out",
    "secfilter": "users and addresses on its lists, until secfilter.reload",
    "sipdump": "files of SIP messages in its folder",
    "siptrace": "copies of SIP messages that it sends to a capture server",
    "sipcapture": "SIP messages in the tables of the capture server",
    "topos_redis": "calls in progress, in Redis, until they time out",
    "uac": "registrations with other servers, until uac.reg_remove",
}


def kept_in_memory(modules: Collection[str]) -> Iterator[Finding]:
    """Yield what the loaded modules keep that no store of dsr reaches."""
    yield Finding(
        "left",
        "contacts of other users that lead to a person (a forwarding) are not looked for: a"
        " binding is found by its own address",
    )
    for name in sorted(_LEFT.keys() & set(modules)):
        yield Finding("left", f"module {name}: {_LEFT[name]}")
