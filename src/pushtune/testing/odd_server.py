"""`pushtune serve` on a machine on which odd things happen: it dies at its writes, its clock jumps.

``python -m pushtune.testing.odd_server [--die after|before] [--clock FILE] -- serve …``

* ``--die after``: every life ends by SIGKILL right after one of its first writes to the ledger;
  ``--die before``: right before one, when what that write tells of was done already. The next life begins
  at once. Which of the first eight it is goes round: some step writes several times before it is done.
* ``--clock FILE``: the server's clock is ahead by as many seconds as the file says, at every moment.

Lives are told on standard output. SIGTERM and SIGINT end the last one, and this program.
"""

from __future__ import annotations

import argparse
import itertools
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, event

from pushtune.cli import main as command_line
from pushtune.service import serve as _loaded  # noqa: F401 - each life is to begin at once
from pushtune.service import server

_WRITES = 8


def die_at(number: int, *, after: bool) -> None:
    """Let this process end at its ``number``-th write to the ledger, from 1."""
    writes = itertools.count(1)

    def at_commit(connection: Connection) -> None:
        if next(writes) < number:
            return
        if after:
            raw: Any = connection.connection.dbapi_connection
            raw.commit()
        os.kill(os.getpid(), signal.SIGKILL)

    event.listen(sqlalchemy.engine.Engine, "commit", at_commit)


def jumping(path: Path) -> Callable[[], float]:
    """Return a clock that is ahead by what the file at ``path`` says."""
    return lambda: time.time() + float(path.read_text(encoding="ascii") or 0)


def _live(arguments: list[str], number: int | None, *, after: bool) -> int:
    """Run one life in a process of its own and return its status."""
    child = os.fork()
    if child == 0:
        if number is not None:
            die_at(number, after=after)
        sys.argv = ["pushtune", *arguments]
        command_line.run()
    forward = lambda signal_, frame: os.kill(child, signal_)  # noqa: E731
    for number_ in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number_, forward)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def main() -> None:
    """Live until a life ends by itself."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--die", choices=("after", "before"))
    parser.add_argument("--clock", type=Path)
    parser.add_argument("arguments", nargs="+")
    given = parser.parse_args()
    if given.clock is not None:
        assert server.make_server.__kwdefaults__ is not None
        server.make_server.__kwdefaults__["clock"] = jumping(given.clock)
    for life in itertools.count():
        print(f"life {life + 1}", flush=True)
        number = None if given.die is None else 1 + life % _WRITES
        status = _live(given.arguments, number, after=given.die == "after")
        if status != -signal.SIGKILL:
            sys.exit(status)


if __name__ == "__main__":
    main()
