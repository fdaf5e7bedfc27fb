"""Run the developer's own tweak program and read what it wants next.

The program is hostile code like any trial: it is started by the same runtime, in the trials' environment,
in a copy of the script, with the history as JSON on its standard input. It may print an assignment (a JSON
object of names and values), or a whole source, or edit the script in place; the difference is the candidate.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import stat
from pathlib import Path
from typing import Any

from pushtune.errors import PushtuneError, UsageError
from pushtune.model.analysis import ScriptFile
from pushtune.model.jobs import RunProgram
from pushtune.model.ports import AttemptSpec, Exit
from pushtune.model.space import Assignment
from pushtune.pipeline.tweak_run import LIMITS, TweakRun
from pushtune.pipeline.workbench import Workbench
from pushtune.source import SourceText

_LARGEST = 4 * 1024 * 1024

_HISTORY = "history.json"
_ANSWER = "answer.txt"
_LOG = "stdout.log"

# Standard input and output by the shell: a runtime starts a command and nothing more.
_SHELL = f'exec "$@" < "$0/{_HISTORY}" > "$0/{_ANSWER}"'


def step_program(bench: Workbench, request: RunProgram) -> bool:
    """Start the program, or see whether it has ended and tell the search; True when it has.

    A failure is told too, as no candidate. After a crash of ours it is started anew: nothing was told.
    """
    running = bench.program
    if running is None or running.request.number != request.number:
        try:
            bench.program = _start(bench, request)
        except UsageError as error:
            return _told(bench, request, None, str(error))
        return False
    exit_ = running.ended()
    if exit_ is None:
        return False
    bench.program = None
    try:
        assignment, message = _read(bench, running.folder, exit_)
    except PushtuneError as error:
        assignment, message = None, str(error)
    shutil.rmtree(running.folder, ignore_errors=True)
    return _told(bench, request, assignment, message)


def _told(bench: Workbench, request: RunProgram, assignment: Assignment | None, message: str) -> bool:
    bench.say(f"tweak program: {message}")
    bench.search.tell_program(request, assignment, message)
    return True


def _start(bench: Workbench, request: RunProgram) -> TweakRun:
    path = _path(bench)
    folder = (bench.folder / "program" / f"{request.number:04d}").absolute()
    label = f"{bench.study_id}/program/{request.number}"
    runtime = bench.environment.runtime()
    for left in runtime.find([label]).values():
        runtime.kill(left)
    shutil.rmtree(folder, ignore_errors=True)
    copy = folder / "copy"
    for file in bench.script.files:
        place = copy / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.data)
    program = copy / ("pushtune-tweak" + path.suffix)
    program.write_bytes(path.read_bytes())
    program.chmod(0o755)
    (folder / _HISTORY).write_text(json.dumps(_history(bench, request)), encoding="utf-8")
    own = (bench.fact("interpreter"), str(program)) if path.suffix == ".py" else (str(program),)
    spec = AttemptSpec(
        label=label,
        command=("/bin/sh", "-c", _SHELL, str(folder), *own),
        workdir=str((copy / bench.script.entry).parent),
        folder=str(folder),
        environment=bench.environment.variables(bench.fact("threads"), bench.study.seed),
        limits=LIMITS,
        container=bench.environment.container(bench.fact("image", ""), bench.script.root),
    )
    return TweakRun(request, runtime, runtime.start(spec), folder)


def _path(bench: Workbench) -> Path:
    """Return the tweak program: what was named, else ``tweak.py`` beside the script."""
    named = bench.settings.program
    root = Path(bench.script.root)
    own = root / named if named else (root / bench.script.entry).with_name("tweak.py")
    path = own if own.is_file() or not named else Path(named)
    if not path.is_file():
        raise UsageError(
            f"there is no tweak program at {path}", fix="name it with --program FILE, or put it there"
        )
    return path.resolve()


def _history(bench: Workbench, request: RunProgram) -> dict[str, Any]:
    """What the program reads: the trials so far, what can be tuned, the target. See docs/reference."""
    return {
        "metric": bench.metric_name,
        "direction": "max" if bench.maximize else "min",
        "target": None if bench.target is None else bench.target.value,
        "script": bench.script.entry,
        "parameters": [
            {"name": one.name, "role": one.role, "value": one.default, "domain": vars(one.domain)}
            for one in bench.space.parameters
        ],
        "trials": [
            {
                "trial": row.trial,
                "assignment": row.assignment.as_dict(),
                "value": row.value,
                "state": row.kind.value,
            }
            for row in request.history
        ],
    }


def _read(bench: Workbench, folder: Path, exit_: Exit) -> tuple[Assignment | None, str]:
    """Read an edit in place first, then an assignment, then a whole source."""
    if exit_.killed_for:
        raise UsageError(f"it was ended: more {exit_.killed_for} than it may have")
    if exit_.code != 0:
        raise UsageError(f"it failed with exit code {exit_.code}: {_last_words(folder)}")
    edited = _taken(folder, f"copy/{bench.script.entry}")
    if edited is not None and edited != bench.script.files[0].data:
        return _from_source(bench, edited, "edited the script")
    text = (_taken(folder, _ANSWER) or b"").decode("utf-8", "surrogateescape")
    if not text.strip() or text.strip() in ("null", "{}"):
        return None, "has nothing more to try"
    if text.strip().startswith("{"):
        return _from_values(bench, text)
    return _from_source(bench, text.encode("utf-8", "surrogateescape"), "printed a source")


def _taken(folder: Path, name: str) -> bytes | None:
    """Return what the program left in a file of its own; None where there is none that may be read.

    It has ended. A link would show it what only we may read.
    """
    path = folder / name
    with contextlib.suppress(OSError):
        found = path.lstat()
        inside = path.resolve() == folder.resolve() / name
        if inside and stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and found.st_size <= _LARGEST:
            return path.read_bytes()
    return None


def _last_words(folder: Path) -> str:
    lines = (_taken(folder, _LOG) or b"").decode("utf-8", "replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return said[-1][:300] if said else "it said nothing"


def _from_values(bench: Workbench, text: str) -> tuple[Assignment, str]:
    try:
        values = json.loads(text)
    except ValueError:
        raise UsageError("printed JSON that cannot be read") from None
    values = values.get("assignment", values)
    names = {parameter.name for parameter in bench.space.parameters}
    epochs = bench.space.epochs
    if epochs is not None:
        names.add(epochs.parameter)
    for name, value in values.items():
        if name not in names:
            raise UsageError(f"named {name!r}, which is no knob of this script")
        if not isinstance(value, (bool, int, float, str, type(None))):
            raise UsageError(f"gave {name} the value {value!r}, which is no single value")
    return Assignment.of(values), "chose " + ", ".join(f"{name}={value}" for name, value in values.items())


def _from_source(bench: Workbench, data: bytes, what: str) -> tuple[Assignment, str]:
    SourceText.read(ScriptFile(bench.script.entry, data))  # raises where it is not Python
    return Assignment((), source=bench.candidates.keep_source(data)), what
