"""Stage prepare: the interpreter, what it lacks, and how the machine is divided between trials."""

from __future__ import annotations

import os

from pushtune.analyse.loaders import loaders
from pushtune.analyse.outdated import outdated
from pushtune.model.analysis import Analysis, Script
from pushtune.model.needs import Needs
from pushtune.model.ports import Interpreter
from pushtune.model.states import StageName
from pushtune.pipeline.stage import Done, Step, Waiting
from pushtune.pipeline.workbench import Workbench


class Prepare:
    """Finds the Python that runs the trials; fixes slots and threads for the study's life."""

    name = StageName.PREPARE

    def step(self, bench: Workbench) -> Step:
        """Look for the interpreter and the script's imports; a missing one is told, not yet an error."""
        script, analysis = bench.script, bench.analysis
        prepared = bench.errands.run("prepare", lambda: bench.environment.prepare(needs_of(script, analysis)))
        if prepared is None:
            return Waiting()
        interpreter = prepared.value
        version = ".".join(str(part) for part in interpreter.version)
        threads = bench.fact("threads") or max(1, cores() // slots(bench))
        bench.fix(
            interpreter=interpreter.path, threads=threads, python_version=version, image=interpreter.image
        )
        for line in interpreter.why:
            bench.say(line)
        bench.say(
            f"trials run with Python {version} at {interpreter.path}, {threads} thread{'s' * (threads > 1)}"
        )
        for line in _missing(bench, interpreter):
            bench.say(line)
        what = f"Python {version} at {interpreter.path}, {threads} thread{'s' * (threads > 1)} a trial"
        # Its first reason says which image it is.
        return Done(", ".join((*interpreter.why[:1], what)) if interpreter.image else what)


def needs_of(script: Script, analysis: Analysis) -> Needs:
    """Return what the script needs of its environment."""
    return Needs(
        root=script.root,
        entry=script.entry,
        framework=analysis.framework,
        kind=analysis.kind,
        requirements=analysis.requirements,
        outdated=outdated(script),
        loaders=loaders(script),
    )


def slots(bench: Workbench) -> int:
    """Return how many trials run side by side: what was asked for, else one a core."""
    return bench.settings.jobs or cores()


def cores() -> int:
    """Return the cores that this process may use."""
    return len(os.sched_getaffinity(0))


def _missing(bench: Workbench, interpreter: Interpreter) -> list[str]:
    known = {item.module: item for item in bench.analysis.requirements}
    lines = []
    for module in interpreter.missing:
        item = known[module]
        what = f"{bench.script.name} imports {module}, which {interpreter.path} does not have"
        fix = f"{interpreter.path} -m pip install {item.distribution}" if item.certain else "which is it?"
        lines.append(f"{what} ({fix})")
    return lines
