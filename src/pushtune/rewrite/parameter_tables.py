"""Tables of parameters on their way to a call: ``params = {…}``, ``params["eta"] = …``, ``params.update(…)``.

What is read is what the call finds: the display that was written, and every change made to it before, in the
order in which they happen. A key whose value depends on the way taken, or that the script itself varies in a
loop, is *unsure*: it is neither changed nor added.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from pushtune.rewrite.order import Order
from pushtune.source import Module, Names
from pushtune.source.calls import argument_of
from pushtune.source.scopes import Binding, Scope
from pushtune.source.tracing import Tracer, literal_value

_DEPTH = 10
_COPIES = ("copy.copy", "copy.deepcopy", "builtins.list", "builtins.tuple", "collections.OrderedDict")
_TABLES = ("builtins.dict", "collections.OrderedDict")
_SAME = ("copy", "items")
_REMOVING = ("pop", "popitem", "clear", "remove", "insert", "sort")


@dataclass(frozen=True, eq=False)
class Entry:
    """One key of a table: the expression of its value, and what it is called (``params.eta``)."""

    module: Module
    node: ast.expr
    name: str


@dataclass(frozen=True, eq=False)
class Home:
    """The display of a table, to which a key can be added: ``{…}``, ``dict(…)`` or a list of pairs."""

    module: Module
    node: ast.expr
    name: str


@dataclass(frozen=True, eq=False)
class Table:
    """What a call finds in a table. ``complete``: it has no keys beside ``entries`` and ``unsure``."""

    entries: Mapping[str, Entry]
    unsure: frozenset[str] = frozenset()
    complete: bool = True
    home: Home | None = None

    def has(self, keys: Iterable[str]) -> bool:
        """Whether one of ``keys`` is there, or may be."""
        return any(key in self.entries or key in self.unsure for key in keys)

    def merged(self, later: Table) -> Table:
        """Return this table with the keys of ``later`` written over it."""
        kept = {key: entry for key, entry in self.entries.items() if key not in later.unsure}
        unsure = (self.unsure - later.entries.keys()) | later.unsure
        if not later.complete:  # it may hold any key
            unsure |= kept.keys() - later.entries.keys()
            kept = {}
        return Table(
            {**kept, **later.entries},
            frozenset(unsure),
            self.complete and later.complete,
            self.home or later.home,
        )

    def doubting(self, keys: frozenset[str] | None) -> Table:
        """Return this table with ``keys`` (None: all) unsure."""
        doubted = frozenset(self.entries) if keys is None else keys
        left = {key: entry for key, entry in self.entries.items() if key not in doubted}
        return replace(
            self, entries=left, unsure=self.unsure | doubted, complete=self.complete and keys is not None
        )


UNKNOWN = Table({}, complete=False)


@dataclass(frozen=True, eq=False)
class _Change:
    """A statement that changes a table in place. ``table`` is what it writes; None: that cannot be told.

    ``keys`` are all that it may touch; None: any. ``weak`` changes only what is not there yet.
    """

    statement: ast.stmt
    table: Table | None
    keys: frozenset[str] | None
    weak: bool = False


class ParameterTables:
    """Reads the tables of one program."""

    def __init__(self, names: Names, tracer: Tracer) -> None:
        self._names = names
        self._tracer = tracer

    def read(self, module: Module, node: ast.expr, at: ast.AST | None = None) -> tuple[Table, ...]:
        """Return the tables that ``node`` may stand for at ``at`` (itself), one for each way to reach it."""
        return tuple(self._read(module, node, at or node, "", _DEPTH))

    def _read(self, module: Module, node: ast.expr, at: ast.AST, base: str, depth: int) -> Iterator[Table]:
        if depth == 0:
            yield UNKNOWN
        elif isinstance(node, ast.Dict):
            yield from self._display(module, node, base, depth)
        elif isinstance(node, (ast.List, ast.Tuple)):
            yield _pairs(module, node, base)
        elif isinstance(node, ast.Call):
            yield from self._call(module, node, base, depth)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.BitOr)):
            for left in self._read(module, node.left, at, base, depth - 1):
                for right in self._read(module, node.right, at, base, depth - 1):
                    yield left.merged(right)
        elif isinstance(node, ast.Name):
            yield from self._name(module, node, at, depth)
        elif isinstance(node, (ast.Attribute, ast.Subscript)):
            yield from self._member(module, node, depth)
        else:
            yield UNKNOWN

    # Displays ------------------------------------------------------------------------------------

    def _display(self, module: Module, node: ast.Dict, base: str, depth: int) -> Iterator[Table]:
        items = [(_text(key) if key else None, key is None, value) for key, value in _items(node)]
        yield from self._built(module, node, base, items, depth)

    def _called_display(self, module: Module, node: ast.Call, base: str, depth: int) -> Iterator[Table]:
        items = [(word.arg, word.arg is None, word.value) for word in node.keywords]
        first = list(self._read(module, node.args[0], node, base, depth - 1)) if node.args else [Table({})]
        for start in first:
            for built in self._built(module, node, base, items, depth):
                yield start.merged(built) if node.args else built

    def _built(
        self,
        module: Module,
        node: ast.expr,
        base: str,
        items: list[tuple[str | None, bool, ast.expr]],
        depth: int,
    ) -> Iterator[Table]:
        """Yield the table of ``(key, whether it is a splat, value)`` items."""
        tables = [Table({}, home=Home(module, node, base))]
        for key, splat, value in items:
            if splat:
                added = list(self._read(module, value, node, base, depth - 1))
            else:
                added = [UNKNOWN if key is None else Table({key: _entry(module, value, base, key)})]
            tables = [table.merged(more) for table in tables for more in added]
        yield from tables

    def _call(self, module: Module, node: ast.Call, base: str, depth: int) -> Iterator[Table]:
        name = self._names.call(module, node) or ""
        if name in _TABLES and len(node.args) <= 1:
            yield from self._called_display(module, node, base, depth)
        elif name in _COPIES and len(node.args) == 1:
            yield from self._read(module, node.args[0], node, base, depth - 1)
        elif isinstance(node.func, ast.Attribute) and node.func.attr in _SAME and not node.args:
            yield from self._read(module, node.func.value, node, base, depth - 1)
        else:
            yield from self._returned(module, node, base, depth)

    def _returned(self, module: Module, node: ast.Call, base: str, depth: int) -> Iterator[Table]:
        """Yield what a local function gives back in its last statement, its only ``return``."""
        definition = self._tracer.calls.resolve(module, node.func)
        last = definition.body[-1] if isinstance(definition, ast.FunctionDef) else None
        if not isinstance(last, ast.Return) or last.value is None or definition is None:
            yield UNKNOWN
            return
        if sum(isinstance(inner, ast.Return) for inner in ast.walk(definition)) > 1:
            yield UNKNOWN
            return
        home = next(one for one in self._names.program.modules if definition in one.scopes)
        yield from self._read(home, last.value, last, base, depth - 1)

    def _member(self, module: Module, node: ast.expr, depth: int) -> Iterator[Table]:
        """Yield what ``config.PARAMS`` or ``self.params`` holds, unless something is stored into it."""
        text = ast.unparse(node)
        stored = any(
            isinstance(outer, ast.Subscript)
            and not isinstance(outer.ctx, ast.Load)
            and ast.unparse(outer.value) == text
            for outer in module.parents
        )
        ends = [] if stored else list(self._tracer.ends(module, node))
        if not ends:
            yield UNKNOWN
        for end in ends:
            if isinstance(end.node, (ast.Dict, ast.List, ast.Tuple, ast.Call)):
                yield from self._read(end.module, end.node, end.node, end.hop.name or text, depth - 1)
            else:
                yield UNKNOWN

    # Names ---------------------------------------------------------------------------------------

    def _name(self, module: Module, node: ast.Name, at: ast.AST, depth: int) -> Iterator[Table]:
        found = module.scope_of(node).find(node.id)
        binding = None if found is None else Order(module, at).reaching(found[0], found[1])
        if found is None or binding is None:
            yield UNKNOWN
            return
        changes = list(self._changes(module, found[0], node.id, depth))
        for table in self._bound(module, binding, depth):
            yield self._changed(module, table, binding, changes, at)

    def _bound(self, module: Module, binding: Binding, depth: int) -> Iterator[Table]:
        if binding.kind == "assign" and binding.value is not None:
            yield from self._read(module, binding.value, binding.node, binding.name, depth - 1)
        elif binding.kind == "parameter":
            yield from self._passed(module, binding, depth)
        elif binding.kind == "import":
            yield from self._imported(binding, depth)
        else:
            yield UNKNOWN

    def _passed(self, module: Module, binding: Binding, depth: int) -> Iterator[Table]:
        """Yield what the callers of a function pass, and its default where one leaves it."""
        function = module.parents[module.parents[binding.node]]
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield UNKNOWN
            return
        callers = self._tracer.calls.callers(function)
        if not callers:
            yield UNKNOWN
        for caller in callers:
            given = argument_of(caller, function, binding.name)
            if isinstance(given, ast.expr):
                yield from self._read(caller.module, given, given, binding.name, depth - 1)
            elif given is None and binding.value is not None:
                yield from self._read(module, binding.value, binding.value, binding.name, depth - 1)
            else:
                yield UNKNOWN

    def _imported(self, binding: Binding, depth: int) -> Iterator[Table]:
        """Yield a table of another local file, as it is when that file has run."""
        local = self._names.program.local(binding.target)
        home = local[0] if local is not None and local[1] else None
        bound = home.scope.bindings.get(local[1], []) if home is not None and local is not None else []
        if home is None or len(bound) != 1:
            yield UNKNOWN
            return
        changes = list(self._changes(home, home.scope, bound[0].name, depth))
        for table in self._bound(home, bound[0], depth - 1):
            yield self._changed(home, table, bound[0], changes, None)

    # Changes -------------------------------------------------------------------------------------

    def _changed(
        self, module: Module, table: Table, binding: Binding, changes: list[_Change], at: ast.AST | None
    ) -> Table:
        order = Order(module, at)
        for change in changes:
            when = order.of(change.statement, binding)
            if when == "never":
                continue
            if when == "maybe" or change.table is None:
                table = table.doubting(change.keys)
            elif change.weak:
                new = {key for key in change.table.entries if key not in table.entries}
                added = Table({key: change.table.entries[key] for key in new - table.unsure})
                table = table.merged(added) if table.complete else table.doubting(frozenset(new))
            else:
                table = table.merged(change.table)
        return table

    def _changes(self, module: Module, scope: Scope, name: str, depth: int) -> Iterator[_Change]:
        """Yield what changes the table called ``name`` in place, in the order of the source."""
        loads = [node for node in module.loads.get(name, ()) if _owner(module, node) is scope]
        for node in sorted(loads, key=lambda node: (node.lineno, node.col_offset)):
            outer = module.parents[node]
            if isinstance(outer, ast.Subscript) and outer.value is node:
                if not isinstance(outer.ctx, ast.Load):
                    yield _stored(module, outer, name)
            elif isinstance(outer, ast.Attribute) and isinstance(module.parents[outer], ast.Call):
                yield from self._method(module, outer, name, depth)

    def _method(self, module: Module, node: ast.Attribute, name: str, depth: int) -> Iterator[_Change]:
        call = module.parents[node]
        assert isinstance(call, ast.Call)
        statement = module.statement(call)
        if node.attr in _REMOVING:
            key = _text(call.args[0]) if call.args else None
            yield _Change(statement, None, None if key is None else frozenset([key]))
        elif node.attr in ("update", "extend"):
            for added in self._called_display(module, call, name, depth):
                keys = frozenset([*added.entries, *added.unsure]) if added.complete else None
                yield _Change(statement, replace(added, home=None), keys)
        elif node.attr == "setdefault" and len(call.args) == 2:
            yield _put(module, statement, call.args[0], call.args[1], name, weak=True)
        elif node.attr == "append" and len(call.args) == 1:
            added = _pairs(module, ast.List([call.args[0]]), name)
            keys = frozenset(added.entries) if added.complete else None
            yield _Change(statement, replace(added, home=None), keys)


def _stored(module: Module, node: ast.Subscript, name: str) -> _Change:
    statement = module.statement(node)
    if isinstance(statement, ast.Assign) and node in statement.targets:
        return _put(module, statement, node.slice, statement.value, name)
    key = _text(node.slice)
    return _Change(statement, None, None if key is None else frozenset([key]))


def _put(
    module: Module, statement: ast.stmt, key: ast.expr, value: ast.expr, name: str, *, weak: bool = False
) -> _Change:
    text = _text(key)
    if text is None:
        return _Change(statement, None, None)
    if _is_looped(module, value):
        return _Change(statement, None, frozenset([text]))
    return _Change(statement, Table({text: _entry(module, value, name, text)}), frozenset([text]), weak)


def _pairs(module: Module, node: ast.List | ast.Tuple, base: str) -> Table:
    """Return the table of ``[("eta", 0.1), …]``; a key that comes twice (``eval_metric``) is unsure."""
    table = Table({}, home=Home(module, node, base) if isinstance(node, ast.List) else None)
    for pair in node.elts:
        whole = isinstance(pair, (ast.Tuple, ast.List)) and len(pair.elts) == 2
        key = _text(pair.elts[0]) if whole else None  # type: ignore[attr-defined]
        if key is None:
            return UNKNOWN
        again = key in table.entries or key in table.unsure
        added = Table({key: _entry(module, pair.elts[1], base, key)})  # type: ignore[attr-defined]
        table = table.doubting(frozenset([key])) if again else table.merged(added)
    return table


def _entry(module: Module, value: ast.expr, base: str, key: str) -> Entry:
    return Entry(module, value, f"{base}.{key}" if base else "")


def _text(node: ast.expr) -> str | None:
    value = literal_value(node)
    return value[0] if value is not None and isinstance(value[0], str) else None


def _items(node: ast.Dict) -> Iterator[tuple[ast.expr | None, ast.expr]]:
    return zip(node.keys, node.values, strict=True)


def _is_looped(module: Module, node: ast.expr) -> bool:
    """Whether ``node`` is the variable of a loop: the script tries its values by itself."""
    found = module.scope_of(node).find(node.id) if isinstance(node, ast.Name) else None
    return found is not None and all(binding.kind == "loop" for binding in found[1])


def _owner(module: Module, node: ast.Name) -> Scope | None:
    found = module.scope_of(node).find(node.id)
    return None if found is None else found[0]
