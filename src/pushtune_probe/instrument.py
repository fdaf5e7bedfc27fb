"""Compiles the script's files with the probe's calls in them: around epoch loops, and at watched calls.

The source is never written; the original locations are kept, so that tracebacks show the author's lines.
The calls reach the probe through constants of the code, not through names: nothing is added to any
namespace, and code that is sent to another process (by value) finds a passive stand-in there.
"""

import ast
import importlib.util
import os
import re
from types import CodeType
from typing import Any, Dict, List, NamedTuple, Tuple

from pushtune_probe import instrument_names, wire
from pushtune_probe.instrument_flags import Flags

_LOOPS = "\0pushtune loops"
_FLAGS = "\0pushtune flags"
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

Span = Tuple[int, int, int, int]


class Places(NamedTuple):
    """What is asked of one file: loop ordinals to their index in the plan, spans of calls to theirs."""

    loops: Dict[int, int]
    watch: Dict[Span, int]


def places(plan: wire.Plan) -> Dict[str, Places]:
    """Return what the plan asks, by the absolute path (links followed) of each file that it names."""
    found: Dict[str, Places] = {}

    def of(file: str) -> Places:
        path = os.path.realpath(os.path.join(plan.workspace, file))
        return found.setdefault(path, Places({}, {}))

    for index, (file, ordinal) in enumerate(plan.loops):
        of(file).loops[ordinal] = index
    for index, (file, *span) in enumerate(plan.watch):
        of(file).watch[tuple(span)] = index  # type: ignore[index]
    return found


def compile_file(source: bytes, path: str, asked: Places, loops: Any, flags: Flags) -> CodeType:
    """Return the code of a module. ``loops`` is told of epoch loops; ``flags[index]`` becomes 1 at a call.

    ``SyntaxError`` as the compiler raises it.
    """
    tree = ast.parse(source, path)
    if asked.watch:
        text = importlib.util.decode_source(source)
        tree = _Watch(asked.watch, text).visit(tree)
    if asked.loops:
        _Loops(tree, asked.loops).rewrite(tree)
    code = compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)
    return _filled(code, {_LOOPS: loops, _FLAGS: flags})


def _filled(code: CodeType, values: Dict[str, Any]) -> CodeType:
    constants = []
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            constant = _filled(constant, values)
        elif isinstance(constant, str) and constant in values:
            constant = values[constant]
        constants.append(constant)
    return code.replace(co_consts=tuple(constants))


def _call(owner: str, method: str, *arguments: ast.expr) -> ast.Call:
    function = ast.Attribute(ast.Constant(owner), method, ast.Load())
    return ast.Call(function, list(arguments), [])


class _Watch(ast.NodeTransformer):
    """Turns a watched ``f(x)`` into ``flags.__setitem__(index, 1) or f(x)``."""

    def __init__(self, watch: Dict[Span, int], text: str) -> None:
        self._watch = watch
        # As the compiler counts lines: other separators of Python's ``splitlines`` end none.
        self._lines = [line.encode() for line in re.split("\r\n|\r|\n", text)]
        self._starts = {span[0] for span in watch}

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        index = self._watch.get(self._span(node)) if node.lineno in self._starts else None
        if index is None:
            return node
        told = _call(_FLAGS, "__setitem__", ast.Constant(index), ast.Constant(1))
        wrapped = ast.BoolOp(ast.Or(), [told, node])
        for part in ast.walk(told):
            ast.copy_location(part, node)
        return ast.copy_location(wrapped, node)

    def _span(self, node: ast.Call) -> Span:
        end_line, end_column = node.end_lineno or 0, node.end_col_offset or 0
        first = self._characters(node.lineno, node.col_offset)
        return node.lineno, first, end_line, self._characters(end_line, end_column)

    def _characters(self, line: int, column: int) -> int:
        return len(self._lines[line - 1][:column].decode("utf-8", "replace"))


class _Loops:
    """Puts the probe's calls around epoch loops::

    loops.starts(index, ITERABLE)                 # while: without it
    if loops.restores(index): NAME = loops.take("NAME") …
    try:
        for TARGET in loops.epochs(index): …      # while loops.again() and TEST and loops.begins(): …
    finally:
        loops.left(index)
    """

    def __init__(self, tree: ast.Module, ordinals: Dict[int, int]) -> None:
        found = [node for node in ast.walk(tree) if isinstance(node, (ast.For, ast.While))]
        found.sort(key=lambda node: (node.lineno, node.col_offset))
        self._wanted = {
            id(found[ordinal]): index for ordinal, index in ordinals.items() if ordinal < len(found)
        }

    def rewrite(self, scope: ast.AST) -> None:
        """Replace the loops in the blocks of ``scope`` (a module or function), and in scopes below it."""
        self._blocks(scope, scope)

    def _blocks(self, node: ast.AST, scope: ast.AST) -> None:
        inner = node if isinstance(node, (*_FUNCTIONS, ast.ClassDef)) else scope
        for child in ast.iter_child_nodes(node):
            self._blocks(child, inner)
        if isinstance(inner, ast.ClassDef):
            return
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list):
                setattr(node, field, [new for old in block for new in self._replaced(old, inner)])

    def _replaced(self, node: ast.stmt, scope: ast.AST) -> List[ast.stmt]:
        index = self._wanted.get(id(node))
        if index is None or not isinstance(node, (ast.For, ast.While)):
            return [node]
        names = instrument_names.carried(node, scope)
        number = ast.Constant(index)
        given = [node.iter] if isinstance(node, ast.For) else []
        function = isinstance(scope, _FUNCTIONS)
        listed = ast.Constant(" ".join(names)), ast.Constant(" ".join(_bound(node)))
        starts = ast.Expr(_call(_LOOPS, "starts", number, *listed, *given))
        _hook(node)
        attempt = ast.Try([node], [], [], [ast.Expr(_call(_LOOPS, "left"))])
        restore = [_restore(names)] if function and names else []
        statements: List[ast.stmt] = [starts, *restore, attempt]
        for statement in statements:
            _locate(statement, node)
        return statements


def _bound(node: ast.stmt) -> List[str]:
    return sorted(set(instrument_names.bindings(node)))


def _hook(node: ast.stmt) -> None:
    if isinstance(node, ast.For):
        node.iter = _call(_LOOPS, "epochs")
    elif isinstance(node, ast.While):
        node.test = ast.BoolOp(ast.And(), [_call(_LOOPS, "again"), node.test, _call(_LOOPS, "begins")])


def _restore(names: List[str]) -> ast.If:
    body: List[ast.stmt] = []
    for name in names:
        told = ast.Constant(name)
        value = ast.Assign([ast.Name(name, ast.Store())], _call(_LOOPS, "take", told))
        body.append(ast.If(_call(_LOOPS, "holds", told), [value], []))
        gone = ast.Delete([ast.Name(name, ast.Del())])
        body.append(ast.If(_call(_LOOPS, "lacks", told), [gone], []))
    return ast.If(_call(_LOOPS, "restores"), body, [])


def _locate(node: ast.AST, like: ast.stmt) -> None:
    """Give what was added the location of the loop's header; leave the author's own nodes as they are."""
    if not hasattr(node, "lineno") and "lineno" in node._attributes:
        place: Any = node
        place.lineno = place.end_lineno = like.lineno
        place.col_offset = place.end_col_offset = like.col_offset
    for child in ast.iter_child_nodes(node):
        _locate(child, like)
