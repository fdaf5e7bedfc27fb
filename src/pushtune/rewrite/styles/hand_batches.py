"""The batch size of a PyTorch loop that cuts its batches by hand: ``x[i * size:(i + 1) * size]``."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pushtune.model.analysis import Knob, Span
from pushtune.model.space import Parameter
from pushtune.rewrite.base import Context
from pushtune.rewrite.catalogue import grow
from pushtune.rewrite.loops import iterated
from pushtune.rewrite.styles.value import ValueSite
from pushtune.rewrite.survey import Survey
from pushtune.rewrite.uses import uses_of
from pushtune.source import Module
from pushtune.source.tracing import Origin

_NAME = re.compile(r"(train_?)?(batch_?size|mini_?batch_?size|bs|batch_?sz)", re.IGNORECASE)
_SEQUENCE = re.compile(r"seq|len|bptt|window|stride|step|time|chunk", re.IGNORECASE)
_CUTTING = re.compile(r"randint|permutation|choice|sample|range|batch", re.IGNORECASE)


def find(survey: Survey) -> Iterator[ValueSite]:
    """Yield each named batch size that no loader is given, where the code cuts batches with it."""
    context = survey.context
    if not context.ties.facts.made:
        return
    taken: set[Span] = {*survey.frozen, *_given_to_calls(survey)}
    for module in context.program.modules:
        for node in (*_mentions(module), *_strides(context, module)):
            if not context.tracer.calls.reached(module, node):
                continue
            for origin in context.tracer.trace(module, node):
                if not taken.intersection(origin.spans):
                    taken.update(origin.spans)
                    site = _site(context, origin)
                    if site is not None:
                        yield site


def _given_to_calls(survey: Survey) -> Iterator[Span]:
    """Yield the places of all values that catalogued calls read: they are knobs, or not, by these."""
    for target in survey.targets:
        for use in uses_of(survey.context, target):
            yield from use.origin.spans


def _mentions(module: Module) -> Iterator[ast.Name | ast.Attribute]:
    """Yield where a value that is called a batch size cuts batches."""
    for name, nodes in module.loads.items():
        if _NAME.fullmatch(name):
            yield from (node for node in nodes if _cuts(module, node))
    for name, attributes in module.attributes.items():
        if _NAME.fullmatch(name):
            yield from (node for node in attributes if isinstance(node.ctx, ast.Load) and _cuts(module, node))


def _strides(context: Context, module: Module) -> Iterator[ast.Name | ast.Attribute]:
    """Yield the stride of each training loop over slices, ``range(0, n, BATCH)``, whatever it is called.

    Not where its name says that sequences are cut and not examples.
    """
    loops = [loop for loop in context.training.around_steps if isinstance(loop, ast.For)]
    for loop in sorted(loops, key=lambda loop: (loop.lineno, loop.col_offset)):
        for call in iterated(loop.iter) if loop in module.parents else ():
            if not isinstance(call, ast.Call) or ast.unparse(call.func) not in ("range", "trange"):
                continue
            stride = call.args[2] if len(call.args) == 3 else None
            if isinstance(stride, (ast.Name, ast.Attribute)) and not _SEQUENCE.search(ast.unparse(stride)):
                yield stride


def _cuts(module: Module, node: ast.expr) -> bool:
    """Whether the value ends a slice, or is given to a call that draws or cuts batches."""
    inner: ast.AST = node
    for outer in module.around(node):
        if isinstance(outer, ast.Slice):
            return True
        if isinstance(outer, ast.Call):
            return inner is not outer.func and bool(
                _CUTTING.search(ast.unparse(outer.func).rpartition(".")[2])
            )
        if isinstance(outer, ast.stmt):
            return False
        inner = outer
    return False


def _site(context: Context, origin: Origin) -> ValueSite | None:
    domain = grow(context.catalogue.growths["batch_size"], origin.value)
    if domain is None or origin.choices or isinstance(origin.value, bool) or origin.style == "literal":
        return None
    span = origin.spans[0]
    knob = Knob(
        origin.name, "batch_size", span.file, span.line, origin.value, origin.style, domain, origin.spans, (),
        origin.certain,
    )  # fmt: skip
    source = context.program.module(span.file).source
    return ValueSite(Parameter(origin.name, "batch_size", domain, origin.value), knob, source)
