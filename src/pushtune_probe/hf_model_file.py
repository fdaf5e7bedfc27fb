"""Keeps the model that the Hugging Face ``Trainer`` trained last, where the script saved none."""

from __future__ import annotations

import os
import shutil
import sys

from pushtune_probe import lightning_model_file
from pushtune_probe.model_file import ARTIFACTS
from pushtune_probe.session import Session
from pushtune_probe.trainer_training import Training


def install(session: Session, training: Training) -> None:
    """Have the model kept when the script has ended: as ``from_pretrained`` reads it."""
    session.at_end(lambda: _save(session, training), first=True)


def _save(session: Session, training: Training) -> None:
    if not training.trained or session.saved or not session.mine:
        return
    model = training.trained[-1]
    if not hasattr(model, "save_pretrained") or "safetensors" not in sys.modules:
        lightning_model_file.save(session, training.trained)
        return
    folder = os.path.join(session.attempt, ARTIFACTS, "model")
    try:
        model.save_pretrained(folder + ".tmp")
        shutil.rmtree(folder, ignore_errors=True)
        os.rename(folder + ".tmp", folder)
    except Exception as error:  # a model of the script's own may refuse in any way; the trial is good without
        session.warn("model-not-saved", "%s: %s" % (type(error).__name__, error))
        return
    session.artifact(folder, origin="probe")
