"""Patches Keras when the script imports it: training, evaluation, and what is saved.

Keras 3 (and ``tf.keras``, which is the same) is driven through ``keras_fit``. What that needs of Keras's
private parts was read in the versions below ``_UNKNOWN``; for newer ones and for Keras 2 the trial is
trained in one piece (``keras_legacy``).
"""

from __future__ import annotations

import functools
import inspect
from types import ModuleType
from typing import Any, Callable, Tuple

from pushtune_probe import keras_data, keras_evaluate, keras_legacy, keras_model_file, keras_random
from pushtune_probe.keras_fit import Fit
from pushtune_probe.keras_training import Training
from pushtune_probe.session import Session

_UNKNOWN = (3, 16)
_BACKENDS = ("tensorflow", "jax", "torch")


def install(session: Session, module: ModuleType) -> None:
    """Patch ``module``, which is ``keras`` just imported."""
    version = str(getattr(module, "__version__", "0"))
    backend = module.backend.backend() if hasattr(module, "backend") else ""
    session.framework("keras", version, backend)
    why = _why_one_piece(version, backend)
    if why:
        keras_legacy.install(session, module, why)
        return
    keras_random.seed_generators(session.plan.seed)
    training = Training(session, version, backend)
    _patch_fit(module.Model, training)
    _patch_callback_list(module.callbacks.CallbackList, training)
    keras_evaluate.install(session, module, training)
    keras_model_file.install(session, training)


def _why_one_piece(version: str, backend: str) -> str:
    numbers = version_numbers(version)
    if numbers < (3, 0):
        return "Keras %s is not resumed: only Keras 3 is" % version
    if numbers >= _UNKNOWN:
        return "keras version not known: %s" % version
    return "" if backend in _BACKENDS else "the %s backend does not train" % backend


def version_numbers(version: str) -> Tuple[int, int]:
    """Return major and minor number; (0, 0) if the text has none."""
    parts = version.split(".")
    try:
        return int(parts[0]), int(parts[1])
    except (ValueError, IndexError):
        return 0, 0


def _patch_fit(model_class: Any, training: Training) -> None:
    owner = next(kind for kind in model_class.__mro__ if "fit" in vars(kind))
    original = owner.fit
    signature = inspect.signature(original)

    @functools.wraps(original)
    def fit(model: Any, *args: Any, **kwargs: Any) -> Any:
        session = training.session
        if not session.mine or training.active is not None:
            return original(model, *args, **kwargs)
        arguments = dict(signature.bind(model, *args, **kwargs).arguments)
        arguments.pop("self", None)
        feed = keras_data.read(model, arguments)
        keras_data.tell_roles(session, feed)
        training.last_model = model
        saved = training.next_call()
        training.active = Fit(training, model, feed, saved)

        def train(**changed: Any) -> Any:
            return original(model, **dict(arguments, **changed))

        try:
            with session.callsite:
                return training.active.run(train)
        finally:
            training.active = None

    owner.fit = fit


def _patch_callback_list(owner: Any, training: Training) -> None:
    """Have the fit under way told after all of the script's callbacks and Keras's own."""

    def after(name: str, tell: Callable[..., None]) -> None:
        original = getattr(owner, name)

        @functools.wraps(original)
        def told(callbacks: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(callbacks, *args, **kwargs)
            fit = training.active
            if fit is not None and (fit.list is callbacks or (fit.list is None and name == "on_train_begin")):
                tell(fit, callbacks, *args, **kwargs)
            return result

        setattr(owner, name, told)

    after("on_train_begin", lambda fit, callbacks, logs=None: fit.callbacks_ready(callbacks))
    after("on_epoch_begin", lambda fit, callbacks, epoch, logs=None: fit.epoch_begins(epoch))
    after("on_train_batch_end", lambda fit, callbacks, batch, logs=None: fit.batch_ended())
    after("on_epoch_end", lambda fit, callbacks, epoch, logs=None: fit.epoch_ends(logs))
