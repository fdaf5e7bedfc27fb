"""What a large ledger costs: 10,000 pushes with 100,000 trials, looked at as a user does.

* ``ps_seconds``, ``show_seconds``    the commands, from start to end (the middle of several);
* ``ps_query_ms``, ``show_query_ms``  what all queries of the command take together, in milliseconds;
* ``idle_megabytes``                  the server's resident memory with nothing to do;
* ``idle_share``                      the part of one core that it takes then.

Usage: ``python benchmarks/ledger_scale.py [--pushes N] [--trials N] [--json FILE]``.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
from figures import report
from sqlalchemy import event, insert

from pushtune.ledger import Ledger
from pushtune.ledger.tables import pushes, repositories, stages, studies, trials
from pushtune.model.home import Home
from pushtune.model.states import StageName
from pushtune.service.pushes import list_pushes, show_push

REPEATS = 5
REPOSITORIES = 20
IDLE_SECONDS = 20.0
AT_ONCE = 5_000


def fill(ledger: Ledger, count: int, trial_count: int) -> None:
    """Write ``count`` pushes of which each has its share of ``trial_count`` trials."""
    each = trial_count // count
    engine = ledger._engine
    with engine.begin() as connection:
        rows = [{"name": f"repository-{n}", "address": f"/srv/{n}.git", "branches": ["main"], "created": 1.0}
                for n in range(REPOSITORIES)]  # fmt: skip
        connection.execute(insert(repositories), rows)
        for table, many in (
            (studies, map(_study, range(count))),
            (pushes, map(_push, range(count))),
            (stages, (row for n in range(count) for row in _stages(n))),
            (trials, (_trial(n, number) for n in range(count) for number in range(each))),
        ):
            for batch in _batches(many):
                connection.execute(insert(table), batch)


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _study(n: int) -> dict[str, Any]:
    return {
        "id": f"push-{n + 1}-train", "key": f"{n:064d}", "root": "/srv/checkout", "entry": "train.py",
        "workdir": ".", "args": [], "target": "accuracy>=0.9", "metric": None, "strategy": "auto", "seed": 0,
        "created": float(n), "spent": 60.0, "facts": {"threads": 1, "trials": 40, "observed": ["x"] * 50},
    }  # fmt: skip


def _push(n: int) -> dict[str, Any]:
    return {
        "study": f"push-{n + 1}-train", "state": "done", "created": float(n), "ended": float(n + 60),
        "reason": "accuracy 0.9533 ± 0.0081; target met", "repository": n % REPOSITORIES + 1,
        "branch": "main",
        "commit": f"{n:040x}", "told_by": "poll", "author": {"name": "Ann", "email": "ann@example.org"},
        "subject": "More layers", "fingerprint": f"{n:064x}", "trouble": "", "tries": 0, "round": 1,
        "best": 0.95, "baseline": 0.9,
    }  # fmt: skip


def _stages(n: int) -> list[dict[str, Any]]:
    return [
        {"push": n + 1, "name": name.value, "state": "done", "started": 1.0, "ended": 2.0, "message": "done"}
        for name in StageName
    ]


def _trial(n: int, number: int) -> dict[str, Any]:
    return {
        "study": f"push-{n + 1}-train", "number": number, "purpose": "search" if number else "baseline",
        "seed": 0, "assignment": '{"values": [["dense.units", 64]], "source": null}', "state": "finished",
        "finish": True, "told": True, "epochs": 20, "value": 0.9, "report": 0.89, "seconds": 3.0,
        "memory": 10**8, "curve": [0.5 + 0.02 * epoch for epoch in range(20)], "message": "", "created": 1.0,
        "ended": 2.0,
    }  # fmt: skip


def command_seconds(home: Path, *arguments: str) -> float:
    """Return how long a command of pushtune takes, from start to end: the middle of several."""
    taken = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "pushtune", *arguments, "--home", str(home)],
                       check=True, stdout=subprocess.DEVNULL)  # fmt: skip
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def query_milliseconds(ledger: Ledger, look: Callable[[], object]) -> float:
    """Return what the queries of ``look`` take together: the middle of several, in milliseconds."""
    spent: list[float] = []
    began = [0.0]
    engine = ledger._engine
    event.listen(engine, "before_cursor_execute", lambda *_: began.__setitem__(0, time.perf_counter()))
    event.listen(engine, "after_cursor_execute", lambda *_: spent.append(time.perf_counter() - began[0]))
    sums = []
    for _ in range(REPEATS):
        spent.clear()
        look()
        sums.append(1000 * sum(spent))
    return statistics.median(sums)


def idle_server(home: Path) -> tuple[float, float]:
    """Return the megabytes and the share of a core of a server that has nothing to do."""
    (home / "server.toml").write_text('environment = "process"\nlocal = true\npoll = "1h"\n')
    server = subprocess.Popen([sys.executable, "-m", "pushtune", "serve", "--home", str(home)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        time.sleep(IDLE_SECONDS)
        process = psutil.Process(server.pid)
        before, began = sum(process.cpu_times()[:2]), time.monotonic()
        time.sleep(IDLE_SECONDS)
        share = (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - began)
        return process.memory_info().rss / 1024**2, share
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=60)


def run(folder: Path, count: int, trial_count: int) -> dict[str, float]:
    """Fill a ledger below ``folder`` and return the figures."""
    home = Home(folder)
    ledger = Ledger(home.ledger)
    fill(ledger, count, trial_count)
    push = count // 2
    figures = {
        "pushes": count,
        "trials": trial_count,
        "ps_query_ms": query_milliseconds(ledger, lambda: list_pushes(ledger, count=None, as_json=False)),
        "show_query_ms": query_milliseconds(ledger, lambda: show_push(ledger, home, push, as_json=False)),
        "ps_seconds": command_seconds(folder, "ps"),
        "show_seconds": command_seconds(folder, "show", str(push)),
    }
    ledger.close()
    figures["idle_megabytes"], figures["idle_share"] = idle_server(folder)
    return figures


def main() -> None:
    """Read the command line, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pushes", type=int, default=10_000)
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--json", type=Path, default=None)
    given = parser.parse_args()
    # Bytecode is cached as it is for anybody who has called the command once.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="pushtune-scale-") as folder:
        figures = run(Path(folder), given.pushes, given.trials)
    for name, value in figures.items():
        print(f"{name}: {value:.3g}")
    if given.json is not None:
        given.json.write_text(json.dumps(report("ledger_scale", figures), indent=1))


if __name__ == "__main__":
    main()
