"""What trains in a program: the ``fit`` calls of Keras models, and the calls that make their batches."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from pushtune.rewrite.batches import batch_sources
from pushtune.rewrite.boosting import read_boosting
from pushtune.rewrite.loops import Loop, read_loops, training_loops
from pushtune.rewrite.trainers import read_trainers
from pushtune.source import Module, Names, Program
from pushtune.source.tracing import Found, Tracer

_TELLING = ("epochs", "batch_size", "validation_data", "steps_per_epoch", "callbacks", "validation_split")
_MODELS = ("keras.Sequential", "keras.Model")
_WRAPPERS = ("scikeras.wrappers", "keras.wrappers.scikit_learn")
_DEPTH = 12

SEARCHES = (
    "GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV", "BayesSearchCV",
    "TuneSearchCV", "TuneGridSearchCV", "OptunaSearchCV",
)  # fmt: skip
"""Classes that try several values by themselves."""


@dataclass(frozen=True, eq=False)
class MethodCall:
    """One call of a method, and its file."""

    module: Module
    call: ast.Call


@dataclass(frozen=True, eq=False)
class Spender:
    """What spends the epochs: a call that trains for a number of them, or a loop written by hand.

    ``keywords`` name the argument that says how many. ``whole`` says that it cannot be cut short,
    ``prefix_exact`` that a shorter training is the beginning of a longer one. ``role`` is that of the
    number: ``epochs``, or the ``rounds`` of boosting. ``written`` is where it stands, if that is known.
    """

    module: Module
    node: ast.Call | ast.For | ast.While
    keywords: tuple[str, ...] = ()
    whole: bool = False
    prefix_exact: bool = True
    role: str = "epochs"
    written: ast.expr | None = None

    @property
    def count(self) -> tuple[ast.AST, ...]:
        """The expressions through which the number comes in."""
        if self.written is not None:
            return (self.written,)
        if isinstance(self.node, ast.For):
            return (self.node.iter,)
        if isinstance(self.node, ast.While):
            return (self.node.test,)
        return tuple(keyword.value for keyword in self.node.keywords if keyword.arg in self.keywords)


@dataclass(frozen=True, eq=False)
class Training:
    """What trains: ``fit`` and ``compile`` calls of Keras models, what makes the batches, epoch loops.

    ``custom_loop`` says that models train without a ``fit`` of theirs: by hand, or through a wrapper.
    All of them can run. ``around_steps`` are all loops around a step of training, those over batches too.
    """

    fits: tuple[MethodCall, ...]
    compiles: tuple[MethodCall, ...]
    feeds: frozenset[ast.Call]
    custom_loop: bool
    loops: tuple[Loop, ...] = ()
    trainers: tuple[Spender, ...] = ()
    around_steps: frozenset[ast.AST] = frozenset()

    @property
    def loop(self) -> Loop | None:
        """The epoch loop written by hand, where that alone spends the epochs."""
        alone = len(self.loops) == 1 and len(self.spenders) == 1
        return self.loops[0] if alone else None

    @property
    def spenders(self) -> tuple[Spender, ...]:
        """Everything that spends epochs. Loops only where no library's training is used."""
        fits = tuple(
            Spender(fit.module, fit.call, ("epochs", "nb_epoch"), _begins_later(fit.call))
            for fit in self.fits
        )
        if fits or self.trainers:
            return (*fits, *self.trainers)
        return tuple(Spender(loop.module, loop.node) for loop in self.loops)


def _begins_later(fit: ast.Call) -> bool:
    return any(keyword.arg == "initial_epoch" for keyword in fit.keywords)


