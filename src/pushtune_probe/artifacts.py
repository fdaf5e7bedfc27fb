"""Reports the model files that the script wrote itself."""

import os
from typing import Iterator

from pushtune_probe.session import Session

MODEL_SUFFIXES = (
    ".keras", ".h5", ".hdf5", ".joblib", ".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".safetensors", ".onnx",
    ".tflite",
)  # fmt: skip
_SAVED_MODEL = "saved_model.pb"
_BESIDE_MODELS = frozenset({"optimizer.pt", "scheduler.pt", "scaler.pt", "rng_state.pth"})
"""What the Hugging Face trainer writes beside a model, to resume from: no model."""


def report(session: Session) -> None:
    """Report every model file or SavedModel folder that the script wrote into its workspace."""
    for name in _models(session):
        session.artifact(os.path.join(session.plan.workspace, name), origin="script")


def _models(session: Session) -> Iterator[str]:
    changed = session.files.changed()
    folders = [os.path.dirname(name) for name in changed if os.path.basename(name) == _SAVED_MODEL]
    yield from (folder for folder in folders if folder)
    inside = tuple(os.path.join(folder, "") for folder in folders if folder)
    for name in changed:
        if os.path.basename(name) in _BESIDE_MODELS or name.startswith(inside):
            continue
        if name.lower().endswith(MODEL_SUFFIXES):
            yield name
