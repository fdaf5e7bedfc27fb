"""What all tests share: the real parts that must be there in CI, and may be missing elsewhere."""

from __future__ import annotations

import importlib.util
import os

import pytest

IN_CI = os.environ.get("PUSHTUNE_CI") == "1"


def need(present: bool, what: str) -> None:
    """Skip, saying so, where a real part is missing; in CI its absence is a failure."""
    if present:
        return
    if IN_CI:
        pytest.fail(f"{what} is missing, and PUSHTUNE_CI=1 says that it must be here")
    pytest.skip(f"{what} is missing here")


@pytest.fixture(scope="session")
def keras_installed() -> None:
    """A test that asks for this trains a real Keras model."""
    need(importlib.util.find_spec("tensorflow") is not None, "TensorFlow")
