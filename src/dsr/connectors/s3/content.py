"""The bytes of one version of an object."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen
from botocore.exceptions import (
    ClientError,
    HTTPClientError,
    IncompleteReadError,
    ReadTimeoutError,
)

from dsr.connectors.s3.bucket import GONE, Bucket, code, of_one_object
from dsr.errors import Refused, StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

__all__ = ["ObjectContent"]

_CHUNK: Final = 256 * 1024
_TRIES: Final = 4  # connections in a row that may break before a chunk is read
_BROKEN: Final = (HTTPClientError, IncompleteReadError, ReadTimeoutError)
_OTHER_SIZE: Final = "its size is not what the bucket lists"
_NO_PARTS: Final = "the server does not send parts of objects"
#: Errors that concern this object; others concern the whole store.
_FIXES: Final = {
    "InvalidObjectState": "restore it from its archive class first",
    "PreconditionFailed": "it was replaced while it was read: run the request again",
    "412": "it was replaced while it was read: run the request again",
    "InvalidRequest": "objects encrypted with a key of yours (SSE-C) need customer_key",
    "InvalidArgument": "customer_key is not the key that the object was encrypted with",
}


@frozen
class ObjectContent:
    """The newest version that holds bytes; always the same bytes, whatever is written later."""

    bucket: Bucket
    key: str = field(repr=False)
    version: str = field(repr=False)
    size: int
    etag: str = field(repr=False)

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rstrip("/").rsplit("/", 1)[-1] or "object"

    @property
    def mediatype(self) -> str:
        """The media type that goes with the key's extension."""
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes; where a connection breaks, the next one goes on at that byte.

        Raises `Refused` if this object cannot be read or was replaced, and `StoreUnavailable`
        if the server breaks off again and again.
        """
        done = failed = 0
        while done < self.size or not self.size:
            before = done
            try:
                for chunk in self._from(done):
                    done += len(chunk)
                    yield chunk
            except _BROKEN as error:
                failed = 0 if done - before >= _CHUNK else failed + 1
                if failed >= _TRIES:
                    what = f"it breaks off while an object is read ({type(error).__name__})"
                    fix = "look at the server and the network, and run the request again"
                    raise StoreUnavailable(self.bucket.store, what, fix) from None
            else:
                if done != self.size:
                    raise self._refused(_OTHER_SIZE)
                return

    def _from(self, start: int) -> Iterator[bytes]:
        """Yield the bytes from `start` on, by one connection."""
        with closing(self._answer(start)["Body"]) as body:
            yield from body.iter_chunks(_CHUNK)

    def _answer(self, start: int) -> GetObjectOutputTypeDef:
        client = self.bucket.client()
        more: dict[str, Any] = {"IfMatch": self.etag} if self.etag else {}
        if start:
            more["Range"] = f"bytes={start}-"
        with self.bucket.errors():
            try:
                answer = client.get_object(
                    Bucket=self.bucket.name, Key=self.key, VersionId=self.version, **more
                )
            except ClientError as error:
                name = code(error)
                if name in _FIXES or name in GONE or of_one_object(name):
                    raise self._refused(name, _FIXES.get(name, "check the bucket policy")) from None
                raise
        if start and not answer.get("ContentRange", "").startswith(f"bytes {start}-"):
            answer["Body"].close()
            raise self._refused(_NO_PARTS)
        return answer

    def _refused(self, why: str, fix: str = "run the request again") -> Refused:
        return Refused(self.bucket.store, f"an object cannot be read ({why})", fix)
