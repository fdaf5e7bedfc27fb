"""Checkpoints of a Keras trial on disk: written whole or not at all, the last two kept.

A checkpoint's folder holds ``state.pickle`` (the fit under way), ``files/`` (what the script had written),
the same two below ``fits/NNNN/`` for each finished fit (the same files in each checkpoint, by hard link)
and the manifest. Its checksums tell a torn file after a power cut, so that one fsync (the manifest's) is
enough.
"""

from __future__ import annotations

import os
import pickle
import shutil
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

from pushtune_probe import wire

KEPT = 2
_STATE = "state.pickle"
_FITS = "fits"


class Saved(NamedTuple):
    """A checkpoint that was read: its folder and the state of the fit that was under way."""

    folder: str
    epoch: int
    state: Dict[str, Any]

    def finished(self, call: int) -> Dict[str, Any]:
        """Return the end state of finished fit number ``call`` (from 1)."""
        with open(os.path.join(_fit_folder(self.folder, call), _STATE), "rb") as stream:
            state: Dict[str, Any] = pickle.load(stream)
        return state

    def files(self, call: Optional[int]) -> str:
        """Return where the script's files are: at the end of fit ``call``, or (None) at the checkpoint."""
        folder = self.folder if call is None else _fit_folder(self.folder, call)
        return os.path.join(folder, wire.CHECKPOINT_FILES)


class Store:
    """Writes an attempt's checkpoints. ``snapshot`` copies the script's files into the folder it is given.

    ``name`` is the file that holds the state: it tells whose checkpoint it is.
    """

    def __init__(self, attempt: str, snapshot: Callable[[str], Any], name: str = _STATE) -> None:
        self._name = name
        self._base = os.path.join(attempt, wire.CHECKPOINTS)
        self._snapshot = snapshot
        self._staging = os.path.join(self._base, ".staging")

    def keep_fit(self, call: int, state: Dict[str, Any]) -> None:
        """Write a finished fit's end state; every later checkpoint holds it. Raises ``OSError``."""
        folder = _fit_folder(self._staging, call)
        os.makedirs(folder, exist_ok=True)
        _dump(os.path.join(folder, _STATE), state)
        self._snapshot(os.path.join(folder, wire.CHECKPOINT_FILES))

    def adopt_fits(self, saved: Saved) -> None:
        """Take over the finished fits of an earlier attempt's checkpoint."""
        source = os.path.join(saved.folder, _FITS)
        if os.path.isdir(source):
            shutil.copytree(source, os.path.join(self._staging, _FITS), dirs_exist_ok=True)

    def write(self, epoch: int, state: Dict[str, Any]) -> Dict[str, Any]:
        """Write checkpoint ``epoch``; return the fields of its event. Raises ``OSError``."""
        began = time.monotonic()
        name = "%06d" % epoch
        temporary = os.path.join(self._base, ".writing")
        shutil.rmtree(temporary, ignore_errors=True)
        os.makedirs(temporary)
        _dump(os.path.join(temporary, self._name), state)
        self._link_fits(temporary)
        self._snapshot(os.path.join(temporary, wire.CHECKPOINT_FILES))
        wire.write_manifest(temporary, epoch)
        final = os.path.join(self._base, name)
        shutil.rmtree(final, ignore_errors=True)
        os.rename(temporary, final)
        self._prune()
        return {"epoch": epoch, "path": name, "seconds": round(time.monotonic() - began, 4)}

    def _link_fits(self, folder: str) -> None:
        source = os.path.join(self._staging, _FITS)
        if os.path.isdir(source):
            shutil.copytree(source, os.path.join(folder, _FITS), copy_function=_link_or_copy)

    def _prune(self) -> None:
        for folder in wire.checkpoint_folders(os.path.dirname(self._base))[KEPT:]:
            shutil.rmtree(folder, ignore_errors=True)


def read_newest(folders: Sequence[str], known: Dict[str, Any], refused: List[str]) -> Optional[Saved]:
    """Return the first checkpoint that can be read, or None; ``refused`` receives why others were not.

    ``known`` are the facts (Keras's version, backend) that a checkpoint must share to be used.
    """
    for folder in folders:
        manifest = wire.read_manifest(folder)
        if manifest is None:
            refused.append("checkpoint %s is damaged" % os.path.basename(folder))
            continue
        state = _load(os.path.join(folder, _STATE))
        if state is None:
            continue  # another framework's
        if {name: state.get(name) for name in known} != known:
            refused.append("checkpoint %s was written by another version of Keras" % os.path.basename(folder))
            continue
        return Saved(folder, manifest["epoch"], state)
    return None


def _load(path: str) -> Optional[Dict[str, Any]]:
    try:
        with open(path, "rb") as stream:
            state: Dict[str, Any] = pickle.load(stream)
            return state
    except (OSError, pickle.UnpicklingError, ImportError, AttributeError, EOFError):
        return None


def _dump(path: str, state: Dict[str, Any]) -> None:
    with open(path, "wb") as stream:
        pickle.dump(state, stream, protocol=4)


def _fit_folder(folder: str, call: int) -> str:
    return os.path.join(folder, _FITS, "%04d" % call)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
