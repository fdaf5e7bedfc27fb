"""Places that must never change: class counts, shapes, seeds, paths, and what shares a constant with them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from pushtune.model.analysis import Span
from pushtune.rewrite.applied import is_wiring
from pushtune.rewrite.base import Context
from pushtune.rewrite.pretrained import pretrained_sizes
from pushtune.rewrite.uses import Target, uses_of, written_argument
from pushtune.source import Module

_BRINGING = ("reshape", "resize", "one_hot")
_LIBRARIES = ("tensorflow.", "keras.", "numpy.", "torch.")


def frozen_spans(context: Context, targets: Iterable[Target]) -> frozenset[Span]:
    """Return the spans of every literal that also reaches an argument which must stay as it is."""
    targets = tuple(targets)
    by_call = {target.call: target for target in targets}
    batches = _batch_sizes(context, targets)
    fixed = frozenset(
        span
        for module in context.program.modules
        for call in module.calls
        for expression in _frozen_expressions(context, module, call, by_call.get(call))
        for span in _reached(context, module, expression)
        if span not in batches or not _shapes(call)
    )
    return fixed.union(
        span
        for module in context.program.modules
        for call in module.calls
        for home, expression in pretrained_sizes(context, module, call, by_call.get(call))
        for span in _reached(context, home, expression)
    )


def _batch_sizes(context: Context, targets: Iterable[Target]) -> frozenset[Span]:
    """Return where the batch sizes of PyTorch's loaders stand: `view(batch_size, -1)` follows them."""
    return frozenset(
        span
        for target in targets
        for use in uses_of(context, target)
        if use.role == "batch_size" and target.entry.framework == "torch"
        for span in use.origin.spans
    )


def _shapes(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr in ("view", "reshape")


def _is_frozen_method(context: Context, call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr in context.catalogue.frozen_methods


def _frozen_expressions(
    context: Context, module: Module, call: ast.Call, target: Target | None
) -> Iterator[ast.expr]:
    catalogue = context.catalogue
    name = context.names.call(module, call)
    entry = catalogue.callables.get(name or "") if target is None else target.entry
    if name in ("keras.Input", "keras.layers.Input") and is_wiring(context, module, call):
        return  # what comes in is another model's output, as wide as that model makes it
    tuned = {name for argument in entry.arguments for name in argument.names} if entry is not None else set()
    everything = name in catalogue.frozen_calls or _is_frozen_method(context, call)
    if entry is not None and entry.framework == "torch" and entry.group == "layer":
        return  # which of its sizes belong to the data is read from the flow
    if everything and in_network(context, module, call) and name not in catalogue.frozen_calls:
        return  # a model's own `view` brings nothing into a shape that the data asks for
    own = context.tracer.calls.resolve(module, call.func) is not None
    for keyword in call.keywords:
        if own and keyword.arg == "depth":
            continue  # of `one_hot` it is a class count; of the script's own networks what it says
        if everything or (keyword.arg in catalogue.frozen_arguments and keyword.arg not in tuned):
            yield from _without_batch(call, keyword.value)
    for position, expression in enumerate(call.args):
        if position == 0 and _takes_data_first(call, name):
            continue
        named = entry.positions[position] if entry and position < len(entry.positions) else ""
        if everything or (named in catalogue.frozen_arguments and named not in tuned):
            yield expression
    if target is not None and target.is_output:
        for argument in target.entry.arguments:
            written = written_argument(call, argument)
            if argument.name in target.entry.output and written is not None:
                yield written


def _takes_data_first(call: ast.Call, name: str | None) -> bool:
    """Whether the first argument is what is brought into a shape, as in ``tf.reshape(x[:size], shape)``."""
    method = isinstance(call.func, ast.Attribute) and call.func.attr in _BRINGING
    return method and name is not None and name.startswith(_LIBRARIES)


def _without_batch(call: ast.Call, shape: ast.expr) -> Iterator[ast.expr]:
    """Yield the parts of a shape that belong to the data: ``build`` is told the batch size before them."""
    builds = isinstance(call.func, ast.Attribute) and call.func.attr == "build"
    if builds and isinstance(shape, (ast.Tuple, ast.List)):
        yield from shape.elts[1:]
    else:
        yield shape


def _reached(context: Context, module: Module, expression: ast.expr) -> Iterator[Span]:
    """Yield the places of all values that take part in ``expression``."""
    for node in ast.walk(expression):
        if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript, ast.Constant)):
            for origin in context.tracer.trace(module, node):
                yield from origin.spans


def in_network(context: Context, module: Module, node: ast.AST) -> bool:
    """Whether ``node`` stands in a class whose sizes are read from the flow."""
    return any(outer in context.ties.networks for outer in module.around(node))
