"""The record formats between pushtune and the probe: plan and order in, events and checkpoints out.

Both sides import this file, and nothing else is shared. Standard library only, Python 3.9+.

An attempt's folder::

    plan.json          Plan, written before the attempt starts, never changed
    order.json         Order, replaced atomically while the attempt lives; the newest number counts
    heartbeat          touched by pushtune while it watches; a paused probe that sees it go stale exits
    events.jsonl       one event a line, appended with one write each
    stdout.log         the script's standard output and error (written by the runtime)
    checkpoints/NNNNNN/  one folder an epoch, the newest two; complete only with its manifest.json
    workspace/         where the script runs; only this and checkpoints/ are written by the script's process
"""

import dataclasses
import errno
import json
import os
import stat
import time
from typing import Any, BinaryIO, Dict, Iterator, List, Optional, Tuple

from pushtune_probe.metric_names import SYNONYMS as SYNONYMS
from pushtune_probe.metric_names import canonical_metric as canonical_metric
from pushtune_probe.metric_names import same_metric as same_metric

VERSION = 1

PLAN = "plan.json"
ORDER = "order.json"
HEARTBEAT = "heartbeat"
EVENTS = "events.jsonl"
STDOUT = "stdout.log"
CHECKPOINTS = "checkpoints"
MANIFEST = "manifest.json"
CHECKPOINT_FILES = "files"
"""Below a checkpoint: copies of the files that the script had written into its workspace by then."""

EXIT_PAUSED = 75
"""Exit status of a paused probe that gave up waiting (EX_TEMPFAIL): go on from the checkpoint."""

LAST_WORD_SECONDS = 20.0
"""How long a process whose script has ended waits for room on a full disk to say so."""

MAX_LINE = 256 * 1024
"""Longest event line in bytes; a longer one is not written (and not read)."""

MAX_MANIFEST = 64 * 1024 * 1024
"""Longest manifest in bytes that is read; one that is longer is taken to be torn."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """What the probe is to do.

    ``pause_at``: the epoch (counted from 1, over the whole trial) after which to pause; None: never.
    ``finish_at``: the epoch after which training ends as though the source said so, and the script goes
    on; None: as the source says. ``checkpoints``: folders to resume from, newest first. ``metric``: the
    name wanted, or None. ``record``: write checkpoints and allow pauses (False: one piece).
    ``patience``: seconds that a paused probe lives on after the heartbeat went stale.
    ``max_parameters``: a Keras model with more is refused before it trains; None: no limit.
    ``workspace``: absolute folder that holds the files; ``script``: the entry file below it.
    ``loops``: the epoch loops written by hand, each ``(file below the workspace, number)``, where the number
    counts the ``for`` and ``while`` statements of that file from 0 in the order of their lines (edits move
    lines, but add and remove no loops). ``watch``: places of calls, each ``(file, line, column, end_line,
    end_column)`` with columns in characters, of which it is asked whether they are reached.
    """

    label: str
    trial: int
    attempt: int
    seed: int
    threads: int
    workspace: str
    script: str
    metric: Optional[str] = None
    pause_at: Optional[int] = None
    finish_at: Optional[int] = None
    record: bool = True
    checkpoints: Tuple[str, ...] = ()
    patience: float = 60.0
    max_parameters: Optional[int] = None
    loops: Tuple[Tuple[str, int], ...] = ()
    watch: Tuple[Tuple[str, int, int, int, int], ...] = ()
    version: int = VERSION

    def to_json(self) -> str:
        """Return the file's text."""
        return json.dumps(dataclasses.asdict(self), indent=1)

    @staticmethod
    def from_json(text: str) -> "Plan":
        """Read a plan; ``ValueError`` if it is of another version."""
        body = json.loads(text)
        if body.get("version") != VERSION:
            raise ValueError("plan of version %r, this probe reads %d" % (body.get("version"), VERSION))
        body["checkpoints"] = tuple(body.get("checkpoints", ()))
        for name in ("loops", "watch"):
            body[name] = tuple(tuple(item) for item in body.get(name, ()))
        return Plan(**body)


