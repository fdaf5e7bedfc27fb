"""Keras 2, and versions that nobody has looked into: epochs and metrics are reported, nothing is resumed.

Only the public interface is used: a callback at the end of the script's own.
"""

from __future__ import annotations

import functools
import inspect
from types import ModuleType
from typing import Any, Dict

from pushtune_probe import keras_data, keras_evaluate, keras_model_file
from pushtune_probe import keras_training as shared
from pushtune_probe.keras_training import Training
from pushtune_probe.session import Session


def install(session: Session, module: ModuleType, why: str) -> None:
    """Patch ``module``; ``why`` says why its trials are trained in one piece."""
    training = Training(session, str(getattr(module, "__version__", "")), "", exact=False)
    session.warn("keras-version", why + "; the trial is trained in one piece")
    _patch_fit(module, training, why)
    keras_evaluate.install(session, module, training)
    keras_model_file.install(session, training, ".h5" if why.startswith("Keras 2") else ".keras")


def _patch_fit(module: Any, training: Training, why: str) -> None:
    owner = next(kind for kind in module.Model.__mro__ if "fit" in vars(kind))
    original = owner.fit
    signature = inspect.signature(original)
    reporting = _reporting_callback(module.callbacks.Callback)

    @functools.wraps(original)
    def fit(model: Any, *args: Any, **kwargs: Any) -> Any:
        session = training.session
        if not session.mine or training.active is not None:
            return original(model, *args, **kwargs)
        arguments = dict(signature.bind(model, *args, **kwargs).arguments)
        arguments.pop("self", None)
        feed = keras_data.read(model, arguments)
        keras_data.tell_roles(session, feed)
        training.calls += 1
        training.last_model = model
        session.reporter.emit(
            "fit", call=training.calls, by="keras.fit", epochs=feed.epochs, rungs=False, why=why
        )
        training.active = reporting(training, feed)
        given = arguments.get("callbacks")
        listed = list(given) if isinstance(given, (list, tuple)) else [given] if given else []
        try:
            with session.callsite:
                return original(model, **dict(arguments, callbacks=[*listed, training.active]))
        finally:
            training.active = None

    owner.fit = fit


def _reporting_callback(base: Any) -> Any:
    """Return a callback class over the base class of the Keras at hand."""

    class Reporting(base):  # type: ignore[misc]
        """Reports each epoch, and the last one's metrics at the end."""

        def __init__(self, training: Training, feed: keras_data.Feed) -> None:
            super().__init__()
            self._training = training
            self._total = training.epoch + feed.total
            self._clock = shared.Clock()
            self._metrics: Dict[str, Dict[str, Any]] = {}

        def on_train_begin(self, logs: Any = None) -> None:
            count = int(self.model.count_params()) if self.model.built else 0
            self._training.refuse_large(count)
            if count:
                self._training.session.reporter.emit("model", parameters=count, layers=[])

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self._clock.start()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            training = self._training
            training.epoch += 1
            self._metrics = shared.epoch_metrics(logs or {})
            training.session.epoch(training.epoch, self._total, self._clock.stop(), self._metrics)
            shared.refuse_divergence(logs or {}, training.epoch)
            if training.settle(rungs=False):
                self.model.stop_training = True

        def on_train_end(self, logs: Any = None) -> None:
            for name, entry in self._metrics.items():
                self._training.session.metric(
                    name, entry["value"], "keras.fit", split=entry["split"], step=self._training.epoch
                )

    return Reporting
