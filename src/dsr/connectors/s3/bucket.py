"""A bucket and how to reach it: the client, and what its errors mean to dsr."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final, Literal

import boto3
import botocore.session
from attrs import field, frozen
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from botocore.parsers import ResponseParserError

from dsr.connectors.s3.wire import Parsers
from dsr.errors import ConfigurationError, StoreUnavailable

if TYPE_CHECKING:  # boto3-stubs are there for checking types only
    from botocore.model import OperationModel
    from mypy_boto3_s3 import S3Client

__all__ = ["AT_ONCE", "GONE", "Addressing", "Bucket", "busy", "code", "denied", "of_one_object"]

Addressing = Literal["auto", "path", "virtual"]

AT_ONCE: Final = 8  # requests of one kind that a connector has in flight
#: What servers say of a key, version or upload that is not there (HEAD has no body, so 404).
GONE: Final = frozenset({"NoSuchKey", "NoSuchVersion", "NoSuchUpload", "404"})

_DENIED: Final = frozenset({"AccessDenied", "AllAccessDisabled", "403"})
_REFUSED: Final = _DENIED | {
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
    "TokenRefreshRequired",
    "AccountProblem",
}
#: What servers say where the key of SSE-C is missing or wrong (HEAD has no body, so 400).
_KEYED: Final = frozenset({"InvalidRequest", "InvalidArgument", "400"})
_ELSEWHERE: Final = frozenset(
    {"PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "301", "307"}
)
_BUSY: Final = frozenset(
    {"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests"}
    | {"ServiceUnavailable", "InternalError", "RequestTimeout", "429", "500", "503"}
)
_LOGIN: Final = "check the credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID, role) and the bucket policy"
#: Connections of one client: two readings side by side, each with objects opened ahead.
_CONNECTIONS: Final = 48
_ATTEMPTS: Final = 6


@frozen
class Bucket:
    """Where the objects are. Credentials come from boto3's own chain and are never kept here.

    store         the store's name, for messages
    endpoint, region, profile, addressing
                  as boto3 has them; empty texts mean its defaults
    requester_pays
                  the bucket's owner lets us pay
    access_key, secret_key, customer_key
                  `env:NAME`: where to read them; the last is the base64 key of SSE-C
    """

    store: str
    name: str
    endpoint: str = field(default="", repr=False)  # a URL may hold a login
    region: str = ""
    profile: str = ""
    addressing: Addressing = "auto"
    requester_pays: bool = False
    access_key: str = ""
    secret_key: str = ""
    customer_key: str = ""

    def client(self) -> S3Client:
        """Return this process's client (thread-safe). Raises `StoreUnavailable`."""
        login = (self._secret(self.access_key), self._secret(self.secret_key))
        try:
            key = base64.b64decode(self._secret(self.customer_key), validate=True)
        except ValueError:
            what = f"store {self.store}: the key that customer_key names is not base64"
            raise ConfigurationError(what, "write the 32 bytes of the key in base64") from None
        where = (self.endpoint, self.region, self.profile, self.addressing)
        with self.errors():
            return _client(where, login, key, os.getpid(), payer=self.requester_pays)

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn boto3's errors into `StoreUnavailable`, without their text: it may hold keys."""
        try:
            yield
        except NoCredentialsError:
            raise StoreUnavailable(self.store, "no S3 credentials are set", _LOGIN) from None
        except (BotoCoreError, ResponseParserError) as error:
            what = f"it cannot be used ({type(error).__name__})"
            fix = "check endpoint, region and profile, and that the server runs"
            raise StoreUnavailable(self.store, what, fix) from None
        except ClientError as error:
            raise self.unavailable(code(error)) from None

    def unavailable(self, what: str) -> StoreUnavailable:
        """Return the error that an S3 error code means for the whole store."""
        error = partial(StoreUnavailable, self.store)
        if what == "NoSuchBucket":
            return error("its bucket does not exist", "correct bucket")
        if what in _REFUSED:
            return error(f"access is refused ({what})", _LOGIN)
        if what in _ELSEWHERE:
            return error(f"its bucket is in another region ({what})", "correct region")
        if what == "RequestTimeTooSkewed":
            return error("this machine's clock is wrong", "set the clock, and keep it with NTP")
        if what in _BUSY:
            return error(f"it is too busy, after several attempts ({what})", "try again later")
        return error(f"it answers with {what}", "look it up among the server's error codes")

    def _secret(self, source: str) -> str:
        name = source.removeprefix("env:")
        if source and name not in os.environ:
            what = f"store {self.store}: the environment variable {name} is not set"
            raise ConfigurationError(what, "set it, or correct its name")
        return os.environ[name] if source else ""


def code(error: ClientError) -> str:
    """Return S3's name of an error, such as `NoSuchKey`."""
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


def busy(what: str) -> bool:
    """Return whether an error code says that trying again later may help."""
    return what in _BUSY


def of_one_object(what: str) -> bool:
    """Return whether an error code may concern one object only: a right, or its encryption."""
    return denied(what) or what in _KEYED or what.startswith("KMS.")


def denied(what: str) -> bool:
    """Return whether an error code says that a right is missing, for this request at least."""
    return what in _DENIED


@lru_cache(maxsize=16)
def _client(
    where: tuple[str, str, str, Addressing],
    login: tuple[str, str],
    customer_key: bytes,
    process: int,
    *,
    payer: bool,
) -> S3Client:
    """Return a client; `process` keeps one that was made before a fork out of the child."""
    del process
    endpoint, region, profile, addressing = where
    access_key, secret_key = login
    core = botocore.session.Session(profile=profile or None)
    core.register_component("response_parser_factory", Parsers())
    if addressing == "auto" and endpoint:
        addressing = "path"
    client = boto3.Session(botocore_session=core).client(
        "s3",
        endpoint_url=endpoint or None,
        region_name=region or None,
        aws_access_key_id=access_key or None,
        aws_secret_access_key=secret_key or None,
        config=Config(
            signature_version="s3v4",  # of signed URLs, too, which would else use version 2
            connect_timeout=5,
            read_timeout=60,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            max_pool_connections=_CONNECTIONS,
            s3={"addressing_style": addressing},
        ),
    )
    more: dict[str, str | bytes] = {"RequestPayer": "requester"} if payer else {}
    if customer_key:
        more |= {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": customer_key}  # made base64
    client.meta.events.register("provide-client-params.s3", partial(_add, more))
    return client


def _add(
    more: Mapping[str, str | bytes], params: dict[str, Any], model: OperationModel, **_: object
) -> None:
    """Add the parameters that are the same in every request which takes them."""
    known = model.input_shape.members if model.input_shape else {}
    params.update({name: value for name, value in more.items() if name in known})
