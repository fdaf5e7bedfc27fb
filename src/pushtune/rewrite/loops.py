"""Epoch loops written by hand: which loop passes over the data, and where the number of its rounds stands.

What trains is found first (``loss.backward()``, ``apply_gradients``); every loop around it, through the
functions that call it, is a candidate. Among these the epoch loop is the one that is called so, else the
innermost that does not itself run over batches.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pushtune.source import Module, Program
from pushtune.source.tracing import Tracer

_STEPS = ("backward", "apply_gradients", "train_on_batch", "minimize", "partial_fit")
"""Methods that make, or lead to, one step of training."""

_WRAPPERS = (
    "tqdm",
    "trange",
    "enumerate",
    "zip",
    "iter",
    "list",
    "reversed",
    "islice",
    "track",
    "master_bar",
)
_RANGES = ("range", "trange", "xrange")
_EPOCH = re.compile(r"(^|_)(n_?)?(num_?)?(max_?)?epochs?(_|$)|epochs?$|^ep$|^nb_epoch", re.IGNORECASE)
_BATCH = re.compile(r"batch|loader|dataset|iters?(_per|$)|steps?(_per|$)", re.IGNORECASE)
_DEPTH = 8


@dataclass(frozen=True, eq=False)
class Loop:
    """An epoch loop. ``number`` counts the file's ``for`` and ``while`` statements from 0, by their lines.

    ``count`` is the expression of the number of epochs (None: not to be told); ``offset`` is what its value
    has too much of them (``range(1, 11)`` makes 10).
    """

    module: Module
    node: ast.For | ast.While
    number: int
    count: ast.expr | None
    offset: int = 0


_At = tuple[Module, "ast.For | ast.While"]


def read_loops(program: Program, tracer: Tracer) -> tuple[Loop, ...]:
    """Return the epoch loops of ``program`` that can run; trials can be paused where there is exactly one."""
    return tuple(_Reader(program, tracer).read())


def training_loops(program: Program, tracer: Tracer) -> frozenset[ast.AST]:
    """Return every loop around a step of training, those over epochs and those over batches alike."""
    reader = _Reader(program, tracer)
    return frozenset(node for chain in reader.chains() for _, node in chain)


def iterated(node: ast.expr) -> Iterator[ast.expr]:
    """Yield what a loop runs over, through ``enumerate``, ``zip`` and progress bars."""
    if isinstance(node, ast.Call) and _called(node) in _WRAPPERS:
        for argument in node.args:
            yield from iterated(argument)
    else:
        yield node


@dataclass(frozen=True, eq=False)
class _Reader:
    program: Program
    tracer: Tracer

    def read(self) -> Iterator[Loop]:
        chosen: dict[ast.AST, _At] = {}
        for chain in self.chains():
            loop = _epoch_loop(chain)
            if loop is not None:
                chosen.setdefault(loop[1], loop)
        for module, node in chosen.values():
            count, offset = _count(node)
            yield Loop(module, node, _number(module, node), count, offset)

    def chains(self) -> Iterator[list[_At]]:
        """Yield the loops around each step of training, innermost first."""
        for module in self.program.modules:
            for call in module.calls:
                if self._trains(module, call):
                    yield from self._chains(module, call, ())

    def _trains(self, module: Module, call: ast.Call) -> bool:
        function = call.func
        if not isinstance(function, ast.Attribute) or function.attr not in _STEPS:
            return False
        return self.tracer.calls.reached(module, call)

    def _chains(self, module: Module, node: ast.AST, seen: tuple[ast.AST, ...]) -> Iterator[list[_At]]:
        """Yield the loops around ``node``, innermost first, once for each way of calling it."""
        loops: list[_At] = []
        inner = node
        for outer in module.around(node):
            if isinstance(outer, (ast.For, ast.While)) and inner in outer.body:
                loops.append((module, outer))
            if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef)) and inner in outer.body:
                yield from self._callers_chains(outer, loops, seen)
                return
            inner = outer
        yield loops

    def _callers_chains(
        self,
        function: ast.FunctionDef | ast.AsyncFunctionDef,
        loops: list[_At],
        seen: tuple[ast.AST, ...],
    ) -> Iterator[list[_At]]:
        callers = [
            caller
            for caller in self.tracer.calls.callers(function)
            if self.tracer.calls.reached(caller.module, caller.call)
        ]
        if not callers or function in seen or len(seen) >= _DEPTH:
            yield loops
            return
        for caller in callers:
            for chain in self._chains(caller.module, caller.call, (*seen, function)):
                yield loops + chain


def _epoch_loop(chain: list[_At]) -> _At | None:
    """Return the loop that passes over the data, among the loops around a step, innermost first."""
    named = [at for at in chain if _is_named(at[1])]
    if named:
        return named[0]
    plain = [at for at in chain if not _is_over_batches(at[1])]
    return plain[0] if plain else None


def _is_named(node: ast.For | ast.While) -> bool:
    """Whether the loop says itself that it counts epochs."""
    if isinstance(node, ast.For):
        ranged = _ranged(node.iter)
        words = [*_words(node.target), *(_words(ranged) if ranged is not None else ())]
    else:
        words = list(_words(node.test))
    return any(_EPOCH.search(word) for word in words) and not any(word.startswith("batch") for word in words)


def _is_over_batches(node: ast.For | ast.While) -> bool:
    if isinstance(node, ast.While):
        return any(_BATCH.search(word) and not _EPOCH.search(word) for word in _words(node.test))
    ranged = _ranged(node.iter)
    if ranged is None:
        return True  # over data, or over anything else that is not counted
    return len(ranged.args) == 3 or any(
        _BATCH.search(word) for word in (*_words(ranged), *_words(node.target))
    )


def _ranged(node: ast.expr) -> ast.Call | None:
    """Return the ``range(…)`` that an iterable counts by, through progress bars and ``enumerate``."""
    for _ in range(_DEPTH):
        if not isinstance(node, ast.Call):
            return None
        name = _called(node)
        if name in _RANGES and node.args:
            return node
        if name not in _WRAPPERS or not node.args:
            return None
        inner = [argument for argument in node.args if isinstance(argument, ast.Call)]
        node = inner[0] if inner else node.args[0]
    return None


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _words(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.Attribute):
            yield inner.attr
        elif isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner.value


def _count(node: ast.For | ast.While) -> tuple[ast.expr | None, int]:
    """Return the expression that says how many rounds the loop makes, and what it has too much."""
    if isinstance(node, ast.For):
        ranged = _ranged(node.iter)
        return (None, 0) if ranged is None else _range_count(ranged)
    return _while_count(node)


def _range_count(ranged: ast.Call) -> tuple[ast.expr | None, int]:
    if any(isinstance(argument, ast.Starred) for argument in ranged.args) or len(ranged.args) > 2:
        return None, 0
    stop = ranged.args[-1]
    start = _whole(ranged.args[0]) if len(ranged.args) == 2 else 0
    if isinstance(stop, ast.BinOp) and isinstance(stop.op, ast.Add):
        # range(1, n + 1), range(start_epoch, start_epoch + n)
        for count, more in ((stop.left, stop.right), (stop.right, stop.left)):
            if start is not None and _whole(more) == start:
                return count, 0
            if start is None and ast.dump(more) == ast.dump(ranged.args[0]):
                return count, 0
    # A start that is a variable is where an interrupted run went on: 0 as the script stands.
    return stop, start or 0


def _while_count(node: ast.While) -> tuple[ast.expr | None, int]:
    test = node.test
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        return _compared(test)
    if isinstance(test, ast.Constant) and test.value:
        for statement in node.body:
            leaves = isinstance(statement, ast.If) and any(
                isinstance(inner, ast.Break) for inner in statement.body
            )
            if leaves and isinstance(statement, ast.If) and isinstance(statement.test, ast.Compare):
                return statement.test.comparators[-1], 0
    return None, 0


def _compared(test: ast.Compare) -> tuple[ast.expr | None, int]:
    operator, left, right = test.ops[0], test.left, test.comparators[0]
    if isinstance(operator, (ast.Lt, ast.LtE, ast.NotEq)):
        return right, 0
    if isinstance(operator, (ast.Gt, ast.GtE)):
        return left, 0
    return None, 0


def _whole(node: ast.expr) -> int | None:
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(module: Module, node: ast.For | ast.While) -> int:
    loops = [item for item in module.parents if isinstance(item, (ast.For, ast.While))]
    loops.sort(key=lambda item: (item.lineno, item.col_offset))
    return next(number for number, item in enumerate(loops) if item is node)
