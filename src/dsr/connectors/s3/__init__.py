"""Objects in an S3 bucket, with all their versions: one record a key."""

from dsr.connectors.s3.config import Settings, from_config
from dsr.connectors.s3.connector import (
    S3,
    LockingRestrictingS3,
    LockingS3,
    RestrictingS3,
    Restriction,
)

__all__ = [
    "S3",
    "LockingRestrictingS3",
    "LockingS3",
    "RestrictingS3",
    "Restriction",
    "Settings",
    "from_config",
]
