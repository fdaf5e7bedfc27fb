"""Real processes: found again, kept to their limits, and killed whole, however they try to get away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pushtune.environment.process_runtime import ProcessRuntime
from pushtune.environment.process_table import label_of, read_process, read_table
from pushtune.errors import MachineError
from pushtune.model.ports import AttemptSpec, Exit, Handle, Limits, Runtime
from pushtune.testing.runtime_conformance import RealRuntimeConformance, wait_for_exit

MIB = 1024 * 1024

# Forks twice and leaves its session, as a daemon does; then writes down its pid and stays.
DAEMON = """
import os, signal, sys, time
def daemon(name, environment=None):
    if os.fork(): return
    os.setsid()
    if os.fork(): os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    code = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
    if environment is None: environment = dict(os.environ)
    os.execve(sys.executable, [sys.executable, "-c", code, name], environment)
def wait_for(name):
    while not (os.path.exists(name) and open(name).read()): time.sleep(0.01)
"""


@pytest.fixture
def runtime() -> Iterator[ProcessRuntime]:
    yield ProcessRuntime()
    # Of this test process only: others may run tests beside it.
    ours = (f"conformance-{os.getpid()}-", f"test-{os.getpid()}-")
    left = [pid for pid, record in read_table().items()
            if not record.dead and (label_of(pid) or "").startswith(ours)]  # fmt: skip
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == []


class TestProcessRuntime(RealRuntimeConformance):
    def end_from_outside(self, runtime: Runtime, handle: Handle) -> None:
        os.kill(int(handle.identity.partition(":")[0]), signal.SIGKILL)


@pytest.fixture
def start(runtime: ProcessRuntime, tmp_path: Path) -> Callable[[str], Handle]:
    def started(code: str) -> Handle:
        spec = AttemptSpec(
            label=f"test-{os.getpid()}-{time.monotonic_ns()}",
            command=(sys.executable, "-c", code),
            workdir=str(tmp_path),
            folder=str(tmp_path),
            environment=dict(os.environ),
        )
        return runtime.start(spec)

    return started


def _wait_until(condition: Callable[[], object]) -> None:
    give_up = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def _lives(pid_file: Path) -> bool:
    record = read_process(int(pid_file.read_text()))
    return record is not None and not record.dead


def _is_written(path: Path) -> bool:
    return path.exists() and path.read_text() != ""


def test_elsewhere_than_on_linux_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(MachineError, match="need Linux"):
        ProcessRuntime()


def test_a_program_that_is_not_there_is_said(runtime: ProcessRuntime, tmp_path: Path) -> None:
    spec = AttemptSpec("test-x", ("/no/such/python",), str(tmp_path), str(tmp_path), {})
    with pytest.raises(MachineError, match="/no/such/python"):
        runtime.start(spec)


def test_the_kernel_takes_trials_first(runtime: ProcessRuntime, start: Callable[[str], Handle]) -> None:
    handle = start("import time; time.sleep(600)")
    pid = handle.identity.partition(":")[0]
    assert int(Path(f"/proc/{pid}/oom_score_adj").read_text()) > int(
        Path("/proc/self/oom_score_adj").read_text()
    )
    runtime.kill(handle)


def test_children_daemons_and_those_deaf_to_sigterm_are_killed_with_it(
    runtime: ProcessRuntime, start: Callable[[str], Handle], tmp_path: Path
) -> None:
    handle = start(
        DAEMON
        + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        + "import subprocess; subprocess.Popen(['sleep', '600'])\n"
        + "daemon('daemon'); wait_for('daemon')\nopen('ready', 'w').write('1'); time.sleep(600)"
    )
    _wait_until(lambda: _is_written(tmp_path / "ready"))
    assert _lives(tmp_path / "daemon")
    runtime.kill(handle)
    assert not _lives(tmp_path / "daemon")


def test_a_daemon_is_killed_when_its_attempt_ends_by_itself(
    runtime: ProcessRuntime, start: Callable[[str], Handle], tmp_path: Path
) -> None:
    handle = start(DAEMON + "daemon('daemon'); wait_for('daemon')")
    assert wait_for_exit(runtime, handle, str(tmp_path)).code == 0
    assert not _lives(tmp_path / "daemon")


def test_a_daemon_that_wiped_its_environment_is_known_by_the_log_it_writes_to(
    runtime: ProcessRuntime, start: Callable[[str], Handle], tmp_path: Path
) -> None:
    handle = start(DAEMON + "daemon('daemon', {}); wait_for('daemon')")
    assert wait_for_exit(runtime, handle, str(tmp_path)).code == 0
    assert not _lives(tmp_path / "daemon")


def test_strays_of_an_attempt_that_died_while_we_were_away_are_found_and_killed(
    runtime: ProcessRuntime, start: Callable[[str], Handle], tmp_path: Path
) -> None:
    handle = start(DAEMON + "daemon('daemon'); wait_for('daemon')")
    _wait_until(lambda: _is_written(tmp_path / "daemon"))
    _wait_until(lambda: read_process(int(handle.identity.partition(":")[0])).state == "Z")
    later = ProcessRuntime()
    found = later.find([handle.label])[handle.label]
    assert wait_for_exit(later, found, str(tmp_path)).code is None
    assert not _lives(tmp_path / "daemon")
    runtime.kill(handle)


def test_no_zombie_is_left(runtime: ProcessRuntime, start: Callable[[str], Handle], tmp_path: Path) -> None:
    handles = [start("pass"), start("import time; time.sleep(600)")]
    wait_for_exit(runtime, handles[0], str(tmp_path))
    runtime.kill(handles[1])
    assert [read_process(int(handle.identity.partition(":")[0])) for handle in handles] == [None, None]


def test_a_pid_that_is_used_again_is_not_taken_for_the_attempt(
    runtime: ProcessRuntime, tmp_path: Path
) -> None:
    stranger = subprocess.Popen(["sleep", "600"], start_new_session=True)
    record = read_process(stranger.pid)
    assert record is not None
    handle = Handle("test-long-gone", f"{stranger.pid}:{record.started - 1}")
    assert runtime.poll(handle, Limits(), str(tmp_path)) == Exit(None)
    runtime.kill(handle)
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_an_attempt_of_an_earlier_boot_is_gone_even_if_its_pid_and_tick_came_again(
    runtime: ProcessRuntime, start: Callable[[str], Handle], tmp_path: Path
) -> None:
    handle = start("import time; time.sleep(600)")
    pid, started, boot = handle.identity.split(":")
    before = Handle("test-before-the-reboot", f"{pid}:{started}:{'0' * len(boot)}")
    assert runtime.poll(before, Limits(), str(tmp_path)) == Exit(None)
    assert runtime.memory(before) == 0
    runtime.kill(before)
    assert runtime.poll(handle, Limits(), str(tmp_path)) is None
    runtime.kill(handle)


def test_pages_that_children_share_count_once(
    runtime: ProcessRuntime, start: Callable[[str], Handle], tmp_path: Path
) -> None:
    handle = start(
        "import os, time\nheld = bytearray(b'x' * (60 * 2**20))\n"
        "children = [os.fork() for _ in range(1)]\nos.fork()\nopen('ready', 'w').write('1')\ntime.sleep(3)"
    )
    # Four processes that each show 60 MiB and more; together they hold little more than once 60.
    ended = wait_for_exit(runtime, handle, str(tmp_path), Limits(memory=140 * MIB))
    assert (ended.code, ended.killed_for) == (0, "")
    assert ended.peak_memory > 60 * MIB


def test_an_attempt_outlives_the_program_that_started_it(tmp_path: Path) -> None:
    label = f"test-{os.getpid()}-outlives"
    code = (
        "import os, sys\n"
        "from pushtune.environment.process_runtime import ProcessRuntime\n"
        "from pushtune.model.ports import AttemptSpec\n"
        "spec = AttemptSpec(sys.argv[2], ('sleep', '600'), sys.argv[1], sys.argv[1], dict(os.environ))\n"
        "print(ProcessRuntime().start(spec).identity, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    said = subprocess.run([sys.executable, "-c", code, str(tmp_path), label], capture_output=True, text=True)
    later = ProcessRuntime()
    handle = later.find([label])[label]
    assert handle.identity == said.stdout.strip()
    assert later.poll(handle, Limits(), str(tmp_path)) is None
    later.kill(handle)
    assert later.find([label]) == {}
