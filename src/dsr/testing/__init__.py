"""The contract of `dsr.connector` made runnable, for authors of connectors.

Needs pytest. Nothing else of dsr imports this package.
"""

import pytest

pytest.register_assert_rewrite("dsr.testing.aging", "dsr.testing.reading", "dsr.testing.writing")

from dsr.testing.harness import Harness  # noqa: E402  (pytest must know the modules first)
from dsr.testing.suite import ConnectorSuite  # noqa: E402

__all__ = ["ConnectorSuite", "Harness"]
