"""How a trial's training ended: the process's end and the events, told apart into one ``Outcome``."""

from __future__ import annotations

import signal

from pushtune.model.analysis import MetricGuess
from pushtune.model.jobs import Outcome, OutcomeKind
from pushtune.model.ports import Exit, Limits
from pushtune.trial.metric import MetricChoice, choose_metric
from pushtune.trial.progress import FailureReport, Progress
from pushtune_probe import wire

NEAR_MEMORY_LIMIT = 0.9
"""A process killed from outside with this share of its memory limit in use is taken to have run out."""

_FAILURE_KINDS = {
    "memory": OutcomeKind.OUT_OF_MEMORY,
    "diverged": OutcomeKind.DIVERGED,
}

# Sent by people, by shutdowns and by the kernel's memory killer: no fault of the script's.
_FROM_OUTSIDE = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT})


def outcome_of(
    progress: Progress,
    ended: Exit | None,
    *,
    wanted: str | None,
    guess: MetricGuess | None = None,
    limits: Limits | None = None,
    order: int = 0,
    seconds: float = 0.0,
) -> Outcome | None:
    """Return how the job ended, or None while it trains on.

    ``progress`` joins all attempts of the trial; ``ended`` is how the last one's process ended, None
    while it lives; ``order`` is the number of the last order given to it (a pause under an older one
    is not an end); ``seconds`` are put into the outcome as they are.
    """
    kind, message = _how(progress, ended, limits or Limits(), order)
    if kind is None:
        return None
    choice = choose_metric(progress, wanted, guess)
    return Outcome(
        kind=kind,
        value=_value(kind, choice),
        report=choice.report if choice is not None and kind is OutcomeKind.FINISHED else None,
        epochs=progress.epochs_done,
        curve=choice.curve if choice is not None else (),
        seconds=seconds,
        message=message,
    )


def _value(kind: OutcomeKind, choice: MetricChoice | None) -> float | None:
    if choice is None:
        return None
    if kind is OutcomeKind.FINISHED:
        return choice.selection
    return choice.curve[-1] if choice.curve else choice.proxy


def _how(
    progress: Progress, ended: Exit | None, limits: Limits, order: int
) -> tuple[OutcomeKind | None, str]:
    if progress.failed is not None:
        return _FAILURE_KINDS.get(progress.failed.kind, OutcomeKind.FAILED), failure_text(progress.failed)
    if progress.finished:
        return _unless_diverged(OutcomeKind.FINISHED, progress)
    if progress.paused_at is not None and progress.order_obeyed >= order:
        return _unless_diverged(OutcomeKind.PAUSED, progress)
    return (None, "") if ended is None else _how_process_ended(progress, ended, limits)


def _unless_diverged(kind: OutcomeKind, progress: Progress) -> tuple[OutcomeKind, str]:
    """Return ``kind``, or diverged where the loss on the training data is not a number any more."""
    if progress.diverged_at is not None:
        return OutcomeKind.DIVERGED, f"the loss was not a number after epoch {progress.diverged_at}"
    return kind, ""


def _how_process_ended(progress: Progress, ended: Exit, limits: Limits) -> tuple[OutcomeKind, str]:
    """Tell the ends apart that the script had no chance to report."""
    code = ended.code
    if ended.killed_for == "memory" or _ran_out_of_memory(ended, limits):
        used = f"it used {_bytes(ended.peak_memory)}" if ended.peak_memory else "the machine had no more"
        return OutcomeKind.OUT_OF_MEMORY, f"{used}{_limit(limits.memory)}"
    if ended.killed_for == "time":
        return (
            OutcomeKind.TIMED_OUT,
            f"it ran longer than {limits.seconds:g} s" if limits.seconds else "it ran too long",
        )
    if ended.killed_for == "disk":
        return OutcomeKind.FAILED, f"it wrote more than it may{_limit(limits.disk)}"
    if ended.killed_for == "silence":
        return OutcomeKind.LOST, "it hung"
    if code == 0:
        # The interpreter was left by os._exit(0): the script says that it is done.
        return _unless_diverged(OutcomeKind.FINISHED, progress)
    if code is None or code == wire.EXIT_PAUSED:
        return OutcomeKind.LOST, "its process is gone"
    if _signal(code) in _FROM_OUTSIDE:
        return OutcomeKind.LOST, f"its process was killed ({_signal_name(code)})"
    if _signal(code) is not None:
        return OutcomeKind.FAILED, f"it crashed ({_signal_name(code)})"
    return OutcomeKind.FAILED, f"it ended with exit status {code}"


def _ran_out_of_memory(ended: Exit, limits: Limits) -> bool:
    killed = ended.code is not None and _signal(ended.code) is signal.SIGKILL
    return killed and limits.memory is not None and ended.peak_memory >= NEAR_MEMORY_LIMIT * limits.memory


def _signal(code: int) -> signal.Signals | None:
    """Return the signal behind an exit status: negative here, 128 more in a shell or a container."""
    number = -code if code < 0 else code - 128
    try:
        return signal.Signals(number) if number > 0 else None
    except ValueError:
        return None


def _signal_name(code: int) -> str:
    number = _signal(code)
    return "unknown signal" if number is None else number.name


def failure_text(failure: FailureReport) -> str:
    """Return a failure in one line: ``ValueError: bad shape (train.py, line 12)``."""
    first = failure.message.strip().splitlines()[0] if failure.message.strip() else ""
    what = f"{failure.type}: {first}" if failure.type and first else failure.type or first or failure.kind
    place = f" ({failure.file}, line {failure.line})" if failure.file and failure.line else ""
    return f"{what}{place}"


def _limit(limit: int | None) -> str:
    return "" if limit is None else f" (limit {_bytes(limit)})"


def _bytes(count: int) -> str:
    return f"{count / 1024**3:.1f} GiB" if count >= 1024**3 else f"{count / 1024**2:.0f} MiB"
