"""One candidate being trained: its folder, its attempts, what they report, and how they end."""

from pushtune.trial.attempt import AttemptRequest, make_attempt
from pushtune.trial.crash_loop import crash_loop, is_crash_loop
from pushtune.trial.events import Watcher, read_trial
from pushtune.trial.folder import TrialFolder, beat, order, read_candidate, write_candidate
from pushtune.trial.keeping import collect_model, finish_attempt, finish_trial, has_checkpoints
from pushtune.trial.links import changed_links
from pushtune.trial.metric import MetricChoice, choose_metric, missing_metric, seen_metrics
from pushtune.trial.outcome import failure_text, outcome_of
from pushtune.trial.progress import MetricReading, Progress, merge
from pushtune_probe.wire import EXIT_PAUSED, Order

__all__ = [
    "EXIT_PAUSED",
    "AttemptRequest",
    "MetricChoice",
    "MetricReading",
    "Order",
    "Progress",
    "TrialFolder",
    "Watcher",
    "beat",
    "changed_links",
    "choose_metric",
    "collect_model",
    "crash_loop",
    "failure_text",
    "finish_attempt",
    "finish_trial",
    "has_checkpoints",
    "is_crash_loop",
    "make_attempt",
    "merge",
    "missing_metric",
    "order",
    "outcome_of",
    "read_candidate",
    "read_trial",
    "seen_metrics",
    "write_candidate",
]
