"""What the tests of the reconciler share."""

from __future__ import annotations

from pathlib import Path

import pytest
from reconciling import House


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)
