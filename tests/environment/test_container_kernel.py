"""What the kernel's control groups tell of a container, on both hierarchies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pushtune.environment import container_kernel
from pushtune.environment.container_kernel import Kernel


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose own memory group holds a gigabyte, and whose container's holds a kilobyte."""
    monkeypatch.setattr(container_kernel, "_CGROUPS", tmp_path)
    for folder, held, kills in (("memory", 2**30, 7), ("memory/docker/abc", 1024, 1)):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "memory.stat").write_text(f"total_rss {held}\ntotal_shmem 0\n")
        (tmp_path / folder / "memory.oom_control").write_text(f"oom_kill {kills}\n")
    return tmp_path


def seen(monkeypatch: pytest.MonkeyPatch, memory: str) -> Kernel:
    found = {"memory": memory, "": "/docker/abc"}
    monkeypatch.setattr(container_kernel, "_groups", lambda pid: found)
    kernel = Kernel.of(os.getpid(), "abc")
    assert kernel is not None
    return kernel


def test_what_a_container_holds_is_read_in_its_own_group(
    groups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = seen(monkeypatch, "/docker/abc")
    assert (kernel.memory(), kernel.memory_kills()) == (1024, 1)


def test_a_process_that_has_ended_is_shown_in_the_machines_group_which_is_not_its_own(
    groups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = seen(monkeypatch, "/")
    assert (kernel.memory(), kernel.memory_kills()) == (0, 0)
