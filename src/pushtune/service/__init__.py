"""The loops, and the only place that chooses concrete implementations."""

from pushtune.service.snapshot import Snapshot, Watcher
from pushtune.service.tuning import Result, tune

__all__ = ["Result", "Snapshot", "Watcher", "tune"]
