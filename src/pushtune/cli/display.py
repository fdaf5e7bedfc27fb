"""What a run looks like while it goes on: a live table, plain lines, or JSON lines."""

from __future__ import annotations

import json
import time
from types import TracebackType
from typing import IO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pushtune.ledger import TrialRow
from pushtune.model.states import Purpose, TrialState
from pushtune.service.snapshot import Snapshot

MOST_ROWS = 12
_STYLES = {
    TrialState.RUNNING: "cyan",
    TrialState.WANTED: "dim",
    TrialState.PAUSED: "yellow",
    TrialState.FINISHED: "green",
    TrialState.PRUNED: "dim",
}


class PlainLines:
    """One line for each thing that happened, with the minutes and seconds since the start."""

    draws = False

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._began = time.monotonic()

    def __enter__(self) -> PlainLines:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """End."""

    def say(self, line: str) -> None:
        """Print the line."""
        seconds = int(time.monotonic() - self._began)
        self._stream.write(f"[{seconds // 60:02d}:{seconds % 60:02d}] {line}\n")
        self._stream.flush()

    def show(self, snapshot: Snapshot) -> None:
        """Nothing: what matters was said in lines."""


class JsonLines:
    """One JSON object a line: what was said, and every change of a trial."""

    draws = True

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._known: dict[int, tuple[str, int]] = {}

    def __enter__(self) -> JsonLines:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """End."""

    def say(self, line: str) -> None:
        """Print the line as an event."""
        self._write({"event": "said", "text": line})

    def show(self, snapshot: Snapshot) -> None:
        """Print every trial whose state or epoch has changed."""
        for row in snapshot.trials:
            mark = (row.state.value, row.epochs)
            if self._known.get(row.number) != mark:
                self._known[row.number] = mark
                self._write(
                    {
                        "event": "trial",
                        "trial": row.number,
                        "purpose": row.purpose.value,
                        "state": row.state.value,
                        "epochs": row.epochs,
                        "value": row.value,
                        "report": row.report,
                        "seconds": round(row.seconds, 2),
                        "assignment": row.assignment.as_dict(),
                    }
                )

    def _write(self, body: dict[str, object]) -> None:
        self._stream.write(json.dumps(body) + "\n")
        self._stream.flush()


class LiveTable:
    """A table that lives at the foot of the terminal, under the lines that stay."""

    draws = True

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._live = Live(console=self._console, refresh_per_second=4, transient=True)

    def __enter__(self) -> LiveTable:
        """Begin to draw."""
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Take the table away."""
        self._live.__exit__(kind, error, traceback)

    def say(self, line: str) -> None:
        """Print a line above the table. It may hold a script's own words: no markup is read."""
        self._console.print(Text(line))

    def show(self, snapshot: Snapshot) -> None:
        """Draw the picture."""
        self._live.update(Group(_headline(snapshot), _bar(snapshot), _table(snapshot)))


def _headline(snapshot: Snapshot) -> Text:
    text = Text()
    text.append(snapshot.script, style="bold")
    text.append(f"  {snapshot.stage.value if snapshot.stage else ''}  ", style="cyan")
    if snapshot.best is not None:
        text.append(f"best {snapshot.metric} {snapshot.best:.4f}", style="green")
        if snapshot.baseline is not None:
            text.append(f" (yours {snapshot.baseline:.4f})")
        if snapshot.target is not None:
            distance = snapshot.target.value - snapshot.best
            text.append(f", target {snapshot.target.value:g}")
            text.append(" reached" if snapshot.target.met_by(snapshot.best) else f", {distance:+.4f} to go")
    return text


def _bar(snapshot: Snapshot) -> Table:
    grid = Table.grid(padding=(0, 1))
    started = sum(1 for row in snapshot.trials if row.purpose is Purpose.SEARCH)
    grid.add_row(
        ProgressBar(total=snapshot.budget or 1, completed=started, width=30),
        f"{started}/{snapshot.budget or '?'} trials",
        f"{clock(snapshot.elapsed)} elapsed",
        "" if snapshot.remaining is None else f"about {clock(snapshot.remaining)} left",
    )
    return grid


def _table(snapshot: Snapshot) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="dim")
    for name in ("trial", "state", "epoch", snapshot.metric, "time", "changes"):
        table.add_column(name, no_wrap=name != "changes", overflow="ellipsis")
    for row in shown_rows(snapshot):
        table.add_row(
            Text(_name(row)),
            Text(row.state.value, style=_STYLES.get(row.state, "red")),
            _epochs(snapshot, row),
            "" if row.value is None else f"{row.value:.4f}",
            clock(row.seconds) if row.seconds else "",
            Text(changes(row)),
            style="bold" if row.number == snapshot.best_trial else "",
        )
    return table


def shown_rows(snapshot: Snapshot) -> list[TrialRow]:
    """Return the rows worth their line: what runs, the best, then the newest; in order of their numbers."""
    running = [row for row in snapshot.trials if row.state in (TrialState.RUNNING, TrialState.WANTED)]
    best = [row for row in snapshot.trials if row.number in (0, snapshot.best_trial)]
    newest = sorted(snapshot.trials, key=lambda row: -row.number)
    kept = {row.number: row for row in (*running, *best, *newest)}
    return sorted(list(kept.values())[:MOST_ROWS], key=lambda row: row.number)


def changes(row: TrialRow) -> str:
    """Return what a trial changes, in one line."""
    if row.assignment.source is not None:
        return f"a source by the tweak program ({row.assignment.source[:8]})"
    return ", ".join(f"{name}={_short(value)}" for name, value in row.assignment.values) or "as it stands"


def clock(seconds: float) -> str:
    """Return a length of time as ``1:05`` or ``1:02:05``."""
    whole = int(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


def _name(row: TrialRow) -> str:
    if row.purpose is Purpose.SEARCH:
        return str(row.number)
    return f"{row.purpose.value.replace('confirm-', '')} s{row.seed}"


def _epochs(snapshot: Snapshot, row: TrialRow) -> str:
    goal = row.to_epoch or (snapshot.max_epochs if row.purpose is Purpose.SEARCH else None)
    if not row.epochs and not goal:
        return ""
    return f"{row.epochs}/{goal}" if goal else str(row.epochs)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
