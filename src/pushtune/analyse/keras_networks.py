"""What Keras code calls its networks: a code that is sampled, an encoder and a decoder, two that compete."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pushtune.analyse.networks import Sign
from pushtune.analyse.reading import Called, Reading

_SAMPLING = re.compile(r"sampling(_?layer)?|sampler|reparam\w*|sample_(z|latent)\w*", re.IGNORECASE)
_VARIATIONAL = re.compile(r"(\w*_)?c?vae(_\w*)?|variational\w*", re.IGNORECASE)
_AUTOENCODER = re.compile(r"\w*auto_?encoder\w*|(\w*_)?ae", re.IGNORECASE)
_BUILT = ("keras.Sequential", "keras.Model")
_DATA = ("ImageDataGenerator", "Sequence")


def keras_signs(reading: Reading) -> Iterator[Sign]:
    """Yield what tells the kind of a Keras network beside the layers that it names."""
    for call in reading.calls:
        names = [call.last, *(value.id for value in call.node.args if isinstance(value, ast.Name))]
        local = call.name.startswith("local:") or not call.name
        if (local and _SAMPLING.fullmatch(call.last)) or (
            call.name == "keras.layers.Lambda" and any(map(_SAMPLING.fullmatch, names))
        ):
            yield Sign(call, "VAE", 120, "a code is sampled between encoder and decoder")
        elif call.name.startswith("local:") and _VARIATIONAL.fullmatch(call.last):
            yield Sign(call, "VAE", 120, "a variational autoencoder of its own")
        elif call.name.startswith("local:") and _AUTOENCODER.fullmatch(call.last):
            yield Sign(call, "autoencoder", 99, "an autoencoder of its own")
    yield from _adversaries(reading)


def _adversaries(reading: Reading) -> Iterator[Sign]:
    """Two networks that are called generator and discriminator (or critic)."""
    found: dict[str, Called] = {}
    for call in reading.calls:
        statement = call.module.statement(call.node)
        made = isinstance(statement, ast.Assign) and statement.value is call.node and _makes(call)
        target = ast.unparse(statement.targets[0]).lower() if isinstance(statement, ast.Assign) else ""
        for part, words in (("generator", ("generator",)), ("discriminator", ("discriminator", "critic"))):
            if made and any(word in target for word in words):
                found.setdefault(part, call)
    if len(found) == 2:
        for call in found.values():
            yield Sign(call, "GAN", 150, "a generator and a discriminator that train against each other")


def _makes(call: Called) -> bool:
    """Whether the call may build a network: the script's own functions and classes, or a model of Keras."""
    library = bool(call.name) and not call.name.startswith("local:")
    return call.name in _BUILT if library else not call.last.endswith(_DATA)
