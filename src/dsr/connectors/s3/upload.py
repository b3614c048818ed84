"""An object of a bucket as a place for a package: uploaded in parts, fetched by a signed URL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, Self

from attrs import field, frozen
from botocore.exceptions import ClientError

from dsr.connectors.s3.bucket import GONE, Bucket, code
from dsr.connectors.s3.erasure import remove
from dsr.connectors.s3.listing import unfinished
from dsr.errors import DeliveryError, InputError, StoreError
from dsr.model import PackageInfo
from dsr.place import Counted

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

__all__ = ["SCHEME", "Object"]

#: How the name of such a place begins.
SCHEME: Final = "s3://"

_PART: Final = 8 * 1024 * 1024  # bytes of a part: what is held in memory
_PARTS: Final = 10_000  # as many as S3 takes
_GOOD_FOR: Final = 60  # seconds that a signed URL is
_STORE: Final = "of packages"  # how messages call the bucket


@frozen
class Object:
    """An object of a bucket."""

    bucket: Bucket = field(repr=False)
    key: str = field(repr=False)  # it may be named after a person

    @classmethod
    def at(cls, name: str, endpoint: str) -> Self:
        """Return the place called `s3://bucket/key`. Raises `InputError`.

        `endpoint` is the URL of a server that is not AWS, or empty. Credentials, region and
        profile come from boto3's own chain.
        """
        bucket, _, key = name.removeprefix(SCHEME).partition("/")
        if not name.startswith(SCHEME) or not bucket or not key or key.endswith("/"):
            what = "this is not the place of an object"
            raise InputError(what, "write s3://BUCKET/KEY")
        return cls(Bucket(_STORE, bucket, endpoint=endpoint), key)

    @property
    def name(self) -> str:
        """The place as `s3://bucket/key`."""
        return f"{SCHEME}{self.bucket.name}/{self.key}"

    def write(self, pieces: Iterable[bytes]) -> PackageInfo:
        """Upload in parts of 8 MiB, one after the other; the object shows once all are there.

        The upload is aborted if anything is raised; what a killed process left behind is
        aborted before.
        """
        counted = Counted(pieces)
        with self._asked():
            self._abort(*self._left())
            upload = self.bucket.client().create_multipart_upload(
                Bucket=self.bucket.name, Key=self.key, ContentType="application/zip"
            )["UploadId"]
        try:
            parts = [self._part(upload, number, data) for number, data in _numbered(counted)]
            with self._asked():
                self.bucket.client().complete_multipart_upload(
                    Bucket=self.bucket.name,
                    Key=self.key,
                    UploadId=upload,
                    MultipartUpload={"Parts": parts},
                )
        except BaseException:
            with suppress(DeliveryError), self._asked():  # what was raised first counts
                self._abort(upload)
            raise
        return counted.info(self.name)

    def size(self) -> int | None:
        """Return the object's size; None if there is none."""
        with self._asked():
            try:
                answer = self.bucket.client().head_object(Bucket=self.bucket.name, Key=self.key)
            except ClientError as error:
                if code(error) in GONE:
                    return None
                raise
        return answer["ContentLength"]

    def open(self) -> str:
        """Return a signed URL that is good for 60 seconds; only whoever has it can use it."""
        with self._asked():
            return self.bucket.client().generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self.bucket.name,
                    "Key": self.key,
                    "ResponseCacheControl": "no-store",
                    "ResponseContentDisposition": 'attachment; filename="package.zip"',
                },
                ExpiresIn=_GOOD_FOR,
            )

    def remove(self) -> None:
        """Remove every version of the object, and its unfinished uploads."""
        with self._asked():
            remove(self.bucket, [self.key])

    def _left(self) -> list[str]:
        """Return the unfinished uploads of the object: a prefix lists those of others, too."""
        return [each.id for each in unfinished(self.bucket, self.key) if each.key == self.key]

    def _part(self, upload: str, number: int, data: bytes) -> CompletedPartTypeDef:
        if number > _PARTS:
            what = f"the package is larger than {_PARTS * _PART >> 30} GiB, what one upload takes"
            raise DeliveryError(what, "write it to a file")
        with self._asked():
            answer = self.bucket.client().upload_part(
                Bucket=self.bucket.name,
                Key=self.key,
                UploadId=upload,
                PartNumber=number,
                Body=data,
            )
        return {"ETag": answer["ETag"], "PartNumber": number}

    def _abort(self, *uploads: str) -> None:
        for each in uploads:
            try:
                self.bucket.client().abort_multipart_upload(
                    Bucket=self.bucket.name, Key=self.key, UploadId=each
                )
            except ClientError as error:
                if code(error) not in GONE:
                    raise

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Turn the errors of S3 into `DeliveryError`."""
        try:
            with self.bucket.errors():
                yield
        except StoreError as error:
            raise DeliveryError(error.what, error.fix) from None


def _numbered(pieces: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield parts of 8 MiB with their numbers, from 1; the last is smaller, the first may be."""
    number, waiting = 1, bytearray()
    for piece in pieces:
        rest = memoryview(piece)
        while rest:
            taken = rest[: _PART - len(waiting)]
            waiting += taken
            rest = rest[len(taken) :]
            if len(waiting) == _PART:
                yield number, bytes(waiting)
                number += 1
                waiting.clear()
    if waiting or number == 1:
        yield number, bytes(waiting)
