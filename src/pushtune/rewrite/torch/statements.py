"""Reading statements in order: assignments, branches, loops, returns."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from pushtune.rewrite.torch.expressions import arithmetic, bind, either, elements, truth
from pushtune.rewrite.torch.facts import Divisor
from pushtune.rewrite.torch.frames import Frame, Reader
from pushtune.rewrite.torch.values import LOST, Class, Function, Number


def _assign(reader: Reader, frame: Frame, node: ast.Assign) -> bool:
    value = reader.evaluate(frame, node.value)
    for target in node.targets:
        bind(reader, frame, target, value)
    return False


def _annotated(reader: Reader, frame: Frame, node: ast.AnnAssign) -> bool:
    if node.value is not None:
        bind(reader, frame, node.target, reader.evaluate(frame, node.value))
    return False


def _augmented(reader: Reader, frame: Frame, node: ast.AugAssign) -> bool:
    old = reader.evaluate(frame, node.target)
    bind(reader, frame, node.target, arithmetic(reader, node.op, old, reader.evaluate(frame, node.value)))
    return False


def _expression(reader: Reader, frame: Frame, node: ast.Expr) -> bool:
    reader.evaluate(frame, node.value)
    return False


def _return(reader: Reader, frame: Frame, node: ast.Return) -> bool:
    if node.value is not None:
        frame.returned.append(reader.evaluate(frame, node.value))
    return True


def _if(reader: Reader, frame: Frame, node: ast.If) -> bool:
    told = truth(reader.evaluate(frame, node.test))
    if told is not None:
        return reader.execute(frame, node.body if told else node.orelse)
    before = dict(frame.names)
    left_first = reader.execute(frame, node.body)
    first, jumped = dict(frame.names), frame.jump
    frame.jump = ""
    frame.names.clear()
    frame.names.update(before)
    left_second = reader.execute(frame, node.orelse)
    frame.jump = (frame.jump or jumped) if left_first and left_second else ""
    if left_second and not left_first:
        frame.names.clear()
        frame.names.update(first)
    elif not left_first:
        for name in {*first, *frame.names}:
            frame.names[name] = either(reader, first.get(name, LOST), frame.names.get(name, LOST))
    return left_first and left_second


def _for(reader: Reader, frame: Frame, node: ast.For) -> bool:
    turns = elements(reader.evaluate(frame, node.iter))
    for value in [LOST] if turns is None else turns:
        bind(reader, frame, node.target, value)
        reader.execute(frame, node.body)
        jump, frame.jump = frame.jump, ""
        if jump == "break":
            break
    return False


def _continue(reader: Reader, frame: Frame, node: ast.Continue) -> bool:
    frame.jump = "continue"
    return True


def _break(reader: Reader, frame: Frame, node: ast.Break) -> bool:
    frame.jump = "break"
    return True


def _block(reader: Reader, frame: Frame, node: ast.With | ast.While | ast.Try) -> bool:
    left = reader.execute(frame, node.body)
    for part in ("orelse", "finalbody"):
        left = reader.execute(frame, getattr(node, part, [])) or left
    if isinstance(node, ast.While):
        frame.jump = ""
    return left and not isinstance(node, ast.While)


def _function(reader: Reader, frame: Frame, node: ast.FunctionDef) -> bool:
    frame.names[node.name] = Function(frame.module, node, closure=frame.names)
    return False


def _class(reader: Reader, frame: Frame, node: ast.ClassDef) -> bool:
    frame.names[node.name] = Class(frame.module, node)
    return False


def _raise(reader: Reader, frame: Frame, node: ast.Raise) -> bool:
    return True


def _assert(reader: Reader, frame: Frame, node: ast.Assert) -> bool:
    """``assert width % heads == 0`` says what divides what."""
    test = node.test
    if (
        isinstance(test, ast.Compare)
        and isinstance(test.left, ast.BinOp)
        and isinstance(test.left.op, ast.Mod)
        and isinstance(test.comparators[0], ast.Constant)
        and test.comparators[0].value == 0
    ):
        over, under = (reader.evaluate(frame, side) for side in (test.left.left, test.left.right))
        if isinstance(over, Number) and isinstance(under, Number):
            reader.facts.divisors.append(Divisor(over.size, under.size))
    return False


STATEMENTS: Mapping[type[ast.stmt], Callable[[Reader, Frame, Any], bool]] = {
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Expr: _expression,
    ast.Return: _return,
    ast.If: _if,
    ast.For: _for,
    ast.While: _block,
    ast.With: _block,
    ast.Try: _block,
    ast.FunctionDef: _function,
    ast.ClassDef: _class,
    ast.Raise: _raise,
    ast.Continue: _continue,
    ast.Break: _break,
    ast.Assert: _assert,
}
"""By the kind of node; each tells whether it is sure to leave the block. All others do nothing."""
