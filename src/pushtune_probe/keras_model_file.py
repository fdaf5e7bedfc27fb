"""Keeps the model that was fitted last, where the script saves none itself."""

from __future__ import annotations

import os

from pushtune_probe.keras_training import Training
from pushtune_probe.model_file import ARTIFACTS
from pushtune_probe.session import Session

_SUFFIXES = (".keras", ".h5", ".hdf5", ".tflite", ".onnx")


def install(session: Session, training: Training, suffix: str = ".keras") -> None:
    """Have the model kept when the script has ended. ``suffix`` says in which of Keras's formats."""
    session.at_end(lambda: _save(session, training, suffix))


def _save(session: Session, training: Training, suffix: str) -> None:
    if training.last_model is None or _saved_by_script(session):
        return
    folder = os.path.join(session.attempt, ARTIFACTS)
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "model" + suffix)
    unfinished = os.path.join(folder, "unfinished" + suffix)
    try:
        training.last_model.save(unfinished)
        os.replace(unfinished, path)
    except Exception as error:  # a model of the script's own may refuse in any way; the trial is good without
        session.warn("model-not-saved", "%s: %s" % (type(error).__name__, error))
        return
    session.artifact(path, origin="probe")


def _saved_by_script(session: Session) -> bool:
    """Whether a Keras model is among the files that were reported: a pickled scaler is none."""
    paths = [os.path.join(session.attempt, name) for name in session.saved]
    return any(path.endswith(_SUFFIXES) or os.path.isdir(path) for path in paths)
