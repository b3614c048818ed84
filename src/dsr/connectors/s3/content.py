"""The bytes of one version of an object."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from contextlib import closing
from typing import Final

from attrs import field, frozen
from botocore.exceptions import ClientError

from dsr.connectors.s3.bucket import Bucket, code
from dsr.errors import Refused

__all__ = ["ObjectContent"]

_CHUNK: Final = 256 * 1024
#: Errors that concern this object; others concern the whole store.
_OWN: Final = frozenset({"AccessDenied", "NoSuchKey", "NoSuchVersion", "InvalidObjectState", "403"})


@frozen
class ObjectContent:
    """The newest version that holds bytes; always the same one, whatever is written later."""

    bucket: Bucket
    key: str = field(repr=False)
    version: str = field(repr=False)
    size: int

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rstrip("/").rsplit("/", 1)[-1] or "object"

    @property
    def mediatype(self) -> str:
        """The media type that goes with the key's extension."""
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes. Raises `Refused` if this object cannot be read."""
        client = self.bucket.client()
        with self.bucket.errors():
            try:
                answer = client.get_object(
                    Bucket=self.bucket.name, Key=self.key, VersionId=self.version
                )
            except ClientError as error:
                if code(error) in _OWN:
                    what = f"an object cannot be read ({code(error)})"
                    raise Refused(self.bucket.store, what, "check the bucket policy") from None
                raise
            with closing(answer["Body"]) as body:
                yield from body.iter_chunks(_CHUNK)
