"""The table of an `s3` store in dsr.toml, and the connector that it describes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from attrs import field, frozen

from dsr.connectors.lookup import Keys
from dsr.connectors.s3.bucket import Addressing, Bucket
from dsr.connectors.s3.connector import (
    S3,
    LockingRestrictingS3,
    LockingS3,
    RestrictingS3,
    Restriction,
)
from dsr.connectors.s3.looking import Labels
from dsr.errors import ConfigurationError
from dsr.model import KINDS, Kind
from dsr.settings import Context, settings

__all__ = ["Settings", "from_config"]


@frozen
class Settings:
    """The table of an `s3` store in dsr.toml. Credentials are none of its settings."""

    bucket: str
    category: str  # the category of all its objects
    keys: tuple[str, ...] = ()  # patterns of the keys below the prefix: dsr.connectors.keys
    metadata: Mapping[str, str] = field(factory=dict)  # user metadata: name -> kind
    tags: Mapping[str, str] = field(factory=dict)  # object tags: name -> kind
    sidecars: bool = True  # what shares the stem of a recording goes with it
    legal_hold: bool = False  # a hold of dsr places the bucket's legal hold as well
    restrict: Restriction = "no"  # how objects are marked as restricted
    prefix: str = ""  # only keys that start with it; write the slash at its end
    timezone: str = ""  # of dates in the keys, such as "Europe/Berlin"
    endpoint: str = ""  # URL of a server that is not AWS
    region: str = ""
    profile: str = ""  # a profile of boto3's configuration files
    addressing: Addressing = "auto"  # the bucket's name in the URL's path, or before its host
    requester_pays: bool = False
    access_key: str = ""  # env:NAME
    secret_key: str = ""  # env:NAME
    customer_key: str = ""  # env:NAME; the key of SSE-C, base64


def from_config(name: str, table: Mapping[str, object], context: Context) -> S3:
    """Return the store that `[stores.name]` describes. Raises `ConfigurationError`."""
    where = f"stores.{name}"
    chosen = settings(Settings, table, where)
    labels = Labels(
        tuple((each.lower(), kind) for each, kind in _kinds(chosen.metadata, f"{where}.metadata")),
        tuple(_kinds(chosen.tags, f"{where}.tags")),
    )
    if labels and not chosen.keys:
        keys = Keys((), chosen.timezone, context.region)
    else:
        keys = Keys.of(chosen.keys, chosen.timezone, context, where)
    if bool(chosen.access_key) != bool(chosen.secret_key):
        what = f"{where}: access_key and secret_key belong together"
        raise ConfigurationError(what, "write both, or neither")
    bucket = Bucket(
        name,
        chosen.bucket,
        endpoint=chosen.endpoint,
        region=chosen.region,
        profile=chosen.profile,
        addressing=chosen.addressing,
        requester_pays=chosen.requester_pays,
        access_key=_variable(chosen.access_key, f"{where}.access_key"),
        secret_key=_variable(chosen.secret_key, f"{where}.secret_key"),
        customer_key=_variable(chosen.customer_key, f"{where}.customer_key"),
    )
    kind = _CLASSES[chosen.legal_hold, chosen.restrict != "no"]
    return kind(
        name,
        bucket,
        chosen.category,
        keys,
        prefix=chosen.prefix,
        labels=labels,
        sidecars=chosen.sidecars,
        restriction=chosen.restrict,
    )


_CLASSES: Final[Mapping[tuple[bool, bool], type[S3]]] = {
    (False, False): S3,
    (True, False): LockingS3,
    (False, True): RestrictingS3,
    (True, True): LockingRestrictingS3,
}


def _kinds(labels: Mapping[str, str], where: str) -> Iterable[tuple[str, Kind]]:
    for name, kind in labels.items():
        if kind not in KINDS:
            what = f"{where}.{name} is no kind of identifier"
            raise ConfigurationError(what, f"write one of {', '.join(KINDS)}")
        yield name, kind


def _variable(source: str, where: str) -> str:
    """Return `env:NAME` as it is: the secret itself is read when it is needed."""
    if source and not source.startswith("env:"):
        what = f"{where} is a secret, which has no place in the configuration"
        raise ConfigurationError(what, 'write "env:NAME", and set that environment variable')
    return source
