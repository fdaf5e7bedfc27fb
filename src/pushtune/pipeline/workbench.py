"""What the stages of one push work on: the script, its analysis, the search, the ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pushtune.analyse.inspect import inspect
from pushtune.ledger import Ledger, StudyRow, TrialRow, Trials
from pushtune.model.analysis import Analysis, Candidate, Script
from pushtune.model.ports import Environment
from pushtune.model.space import Assignment, Epochs, Space
from pushtune.model.states import Purpose
from pushtune.model.target import Target, direction_of, parse_target
from pushtune.pipeline.candidates import Candidates
from pushtune.pipeline.errands import AtOnce, Errands
from pushtune.pipeline.observing import observed_from_json
from pushtune.pipeline.search import Search, outcome_of
from pushtune.pipeline.tweak_run import TweakRun
from pushtune.settings import Settings
from pushtune.trial import TrialFolder, write_candidate
from pushtune.tune.scheduler import Scheduler
from pushtune.tune.settings import SearchSettings

_LONGEST_STEP = 3600.0
"""Nothing here takes so long between two looks at the clock: it was set, or the machine slept."""

BASELINE = 0
CONFIRMATION = 10_000
"""Trials of the confirmation are numbered from here, so that the search's own numbers stay its own."""


def seconds_between(before: float, now: float) -> float:
    """Return the seconds that were worked between two looks at a clock that may jump."""
    return now - before if 0 <= now - before <= _LONGEST_STEP else 0.0


class Workbench:
    """One study's tools. Not thread-safe; nothing in it outlives the process that cannot be rebuilt.

    ``now`` returns unix seconds; ``say`` takes one line for the person who watches; ``errands`` does what
    takes long and is not a trial (default: while the caller waits); ``analysis`` is what reading the script
    told, where it was read already.
    """

    def __init__(
        self,
        ledger: Ledger,
        study: StudyRow,
        folder: Path,
        script: Script,
        settings: Settings,
        environment: Environment,
        now: Callable[[], float],
        say: Callable[[str], None],
        errands: Errands | None = None,
        analysis: Analysis | None = None,
    ) -> None:
        self.ledger = ledger
        self.study_id = study.id
        self.folder = folder
        self.script = script
        self.settings = settings
        self.environment = environment
        self.now = now
        self.say = say
        self.errands = errands or AtOnce()
        self.trials: Trials = ledger.trials(study.id)
        self.program: TweakRun | None = None
        self._read_before = analysis
        self._looked = now()
        self._spent = study.spent

    @property
    def study(self) -> StudyRow:
        """The study's row as it is now."""
        row = self.ledger.studies.get(self.study_id)
        assert row is not None
        return row

    @property
    def analysis(self) -> Analysis:
        """What reading the script tells; once the baseline has run, with what only that could show."""
        return self._settled_analysis if "observed" in self.study.facts else self._first_analysis

    @cached_property
    def _first_analysis(self) -> Analysis:
        return self._read_before or inspect(self.script)

    @cached_property
    def _settled_analysis(self) -> Analysis:
        return inspect(self.script, observed_from_json(self.fact("observed")))

    @property
    def candidates(self) -> Candidates:
        """What makes candidates; it knows what the baseline showed as soon as that has run."""
        return self._settled_candidates if "observed" in self.study.facts else self._first_candidates

    @cached_property
    def _first_candidates(self) -> Candidates:
        return Candidates(self.script, self.folder / "sources")

    @cached_property
    def _settled_candidates(self) -> Candidates:
        observed = observed_from_json(self.fact("observed"))
        return Candidates(self.script, self.folder / "sources", observed)

    @property
    def target(self) -> Target | None:
        """What must be reached, if anything."""
        return None if self.settings.target is None else parse_target(self.settings.target)

    @property
    def metric(self) -> str | None:
        """The metric's name, as far as it was said."""
        if self.settings.metric is not None:
            return self.settings.metric
        return None if self.target is None else self.target.metric

    @property
    def metric_name(self) -> str:
        """The metric's name for people."""
        guess = self.analysis.metric
        return self.metric or self.fact("metric_found") or (guess.name if guess else "accuracy")

    @property
    def maximize(self) -> bool:
        """Whether more is better."""
        if self.target is not None:
            return self.target.direction == "max"
        guess = self.analysis.metric
        if self.metric is None and guess is not None and self.metric_name == guess.name:
            return guess.direction == "max"
        return direction_of(self.metric_name) == "max"

    @property
    def space(self) -> Space:
        """What is searched: the analysis' space, with the epochs that this study may spend on a trial."""
        return self._space(self.study.facts.get("max_epochs"))

    def _space(self, maximum: int | None) -> Space:
        space = self.analysis.space
        if space.epochs is None or maximum is None:
            return space
        epochs: Epochs = space.epochs
        rungs = epochs.rungs and self.settings.rungs and self.fact("rungs", True)
        return Space(
            space.parameters,
            replace(epochs, maximum=maximum, rungs=rungs),
        )

    @cached_property
    def search(self) -> Search:
        """The search, rebuilt from the ledger. The baseline must have ended."""
        baseline = self.baseline
        assert baseline is not None
        settings = self.settings
        facts = self.study.facts
        scheduler = Scheduler(
            # As it was before the first ask: what changed since is replayed.
            self._space(facts.get("first_max_epochs", facts["max_epochs"])),
            "max" if self.maximize else "min",
            self.target,
            SearchSettings(
                strategy=settings.strategy,
                trials=facts["trials"],
                patience=facts["patience"],
                seed=self.study.seed,
                rungs=settings.rungs,
                first_rung=facts["first_rung"],
            ),
            outcome_of(baseline),
        )
        return Search(self.trials, scheduler, seed=self.study.seed)

    @property
    def baseline(self) -> TrialRow | None:
        """The untouched script's trial, if it exists."""
        return self.trials.get(BASELINE)

    def fact(self, name: str, default: Any = None) -> Any:
        """Return what the study holds fixed under ``name``."""
        return self.study.facts.get(name, default)

    def fix(self, **facts: Any) -> None:
        """Hold ``facts`` fixed for the study's life."""
        self.ledger.studies.set_facts(self.study_id, facts)

    def elapsed(self) -> float:
        """Seconds of wall time that this study has used, over all commands."""
        now = self.now()
        self._spent += seconds_between(self._looked, now)
        self._looked = now
        return self._spent

    def trial_folder(self, number: int) -> TrialFolder:
        """Return the folder of one trial."""
        return TrialFolder.of(self.folder, number)

    def has_candidate(self, number: int) -> bool:
        """Whether the trial's source is written."""
        return self.trial_folder(number).candidate.is_dir()

    def want(self, trial: TrialRow) -> None:
        """Want a trial that no scheduler asked for; its candidate is written first."""
        self.write_candidate(trial.number, trial.assignment)
        self.trials.want(trial)

    def write_candidate(self, number: int, assignment: Assignment) -> Candidate:
        """Write an assignment's source into its trial's folder. ``InfeasibleError`` if there is none."""
        candidate = self.candidates.of(assignment)
        write_candidate(self.trial_folder(number), candidate)
        return candidate

    def busy(self) -> int:
        """How many trials are wanted or run."""
        return sum(1 for row in self.trials.all() if row.state.value in ("wanted", "running"))

    def of_purpose(self, *purposes: Purpose) -> list[TrialRow]:
        """Return the trials that exist for one of ``purposes``."""
        return [row for row in self.trials.all() if row.purpose in purposes]


def measured(trial: TrialRow) -> float | None:
    """Return what a finished trial is said to reach: the script's own last word, else the selection."""
    return trial.report if trial.report is not None else trial.value
