"""From a request to an outcome with nothing left out: a real process, the real probe, the real files."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from trial_cases import Project

from pushtune.environment import ProcessEnvironment
from pushtune.environment.process_runtime import ProcessRuntime
from pushtune.model.jobs import Outcome, OutcomeKind
from pushtune.model.ports import Handle, Limits
from pushtune.testing.runtime_conformance import wait_for_exit
from pushtune.trial import (
    changed_links,
    choose_metric,
    collect_model,
    finish_trial,
    make_attempt,
    outcome_of,
    read_trial,
)

LIMITS = Limits(memory=200 * 1024**2, seconds=60)


@pytest.fixture
def runtime() -> ProcessRuntime:
    return ProcessRuntime()


def _start(runtime: ProcessRuntime, project: Project, code: str, entry: str = "train.py") -> Handle:
    project.write(entry, code)
    variables = ProcessEnvironment().variables(threads=1, seed=7)
    request = project.request(entry, variables=variables, label=f"test-{project.root}", limits=LIMITS)
    return runtime.start(make_attempt(request))


def _outcome(runtime: ProcessRuntime, project: Project, handle: Handle) -> Outcome:
    folder = project.request().folder
    ended = wait_for_exit(runtime, handle, str(folder.attempt(1)), LIMITS)
    outcome = outcome_of(read_trial(folder), ended, wanted="accuracy", limits=LIMITS)
    assert outcome is not None
    return outcome


def test_a_printed_accuracy_is_the_outcome_and_the_saved_model_is_kept(
    runtime: ProcessRuntime, project: Project
) -> None:
    code = "import pickle\npickle.dump([1], open('model.pkl', 'wb'))\nprint('accuracy: 0.91')\n"
    outcome = _outcome(runtime, project, _start(runtime, project, code))
    folder = project.request().folder
    assert (outcome.kind, outcome.value, outcome.report) == (OutcomeKind.FINISHED, 0.91, 0.91)
    choice = choose_metric(read_trial(folder), "accuracy")
    assert choice is not None
    assert choice.says == 'accuracy from the printed line "accuracy: …", line 3'
    assert collect_model(folder) == folder.artifacts / "model.pkl"
    assert changed_links(folder.attempt(1)) == ()
    finish_trial(folder)
    assert sorted(path.name for path in project.root.iterdir()) == [".pushtune", "train.py"]


def test_a_script_that_raises_is_told_with_its_own_line(runtime: ProcessRuntime, project: Project) -> None:
    outcome = _outcome(runtime, project, _start(runtime, project, "x = 1\n\nraise ValueError('bad data')\n"))
    assert outcome.kind is OutcomeKind.FAILED
    assert outcome.message.startswith("ValueError: bad data (")
    assert outcome.message.endswith("train.py, line 3)")


def test_a_script_that_leaves_early_has_finished_without_a_value(
    runtime: ProcessRuntime, project: Project
) -> None:
    for code in ("import sys; sys.exit(0)", "import os; os._exit(0)"):
        outcome = _outcome(runtime, project, _start(runtime, project, code))
        assert (outcome.kind, outcome.value) == (OutcomeKind.FINISHED, None)


def test_memory_that_runs_out_is_told(runtime: ProcessRuntime, project: Project) -> None:
    for code in ("raise MemoryError", "import time; x = bytearray(b'1' * 250 * 2**20); time.sleep(60)"):
        outcome = _outcome(runtime, project, _start(runtime, project, code))
        assert outcome.kind is OutcomeKind.OUT_OF_MEMORY


def test_one_that_is_killed_from_outside_is_lost(runtime: ProcessRuntime, project: Project) -> None:
    handle = _start(runtime, project, "import time\nopen('here', 'w').write('1')\ntime.sleep(600)\n")
    attempt = project.request().folder.attempt(1)
    give_up = time.monotonic() + 30
    while not (attempt / "workspace" / "here").exists():
        assert time.monotonic() < give_up
        time.sleep(0.01)
    os.kill(int(handle.identity.partition(":")[0]), signal.SIGKILL)
    assert _outcome(runtime, project, handle).kind is OutcomeKind.LOST


def test_a_script_that_reaches_its_neighbours_and_local_modules_runs(
    runtime: ProcessRuntime, project: Project
) -> None:
    (project.root.parent / "shared.txt").write_text("0.75")
    project.write("package/__init__.py", "")
    project.write("package/net.py", "def score():\n    return float(open('../shared.txt').read())\n")
    code = "from package.net import score\nprint('accuracy:', score())  # from ../shared.txt\n"
    outcome = _outcome(runtime, project, _start(runtime, project, code))
    assert outcome.value == 0.75, (Path(project.request().folder.attempt(1)) / "stdout.log").read_text()
