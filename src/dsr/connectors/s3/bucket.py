"""A bucket and how to reach it: the client, and what its errors mean to dsr."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import boto3
import botocore.session
from attrs import frozen
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from botocore.utils import parse_timestamp

from dsr.errors import StoreUnavailable

if TYPE_CHECKING:  # boto3-stubs are there for checking types only
    from mypy_boto3_s3 import S3Client

__all__ = ["AT_ONCE", "Bucket", "code"]

AT_ONCE: Final = 8  # requests that one connector has in flight
_LOGIN: Final = "check the credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID, role) and the bucket policy"
_REFUSED: Final = frozenset(
    {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "403"}
)


@frozen
class Bucket:
    """Where the objects are. Credentials come from boto3's own chain and are never kept here.

    `store` is the store's name, for messages. Empty texts mean boto3's default.
    """

    store: str
    name: str
    endpoint: str = ""
    region: str = ""
    profile: str = ""

    def client(self) -> S3Client:
        """Return this process's client (thread-safe). Raises `StoreUnavailable`."""
        with self.errors():
            return _client(self.endpoint, self.region, self.profile, os.getpid())

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn boto3's errors into `StoreUnavailable`, without their text: it may hold keys."""
        try:
            yield
        except NoCredentialsError:
            raise StoreUnavailable(self.store, "no S3 credentials are set", _LOGIN) from None
        except BotoCoreError as error:
            what = f"it cannot be used ({type(error).__name__})"
            fix = "check endpoint, region and profile, and that the server runs"
            raise StoreUnavailable(self.store, what, fix) from None
        except ClientError as error:
            raise self._unavailable(code(error)) from None

    def _unavailable(self, what: str) -> StoreUnavailable:
        if what == "NoSuchBucket":
            return StoreUnavailable(self.store, "its bucket does not exist", "correct bucket")
        if what in _REFUSED:
            return StoreUnavailable(self.store, f"access is refused ({what})", _LOGIN)
        return StoreUnavailable(self.store, f"it answers with {what}", "try again later")


def code(error: ClientError) -> str:
    """Return S3's name of an error, such as `NoSuchKey`."""
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


@lru_cache(maxsize=16)
def _client(endpoint: str, region: str, profile: str, process: int) -> S3Client:
    """Return a client; `process` keeps one that was made before a fork out of the child."""
    del process
    core = botocore.session.Session(profile=profile or None)
    parsers = core.get_component("response_parser_factory")
    parsers.set_parser_defaults(timestamp_parser=_time)
    return boto3.Session(botocore_session=core).client(
        "s3",
        endpoint_url=endpoint or None,
        region_name=region or None,
        config=Config(
            connect_timeout=5,
            read_timeout=60,
            retries={"mode": "standard", "total_max_attempts": 4},
            max_pool_connections=2 * AT_ONCE,
            s3={"addressing_style": "path" if endpoint else "auto"},
        ),
    )


def _time(value: str) -> dt.datetime:
    """Read a timestamp; most of the time of a long listing goes into botocore's own way."""
    try:
        return dt.datetime.fromisoformat(value)
    except (TypeError, ValueError):  # a Unix time, or the form of HTTP headers
        return parse_timestamp(value)
