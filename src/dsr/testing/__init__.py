"""The contract of `dsr.connector` made runnable, for authors of connectors.

Needs pytest. Nothing else of dsr imports this package.
"""

import pytest

_PARTS = ("_views", "aging", "asking", "changing", "erasing", "reading", "records", "redacting")
pytest.register_assert_rewrite(*(f"dsr.testing.{each}" for each in _PARTS))

from dsr.testing.harness import Harness  # noqa: E402  (pytest must know the modules first)
from dsr.testing.suite import ConnectorSuite  # noqa: E402

__all__ = ["ConnectorSuite", "Harness"]
