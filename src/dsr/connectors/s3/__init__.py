"""Objects in an S3 bucket, with all their versions: one record a key."""

from dsr.connectors.s3.connector import S3, Settings, from_config

__all__ = ["S3", "Settings", "from_config"]
