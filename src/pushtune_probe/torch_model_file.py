"""Keeps the weights of the PyTorch model that was trained, where the script saves none itself."""

from __future__ import annotations

import os
from typing import Any

from pushtune_probe.model_file import ARTIFACTS
from pushtune_probe.session import Session
from pushtune_probe.torch_layers import Layers

_SUFFIXES = (".pt", ".pth", ".ckpt", ".safetensors", ".bin", ".onnx")


def install(session: Session, torch: Any, layers: Layers) -> None:
    """Have the weights kept when the script has ended."""
    session.at_end(lambda: _save(session, torch, layers))


def _save(session: Session, torch: Any, layers: Layers) -> None:
    if layers.model is None or not session.steps or _saved_by_somebody(session):
        return
    folder = os.path.join(session.attempt, ARTIFACTS)
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "model.pt")
    try:
        torch.save(layers.model.state_dict(), path + ".tmp")
        os.replace(path + ".tmp", path)
    except Exception as error:  # a model of the script's own may refuse in any way; the trial is good without
        session.warn("model-not-saved", "%s: %s" % (type(error).__name__, error))
        return
    session.artifact(path, origin="probe")


def _saved_by_somebody(session: Session) -> bool:
    """Whether PyTorch's weights are among the files that were reported."""
    return any(
        name.endswith(_SUFFIXES) or os.path.isdir(os.path.join(session.attempt, name))
        for name in session.saved
    )
