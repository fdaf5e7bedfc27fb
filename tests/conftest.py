"""What all tests share."""

from __future__ import annotations

import pytest

from pushtune.testing.real_parts import need_module


@pytest.fixture(scope="session")
def keras_installed() -> None:
    """A test that asks for this trains a real Keras model."""
    need_module("tensorflow")
