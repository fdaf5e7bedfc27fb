"""The catalogue against the installed frameworks: names, positions and defaults of arguments."""

from __future__ import annotations

import importlib
import inspect
from functools import reduce
from typing import Any

import pytest

from pushtune.rewrite.catalogue import CallableEntry, load_catalogue

CATALOGUE = load_catalogue()
OLD = {"lr", "l", "keras.ImageDataGenerator", "keras.layers.RandomHeight", "keras.layers.RandomWidth"}
"""Spellings of Keras 2, which today's Keras no longer has."""


def entries(framework: str) -> list[CallableEntry]:
    found = [e for e in CATALOGUE.callables.values() if e.framework == framework and e.arguments]
    bundled = [e for e in found if e.group != "wrapper"]  # wrappers are a package of their own
    return [e for e in bundled if e.name not in OLD and ".legacy." not in e.name]


def signature(name: str) -> inspect.Signature:
    module, _, last = name.rpartition(".")
    try:
        target: Any = getattr(importlib.import_module(module), last)
    except ImportError:
        target = reduce(getattr, name.split(".")[1:], importlib.import_module(name.split(".")[0]))
    return inspect.signature(target)


def differences(entry: CallableEntry) -> list[str]:
    parameters = signature(entry.name).parameters
    splat = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    found = []
    for name in {name for argument in entry.arguments for name in (*dict(argument.when), *argument.unless)}:
        if name not in parameters and not splat:
            found.append(f"{entry.name} has no {name}")
    for argument in entry.arguments:
        if argument.name in OLD or (argument.name not in parameters and splat):
            continue
        if argument.name not in parameters:
            found.append(f"{entry.name} has no {argument.name}")
            continue
        actual = parameters[argument.name]
        if argument.at is not None and list(parameters).index(argument.name) != argument.at:
            found.append(f"{entry.name}: {argument.name} is not argument {argument.at}")
        told = argument.implicit or argument.default is not None
        if told and actual.default not in (
            argument.default,
            (argument.default,),
            (1, argument.default),
        ):
            found.append(f"{entry.name}: {argument.name} is {actual.default!r} by default")
    return found


def test_scikit_learn() -> None:
    pytest.importorskip("sklearn.experimental.enable_iterative_imputer")
    assert [line for entry in entries("sklearn") for line in differences(entry)] == []


@pytest.mark.usefixtures("keras_installed")
def test_keras() -> None:
    assert [line for entry in entries("keras") for line in differences(entry)] == []
    import keras

    for rule in CATALOGUE.optimizers.values():
        extra = dict([rule["extra"].split("=")]) if "extra" in rule else {}
        made = getattr(keras.optimizers, rule["name"])(
            **{name: float(value) for name, value in extra.items()}
        )
        assert float(made.learning_rate) == pytest.approx(rule["rate"])


def test_torch() -> None:
    pytest.importorskip("torch")
    found = [e for e in entries("torch") if e.name.startswith("torch.")]
    assert [line for entry in found for line in differences(entry)] == []
