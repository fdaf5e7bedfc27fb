"""Keeps the trained model: the files that the script saved, or else the model it fitted last."""

from __future__ import annotations

import os
from typing import Any, List

from pushtune_probe.keras_training import Training
from pushtune_probe.session import Session

_SUFFIXES = (".keras", ".h5", ".hdf5", ".tflite", ".onnx")
_SAVED_MODEL = "saved_model.pb"
_MOST = 20


def install(session: Session, training: Training, suffix: str = ".keras") -> None:
    """Have the model kept when the script has ended."""
    session.at_end(lambda: _keep(session, training, suffix))


def _keep(session: Session, training: Training, suffix: str) -> None:
    if training.last_model is None:
        return
    saved = saved_by_script(session)
    for path in saved[:_MOST]:
        session.artifact(path, "script")
    if not saved:
        _save(session, training.last_model, suffix)


def saved_by_script(session: Session) -> List[str]:
    """Return the model files that the script wrote, absolute; of a SavedModel its folder."""
    found = []
    for name in session.files.changed():
        path = os.path.join(session.files.root, name)
        if os.path.basename(name) == _SAVED_MODEL:
            found.append(os.path.dirname(path))
        elif name.endswith(_SUFFIXES):
            found.append(path)
    return found


def _save(session: Session, model: Any, suffix: str) -> None:
    folder = os.path.join(session.attempt, "artifacts")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "model" + suffix)
    unfinished = os.path.join(folder, "unfinished" + suffix)
    model.save(unfinished)
    os.replace(unfinished, path)
    session.artifact(path, "probe")
