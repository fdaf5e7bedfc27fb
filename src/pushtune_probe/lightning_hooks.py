"""Patches Lightning when the script imports it: fits, validations and tests, and what is saved.

The training is driven by Lightning's own loop: the fit under way (``lightning_fit``) is told when the loop
starts, and before and after each epoch, later than every callback and logger. What that needs of Lightning's
private parts was read in the versions named in ``_SHOWN``; with others a trial is trained in one piece.
"""

from __future__ import annotations

import functools
import importlib
from types import ModuleType
from typing import Any, Callable, Tuple

from pushtune_probe import lightning_evaluate, lightning_files, lightning_model_file
from pushtune_probe.lightning_fit import Fit
from pushtune_probe.session import Session
from pushtune_probe.trainer_training import Training

_SHOWN = ((2, 6), (2, 7))
"""Versions, from the first up to but without the second, with which exact resume was shown."""


def install(session: Session, module: ModuleType) -> None:
    """Patch ``module``: ``lightning.pytorch`` or ``pytorch_lightning``, just imported."""
    version = str(getattr(module, "__version__", "0"))
    exact = _SHOWN[0] <= version_numbers(version) < _SHOWN[1]
    session.silence("pytorch_lightning")
    training = Training(session, "lightning", version, exact=exact)
    training.announce()
    if training.saved is not None:
        lightning_files.hide_versions(session.files.root, training.saved_files)
    trainer_class: Any = module.Trainer
    _patch_fit(
        trainer_class, training, "" if exact else "exact resume was not shown with Lightning " + version
    )
    _patch_stage(trainer_class, training)
    _patch_loop(importlib.import_module(module.__name__ + ".loops.fit_loop"), training)
    _patch_steps(importlib.import_module(module.__name__ + ".loops.optimization.automatic"), training)
    lightning_evaluate.install(trainer_class, training)
    lightning_model_file.install(session, training)


def version_numbers(version: str) -> Tuple[int, int]:
    """Return major and minor number; (0, 0) if the text has none."""
    parts = version.split(".")
    try:
        return int(parts[0]), int(parts[1])
    except (ValueError, IndexError):
        return 0, 0


def _patch_fit(trainer_class: Any, training: Training, why_not: str) -> None:
    original = trainer_class.fit

    @functools.wraps(original)
    def fit(trainer: Any, *args: Any, **kwargs: Any) -> Any:
        session = training.session
        if not session.mine or training.active is not None:
            return original(trainer, *args, **kwargs)
        given = kwargs.get("ckpt_path", args[4] if len(args) > 4 else None)
        reason = why_not or ("the script itself goes on from a checkpoint" if given else "")
        active = training.active = Fit(training, trainer, reason)
        try:
            with session.callsite:
                result = original(trainer, *args, **kwargs)
        finally:
            training.active = None
        active.ended()
        return result

    trainer_class.fit = fit


def _patch_stage(trainer_class: Any, training: Training) -> None:
    """Only the loop that a trainer's own stage runs is the fit's: tuners run it too, to try things out."""
    original = trainer_class._run_stage

    @functools.wraps(original)
    def run_stage(trainer: Any, *args: Any, **kwargs: Any) -> Any:
        if training.active is not None and trainer is training.active.trainer and trainer.training:
            training.active.stage_begins()
        return original(trainer, *args, **kwargs)

    trainer_class._run_stage = run_stage


def _patch_loop(module: ModuleType, training: Training) -> None:
    loop_class: Any = vars(module)["_FitLoop"]
    _around(loop_class, "on_run_start", training, after=Fit.begins)
    _around(loop_class, "on_advance_start", training, before=Fit.epoch_begins)
    _around(loop_class, "on_advance_end", training, after=Fit.epoch_ends)


def _patch_steps(module: ModuleType, training: Training) -> None:
    """Read the training loss along: a script may log none."""
    owner: Any = vars(module)["_AutomaticOptimization"]
    original = owner.run

    @functools.wraps(original)
    def run(loop: Any, *args: Any, **kwargs: Any) -> Any:
        outputs = original(loop, *args, **kwargs)
        fit = training.active
        if fit is not None and fit.live and isinstance(outputs, dict) and "loss" in outputs:
            fit.add_loss(outputs["loss"])
        return outputs

    owner.run = run


def _around(
    owner: Any,
    name: str,
    training: Training,
    *,
    before: Callable[[Fit], None] = lambda fit: None,
    after: Callable[[Fit], None] = lambda fit: None,
) -> None:
    """Have the fit under way told before and after a method of its loop."""
    original = getattr(owner, name)

    @functools.wraps(original)
    def told(loop: Any, *args: Any, **kwargs: Any) -> Any:
        fit = training.active
        if fit is None or not fit.live or loop.trainer is not fit.trainer:
            return original(loop, *args, **kwargs)
        before(fit)
        result = original(loop, *args, **kwargs)
        after(fit)
        return result

    setattr(owner, name, told)
