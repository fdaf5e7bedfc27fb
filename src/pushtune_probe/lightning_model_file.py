"""Keeps the module that Lightning trained last, where the script (or its callbacks) saved none."""

from __future__ import annotations

import os
import sys
from typing import Any, List

from pushtune_probe.model_file import ARTIFACTS
from pushtune_probe.session import Session
from pushtune_probe.trainer_training import Training


def install(session: Session, training: Training) -> None:
    """Have the weights kept when the script has ended: ``artifacts/model.pt``, a state dictionary."""
    session.at_end(lambda: save(session, training.trained), first=True)


def save(session: Session, trained: List[Any]) -> None:
    """Write the weights of the module in ``trained``, unless a model file was reported."""
    if not trained or session.saved or not session.mine:
        return
    torch: Any = sys.modules["torch"]
    folder = os.path.join(session.attempt, ARTIFACTS)
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "model.pt")
    try:
        torch.save(trained[-1].state_dict(), path + ".tmp")
        os.replace(path + ".tmp", path)
    except Exception as error:  # a model of the script's own may refuse in any way; the trial is good without
        session.warn("model-not-saved", "%s: %s" % (type(error).__name__, error))
        return
    session.artifact(path, origin="probe")
