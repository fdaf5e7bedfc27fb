"""Keeps the booster that was trained last, in its library's own format, where the script saves none."""

from __future__ import annotations

import functools
import os
from typing import Any, List

from pushtune_probe.boosting_training import Training
from pushtune_probe.model_file import ARTIFACTS

_PICKLES = (".pkl", ".pickle", ".joblib")


def install(training: Training, booster: Any, file_name: str) -> None:
    """Have the model kept when the script has ended, and those that it saves with ``save_model`` reported."""
    written: List[str] = []
    original = booster.save_model

    @functools.wraps(original)
    def save_model(model: Any, fname: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(model, fname, *args, **kwargs)
        if training.session.mine and training.on_behalf_of_script():
            written.append(os.path.abspath(os.fspath(fname)))
        return result

    booster.save_model = save_model
    training.session.at_end(lambda: _save(training, written, file_name))


def _save(training: Training, written: List[str], file_name: str) -> None:
    session = training.session
    below = os.path.join(session.attempt, "")
    for path in dict.fromkeys(written):
        if path.startswith(below) and os.path.isfile(path):
            session.artifact(path, origin="script")
    pickled = any(name.lower().endswith(_PICKLES) for name in session.saved)
    if training.last_booster is None or written or pickled or session.fitted_model is not None:
        return
    folder = os.path.join(session.attempt, ARTIFACTS)
    path = os.path.join(folder, file_name)
    unfinished = os.path.join(folder, "unfinished-" + file_name)
    os.makedirs(folder, exist_ok=True)
    try:
        training.last_booster.save_model(unfinished)
        os.replace(unfinished, path)
    except Exception as error:  # a booster may refuse in any way; the trial is good without
        session.warn("model-not-saved", "%s: %s" % (type(error).__name__, error))
        return
    session.artifact(path, origin="probe")
