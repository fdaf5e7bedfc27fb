"""Commands that are confined before they run: another user, the kernel's limits, no way to gain rights."""

from __future__ import annotations

import contextlib
import ctypes
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pushtune.environment import confine
from pushtune.environment.ownership import User
from pushtune.model.ports import Limits

MOST_PROCESSES = 4096
"""Processes and threads of the trials' user together, where no limit is set: what ends a fork bomb."""

_PR_SET_DUMPABLE = 4


def confined(
    command: Sequence[str], user: User | None, limits: Mapping[str, int], report: int | None = None
) -> tuple[str, ...]:
    """Return the command line that confines itself and then becomes ``command``, in the same process.

    ``report`` is a pipe's descriptor in that process: closed as ``command`` begins, written to if it cannot.
    """
    options = json.dumps({"user": user, "limits": dict(limits), "report": report})
    # -I and -S: nothing of the trial's environment or folder is read before the rights are given up.
    return (sys.executable, "-I", "-S", str(Path(confine.__file__).absolute()), options, "--", *command)


def kernel_limits(limits: Limits, user: User | None) -> dict[str, int]:
    """Return the resource limits, by their names in ``resource`` without ``RLIMIT_``.

    The number of processes is counted by user: it makes sense only for one who runs nothing but trials.
    """
    found = {"CORE": 0}
    if limits.disk is not None:
        # Twice: whoever writes more than the limit is ended for it, not left to fail in some other way.
        found["FSIZE"] = 2 * limits.disk
    if limits.files is not None:
        found["NOFILE"] = limits.files
    if user is not None:
        found["NPROC"] = limits.processes or MOST_PROCESSES
    return found


def hide_ourselves() -> None:
    """Let no other process of our user read our memory or our environment, or trace us. Linux only."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