@dataclasses.dataclass(frozen=True)
class Order:
    """A change of plan for a live attempt: new values of ``pause_at`` and ``finish_at``.

    ``number`` grows with each order; the plan itself is order 0. A paused probe goes on when it reads a
    newer order.
    """

    number: int
    pause_at: Optional[int]
    finish_at: Optional[int]

    def to_json(self) -> str:
        """Return the file's text."""
        return json.dumps(dataclasses.asdict(self))

    @staticmethod
    def from_json(text: str) -> "Order":
        """Read an order; ``ValueError`` or ``TypeError`` if it is none."""
        return Order(**json.loads(text))


# The events, their fields beside "t" (unix seconds) and "event". Epochs count from 1 over the whole trial.
#
# started     pid, python ("3.11.7"), argv, threads, order (0), resumed_from (epoch or 0)
# framework   name ("keras"), version, backend
# model       parameters (int), layers: [{"name", "type", "input_shape", "output_shape"}] (at most 200);
#             shapes are text, "(32, 1, 28, 28)", batch first, "" where nobody can say
# reached     places: indexes into the plan's watch list that were evaluated for the first time since the
#             last such event; written at each epoch's end and at the end
# fit         call (1-based number of the fit call), by (what trains, for people: "keras.fit"),
#             epochs (as the source says), steps (of the optimiser, an
#             epoch; null where nobody can say), rungs (bool), why (if not)
# epoch       epoch, total, seconds, metrics: {name: {"value", "split"}} with names as the framework gives
#             them without a val_ prefix, e.g. {"accuracy": …, "val_accuracy": …} are told by split
# metric      name, value, split, step (or null), source ("keras.evaluate", "stdout:12", "file:accuracy.txt"),
#             line (of the script, or 0), text (what was matched, at most 200 characters),
#             seen_by_fit (bool: the same data was the validation data of a fit)
# checkpoint  epoch, path (name below checkpoints/), seconds
# artifact    kind ("model" | "file"), path (below the attempt's folder), bytes, origin ("script" | "probe")
# warning     code, text
# paused      epoch, order (the number last obeyed)
# resumed     epoch, order
# finished    epochs, stopped_at (epoch at which finish_at ended training, or null), seconds
# failed      kind ("error" | "memory" | "diverged" | "input" | "parameters" | "missing" |
#             "arguments"), type, message,
#             file, line (in the script's own files), traceback (the last lines, text)


def event_line(event: str, fields: Dict[str, Any]) -> bytes:
    """Return one event as a line of JSON. Not-a-number and infinities become null."""
    body = {"t": round(time.time(), 3), "event": event}
    body.update(fields)
    return json.dumps(_finite(body), separators=(",", ":"), allow_nan=False).encode() + b"\n"


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


def read_events(path: str, offset: int = 0) -> Tuple[List[Dict[str, Any]], int]:
    """Read whole lines from ``offset`` on; return the events and the offset after the last whole line.

    A torn last line is left for the next call; a line that is not an event, or too long, is passed over.
    What is no regular file (a link, a pipe) holds no events.
    """
    try:
        with open_plain(path) as stream:
            stream.seek(offset)
            data = stream.read()
    except (FileNotFoundError, NotPlainError):
        return [], offset
    end = data.rfind(b"\n") + 1
    return list(_parse(data[:end])), offset + end


def _parse(data: bytes) -> Iterator[Dict[str, Any]]:
    for line in data.splitlines():
        if not line or len(line) > MAX_LINE:
            continue
        try:
            body = json.loads(line, parse_constant=lambda name: None)
        except (ValueError, RecursionError):  # A hostile line may nest thousands deep.
            continue
        if isinstance(body, dict) and isinstance(body.get("event"), str):
            yield body


