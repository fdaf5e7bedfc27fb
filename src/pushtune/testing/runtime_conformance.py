# ruff: noqa: D102 - the tests are named in sentences
"""What every ``Runtime`` promises, as tests. Subclass it in a test module and give it a ``runtime`` fixture.

The commands are real ones; a runtime that runs nothing overrides the three methods that make things happen.
"""

from __future__ import annotations

import os
import sys
import time
import uuid
from pathlib import Path

from pushtune.model.ports import AttemptSpec, Exit, Handle, Limits, Runtime

PATIENCE = 30.0
"""Seconds after which a test gives up waiting. No test says how quick something is."""


MIB = 1024 * 1024


def wait_for_exit(runtime: Runtime, handle: Handle, folder: str, limits: Limits | None = None) -> Exit:
    """Poll until the attempt has ended and return how; fail after ``PATIENCE`` seconds."""
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        ended = runtime.poll(handle, limits or Limits(), folder)
        if ended is not None:
            return ended
        time.sleep(0.01)
    runtime.kill(handle)
    raise AssertionError(f"{handle} lives on")


class RuntimeConformance:
    """Start, find, poll, kill: the promises of ``Runtime`` that hold wherever attempts run."""

    end_after_our_death: int | None = None
    """The code told of an earlier program's attempt that was killed: None, unless an engine saw it end."""

    def python(self, code: str) -> tuple[str, ...]:
        """Return a command that runs ``code``."""
        return (sys.executable, "-c", code)

    def sleeper(self) -> tuple[str, ...]:
        """Return a command that lives until it is killed."""
        return self.python("import time\nwhile True: time.sleep(60)")

    def ending(self, code: int) -> tuple[str, ...]:
        """Return a command that ends at once with status ``code``."""
        return self.python(f"raise SystemExit({code})")

    def after_our_death(self, runtime: Runtime) -> Runtime:
        """Return the runtime as a new program would have it: it has started none of what lives."""
        return type(runtime)()

    def spec(self, folder: Path, command: tuple[str, ...], limits: Limits | None = None) -> AttemptSpec:
        """Return an attempt with a label of its own that runs ``command`` in ``folder``."""
        return AttemptSpec(
            label=f"conformance-{os.getpid()}-{uuid.uuid4().hex}",
            command=command,
            workdir=str(folder),
            folder=str(folder),
            environment=dict(os.environ),
            limits=limits or Limits(),
        )

    def test_an_attempt_that_lives_has_not_ended(self, runtime: Runtime, tmp_path: Path) -> None:
        handle = runtime.start(self.spec(tmp_path, self.sleeper()))
        assert runtime.poll(handle, Limits(), str(tmp_path)) is None
        # The kernel's count of a process that has only begun may still be 0.
        give_up = time.monotonic() + PATIENCE
        while not runtime.memory(handle) and time.monotonic() < give_up:
            time.sleep(0.01)
        assert runtime.memory(handle) > 0
        runtime.kill(handle)

    def test_the_exit_status_is_told(self, runtime: Runtime, tmp_path: Path) -> None:
        for code in (0, 3):
            handle = runtime.start(self.spec(tmp_path, self.ending(code)))
            assert wait_for_exit(runtime, handle, str(tmp_path)).code == code

    def test_an_end_is_told_again_and_again(self, runtime: Runtime, tmp_path: Path) -> None:
        handle = runtime.start(self.spec(tmp_path, self.ending(5)))
        first = wait_for_exit(runtime, handle, str(tmp_path))
        assert runtime.poll(handle, Limits(), str(tmp_path)) == first

    def test_a_live_attempt_is_found_by_its_label(self, runtime: Runtime, tmp_path: Path) -> None:
        spec = self.spec(tmp_path, self.sleeper())
        handle = runtime.start(spec)
        assert runtime.find([spec.label, "nobody"]) == {spec.label: handle}
        assert runtime.find([]) == {}
        runtime.kill(handle)

    def test_a_killed_attempt_is_gone(self, runtime: Runtime, tmp_path: Path) -> None:
        spec = self.spec(tmp_path, self.sleeper())
        handle = runtime.start(spec)
        runtime.kill(handle)
        assert runtime.find([spec.label]) == {}
        assert runtime.memory(handle) == 0
        assert wait_for_exit(runtime, handle, str(tmp_path)).code != 0

    def test_killing_twice_is_no_error(self, runtime: Runtime, tmp_path: Path) -> None:
        handle = runtime.start(self.spec(tmp_path, self.sleeper()))
        runtime.kill(handle)
        runtime.kill(handle)
        assert runtime.find([handle.label]) == {}

    def test_killing_one_leaves_the_other_alone(self, runtime: Runtime, tmp_path: Path) -> None:
        one, other = (runtime.start(self.spec(tmp_path, self.sleeper())) for _ in range(2))
        runtime.kill(one)
        assert runtime.find([one.label, other.label]) == {other.label: other}
        runtime.kill(other)

    def test_after_our_death_it_is_found_with_the_same_identity(
        self, runtime: Runtime, tmp_path: Path
    ) -> None:
        spec = self.spec(tmp_path, self.sleeper())
        handle = runtime.start(spec)
        later = self.after_our_death(runtime)
        assert later.find([spec.label]) == {spec.label: handle}
        assert later.poll(handle, Limits(), str(tmp_path)) is None
        later.kill(handle)
        assert later.find([spec.label]) == {}
        assert wait_for_exit(later, handle, str(tmp_path)) is not None
        runtime.kill(handle)

    def test_an_attempt_of_an_earlier_program_ends_as_whoever_was_there_saw_it(
        self, runtime: Runtime, tmp_path: Path
    ) -> None:
        handle = runtime.start(self.spec(tmp_path, self.sleeper()))
        later = self.after_our_death(runtime)
        assert later.poll(handle, Limits(), str(tmp_path)) is None
        self.end_from_outside(runtime, handle)
        assert wait_for_exit(later, handle, str(tmp_path)).code == self.end_after_our_death

    def end_from_outside(self, runtime: Runtime, handle: Handle) -> None:
        """End the attempt as somebody else would, so that only its parent learns how."""
        runtime.kill(handle)


