"""Real parts that a test needs: missing ones are skipped, saying so, and a failure in CI."""

from __future__ import annotations

import importlib.util
import os

import pytest


def need(present: bool, what: str) -> None:
    """Skip the test where ``what`` is missing; with ``PUSHTUNE_CI=1`` its absence is a failure."""
    if present:
        return
    if os.environ.get("PUSHTUNE_CI") == "1":
        pytest.fail(f"missing: {what}; PUSHTUNE_CI=1 says that it must be here")
    pytest.skip(f"missing here: {what}")


def need_module(name: str) -> None:
    """Need an importable module, without importing it."""
    need(importlib.util.find_spec(name) is not None, f"the Python module {name}")