class NotPlainError(OSError):
    """Something else than a regular file stands where one is read: a link, a pipe, a device."""


def open_plain(path: str) -> BinaryIO:
    """Open a regular file to read; no link in its place is followed, and no pipe waited for.

    Pushtune reads what a trial has written, and may do more on its machine than the trial may.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise NotPlainError(error.errno, error.strerror, path) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotPlainError(errno.EINVAL, "not a regular file", path)
    return os.fdopen(descriptor, "rb")


def write_atomically(path: str, data: bytes) -> None:
    """Write to a temporary name beside ``path``, fsync, rename: a reader sees the old or the new file."""
    temporary = "%s.%d.tmp" % (path, os.getpid())
    if os.path.lexists(temporary):
        os.unlink(temporary)  # left by a crash, or laid as a trap: a link there would be written through
    try:
        with open(temporary, "xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError:
        if os.path.lexists(temporary):
            os.unlink(temporary)  # a full disk: nothing half-written is left
        raise


def write_manifest(folder: str, epoch: int, extra: Optional[Dict[str, Any]] = None) -> None:
    """Complete the checkpoint in ``folder``: name every file below it with size and SHA-256."""
    files = {}
    for name in _walk(folder):
        path = os.path.join(folder, name)
        files[name] = {"bytes": os.path.getsize(path), "sha256": _digest(path)}
    body = {"version": VERSION, "epoch": epoch, "files": files}
    body.update(extra or {})
    write_atomically(os.path.join(folder, MANIFEST), json.dumps(sealed(body)).encode())


def sealed(body: Dict[str, Any]) -> Dict[str, Any]:
    """Return a manifest with a digest of itself: one flipped bit of it shows."""
    import hashlib  # only where a checkpoint is: it loads a cryptography library

    kept = {name: value for name, value in body.items() if name != "seal"}
    text = json.dumps(kept, sort_keys=True)
    return {**kept, "seal": hashlib.sha256(text.encode()).hexdigest()}


def read_manifest(folder: str) -> Optional[Dict[str, Any]]:
    """Return the manifest if it and every file that it names is there and whole, else None."""
    try:
        with open_plain(os.path.join(folder, MANIFEST)) as stream:
            body = json.loads(stream.read(MAX_MANIFEST))
        if sealed(body) != body:
            return None
        for name, facts in body["files"].items():
            path = _below(folder, name)
            if os.path.getsize(path) != facts["bytes"] or _digest(path) != facts["sha256"]:
                return None
        return body if body["version"] == VERSION and isinstance(body["epoch"], int) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _below(folder: str, name: str) -> str:
    """Return the path of ``name`` below ``folder``; ``ValueError`` if it leads out, or through a link."""
    real = os.path.realpath(folder)
    path = os.path.normpath(os.path.join(real, name))
    if not path.startswith(real + os.sep) or os.path.realpath(path) != path:
        raise ValueError("%r is not below %s" % (name, folder))
    return path


def checkpoint_folders(attempt: str) -> List[str]:
    """Return the checkpoint folders of an attempt, newest first, whole or not."""
    base = os.path.join(attempt, CHECKPOINTS)
    try:
        found = [] if os.path.islink(base) else os.listdir(base)
    except OSError:
        return []
    # A digit need not be one that counts: "²" is one too.
    names = [name for name in found if name.isascii() and name.isdigit()]
    folders = [os.path.join(base, name) for name in sorted(names, key=int, reverse=True)]
    return [folder for folder in folders if not os.path.islink(folder)]


def _walk(folder: str) -> Iterator[str]:
    for base, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(base, name)
            relative = os.path.relpath(path, folder)
            if relative != MANIFEST and not relative.endswith(".tmp") and not os.path.islink(path):
                yield relative


def _digest(path: str) -> str:
    import hashlib  # only where a checkpoint is: it loads a cryptography library

    digest = hashlib.sha256()
    with open_plain(path) as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
