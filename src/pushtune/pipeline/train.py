"""Stage train: trial 0, the untouched script. What it reaches and what it costs decides the rest."""

from __future__ import annotations

from pushtune.analyse.preflight_failure import Cause, Failed, cause_of
from pushtune.errors import CrashLoopError, MetricError, ScriptError
from pushtune.ledger import TrialRow, new_trial
from pushtune.model.jobs import OutcomeKind
from pushtune.model.space import Assignment
from pushtune.model.states import Purpose, StageName, TrialState
from pushtune.pipeline.arms import Arm, filled
from pushtune.pipeline.costs import estimate, first_rung, most_epochs
from pushtune.pipeline.observing import observed, observed_to_json
from pushtune.pipeline.results import hand_over
from pushtune.pipeline.stage import Done, Over, Step, Waiting
from pushtune.pipeline.workbench import BASELINE, Workbench, measured
from pushtune.trial import MetricChoice, choose_metric, is_crash_loop, missing_metric, read_trial


class Train:
    """Runs the baseline. Its failure is the script's own."""

    name = StageName.TRAIN

    def step(self, bench: Workbench) -> Step:
        """Want trial 0, wait for it, judge it."""
        baseline = bench.baseline
        if baseline is None or _retriable(baseline):
            self._want(bench)
            return Waiting()
        if not baseline.over:
            return Waiting()
        value = _judged(bench, baseline)
        _fix_budget(bench, baseline)
        bench.say(f"baseline: {bench.metric_name} {value:.4f} in {baseline.seconds:.1f} s")
        if _could_pause(bench) and not bench.fact("rungs"):
            bench.say(f"{bench.metric_name} is not told after each epoch: trials run in one piece")
        if bench.target is not None and bench.target.met_by(value):
            why = f"the script as it stands meets the target: {bench.metric_name} {value:.4f}"
            own = filled(bench, Arm(Purpose.BASELINE, Assignment(), (bench.study.seed,)))
            hand_over(bench, [own, own], why=why)
            bench.say(why)
            return Over(why)
        bench.say(estimate(bench, baseline).sentence())
        return Done(f"{bench.metric_name} {value:.4f}")

    def _want(self, bench: Workbench) -> None:
        bench.say(f"running {bench.script.name} untouched")
        seed = bench.study.seed
        bench.want(
            new_trial(bench.study_id, BASELINE, Purpose.BASELINE, Assignment(), seed=seed, now=bench.now())
        )


def _retriable(baseline: TrialRow) -> bool:
    """A failed baseline is tried again by the next command: its cause may have been mended meanwhile."""
    return baseline.over and baseline.state is not TrialState.FINISHED and baseline.told


def _judged(bench: Workbench, baseline: TrialRow) -> float:
    kind = OutcomeKind(baseline.state.value)
    name = bench.script.name
    if kind is OutcomeKind.FINISHED:
        value = measured(baseline)
        if value is None:
            progress = read_trial(bench.trial_folder(baseline.number))
            message, fix = missing_metric(progress, bench.metric, bench.analysis.metric)
            raise MetricError(f"{name} ran to its end, but {message}", fix=fix)
        return value
    bench.trials.acknowledge(baseline.number)
    if kind is OutcomeKind.OUT_OF_MEMORY:
        raise ScriptError(
            f"{name} ran out of memory, unchanged", fix="raise --memory, or lower its batch size"
        )
    if kind is OutcomeKind.TIMED_OUT:
        raise ScriptError(f"{name} did not end within the time limit", fix="raise --trial-time")
    if kind is OutcomeKind.DIVERGED:
        raise ScriptError(
            f"{name} diverges, unchanged: its loss is not a number", fix="lower its learning rate"
        )
    if kind is OutcomeKind.LOST:
        why = f": {baseline.message}" if is_crash_loop(baseline) else ""
        raise CrashLoopError(
            f"the process of {name} died again and again{why}", fix="look at its log and at the machine's"
        )
    *traceback, what = baseline.message.strip().splitlines() or [""]
    cause = _cause(bench, baseline)
    code = f" ({cause.code})" if cause is not None else ""
    fix = cause.fix if cause is not None else "mend it, then push it or run it again"
    raise ScriptError(f"{name} fails, unchanged{code}: {what}", details="\n".join(traceback), fix=fix)


def _cause(bench: Workbench, baseline: TrialRow) -> Cause | None:
    """Return why the script failed, if that is one of the known causes."""
    failure = read_trial(bench.trial_folder(baseline.number)).failed
    if failure is None:
        return None
    lines = _lines_of(bench, failure.file)
    source = lines[failure.line - 1] if 0 < failure.line <= len(lines) else ""
    failed = Failed(failure.type, failure.message, failure.file, source)
    return cause_of(failed, bench.analysis.requirements, str(bench.fact("interpreter")))


def _lines_of(bench: Workbench, path: str) -> list[str]:
    for file in bench.script.files:
        if file.path == path:
            return file.data.decode("utf-8", "replace").splitlines()
    return []


def _fix_budget(bench: Workbench, baseline: TrialRow) -> None:
    """Fix what the search may spend, once: a replay must find the same."""
    if bench.fact("trials") is not None:
        return
    settings = bench.settings
    progress = read_trial(bench.trial_folder(baseline.number))
    choice = choose_metric(progress, bench.metric, bench.analysis.metric)
    bench.fix(observed=observed_to_json(observed(progress, bench.analysis.places)))
    startup = max(0.0, baseline.seconds - sum(progress.epoch_seconds))
    maximum = most_epochs(bench, baseline, startup, progress.epoch_seconds)
    bench.fix(
        trials=settings.trials,
        patience=settings.patience or max(12, settings.trials // 2),
        max_epochs=maximum,
        startup_seconds=startup,
        first_rung=first_rung(progress.fits[0].steps if progress.fits else None, maximum or 1),
        parameters=None if progress.model is None else progress.model.parameters,
        rungs=progress.rungs and _told_on_the_way(choice),
        chosen_on=_chosen_on(choice),
        report_data=_report_data(choice),
        metric_source="" if choice is None else choice.says,
        # What the script reports may not be what its source seemed to.
        metric_found=_found_name(bench, choice),
    )


def _could_pause(bench: Workbench) -> bool:
    """Whether trials would be compared between epochs, as far as reading the source and the settings go."""
    epochs = bench.analysis.space.epochs
    return epochs is not None and epochs.rungs and bench.settings.rungs


def _told_on_the_way(choice: MetricChoice | None) -> bool:
    """Whether there is a value to compare paused trials by. Without one none would ever go on."""
    return choice is not None and bool(choice.curve or choice.proxy is not None)


def _found_name(bench: Workbench, choice: MetricChoice | None) -> str | None:
    """Return the name of the metric that nobody named, as the baseline reported it."""
    if choice is None or bench.metric is not None:
        return None
    return choice.name


def _chosen_on(choice: MetricChoice | None) -> str:
    """On which data the search compares candidates."""
    if choice is None:
        return ""
    if choice.looks_at_test:
        return "the script's test set"
    return f"the script's {choice.selection_split} data"


def _report_data(choice: MetricChoice | None) -> str:
    """On which data the script's own last word was measured."""
    if choice is None or choice.report_split == "unknown":
        return "the data that the script reports on"
    return f"{choice.report_split} set"
