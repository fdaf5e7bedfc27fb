"""What all tests share."""

from __future__ import annotations

import contextlib
import signal

import pytest

from pushtune.testing.real_parts import need_module

# Started in the background by a shell, we would be deaf to Ctrl-C, and so would every program that a test
# starts and then stops by it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGINT, signal.default_int_handler)


MEASURED = "measured"
"""What a test records (``record_property``) to be shown at the end: a figure of the machine, not judged."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what was measured on the way."""
    reports = (report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind))
    found = [text for report in reports for name, text in report.user_properties if name == MEASURED]
    if found:
        terminalreporter.section(MEASURED)
    for text in found:
        terminalreporter.line(str(text))


@pytest.fixture(scope="session")
def keras_installed() -> None:
    """A test that asks for this trains a real Keras model."""
    need_module("tensorflow")
