"""The shipped fake keeps the same promises as a runtime that starts real processes."""

from __future__ import annotations

import pytest

from pushtune.model.ports import AttemptSpec, Exit, Runtime
from pushtune.testing.fakes import FakeRuntime
from pushtune.testing.runtime_conformance import RuntimeConformance


def _obey(spec: AttemptSpec) -> Exit | None:
    return Exit(int(spec.command[1])) if spec.command[0] == "end" else None


class TestFakeRuntime(RuntimeConformance):
    @pytest.fixture
    def runtime(self) -> FakeRuntime:
        return FakeRuntime(on_start=_obey)

    def sleeper(self) -> tuple[str, ...]:
        return ("sleep",)

    def ending(self, code: int) -> tuple[str, ...]:
        return ("end", str(code))

    def after_our_death(self, runtime: Runtime) -> Runtime:
        assert isinstance(runtime, FakeRuntime)
        runtime.forget()
        return runtime


def test_it_can_be_told_how_an_attempt_ends(tmp_path: object) -> None:
    runtime = FakeRuntime()
    spec = AttemptSpec("one", ("x",), ".", str(tmp_path), {})
    handle = runtime.start(spec)
    assert runtime.alive == ("one",)
    runtime.end("one", -9, "memory")
    assert runtime.poll(handle, spec.limits, spec.folder) == Exit(-9, "memory")
    assert runtime.alive == ()
