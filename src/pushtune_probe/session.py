"""What the parts of the probe share while one script runs. Passed on explicitly, never a global."""

import math
import os
import sys
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Set, Tuple

from pushtune_probe import wire
from pushtune_probe.callsite import CallSite, Place
from pushtune_probe.control import Control
from pushtune_probe.data_roles import UNKNOWN, DataRoles
from pushtune_probe.instrument_flags import Flags
from pushtune_probe.loop_metrics import EpochValues, Value
from pushtune_probe.metric_log import MetricLog
from pushtune_probe.reporter import Reporter
from pushtune_probe.workspace_files import WorkspaceFiles

_LONGEST_TEXT = 200


class Refusal(BaseException):
    """Ends the trial because the probe will not let it train on; the script cannot catch it by accident.

    ``kind`` is the kind of the ``failed`` event: ``"parameters"``, ``"diverged"``…
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Resume(NamedTuple):
    """The checkpoint to go on from: its folder, the epoch it was taken after, and its manifest."""

    folder: str
    epoch: int
    manifest: Dict[str, Any]


class Session:
    """One run of the script.

    ``attempt`` is the attempt's absolute folder. ``resume`` is the newest whole checkpoint of the plan, or
    None. ``epochs`` counts the epochs finished over the whole trial, ``stopped_at`` is the epoch at which
    an order ended training. ``fitted_model`` is the object that the script fitted or measured last
    (scikit-learn's kind), ``predicting_model`` the one that it had predict last, ``saved`` names the
    artifacts reported so far. ``mine`` is false in forked children, where hooks must do nothing.
    ``reached`` has a 1 for each watched place that was evaluated. ``epoch_values`` collects what is printed
    while an epoch of the script's own loop runs, and is None otherwise.
    ``steps`` counts the steps of optimizers that hooks saw; each of ``checks`` is asked after such an epoch
    and says why training has diverged, or nothing.
    """

    def __init__(self, plan: wire.Plan, attempt: str) -> None:
        self.plan = plan
        self.attempt = os.path.abspath(attempt)
        self.reporter = Reporter(os.path.join(self.attempt, wire.EVENTS))
        self.control = Control(plan, self.attempt, self.reporter)
        self.callsite = CallSite(plan.workspace)
        self.files = WorkspaceFiles(plan.workspace, plan.checkpoints)
        self.data = DataRoles()
        self.log = MetricLog()
        self.resume = newest_checkpoint(plan)
        self.epochs = self.resume.epoch if self.resume else 0
        self.stopped_at: Optional[int] = None
        self.fitted_model: Any = None
        self.predicting_model: Any = None
        self.stdin_ended: Optional[Place] = None
        self.saved: Set[str] = set()
        self.reached = Flags(len(plan.watch))
        self.epoch_values: Optional[EpochValues] = None
        self.steps = 0
        self.checks: List[Callable[[], str]] = []
        self._told: Set[int] = set()
        self._warned: Set[Tuple[str, str]] = set()
        self._silenced: Set[str] = set()
        self._at_end: List[Callable[[], None]] = []

    @property
    def mine(self) -> bool:
        """Whether this process owns the session."""
        return self.reporter.mine

    def framework(self, name: str, version: str, backend: str = "") -> None:
        """Report a framework, and take its own printing for progress that its hooks report better."""
        self.silence(name)
        self.reporter.emit("framework", name=name, version=version, backend=backend)

    def silence(self, package: str) -> None:
        """Do not look for metrics in what modules of ``package`` print."""
        self._silenced.add(package)

    def is_silenced(self, module: str) -> bool:
        """Whether what ``module`` prints is passed over."""
        return module.partition(".")[0] in self._silenced

    def epoch(
        self,
        epoch: int,
        total: Optional[int],
        seconds: float,
        metrics: Dict[str, Dict[str, Any]],
        *,
        printed: bool = False,
    ) -> None:
        """Report a finished epoch; ``metrics`` as ``wire`` describes: ``{name: {"value", "split"}}``.

        ``printed``: they were read from what the script prints, so that a later print is no copy of them.
        """
        self.epochs = max(self.epochs, epoch)
        for name, entry in metrics.items():
            if not printed:
                self.log.add(name, float(entry["value"]), str(entry.get("split", UNKNOWN)))
            self.log.note(name, float(entry["value"]))
        self.report_reached()
        self.reporter.emit("epoch", epoch=epoch, total=total, seconds=round(seconds, 4), metrics=metrics)

    def report_reached(self) -> None:
        """Report the watched places that were evaluated for the first time since this was last called."""
        places = [index for index, flag in enumerate(self.reached) if flag and index not in self._told]
        if places:
            self._told.update(places)
            self.reporter.emit("reached", places=places)

    def metric(
        self,
        name: str,
        value: Any,
        source: str,
        *,
        split: str = UNKNOWN,
        step: Optional[int] = None,
        line: int = 0,
        text: str = "",
        seen_by_fit: bool = False,
    ) -> None:
        """Report a value that the script measured. ``source`` says what told: ``"keras.evaluate"``."""
        number = float(value)
        if not source.startswith(("stdout:", "stderr:", "file:")):
            self.log.add(name, number, split)
            if self.epoch_values is not None:
                self.epoch_values.measured(Value(name, number, split, source, text, line))
        self.log.note(name, number)
        self.reporter.emit(
            "metric",
            name=name,
            value=number if math.isfinite(number) else None,
            split=split,
            step=step,
            source=source,
            line=line,
            text=text.strip()[:_LONGEST_TEXT],
            seen_by_fit=seen_by_fit,
        )

    def note_end_of_input(self) -> None:
        """Remember where the script read beyond the end of its standard input."""
        self.stdin_ended = self.callsite.nearest(sys._getframe(1)) or self.stdin_ended

    def warn(self, code: str, text: str) -> None:
        """Report something the author should know, once; ``code`` is stable."""
        if (code, text) not in self._warned:
            self._warned.add((code, text))
            self.reporter.emit("warning", code=code, text=text)

    def artifact(self, path: str, origin: str, kind: str = "model") -> None:
        """Report the file or folder at ``path`` (absolute, below the attempt's folder), once."""
        relative = os.path.relpath(path, self.attempt).replace(os.sep, "/")
        if relative in self.saved:
            return
        self.saved.add(relative)
        self.reporter.emit("artifact", kind=kind, path=relative, bytes=_size(path), origin=origin)

    def at_end(self, action: Callable[[], None], *, first: bool = False) -> None:
        """Run ``action`` when the script has ended without an error, before the last event.

        ``first``: before the actions put down so far, which know less of what was trained.
        """
        self._at_end.insert(0 if first else len(self._at_end), action)

    def run_end_actions(self) -> None:
        """Run, once, what was put down for the end. An action that fails is a warning, no failed trial."""
        while self._at_end:
            self.guarded(self._at_end.pop(0))

    def guarded(self, action: Callable[[], Any]) -> Any:
        """Call ``action``; whatever goes wrong in it becomes a warning. For all that is ours alone."""
        try:
            return action()
        except Exception as error:  # the boundary between the probe and the script: ours must not end theirs
            self.warn("probe", "%s: %s" % (type(error).__name__, error))
            return None

    def source_line(self, file: str, line: int) -> str:
        """Return one line of the script's source, stripped, or nothing."""
        import linecache  # only when something is reported: it brings tokenize

        return linecache.getline(file, line).strip()[:_LONGEST_TEXT]


def newest_checkpoint(plan: wire.Plan) -> Optional[Resume]:
    """Return the first checkpoint of the plan that is whole, or None."""
    for folder in plan.checkpoints:
        manifest = wire.read_manifest(folder)
        if manifest is not None:
            return Resume(folder, manifest["epoch"], manifest)
    return None


def _size(path: str) -> int:
    if not os.path.isdir(path):
        return os.path.getsize(path)
    return sum(
        os.path.getsize(os.path.join(base, name)) for base, _, names in os.walk(path) for name in names
    )


def loaded(name: str) -> Any:
    """Return a module if the script (or something on its behalf) has imported it, else None."""
    return sys.modules.get(name)
