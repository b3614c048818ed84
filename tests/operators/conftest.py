"""Shows what differs when a test of the suite fails."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.operators.suite", "tests.operators.matrix")
