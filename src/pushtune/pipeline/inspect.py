"""Stage inspect: read the source, and refuse what cannot be tuned before anything runs."""

from __future__ import annotations

from pushtune.errors import NothingToTuneError
from pushtune.model.states import StageName
from pushtune.pipeline.stage import Done, Step
from pushtune.pipeline.workbench import Workbench
from pushtune.report.words import counted


class Inspect:
    """Kind, knobs, moves, metric."""

    name = StageName.INSPECT

    def step(self, bench: Workbench) -> Step:
        """Read the script once; ``NothingToTuneError`` if it offers nothing."""
        analysis = bench.analysis
        if not analysis.space.parameters and bench.settings.strategy != "program":
            raise NothingToTuneError(
                f"{bench.script.name}: there is nothing to tune: no knob and no move was found",
                fix=f"`pushtune inspect {bench.script.entry}` shows what was read; "
                "a tweak program can change anything (--strategy program)",
            )
        knobs, moves = counted(len(analysis.knobs), "knob"), counted(len(analysis.moves), "move")
        what = f"{analysis.framework} {analysis.kind}: {knobs}, {moves}"
        bench.say(what)
        return Done(what)
