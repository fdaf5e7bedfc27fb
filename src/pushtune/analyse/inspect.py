"""From a script to all that reading it can tell. Nothing of it is imported or run."""

from __future__ import annotations

from pushtune.analyse.cautions import cautions
from pushtune.analyse.images import image_shapes
from pushtune.analyse.kinds import recognise
from pushtune.analyse.metrics import guess_metric
from pushtune.analyse.reading import reading_of
from pushtune.analyse.requirements import requirements
from pushtune.model.analysis import Analysis, Observed, Script
from pushtune.rewrite import Rewriter


def inspect(script: Script, observed: Observed | None = None) -> Analysis:
    """Return kind, knobs, moves, metric, requirements and cautions of ``script``.

    ``observed`` is what its run showed, if it was run. Raises ``UnparsableError`` if the entry file is not
    Python that this interpreter can parse.
    """
    rewriter = Rewriter(script, observed=observed)
    reading = reading_of(rewriter.program, rewriter.context.names)
    kind = recognise(reading)
    metric = guess_metric(reading, kind)
    found = rewriter.discovery
    warnings = dict.fromkeys((*cautions(reading, kind, metric), *found.warnings))
    return Analysis(
        script=script.entry,
        framework=kind.framework,
        kind=kind.kind,
        evidence=kind.evidence,
        knobs=found.knobs,
        moves=found.moves,
        metric=metric,
        requirements=requirements(reading.program),
        warnings=tuple(warnings),
        space=found.space,
        loops=found.loops,
        places=found.places,
        images=image_shapes(reading),
    )
