"""What PyTorch code does with its layers: give back its input, sample a code, train one against another."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pushtune.analyse.reading import Called, Reading, values_of
from pushtune.source import Module

_SAMPLING = re.compile(r"reparam|sample_(z|latent)", re.IGNORECASE)
_LOSSES = (
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
)
_LOSS_NAMES = re.compile(r"(criterion|loss|mse|bce|l1)", re.IGNORECASE)
_PARTS = {
    "generator": re.compile(r"generator|(?<![a-z])net_?g(?![a-z])|(?<![\w.])(?:self\.)?g(?:en)?$"),
    "discriminator": re.compile(r"discriminator|(?<![a-z])net_?d(?![a-z])|(?<![\w.])(?:self\.)?d(?:isc?)?$"),
}
"""How the two networks of a GAN are called, in lower case: by their class or by the name they are given."""

_LOOPS = (ast.For, ast.While, ast.ListComp, ast.GeneratorExp)


@dataclass(frozen=True)
class Sign:
    """One call that tells the kind of a network."""

    call: Called
    kind: str
    weight: int
    why: str


def signs(reading: Reading) -> Iterator[Sign]:
    """Yield what tells the kind of a PyTorch network beside the layers that it names."""
    linear = _linear_bases(reading)
    for call in reading.calls:
        last = (call.method or call.name.rpartition(":")[2]).lower()
        if _SAMPLING.search(last):
            yield Sign(call, "VAE", 99, "a code is sampled between encoder and decoder")
        elif _is_reconstruction(reading, call):
            yield Sign(call, "autoencoder", 90, "the network is trained to give back its own input")
        elif call.name.startswith("local:") and last.endswith("attention"):
            yield Sign(call, "transformer", 4, "an attention layer of its own")
        yield from _repeated(call, linear)
    yield from _adversaries(reading)


def _repeated(call: Called, linear: frozenset[str]) -> Iterator[Sign]:
    """A layer that is made in a loop is more than one, and so is a class that is itself such a layer."""
    made = linear if call.name.startswith("local:") else frozenset()
    looped = any(isinstance(outer, _LOOPS) for outer in call.module.around(call.node))
    if (call.name == "torch.nn.Linear" and looped) or call.name.rpartition(":")[2] in made:
        yield Sign(call, "MLP", 0, "a fully connected layer")
        yield Sign(call, "MLP", 0, "a fully connected layer, made several times")


def _linear_bases(reading: Reading) -> frozenset[str]:
    """Return the script's own classes that are fully connected layers."""
    return frozenset(
        owner.name
        for module in reading.program.modules
        for owner in module.scopes
        if isinstance(owner, ast.ClassDef)
        and any(reading.names.qualify(module, base) == "torch.nn.Linear" for base in owner.bases)
    )


def _is_reconstruction(reading: Reading, call: Called) -> bool:
    """Whether a loss compares what a network gives with what the same network was given."""
    if len(call.node.args) < 2 or not _compares_numbers(reading, call):
        return False
    given, wanted = _root(call.node.args[0]), _root(call.node.args[1])
    if given is None or wanted is None or given == wanted:
        return False
    return wanted in _inputs_of(call.module, call.node, given)


def _compares_numbers(reading: Reading, call: Called) -> bool:
    """Whether the call is a loss on numbers, by its name or by what it was made from; not one on classes."""
    if call.name.startswith("torch."):
        return call.name.rpartition(".")[2] in _LOSSES
    if not _LOSS_NAMES.search(_called(call.node)):
        return False
    made = (value for value in values_of(call.module, call.node.func) if isinstance(value, ast.Call))
    names = [reading.names.call(call.module, value) or "" for value in made]
    return not any(name.endswith(("CrossEntropyLoss", "NLLLoss")) for name in names)


def _called(call: ast.Call) -> str:
    function = call.func
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _root(node: ast.expr) -> str | None:
    """Return the variable that an expression is a view of: ``x`` for ``x.view(-1, 784)``."""
    while isinstance(node, (ast.Attribute, ast.Call, ast.Subscript)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def _inputs_of(module: Module, at: ast.AST, name: str) -> set[str]:
    """Return the variables that the network was given whose result ``name`` is, nearest above ``at``."""
    found = module.scope_of(at).find(name)
    above = [
        binding.value
        for binding in (found[1] if found else ())
        if binding.value is not None and getattr(binding.node, "lineno", 0) < getattr(at, "lineno", 0)
    ]
    made = above[-1] if above else _unpacked(module, at, name)
    if not isinstance(made, ast.Call):
        return set()
    return {root for argument in made.args if (root := _root(argument)) is not None}


def _unpacked(module: Module, at: ast.AST, name: str) -> ast.expr | None:
    """Return the call whose result is taken apart into ``name`` and others."""
    scope = module.scope_of(at)
    for node in module.parents:
        if isinstance(node, ast.Assign) and module.scope_of(node) is scope:
            names = [x.id for target in node.targets for x in ast.walk(target) if isinstance(x, ast.Name)]
            if name in names:
                return node.value
    return None


def _adversaries(reading: Reading) -> Iterator[Sign]:
    """Two networks that are called generator and discriminator."""
    found: dict[str, Called] = {}
    for call in reading.calls:
        statement = call.module.statement(call.node)
        target = ast.unparse(statement.targets[0]) if isinstance(statement, ast.Assign) else ""
        text = f"{call.name.rpartition(':')[2]} {target}".lower()
        makes = call.name.startswith(("local:", "torch.nn.Sequential"))
        for part in (part for part, named in _PARTS.items() if makes and named.search(text)):
            found.setdefault(part, call)
    if len(found) == 2:
        for call in found.values():
            yield Sign(call, "GAN", 99, "a generator and a discriminator that train against each other")
