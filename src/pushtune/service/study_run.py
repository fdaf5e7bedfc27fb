"""One study's trials, kept as its stages want them: the step that `tune` and `serve` have in common."""

from __future__ import annotations

from collections.abc import Callable

from pushtune.environment.kernels import kernel_variables
from pushtune.model.ports import Limits, Runtime
from pushtune.pipeline import Workbench
from pushtune.pipeline.prepare import slots
from pushtune.pipeline.workbench import seconds_between
from pushtune.reconcile import Demand, Recipe, Reconciler

SAVE_SECONDS = 5.0
_PARAMETERS_FACTOR = 20
"""A candidate may have so many times the baseline's parameters."""


class StudyRun:
    """Starts, looks at and ends what one study's stages want. Not thread-safe.

    ``runtime`` makes what starts attempts; it is not asked before there is something to train or to find
    again: a study that is over needs no engine. ``silence``: seconds after which a trial that says nothing is
    started again; None: never.
    """

    def __init__(
        self,
        bench: Workbench,
        runtime: Callable[[], Runtime],
        *,
        say: Callable[[str], None],
        silence: float | None = None,
    ) -> None:
        self._bench = bench
        self._runtime = runtime
        self._say = say
        self._silence = silence
        self._reconciler: Reconciler | None = None
        self._saved = bench.now()

    def act(self, slots: int | None = None) -> None:
        """Start what the stages want, in at most ``slots`` slots; stop what they want no more."""
        self.adopt()
        assert self._reconciler is not None
        # What only the baseline's run could show.
        if self._reconciler.recipe.max_parameters is None and self._bench.fact("parameters"):
            self._reconciler.use(self._recipe())
        self._reconciler.act(slots)

    def adopt(self) -> None:
        """Find again what an earlier program left running, and nothing else."""
        if self._reconciler is None:
            self._reconciler = self._adopting()

    def look(self) -> bool:
        """See how the live attempts go on; whether anything changed. Cheap: called many times a second."""
        if not 0 <= self._bench.now() - self._saved < SAVE_SECONDS:
            self.save_time()
        program = self._bench.program
        try:
            changed = self._reconciler is not None and self._reconciler.look()
        finally:
            # Also where an engine is away: this one may have ended all the same.
            answered = program is not None and program.ended() is not None
        return changed or answered

    def demand(self) -> Demand | None:
        """Return how many slots the study has and could use now; None before its first trial."""
        return None if self._reconciler is None else self._reconciler.demand()

    def close(self) -> None:
        """End what still waits at rungs: the study is over."""
        if self._reconciler is not None:
            self._reconciler.close()
        self.save_time()

    def stop(self) -> None:
        """End every live attempt, now; what they had saved is gone on from later."""
        if self._bench.program is not None:
            self._bench.program.stop()
            self._bench.program = None
        if self._reconciler is not None:
            self._reconciler.shut_down()
        self.save_time()

    def save_time(self) -> None:
        """Write how much wall time the study has used."""
        now = self._bench.now()
        self._bench.ledger.studies.add_spent(self._bench.study_id, seconds_between(self._saved, now))
        self._saved = now

    def _adopting(self) -> Reconciler:
        bench = self._bench
        reconciler = Reconciler(
            bench.trials, bench.folder, self._recipe(), self._runtime(), bench.now, self._say
        )
        adopted = reconciler.adopt()
        if adopted:
            self._say(f"found {adopted} attempt{'s' * (adopted > 1)} still running")
        return reconciler

    def _recipe(self) -> Recipe:
        bench = self._bench
        settings = bench.settings
        parameters = bench.fact("parameters")
        return Recipe(
            script=bench.script,
            environment=bench.environment,
            interpreter=bench.fact("interpreter"),
            slots=slots(bench),
            threads=bench.fact("threads"),
            limits=Limits(memory=settings.memory_limit, seconds=settings.trial_time),
            wanted_metric=bench.metric,
            guess=bench.analysis.metric,
            loops=bench.analysis.loops,
            places=bench.analysis.places,
            max_parameters=None if parameters is None else _PARAMETERS_FACTOR * parameters,
            silence=self._silence,
            defaults=kernel_variables(bench.analysis),
            container=bench.environment.container(bench.fact("image", ""), bench.script.root),
        )
