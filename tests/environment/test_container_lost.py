"""Containers that die, lose their monitor, or are expected by nobody any more; and what cannot be started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from container_cases import Yard, container_id, wait_for

from pushtune.environment.container_command import container_name
from pushtune.environment.container_kernel import Kernel
from pushtune.environment.process_table import read_table
from pushtune.errors import MachineError, UsageError
from pushtune.model.containers import HOME_LABEL, LABEL
from pushtune.model.ports import Exit, Handle, Limits
from pushtune.testing.runtime_conformance import wait_for_exit

SLEEPER = "open('ready', 'w').write('1')\nimport time; time.sleep(600)"


def monitor_of(yard: Yard, container: str) -> int:
    """Return the process that the engine has put over a container."""
    pid = yard.engine.inspect([container])[0].pid
    table = read_table()
    if yard.engine.name == "docker":
        return table[pid].parent
    command = subprocess.run(["pgrep", "-f", f"conmon.*{container}"], capture_output=True, text=True)
    return int(command.stdout.split()[0])


def test_an_end_while_nobody_watched_is_told_once(yard: Yard, tmp_path: Path) -> None:
    spec = yard.spec(tmp_path / "attempt", "raise SystemExit(7)")
    handle = yard.runtime().start(spec)
    yard.engine.call("wait", container_id(handle))
    later = yard.runtime()
    assert later.find([spec.label]) == {spec.label: handle}
    assert later.poll(handle, Limits(), spec.folder) == Exit(7)
    assert yard.runtime().find([spec.label]) == {}
    assert yard.runtime().poll(handle, Limits(), spec.folder) == Exit(7)


def test_running_out_of_memory_while_nobody_watched_is_told(yard: Yard, tmp_path: Path) -> None:
    limits = Limits(memory=60 * 2**20)
    spec = yard.spec(tmp_path / "attempt", "held = bytearray(b'x' * 2**28)", limits)
    handle = yard.runtime().start(spec)
    yard.engine.call("wait", container_id(handle))
    ended = yard.runtime().poll(handle, limits, spec.folder)
    assert ended is not None
    assert (ended.code, ended.killed_for) == (-9, "memory")


def test_a_container_that_somebody_removed_is_gone(yard: Yard, tmp_path: Path) -> None:
    runtime = yard.runtime()
    handle = runtime.start(yard.spec(tmp_path / "attempt", SLEEPER))
    wait_for(tmp_path / "attempt" / "ready")
    yard.engine.call("rm", "--force", container_id(handle))
    assert wait_for_exit(runtime, handle, str(tmp_path / "attempt")) == Exit(None)


def test_a_killed_container_was_killed_and_not_out_of_memory(yard: Yard, tmp_path: Path) -> None:
    runtime = yard.runtime()
    handle = runtime.start(yard.spec(tmp_path / "attempt", SLEEPER, Limits(memory=2**30)))
    wait_for(tmp_path / "attempt" / "ready")
    yard.engine.call("kill", container_id(handle))
    ended = wait_for_exit(runtime, handle, str(tmp_path / "attempt"), Limits(memory=2**30))
    assert (ended.code, ended.killed_for) == (-9, "")


def test_a_container_whose_monitor_died_is_not_believed_to_run(yard: Yard, tmp_path: Path) -> None:
    """Docker then ends the container; with Podman it lives on, and nobody is there to see its end."""
    runtime = yard.runtime()
    handle = runtime.start(yard.spec(tmp_path / "attempt", SLEEPER))
    wait_for(tmp_path / "attempt" / "ready")
    os.kill(monitor_of(yard, container_id(handle)), signal.SIGKILL)
    if yard.engine.name == "podman":
        assert runtime.poll(handle, Limits(), str(tmp_path / "attempt")) is None
        os.kill(yard.engine.inspect([container_id(handle)])[0].pid, signal.SIGKILL)
    ended = wait_for_exit(runtime, handle, str(tmp_path / "attempt"))
    assert ended.code in (None, -9)
    assert ended.killed_for == ""


def test_a_script_that_ends_after_its_monitor_has_died_is_done(yard: Yard, tmp_path: Path) -> None:
    code = "import os, time\nopen('ready', 'w').write('1')\nwhile not os.path.exists('go'): time.sleep(0.02)"
    runtime = yard.runtime()
    handle = runtime.start(yard.spec(tmp_path / "attempt", code))
    wait_for(tmp_path / "attempt" / "ready")
    os.kill(monitor_of(yard, container_id(handle)), signal.SIGKILL)
    time.sleep(0.5)
    (tmp_path / "attempt" / "go").touch()
    ended = wait_for_exit(runtime, handle, str(tmp_path / "attempt"))
    # With its monitor Docker has ended the container too.
    assert ended.code in ((0,) if yard.engine.name == "podman" else (None, -9))


def test_what_is_left_of_earlier_attempts_is_removed_when_a_later_one_starts(
    yard: Yard, tmp_path: Path
) -> None:
    first = yard.runtime().start(yard.spec(tmp_path / "1", SLEEPER, label="study/3/1"))
    neighbour = yard.runtime().start(yard.spec(tmp_path / "n", SLEEPER, label="study/33/1"))
    runtime = yard.runtime()
    second = runtime.start(yard.spec(tmp_path / "2", SLEEPER, label="study/3/2"))
    labels = ["study/3/1", "study/3/2", "study/33/1"]
    assert runtime.find(labels) == {"study/3/2": second, "study/33/1": neighbour}
    assert not yard.engine.inspect([container_id(first)])
    assert runtime.sweep(["study/33/1"]) == ["study/3/2"]
    runtime.kill(neighbour)


def test_an_earlier_attempt_that_a_dead_servers_client_started_late_is_removed(
    yard: Yard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pushtune.environment.container_runtime.LATE_AGE", 0.0)
    runtime = yard.runtime()
    second = runtime.start(yard.spec(tmp_path / "2", SLEEPER, label="study/3/2"))
    yard.runtime().start(yard.spec(tmp_path / "1", SLEEPER, label="study/3/1"))
    assert runtime.poll(second, Limits(), str(tmp_path / "2")) is None
    assert set(runtime.find(["study/3/1", "study/3/2"])) == {"study/3/2"}
    runtime.kill(second)


def test_the_same_attempt_is_not_there_twice(yard: Yard, tmp_path: Path) -> None:
    """A server that died before it wrote down that the container had started starts it once more."""
    spec = yard.spec(tmp_path / "attempt", SLEEPER, label="study/1/1")
    first = yard.runtime().start(spec)
    runtime = yard.runtime()
    second = runtime.start(spec)
    assert first != second
    assert [each.id for each in yard.engine.containers(f"{HOME_LABEL}={yard.home}")] == [container_id(second)]
    assert runtime.poll(first, Limits(), spec.folder) is not None
    runtime.kill(second)


def test_another_homes_attempts_are_not_ours(yard: Yard, tmp_path: Path) -> None:
    other = Yard(yard.engine, f"{yard.home}-other")
    theirs = other.runtime().start(other.spec(tmp_path / "theirs", SLEEPER, label="study/1/1"))
    ours = yard.runtime().start(yard.spec(tmp_path / "ours", SLEEPER, label="study/1/1"))
    assert yard.runtime().find(["study/1/1"]) == {"study/1/1": ours}
    assert yard.runtime().sweep([]) == ["study/1/1"]
    assert other.runtime().find(["study/1/1"]) == {"study/1/1": theirs}
    assert other.left() == [container_name(other.home, "study/1/1")]


def test_a_container_outlives_the_program_that_started_it(yard: Yard, tmp_path: Path) -> None:
    code = (
        "import os, sys\nsys.path[:0] = sys.argv[4:]\nfrom pathlib import Path\n"
        "from container_cases import Yard, engine_or_none\n"
        "yard = Yard(engine_or_none(sys.argv[1]), sys.argv[2])\n"
        "spec = yard.spec(Path(sys.argv[3]), 'import time; time.sleep(600)', label='study/1/1')\n"
        "print(yard.runtime().start(spec).identity, flush=True)\nos.kill(os.getpid(), 9)\n"
    )
    arguments = [yard.engine.name, yard.home, str(tmp_path / "attempt"), str(Path(__file__).parent)]
    said = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    runtime = yard.runtime()
    handle = Handle("study/1/1", said.stdout.strip())
    assert runtime.find(["study/1/1"]) == {"study/1/1": handle}
    assert runtime.poll(handle, Limits(), str(tmp_path / "attempt")) is None
    runtime.kill(handle)


def test_polling_asks_the_kernel_and_not_the_engine(yard: Yard, tmp_path: Path) -> None:
    runtime = yard.runtime()
    handle = runtime.start(yard.spec(tmp_path / "attempt", SLEEPER))
    # From here on the client is not there: whoever called it would fail.
    runtime._engine = replace(yard.engine, program="/no/such/client")
    for _ in range(50):
        assert runtime.poll(handle, Limits(), str(tmp_path / "attempt")) is None
        time.sleep(0.01)
    assert runtime.memory(handle) > 0
    with pytest.raises(MachineError, match="/no/such/client"):
        runtime.kill(handle)
    yard.runtime().kill(handle)


def test_an_image_that_is_not_there_is_said_in_a_line(yard: Yard, tmp_path: Path) -> None:
    spec = yard.spec(tmp_path / "attempt", SLEEPER, image="pushtune-no-such-image:1")
    with pytest.raises(MachineError, match="pushtune-no-such-image") as caught:
        yard.runtime().start(spec)
    assert "\n" not in str(caught.value)


def test_an_interpreter_that_is_not_there_is_an_exit_status(yard: Yard, tmp_path: Path) -> None:
    spec = replace(yard.spec(tmp_path / "attempt", ""), command=("/no/such/python",))
    runtime = yard.runtime()
    assert wait_for_exit(runtime, runtime.start(spec), spec.folder).code == 127
    assert "/no/such/python" in (tmp_path / "attempt" / "stdout.log").read_text()


def test_every_character_of_a_variable_and_a_folder_arrives(yard: Yard, tmp_path: Path) -> None:
    values = {"ONE": "a\nb", "TWO": " 'x' \"y\" $HOME \\ =#", "THREE": "", "FOUR": "é"}
    folder = tmp_path / "a folder: é 'with' $(words)"
    code = f"import os; open('said', 'w').write(repr([os.environ[name] for name in {list(values)!r}]))"
    spec = yard.spec(folder, code)
    spec = replace(spec, environment={**spec.environment, **values})
    runtime = yard.runtime()
    assert wait_for_exit(runtime, runtime.start(spec), spec.folder).code == 0
    assert (folder / "said").read_text() == repr(list(values.values()))


def test_a_folder_that_cannot_be_mounted_is_refused(yard: Yard, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be mounted"):
        yard.runtime().start(yard.spec(tmp_path / "a,readonly=false", SLEEPER))


def test_all_of_ours_carries_the_label(yard: Yard, tmp_path: Path) -> None:
    runtime = yard.runtime()
    handle = runtime.start(yard.spec(tmp_path / "attempt", SLEEPER))
    assert container_id(handle) in [each.id for each in yard.engine.containers(LABEL)]
    runtime.kill(handle)


def test_where_processes_are_out_of_sight_the_engine_is_asked(
    yard: Yard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the engine lives in a virtual machine of its own."""
    monkeypatch.setattr(Kernel, "of", staticmethod(lambda pid, container: None))
    runtime = yard.runtime()
    handle = runtime.start(yard.spec(tmp_path / "one", SLEEPER))
    assert runtime.poll(handle, Limits(), str(tmp_path / "one")) is None
    assert runtime.memory(handle) == 0
    runtime.kill(handle)
    assert runtime.find([handle.label]) == {}
    assert yard.run(tmp_path / "two", "raise SystemExit(3)") == Exit(3)
    filler = "import time\nopen('big', 'wb').write(b'x' * 2**22); time.sleep(600)"
    assert yard.run(tmp_path / "three", filler, Limits(disk=2**20)).killed_for == "disk"
    hog = yard.run(tmp_path / "four", "held = bytearray(b'x' * 2**28)", Limits(memory=60 * 2**20))
    assert (hog.code, hog.killed_for) == (-9, "memory")
