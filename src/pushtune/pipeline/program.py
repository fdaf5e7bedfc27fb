"""Run the developer's own tweak program and read what it wants next.

The program is started in the trials' interpreter, in a copy of the project, with the history as JSON on
its standard input. It may print an assignment (a JSON object of names and values), or a whole source, or
edit the script in place; the difference is the candidate.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from pushtune.errors import PushtuneError, UsageError
from pushtune.model.analysis import ScriptFile
from pushtune.model.jobs import RunProgram
from pushtune.model.space import Assignment
from pushtune.pipeline.workbench import Workbench
from pushtune.process import run
from pushtune.source import SourceText

_SECONDS = 120.0
_MOST = 4 * 1024 * 1024


def run_program(bench: Workbench, request: RunProgram) -> None:
    """Run it once and tell the search what came of it; a failure is told too, as no candidate."""
    path = _path(bench)
    folder = bench.folder / "program" / f"{request.number:04d}"
    try:
        printed = _run(bench, path, folder, request)
        assignment, message = _read(bench, folder, printed)
    except PushtuneError as error:
        assignment, message = None, str(error)
    shutil.rmtree(folder, ignore_errors=True)
    bench.say(f"tweak program: {message}")
    bench.search.tell_program(request, assignment, message)


def _path(bench: Workbench) -> Path:
    """Return the tweak program: what was named, else ``tweak.py`` beside the script."""
    named = bench.settings.program
    entry = Path(bench.script.root, bench.script.entry)
    path = Path(named) if named else entry.with_name("tweak.py")
    if not path.is_file():
        raise UsageError(
            f"there is no tweak program at {path}", fix="name it with --program FILE, or put it there"
        )
    return path.resolve()


def _run(bench: Workbench, path: Path, folder: Path, request: RunProgram) -> str:
    shutil.rmtree(folder, ignore_errors=True)
    for file in bench.script.files:
        copy = folder / file.path
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.data)
    program = folder / "pushtune-tweak.py"
    program.write_bytes(path.read_bytes())
    executable = path.suffix != ".py"
    command = [str(path)] if executable else [bench.fact("interpreter"), str(program)]
    completed = run(
        command,
        cwd=str((folder / bench.script.entry).parent),
        env=bench.environment.variables(bench.fact("threads"), bench.study.seed),
        input=json.dumps(_history(bench, request)),
        timeout=_SECONDS,
        check=False,
    )
    if completed.code != 0:
        raise UsageError(f"it failed with exit code {completed.code}: {completed.last_words[:300]}")
    return completed.stdout[:_MOST]


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


def _read(bench: Workbench, folder: Path, printed: str) -> tuple[Assignment | None, str]:
    """Read an edit in place first, then an assignment, then a whole source."""
    edited = (folder / bench.script.entry).read_bytes()
    if edited != bench.script.files[0].data:
        return _from_source(bench, edited, "edited the script")
    text = printed.strip()
    if not text or text in ("null", "{}"):
        return None, "has nothing more to try"
    if text.startswith("{"):
        return _from_values(bench, text)
    return _from_source(bench, printed.encode("utf-8", "surrogateescape"), "printed a source")


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