class RealRuntimeConformance(RuntimeConformance):
    """What is promised besides by every runtime that runs real commands: the log, and the limits."""

    def run(self, runtime: Runtime, folder: Path, code: str, limits: Limits | None = None) -> Exit:
        """Run ``code`` to its end, or to the end that a limit makes of it."""
        handle = runtime.start(self.spec(folder, self.python(code), limits))
        return wait_for_exit(runtime, handle, str(folder), limits)

    def test_what_it_prints_goes_to_the_log_and_it_is_asked_nothing(
        self, runtime: Runtime, tmp_path: Path
    ) -> None:
        code = "import sys; print('out'); print('err', file=sys.stderr); print(repr(sys.stdin.read()))"
        assert self.run(runtime, tmp_path, code).code == 0
        assert sorted((tmp_path / "stdout.log").read_text().splitlines()) == ["''", "err", "out"]

    def test_an_endless_log_keeps_its_tail_and_its_size(self, runtime: Runtime, tmp_path: Path) -> None:
        code = "for number in range(50_000): print('line', number, flush=number % 1000 == 0)"
        self.run(runtime, tmp_path, code, Limits(log=64 * 1024))
        text = (tmp_path / "stdout.log").read_text()
        assert len(text) <= 64 * 1024
        assert text.endswith("line 49999\n")

    def test_a_tree_that_holds_too_much_memory_is_killed(self, runtime: Runtime, tmp_path: Path) -> None:
        code = "import os, time; os.fork(); held = bytearray(b'x' * (80 * 2**20)); time.sleep(600)"
        ended = self.run(runtime, tmp_path, code, Limits(memory=120 * MIB))
        assert (ended.code != 0, ended.killed_for) == (True, "memory")
        assert ended.peak_memory > 100 * MIB

    def test_an_attempt_that_runs_too_long_is_killed(self, runtime: Runtime, tmp_path: Path) -> None:
        ended = self.run(runtime, tmp_path, "import time; time.sleep(600)", Limits(seconds=0.3))
        assert (ended.code != 0, ended.killed_for) == (True, "time")

    def test_an_attempt_that_writes_too_much_is_killed(self, runtime: Runtime, tmp_path: Path) -> None:
        code = "import time; open('big', 'wb').write(b'x' * 4 * 2**20); time.sleep(600)"
        ended = self.run(runtime, tmp_path, code, Limits(disk=2 * MIB))
        assert (ended.code != 0, ended.killed_for) == (True, "disk")

    def test_children_that_left_their_session_die_with_it(self, runtime: Runtime, tmp_path: Path) -> None:
        """A daemon that ignores SIGTERM writes on and on; once its attempt has ended it writes no more."""
        code = (
            "import os, signal, time\n"
            "if os.fork() == 0:\n"
            "    os.setsid()\n"
            "    if os.fork(): os._exit(0)\n"
            "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "    while True: open('alive', 'a').write('x'); time.sleep(0.01)\n"
            "while not os.path.exists('alive'): time.sleep(0.01)\n"
        )
        assert self.run(runtime, tmp_path, code).code == 0
        written = (tmp_path / "alive").stat().st_size
        time.sleep(0.2)
        assert (tmp_path / "alive").stat().st_size == written