@dataclass(frozen=True)
class _Reader:
    program: Program
    names: Names
    tracer: Tracer

    def read(self) -> Training:
        fits = tuple(m for m in self._methods("fit", "fit_generator") if self._on_keras_model(m))
        compiles = tuple(m for m in self._methods("compile") if self._compiles_a_model(m))
        feeds: set[ast.Call] = set()
        for fit in fits:
            given = [*fit.call.args[:1], *(k.value for k in fit.call.keywords if k.arg in ("x", "generator"))]
            for expression in given:
                self._collect(fit.module, expression, feeds, _DEPTH)
        for module, expression in batch_sources(self.program, self.tracer) if self._uses_keras else ():
            self._collect(module, expression, feeds, _DEPTH)
        loops = read_loops(self.program, self.tracer)
        compiled = compiles if self._uses_keras else ()
        trainers = (*self._trainers(), *self._boosting())
        around = training_loops(self.program, self.tracer) if loops else frozenset()
        custom = self._has_custom_loop() or self._is_wrapped()
        return Training(fits, compiled, frozenset(feeds), custom, loops, trainers, around)

    def _trainers(self) -> tuple[Spender, ...]:
        return tuple(
            Spender(one.module, one.node, (one.keyword,), one.whole, one.prefix_exact)
            for one in read_trainers(self.program, self.names, self.tracer)
        )

    def _boosting(self) -> tuple[Spender, ...]:
        """Boosting, if all its rounds can be compared; the rounds of others are values like any."""
        found = read_boosting(self.program, self.names, self.tracer)
        if any(one.whole or not one.measured for one in found):
            return ()
        return tuple(
            Spender(one.module, one.node, (), one.whole, one.prefix_exact, "rounds", one.written)
            for one in found
        )

    def _methods(self, *names: str) -> Iterator[MethodCall]:
        for module in self.program.modules:
            for call in module.calls:
                named = isinstance(call.func, ast.Attribute) and call.func.attr in names
                if named and self.tracer.calls.reached(module, call):
                    yield MethodCall(module, call)

    def _on_keras_model(self, method: MethodCall) -> bool:
        if not self._uses_keras:
            return False
        assert isinstance(method.call.func, ast.Attribute)
        receiver = method.call.func.value
        names = {
            self.names.call(found.module, call) or "" for found, call in self._made(method.module, receiver)
        }
        if any(name.startswith("sklearn.") for name in names):
            return False
        if any(name in _MODELS for name in names) or ast.unparse(receiver) in self._compiled:
            return True
        return any(keyword.arg in _TELLING for keyword in method.call.keywords)

    def _compiles_a_model(self, method: MethodCall) -> bool:
        """Whether ``method`` is not the ``compile`` of some module (``re.compile``), and has arguments."""
        name = self.names.call(method.module, method.call)
        given = bool(method.call.args or method.call.keywords)
        return given and (name is None or name.startswith("local:"))

    @cached_property
    def _compiled(self) -> frozenset[str]:
        return frozenset(
            ast.unparse(m.call.func.value)
            for m in self._methods("compile")
            if isinstance(m.call.func, ast.Attribute)
        )

    @cached_property
    def _uses_keras(self) -> bool:
        canonical = self.names.vocabulary.canonical
        imported = (
            name
            for module in self.program.modules
            for scope in module.scopes.values()
            for name in (
                *scope.stars,
                *(b.target for found in scope.bindings.values() for b in found if b.kind == "import"),
            )
        )
        if any(canonical(name).split(".")[0] == "keras" for name in imported):
            return True
        return any(
            (self.names.call(module, call) or "").startswith("keras.")
            for module in self.program.modules
            for call in module.calls
        )

    def _has_custom_loop(self) -> bool:
        """Whether gradients are applied by hand, so that models train without ``compile`` and ``fit``."""
        return any(True for _ in self._methods("apply_gradients", "train_on_batch", "minimize"))

    def _is_wrapped(self) -> bool:
        """Whether scikit-learn trains a model through a wrapper, and no search varies what builds it."""
        names = [
            (self.names.call(module, call) or "").rpartition(".")
            for module in self.program.modules
            for call in module.calls
        ]
        wrapped = any(home in _WRAPPERS and last.startswith("Keras") for home, _, last in names)
        return wrapped and not any(last in SEARCHES for _, _, last in names)

    def _made(self, module: Module, node: ast.expr) -> Iterator[tuple[Found, ast.Call]]:
        """Yield the calls that ``node`` stands for, through local functions that return them."""
        for found in self.tracer.ends(module, node):
            if isinstance(found.node, ast.Call):
                yield found, found.node
                for home, returned in self._returned(found.module, found.node):
                    for end in self.tracer.ends(home, returned):
                        if isinstance(end.node, ast.Call):
                            yield end, end.node

    def _returned(self, module: Module, call: ast.Call) -> Iterator[tuple[Module, ast.expr]]:
        """Yield what a local function that ``call`` calls may return."""
        definition = self.tracer.calls.resolve(module, call.func)
        if not isinstance(definition, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return
        home = next(m for m in self.program.modules if definition in m.scopes)
        for node in ast.walk(definition):
            if (
                isinstance(node, ast.Return)
                and node.value is not None
                and home.scope_of(node).node is definition
            ):
                yield home, node.value

    def _collect(self, module: Module, node: ast.expr, found: set[ast.Call], left: int) -> None:
        if left == 0:
            return
        for end, call in list(self._made(module, node)):
            if call in found:
                continue
            found.add(call)
            if isinstance(call.func, ast.Attribute):
                self._collect(end.module, call.func.value, found, left - 1)


def read_training(program: Program, names: Names, tracer: Tracer) -> Training:
    """Find what trains in ``program``."""
    return _Reader(program, names, tracer).read()
