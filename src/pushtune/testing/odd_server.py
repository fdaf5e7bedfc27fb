"""`pushtune serve` on a machine on which odd things happen: it dies at its writes, its clock jumps.

``python -m pushtune.testing.odd_server [--die after|before] [--clock FILE] -- serve …``

* ``--die after``: every life ends by SIGKILL right after a write to the ledger, ``--die before``: right
  before one, when what that write tells of was done already. It is the first write at which no life has
  ended yet; the next life begins at once, until there is none left.
* ``--clock FILE``: the server's clock is ahead by as many seconds as the file says, at every moment.

Lives are told on standard output. SIGTERM and SIGINT end the last one, and this program.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
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

_WORD = re.compile("[a-z_-]{1,20}")


class Deaths:
    """Ends this process at a write that is not among ``survived``, and says at which by a pipe.

    Writes are told apart by their statements and by the numbers and words in them: those of states, stages
    and trials.
    """

    def __init__(self, survived: set[str], pipe: int, *, after: bool) -> None:
        self._survived, self._pipe, self._after = survived, pipe, after
        self._statements: dict[int, list[str]] = {}
        event.listen(sqlalchemy.engine.Engine, "before_cursor_execute", self._at_statement)
        event.listen(sqlalchemy.engine.Engine, "commit", self._at_commit)

    def _at_statement(
        self, connection: Connection, _cursor: Any, statement: str, parameters: Any, *_: Any
    ) -> None:
        if statement.startswith("BEGIN"):
            self._statements[id(connection)] = []
        elif not statement.startswith("SELECT"):
            # Attempts are numbered on after every death: by their numbers there would be no last one.
            counted = " attempts " not in statement
            known = [
                one for one in parameters if _WORD.fullmatch(str(one)) or (counted and isinstance(one, int))
            ]
            self._statements.setdefault(id(connection), []).append(f"{statement} {known}")

    def _at_commit(self, connection: Connection) -> None:
        write = "; ".join(self._statements.pop(id(connection), []))
        if not write or write in self._survived:
            return
        os.write(self._pipe, write.encode())
        if self._after:
            raw: Any = connection.connection.dbapi_connection
            raw.commit()
        os.kill(os.getpid(), signal.SIGKILL)


def jumping(path: Path) -> Callable[[], float]:
    """Return a clock that is ahead by what the file at ``path`` says."""
    return lambda: time.time() + float(path.read_text(encoding="ascii") or 0)


def _live(arguments: list[str], survived: set[str], die: str | None) -> int:
    """Run one life in a process of its own and return its status; at what it died is survived next time."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        if die is not None:
            Deaths(survived, writing, after=die == "after")
        sys.argv = ["pushtune", *arguments]
        command_line.run()
    os.close(writing)
    forward = lambda number, frame: os.kill(child, number)  # noqa: E731
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, forward)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reading) as pipe:
        survived.add(pipe.read())
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
    survived: set[str] = set()
    for life in itertools.count(1):
        print(f"life {life}", flush=True)
        status = _live(given.arguments, survived, given.die)
        if status != -signal.SIGKILL:
            sys.exit(status)


if __name__ == "__main__":
    main()
