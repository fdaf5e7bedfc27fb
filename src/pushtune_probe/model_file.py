"""Keeps the fitted model of a script that saves none itself."""

import os
import pickle
from typing import Any, BinaryIO

from pushtune_probe.session import Session, loaded

ARTIFACTS = "artifacts"
LIMIT = 500 * 1024 * 1024
"""Bytes that a model file may take."""


class TooLargeError(Exception):
    """The model does not fit below the limit."""


class _Limited:
    """A binary file that refuses to grow beyond a limit."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._stream = stream
        self._room = limit

    def write(self, data: Any) -> int:
        self._room -= memoryview(data).nbytes
        if self._room < 0:
            raise TooLargeError("the model is larger than the limit of its file")
        return self._stream.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def save(session: Session, limit: int = LIMIT) -> None:
    """Write ``session.fitted_model`` to ``artifacts/model.joblib``, unless a model file was reported.

    What cannot be pickled, or is larger than ``limit`` bytes, is a warning.
    """
    if session.fitted_model is None or session.saved or not session.mine:
        return
    folder = os.path.join(session.attempt, ARTIFACTS)
    path = os.path.join(folder, "model.joblib")
    temporary = path + ".tmp"
    os.makedirs(folder, exist_ok=True)
    try:
        with open(temporary, "wb") as stream:
            _dump(session.fitted_model, _Limited(stream, limit))
        os.replace(temporary, path)
    except Exception as error:  # a model may refuse to be pickled in any way; the trial is good without
        if os.path.exists(temporary):
            os.remove(temporary)
        session.warn("model-not-saved", "%s: %s" % (type(error).__name__, error))
        return
    session.artifact(path, origin="probe")


def _dump(model: Any, stream: Any) -> None:
    joblib = loaded("joblib")
    if joblib is not None:
        joblib.dump(model, stream)
    else:
        pickle.dump(model, stream)
