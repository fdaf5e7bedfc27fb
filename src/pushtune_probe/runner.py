"""Runs the script as its author would, with the hooks in place, and reports how it ended."""

import atexit
import os
import sys
import time
from typing import List, Optional, Tuple

from pushtune_probe import (
    artifacts,
    endings,
    file_metrics,
    frameworks,
    interpreter,
    leaving,
    loading,
    seeding,
    stdio,
    stdout_metrics,
    wire,
)
from pushtune_probe.importhooks import PostImportFinder
from pushtune_probe.session import Session

USAGE = "usage: python -m pushtune_probe --attempt DIR -- script.py [args...]"


def main(argv: List[str]) -> None:
    """Run the script named after ``--``. Ends with the script's own exit status."""
    attempt, script, args = _arguments(argv)
    with open(os.path.join(attempt, wire.PLAN), encoding="utf-8") as stream:
        session = Session(wire.Plan.from_json(stream.read()), attempt)
    run = Run(session)
    interpreter.hide_probe(script, args)
    run.prepare()
    sys.exit(run.script(os.path.abspath(script)))


def _arguments(argv: List[str]) -> Tuple[str, str, List[str]]:
    if len(argv) < 4 or argv[0] != "--attempt" or argv[2] != "--":
        sys.exit(USAGE)
    return os.path.abspath(argv[1]), argv[3], argv[4:]


class Run:
    """One run of one script: what is set up before it, and what is reported after it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._began = time.monotonic()
        self._ending: Optional[endings.Ending] = None
        self._ended = False
        self._printed = stdout_metrics.PrintedMetrics(session)
        self._sources = loading.Sources(session)
        self._exit_now = os._exit

    def prepare(self) -> None:
        """Report the start, then put hooks, seeds and streams in place. Before the script's first line."""
        session = self._session
        self._report_start()
        # Registered first, so called last: after the script's own handlers, and after its threads.
        atexit.register(self._end)
        finder = PostImportFinder(session)
        sys.meta_path.insert(0, finder)
        frameworks.watch(finder)
        self._sources.install()
        seeding.seed_python(session)
        os.environ.setdefault("MPLBACKEND", "Agg")
        os._exit = self._hard_exit  # type: ignore[assignment]
        stdio.watch_input(session.note_end_of_input)
        for name in ("stdout", "stderr"):
            stdio.tee(name, self._printed.listener(name))

    def script(self, path: str) -> int:
        """Run the file at ``path`` as ``__main__``; return its exit status."""
        module = interpreter.main_module(path)
        try:
            exec(self._sources.compile(path), vars(module))
        except BaseException as error:  # the boundary to the script: every way to end is an ending
            return self._failed(error)
        self._ending = endings.good()
        self._collect_models()
        return 0

    def _failed(self, error: BaseException) -> int:
        session = self._session
        ending = session.guarded(lambda: endings.of_exception(session, error))
        self._ending = ending or endings.Ending(
            "error", 1, {"type": type(error).__name__, "message": str(error)}
        )
        if not isinstance(error, SystemExit):
            endings.print_like_python(error)
        elif error.code is not None and not isinstance(error.code, int):
            print(error.code, file=sys.stderr)
        if not self._ending.kind:
            self._collect_models()
        return self._ending.status

    def _hard_exit(self, status: int) -> None:
        """Stand in for ``os._exit``: report first, in the process that reports."""
        if self._session.mine:
            self._ending = endings.of_hard_exit(self._session, status)
            self._report_end()
        self._exit_now(status)

    def _end(self) -> None:
        self._report_end()
        ending = self._ending
        if ending is not None and not ending.kind and self._session.mine and leaving.is_slow():
            leaving.flush_all()
            self._exit_now(ending.status)

    def _report_start(self) -> None:
        session, plan = self._session, self._session.plan
        session.reporter.emit(
            "started",
            pid=os.getpid(),
            python="%d.%d.%d" % sys.version_info[:3],
            argv=sys.argv,
            threads=plan.threads,
            order=0,
            resumed_from=session.epochs,
        )
        if plan.checkpoints and session.resume is None:
            session.warn(
                "no-checkpoint", "none of %d checkpoints is whole: starting anew" % len(plan.checkpoints)
            )

    def _report_end(self) -> None:
        session, ending = self._session, self._ending
        if self._ended or ending is None or not session.mine:
            return
        self._ended = True
        session.report_reached()
        if not ending.kind:
            self._collect()
            name = session.log.not_a_number(session.plan.metric)
            ending = endings.diverged(session, name) if name else ending
        if ending.kind:
            session.reporter.emit("failed", kind=ending.kind, **ending.fields)
        else:
            seconds = round(time.monotonic() - self._began, 3)
            session.reporter.emit(
                "finished", epochs=session.epochs, stopped_at=session.stopped_at, seconds=seconds
            )
        # An end that a full disk did not take would look like the script's own failure.
        session.reporter.settle(wire.LAST_WORD_SECONDS)

    def _collect(self) -> None:
        """Report what is known only at the end: printed values, files, and the model."""
        session = self._session
        self._collect_models()
        session.guarded(self._printed.finish)
        session.guarded(lambda: file_metrics.report(session))

    def _collect_models(self) -> None:
        """Report the model files; where there are none, the hooks save what was fitted.

        Done when the script's last line is, not at the interpreter's very end: no thread can be started
        there any more, and saving a model may need one.
        """
        session = self._session
        session.guarded(lambda: artifacts.report(session))
        session.run_end_actions()
