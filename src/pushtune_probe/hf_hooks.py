"""Patches the Hugging Face ``Trainer`` when the script imports it: training, evaluation, and what is saved.

``train`` runs its epochs one by one through a method of its own (``_run_epoch``); the fit under way
(``hf_fit``) stands around it. Older versions train in one long function: there a callback reports the epochs,
and a trial is trained in one piece.
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from pushtune_probe import hf_evaluate, hf_model_file
from pushtune_probe.hf_fit import Fit
from pushtune_probe.hf_legacy import callback_for
from pushtune_probe.lightning_hooks import version_numbers
from pushtune_probe.session import Session
from pushtune_probe.trainer_training import Training

_UNKNOWN = (6, 0)


def install(session: Session, module: ModuleType) -> None:
    """Patch the ``Trainer`` of ``module``, which is ``transformers.trainer`` just imported."""
    import transformers  # the script's own, already loaded: for its version

    version = str(getattr(transformers, "__version__", "0"))
    trainer_class: Any = vars(module)["Trainer"]
    exact = hasattr(trainer_class, "_run_epoch") and version_numbers(version) < _UNKNOWN
    session.silence("transformers")
    training = Training(session, "hf", version, exact=exact)
    training.announce()
    why_not = "" if exact else "exact resume was not shown with transformers " + version
    _patch_train(trainer_class, training, why_not)
    if exact:
        _patch_epoch(trainer_class, training)
    hf_evaluate.install(trainer_class, training)
    hf_model_file.install(session, training)


def _patch_train(trainer_class: Any, training: Training, why_not: str) -> None:
    original = trainer_class.train

    @functools.wraps(original)
    def train(trainer: Any, *args: Any, **kwargs: Any) -> Any:
        session = training.session
        if not session.mine or training.active is not None:
            return original(trainer, *args, **kwargs)
        given = kwargs.get("resume_from_checkpoint", args[0] if args else None)
        reason = why_not or ("the script itself goes on from a checkpoint" if given else "")
        active = training.active = Fit(training, trainer, reason)
        if why_not:
            trainer.add_callback(callback_for(active))
        try:
            with session.callsite:
                result = original(trainer, *args, **kwargs)
        finally:
            training.active = None
        active.ended()
        return result

    trainer_class.train = train


def _patch_epoch(trainer_class: Any, training: Training) -> None:
    original = trainer_class._run_epoch

    @functools.wraps(original)
    def run_epoch(trainer: Any, *args: Any, **kwargs: Any) -> Any:
        fit = training.active
        if fit is None or trainer is not fit.trainer:
            return original(trainer, *args, **kwargs)
        index, loader = kwargs.get("epoch"), kwargs.get("train_dataloader")
        steps = kwargs.get("num_update_steps_per_epoch")
        if not fit.epoch_begins(index, loader, steps):
            return None
        result = original(trainer, *args, **kwargs)
        fit.epoch_ends()
        return result

    trainer_class._run_epoch = run_epoch
