"""Says how the script ended: the fields of the ``failed`` event, and the traceback a person wants to see."""

import os
import sys
from types import TracebackType
from typing import Any, Dict, List, NamedTuple, Optional

from pushtune_probe.callsite import Place
from pushtune_probe.session import Refusal, Session

_MEMORY_TYPES = {"ResourceExhaustedError", "OutOfMemoryError"}
_MEMORY_WORDS = ("out of memory", "resource_exhausted", "can't allocate memory", "unable to allocate")
_LINES = 15
_BYTES = 4096
_LONGEST_MESSAGE = 1000
_USAGE = 2
"""Exit status of programs that do not understand their command line."""


class Ending(NamedTuple):
    """How the script ended. ``kind`` is empty if it did so in good order; ``status`` is its exit status."""

    kind: str
    status: int
    fields: Dict[str, Any]


def good(status: int = 0) -> Ending:
    """Return the ending of a script that went to its end, or left with ``sys.exit(0)``."""
    return Ending("", status, {})


def of_exception(session: Session, error: BaseException) -> Ending:
    """Return the ending that an exception from the script makes."""
    if isinstance(error, SystemExit):
        return _of_exit(session, error)
    place = session.callsite.innermost(error.__traceback__) or _syntax_error_place(session, error)
    status = 130 if isinstance(error, KeyboardInterrupt) else 1
    kind = _kind(session, error, place)
    return Ending(
        kind, status, _fields(session, type(error).__name__, _message(session, kind, error), place, error)
    )


def of_hard_exit(session: Session, status: int) -> Ending:
    """Return the ending that ``os._exit(status)`` makes, called from the script or for it."""
    if status == 0:
        return good()
    place = session.callsite.nearest(sys._getframe(1))
    return Ending("error", status, _fields(session, "SystemExit", "os._exit(%d)" % status, place))


def diverged(session: Session, name: str) -> Ending:
    """Return the ending of a script that went to its end with a metric that is not a number."""
    return Ending("diverged", 0, _fields(session, "NaN", "%s is not a number" % name, None))


def print_like_python(error: BaseException) -> None:
    """Print an exception as the interpreter would, without the probe's own frames."""
    shown = error.with_traceback(script_part(error.__traceback__))
    sys.excepthook(type(shown), shown, shown.__traceback__)


def script_part(trace: Optional[TracebackType]) -> Optional[TracebackType]:
    """Return the part of a traceback that begins in the script: the frames below the probe's."""
    while trace is not None and _is_probe(trace):
        trace = trace.tb_next
    return trace


def _is_probe(trace: TracebackType) -> bool:
    return str(trace.tb_frame.f_globals.get("__name__", "")).startswith("pushtune_probe.")


def _of_exit(session: Session, error: SystemExit) -> Ending:
    code = error.code
    if code is None or code == 0:
        return good()
    place = session.callsite.innermost(error.__traceback__)
    refused = _refused_arguments(error)
    if refused:
        fields = _fields(session, "SystemExit", "argument error: " + refused, place, error)
        return Ending("arguments", 2, fields)
    if isinstance(code, int):
        return Ending(
            "error", code & 0xFF, _fields(session, "SystemExit", "exit status %d" % code, place, error)
        )
    return Ending("error", 1, _fields(session, "SystemExit", str(code), place, error))


def _refused_arguments(error: SystemExit) -> str:
    """Return what argparse or click said about the command line before it left; nothing if neither did."""
    context = error.__context__
    if context is not None and type(context).__module__.split(".")[0] == "click":
        said = getattr(context, "format_message", None)
        return str(said() if said else context)[:_LONGEST_MESSAGE]
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        module = frame.f_globals.get("__name__")
        if module == "argparse" and frame.f_code.co_name == "error":
            return str(frame.f_locals.get("message", ""))[:_LONGEST_MESSAGE]
        if module == "click.core" and error.code == _USAGE:
            # Newer releases of click leave when their own exception is gone already.
            return "the command line was refused; what was printed says which argument is missing"
        trace = trace.tb_next
    return ""


def _kind(session: Session, error: BaseException, place: Optional[Place]) -> str:
    if isinstance(error, Refusal):
        return error.kind
    if _is_memory(error):
        return "memory"
    if isinstance(error, FloatingPointError):
        return "diverged"
    if session.stdin_ended is not None and _asked_for_input(session.stdin_ended, error, place):
        return "input"
    return "missing" if isinstance(error, ModuleNotFoundError) else "error"


def _is_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or type(error).__name__ in _MEMORY_TYPES:
        return True
    names_it = any(word in str(error).lower() for word in _MEMORY_WORDS)
    return isinstance(error, (RuntimeError, OSError)) and names_it


def _asked_for_input(read_at: Place, error: BaseException, place: Optional[Place]) -> bool:
    """Whether the error comes from reading an empty standard input: at once, or a few lines further on."""
    if isinstance(error, EOFError):
        return True
    near = place is not None and place[0] == read_at[0] and 0 <= place[1] - read_at[1] <= 5
    return near and isinstance(error, (ValueError, IndexError))


def _message(session: Session, kind: str, error: BaseException) -> str:
    if kind == "input" and session.stdin_ended is not None:
        file, line = session.stdin_ended
        return "the script asks for input, and there is nobody to answer: %s" % session.source_line(
            file, line
        )
    if kind == "missing" and isinstance(error, ModuleNotFoundError) and error.name:
        return "No module named %r" % error.name
    return str(error)[:_LONGEST_MESSAGE]


def _syntax_error_place(session: Session, error: BaseException) -> Optional[Place]:
    if isinstance(error, SyntaxError) and error.filename and session.callsite.is_own(error.filename):
        return error.filename, error.lineno or 0
    return None


def _fields(
    session: Session, name: str, message: str, place: Optional[Place], error: Optional[BaseException] = None
) -> Dict[str, Any]:
    file, line = place or ("", 0)
    here = os.path.join(os.path.realpath(session.plan.workspace), "")
    return {
        "type": name,
        "message": message,
        # As the author knows it: below the folder that the script was copied from.
        "file": file.replace(here, "", 1).replace(os.sep, "/"),
        "line": line,
        "traceback": _tail(error).replace(here, "") if error is not None else "",
    }


def _tail(error: BaseException) -> str:
    """Return the last lines of the traceback, at most 15 and 4 kB, whole lines."""
    import traceback  # only for those that fail: it costs the others a tenth of the start

    trace = script_part(error.__traceback__)
    text = "".join(traceback.format_exception(type(error), error, trace))
    lines: List[str] = text.rstrip().splitlines()[-_LINES:]
    while len(lines) > 1 and len("\n".join(lines).encode("utf-8", "replace")) > _BYTES:
        lines.pop(0)
    return "\n".join(lines).encode("utf-8", "replace")[:_BYTES].decode("utf-8", "ignore")
