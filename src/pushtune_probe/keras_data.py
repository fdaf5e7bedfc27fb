"""What a call of ``fit`` was given: for how long it trains, and of what kind its data is."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple

from pushtune_probe.session import Session


class Feed(NamedTuple):
    """The arguments of one fit.

    ``epochs`` and ``initial_epoch`` as the source says, ``total`` their difference. ``persistent``: one
    iterator serves all epochs, and reads ahead of the training. ``private``: the data are arrays, so what
    is drawn from them in this fit concerns no other. ``why_not``: why this fit cannot be resumed exactly.
    """

    x: Any
    y: Any
    validation: Any
    epochs: int
    initial_epoch: int
    total: int
    persistent: bool
    private: bool
    why_not: str


def read(model: Any, arguments: Mapping[str, Any]) -> Feed:
    """Read the bound arguments of ``model.fit``."""
    x, validation = arguments.get("x"), arguments.get("validation_data")
    epochs, first = int(arguments.get("epochs") or 0), int(arguments.get("initial_epoch") or 0)
    steps = arguments.get("steps_per_epoch") or arguments.get("validation_steps")
    return Feed(
        x=x,
        y=arguments.get("y"),
        validation=validation,
        epochs=epochs,
        initial_epoch=first,
        total=max(0, epochs - first),
        persistent=bool(steps) or _is_iterator(x) or _is_iterator(validation),
        private=_is_array(x) and (validation is None or _is_array(validation)),
        why_not=_why_not(model),
    )


def tell_roles(session: Session, feed: Feed) -> None:
    """Remember which data this fit trains on and which it watches."""
    session.data.fitted(feed.x, feed.y)
    validation = feed.validation
    if isinstance(validation, (tuple, list)):
        session.data.watched(*validation[:2])
    else:
        session.data.watched(validation)


def _is_iterator(data: Any) -> bool:
    # ImageDataGenerator's flows have both, and Keras reads them by index.
    return hasattr(data, "__next__") and not hasattr(data, "__getitem__")


def _is_array(data: Any) -> bool:
    if isinstance(data, (tuple, list)):
        return all(item is None or isinstance(item, (int, float)) or _is_array(item) for item in data)
    if isinstance(data, dict):
        return all(_is_array(item) for item in data.values())
    return (hasattr(data, "shape") and hasattr(data, "dtype")) or hasattr(data, "iloc")


def _why_not(model: Any) -> str:
    strategy = getattr(model, "_distribute_strategy", None)
    if getattr(strategy, "num_replicas_in_sync", 1) > 1:
        return "the model trains on several devices"
    return ""
