"""Which data loaders feed the training: an evaluation may take its examples as it likes."""

from __future__ import annotations

import ast
import re

from pushtune.rewrite.base import Context
from pushtune.rewrite.loops import iterated
from pushtune.source import Module
from pushtune.source.tracing import literal_value

_EVALUATION = re.compile(
    r"(^|[_\W\d])(test|val|valid|validation|eval|dev|infer|inference|predict)([_\W\d]|$)"
)
_JOINED = (
    "testloader",
    "valloader",
    "validloader",
    "evalloader",
    "devloader",
    "testdata",
    "testset",
    "valset",
)


def is_evaluation_only(context: Context, module: Module, call: ast.Call) -> bool:
    """Whether the loader that ``call`` makes only measures: by the loops over it, its data, its name."""
    trained = _trained_over(context, call)
    if trained is not None:
        return not trained
    for keyword in call.keywords:
        told = literal_value(keyword.value)
        if keyword.arg == "shuffle" and told == (True,):
            return False
    named = [keyword.value for keyword in call.keywords if keyword.arg == "dataset"]
    data = [*named, *call.args[:1]]
    if data and _made_for(context, module, data[0]) is not None:
        return _made_for(context, module, data[0]) is False
    return any(_sounds(text) for text in (_target(module, call), ast.unparse(data[0]) if data else ""))


def _trained_over(context: Context, call: ast.Call) -> bool | None:
    """Return whether a loop over the loader trains; None where no loop over it was found."""
    around = context.training.around_steps
    found = [
        node in around
        for module in context.program.modules
        for node in module.parents
        if around and isinstance(node, ast.For) and _runs_over(context, module, node, call)
    ]
    return any(found) if found else None


def _runs_over(context: Context, module: Module, loop: ast.For, call: ast.Call) -> bool:
    return any(
        end.node is call
        for expression in iterated(loop.iter)
        for end in context.tracer.ends(module, expression)
    )


def _made_for(context: Context, module: Module, data: ast.expr) -> bool | None:
    """Return the ``train=`` that the data set was made with; None where it says nothing."""
    for end in context.tracer.ends(module, data):
        if isinstance(end.node, ast.Call):
            for keyword in end.node.keywords:
                told = literal_value(keyword.value)
                if keyword.arg in ("train", "is_train", "training") and told is not None:
                    return bool(told[0])
                if keyword.arg == "split" and told is not None:
                    return not _sounds(str(told[0]))
    return None


def _target(module: Module, call: ast.Call) -> str:
    statement = module.statement(call)
    if isinstance(statement, ast.Assign):
        targets, value = statement.targets[0], statement.value
        if isinstance(targets, ast.Tuple) and isinstance(value, ast.Tuple) and call in value.elts:
            return ast.unparse(targets.elts[value.elts.index(call)])
        return ast.unparse(targets)
    if isinstance(statement, ast.Return):
        function = next((o for o in module.around(call) if isinstance(o, ast.FunctionDef)), None)
        return function.name if function is not None else ""
    return ""


def _sounds(text: str) -> bool:
    low = text.lower()
    return bool(_EVALUATION.search(low)) or any(word in low.replace("_", "") for word in _JOINED)
