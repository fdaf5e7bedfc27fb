"""The checkpoints of a hand-written loop, in the same folders and as whole as those of Keras."""

import os
import pickle
from typing import Any, Dict, Optional

from pushtune_probe import wire
from pushtune_probe.keras_checkpoints import Store
from pushtune_probe.session import Session

STATE = "loop.pickle"


def store(session: Session) -> Store:
    """Return what writes the attempt's checkpoints."""
    return Store(session.attempt, session.files.snapshot, STATE)


def read(session: Session) -> Optional[Dict[str, Any]]:
    """Return the state in the checkpoint to resume from, None if it is not of a loop."""
    if session.resume is None:
        return None
    try:
        with open(os.path.join(session.resume.folder, STATE), "rb") as stream:
            state: Dict[str, Any] = pickle.load(stream)
    except FileNotFoundError:
        return None
    return state


def files(session: Session) -> str:
    """Return the folder of the script's files at the checkpoint to resume from."""
    assert session.resume is not None
    return os.path.join(session.resume.folder, wire.CHECKPOINT_FILES)
