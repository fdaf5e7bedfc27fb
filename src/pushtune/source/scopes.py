"""Which name is bound where: the scopes of one file, and every binding of every name in them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

BindingKind = Literal[
    "import", "assign", "unpack", "augment", "parameter", "loop", "function", "class", "delete", "declared",
    "maybe", "other",
]  # fmt: skip
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
ScopeNode = (
    ast.Module | FunctionNode | ast.ClassDef | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
)

_SCOPES = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef,
    ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp,
)  # fmt: skip
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_WRITTEN = (ast.Tuple, ast.List, ast.Constant)
_MARKS = (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)
_CONDITIONS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.With, ast.AsyncWith, ast.Match)


@dataclass(frozen=True)
class Binding:
    """One place that gives a name a value.

    ``value`` is the expression bound where there is a single one (an assignment's right side, a loop's
    iterable, a parameter's default); of an ``unpack`` it is the whole, and ``element`` tells which part.
    ``maybe`` is a binding that may be passed over within its statement (``:=`` behind an ``and``).
    ``target`` is the dotted name an import brings. ``conditional`` says
    that the binding stands below an ``if``, a loop, a ``try`` or the like, so that it may not happen.
    """

    name: str
    kind: BindingKind
    node: ast.AST
    value: ast.expr | None = None
    target: str = ""
    conditional: bool = False
    element: int = 0


@dataclass(eq=False)
class Scope:
    """One scope. Filled while the file is read, and not changed after.

    ``elsewhere`` are the names that are declared to belong to another scope (``global``, ``nonlocal``).
    """

    node: ScopeNode
    parent: Scope | None
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    elsewhere: dict[str, Scope] = field(default_factory=dict)

    @property
    def is_function(self) -> bool:
        """Whether this is the scope of a ``def`` or a ``lambda``."""
        return isinstance(self.node, FUNCTIONS)

    def outward(self) -> Iterator[Scope]:
        """Yield the scopes in which a name used here is looked up, innermost first."""
        yield self
        scope = self.parent
        while scope is not None:
            if not isinstance(scope.node, ast.ClassDef):
                yield scope
            scope = scope.parent

    def find(self, name: str) -> tuple[Scope, tuple[Binding, ...]] | None:
        """Return the scope that binds ``name`` as seen from here, with all its bindings there."""
        for scope in self.outward():
            if name in scope.elsewhere:
                owner = scope.elsewhere[name]
                return (owner, tuple(owner.bindings[name])) if name in owner.bindings else None
            if name in scope.bindings:
                return scope, tuple(scope.bindings[name])
        return None


class ScopeReader:
    """Reads the scopes of a whole file in one pass.

    After ``read``: ``scopes`` maps each node that opens a scope to it, ``parents`` each node to the one
    around it.
    """

    def __init__(self) -> None:
        self.scopes: dict[ast.AST, Scope] = {}
        self.parents: dict[ast.AST, ast.AST] = {}
        self._scope: Scope | None = None
        self._at: ast.AST = ast.Pass()
        self._package = ""

    def read(self, tree: ast.Module, package: str) -> Scope:
        """Read ``tree``; ``package`` is what relative imports count from. Returns the module's scope."""
        self._package = package
        scope = Scope(tree, None)
        self.scopes[tree] = scope
        pending: list[tuple[ast.AST, Scope]] = [(child, scope) for child in self._children(tree)]
        while pending:
            node, inside = pending.pop()
            self._scope, self._at = inside, node
            bind = _BINDERS.get(type(node))
            if bind is not None:
                bind(self, node)
            pending += self._inside(node, inside)
        for found in self.scopes.values():
            _move_declared(found, scope)
            for bindings in found.bindings.values():
                bindings.sort(key=lambda binding: getattr(binding.node, "lineno", 0))
        return scope

    def _inside(self, node: ast.AST, scope: Scope) -> list[tuple[ast.AST, Scope]]:
        if not isinstance(node, _SCOPES):
            return [(child, scope) for child in self._children(node)]
        new = Scope(node, scope)
        self.scopes[node] = new
        if isinstance(node, FUNCTIONS):
            self._bind_parameters(node, new)
        outer = _evaluated_outside(node)
        return [(child, scope if child in outer else new) for child in self._children(node)]

    def _children(self, node: ast.AST) -> list[ast.AST]:
        """Return the nodes right below ``node``, and note it as their parent. Contexts are left out."""
        children: list[ast.AST] = []
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                children += [item for item in value if isinstance(item, ast.AST)]
            elif isinstance(value, ast.AST) and not isinstance(value, _MARKS):
                children.append(value)
        for child in children:
            self.parents[child] = node
        return children

    def _bind_parameters(self, node: FunctionNode, scope: Scope) -> None:
        arguments = node.args
        plain = [*arguments.posonlyargs, *arguments.args]
        defaults = [None] * (len(plain) - len(arguments.defaults)) + list(arguments.defaults)
        named = [*zip(plain, defaults, strict=True)]
        named += zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        for argument, default in named:
            self._add(Binding(argument.arg, "parameter", argument, default), scope)
        for rest in (arguments.vararg, arguments.kwarg):
            if rest is not None:
                self._add(Binding(rest.arg, "other", rest), scope)

    def _add(self, binding: Binding, scope: Scope | None = None) -> None:
        inside = scope or self._scope
        assert inside is not None
        inside.bindings.setdefault(binding.name, []).append(binding)

    def _put(
        self, node: ast.AST, name: str, kind: BindingKind, value: ast.expr | None = None, element: int = 0
    ) -> None:
        self._add(Binding(name, kind, node, value, conditional=self._conditional(), element=element))

    def _conditional(self) -> bool:
        """Whether the node being read may be passed over, in its own scope."""
        assert self._scope is not None
        at: ast.AST | None = self.parents.get(self._at)
        while at is not None and at is not self._scope.node:
            if isinstance(at, _CONDITIONS) and not _runs_once(at):
                return True
            at = self.parents.get(at)
        return False

    def _targets(self, target: ast.expr, value: ast.expr | None, kind: BindingKind) -> None:
        if isinstance(target, ast.Name):
            self._put(target, target.id, kind, value)
        elif isinstance(target, ast.Starred):
            self._targets(target.value, None, "other")
        elif isinstance(target, (ast.Tuple, ast.List)):
            parts = _unpacked(target, value)
            for number, (item, part) in enumerate(zip(target.elts, parts, strict=True)):
                if part is None and isinstance(item, ast.Name) and _is_taken_apart(kind, target, value):
                    self._put(item, item.id, "unpack", value, number)
                else:
                    self._targets(item, part, kind if part is not None else "other")

    def _bind_assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            self._targets(target, node.value, "assign")

    def _bind_annotated(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._targets(node.target, node.value, "assign")

    def _bind_augmented(self, node: ast.AugAssign) -> None:
        self._targets(node.target, None, "augment")

    def _bind_walrus(self, node: ast.NamedExpr) -> None:
        scope = self._scope
        while scope is not None and isinstance(scope.node, COMPREHENSIONS):
            scope = scope.parent
        assert isinstance(node.target, ast.Name)
        self._add(Binding(node.target.id, "maybe", node.target, conditional=True), scope)

    def _bind_loop(self, node: ast.For | ast.AsyncFor | ast.comprehension) -> None:
        self._targets(node.target, node.iter, "loop")

    def _bind_with(self, node: ast.withitem) -> None:
        if node.optional_vars is not None:
            self._targets(node.optional_vars, None, "other")

    def _bind_except(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self._put(node, node.name, "other")

    def _bind_delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            self._targets(target, None, "delete")

    def _bind_declared(self, node: ast.Global | ast.Nonlocal) -> None:
        for name in node.names:
            self._put(node, name, "declared")

    def _bind_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._put(node, node.name, "function")

    def _bind_class(self, node: ast.ClassDef) -> None:
        self._put(node, node.name, "class")

    def _bind_match_as(self, node: ast.MatchAs | ast.MatchStar) -> None:
        if node.name:
            self._put(node, node.name, "other")

    def _bind_match_mapping(self, node: ast.MatchMapping) -> None:
        if node.rest:
            self._put(node, node.rest, "other")

    def _bind_import(self, node: ast.Import) -> None:
        for alias in node.names:
            name = alias.asname or alias.name.split(".")[0]
            target = alias.name if alias.asname else name
            conditional = self._conditional()
            self._add(Binding(name, "import", node, target=target, conditional=conditional))

    def _bind_import_from(self, node: ast.ImportFrom) -> None:
        module = absolute_module(node, self._package)
        for alias in node.names:
            if alias.name == "*":
                assert self._scope is not None
                self._scope.stars.append(module)
                continue
            target = f"{module}.{alias.name}" if module else alias.name
            conditional = self._conditional()
            self._add(
                Binding(alias.asname or alias.name, "import", node, target=target, conditional=conditional)
            )


_BINDERS: Mapping[type[ast.AST], Callable[[ScopeReader, Any], None]] = {
    ast.Assign: ScopeReader._bind_assign,
    ast.AnnAssign: ScopeReader._bind_annotated,
    ast.AugAssign: ScopeReader._bind_augmented,
    ast.NamedExpr: ScopeReader._bind_walrus,
    ast.For: ScopeReader._bind_loop,
    ast.AsyncFor: ScopeReader._bind_loop,
    ast.comprehension: ScopeReader._bind_loop,
    ast.withitem: ScopeReader._bind_with,
    ast.ExceptHandler: ScopeReader._bind_except,
    ast.Delete: ScopeReader._bind_delete,
    ast.Global: ScopeReader._bind_declared,
    ast.Nonlocal: ScopeReader._bind_declared,
    ast.FunctionDef: ScopeReader._bind_function,
    ast.AsyncFunctionDef: ScopeReader._bind_function,
    ast.ClassDef: ScopeReader._bind_class,
    ast.MatchAs: ScopeReader._bind_match_as,
    ast.MatchStar: ScopeReader._bind_match_as,
    ast.MatchMapping: ScopeReader._bind_match_mapping,
    ast.Import: ScopeReader._bind_import,
    ast.ImportFrom: ScopeReader._bind_import_from,
}
"""What binds names, and how."""


def absolute_module(node: ast.ImportFrom, package: str) -> str:
    """Return the module that ``from … import`` names, relative dots resolved against ``package``."""
    if not node.level:
        return node.module or ""
    parts = package.split(".") if package else []
    kept = parts[: len(parts) - (node.level - 1)]
    return ".".join([*kept, *([node.module] if node.module else [])])


def _runs_once(node: ast.AST) -> bool:
    """Whether the body below ``node`` is sure to run once: ``with``, and ``if __name__ == "__main__"``."""
    return isinstance(node, (ast.With, ast.AsyncWith)) or (isinstance(node, ast.If) and is_main_guard(node))


def is_main_guard(node: ast.If) -> bool:
    """Whether ``node`` is ``if __name__ == "__main__":`` without an ``else``."""
    test = node.test
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.left, ast.Name)
        and test.left.id == "__name__"
        and len(test.ops) == 1
        and isinstance(test.ops[0], ast.Eq)
        and not node.orelse
    )


def _unpacked(target: ast.Tuple | ast.List, value: ast.expr | None) -> list[ast.expr | None]:
    if (
        isinstance(value, (ast.Tuple, ast.List))
        and len(value.elts) == len(target.elts)
        and not any(isinstance(item, ast.Starred) for item in (*target.elts, *value.elts))
    ):
        return list(value.elts)
    rest: list[ast.expr | None] = [None] * (len(target.elts) - 1)
    return [value if _is_known_args(value) else None, *rest]


def _is_taken_apart(kind: BindingKind, target: ast.Tuple | ast.List, value: ast.expr | None) -> bool:
    """Whether one value is assigned to several names, none of them starred: ``a, b = f()``."""
    starred = any(isinstance(item, ast.Starred) for item in target.elts)
    return kind == "assign" and value is not None and not starred and not isinstance(value, _WRITTEN)


def _is_known_args(value: ast.expr | None) -> bool:
    """Whether ``value`` is ``parser.parse_known_args()``, of whose pair the first is the options."""
    return (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Attribute)
        and value.func.attr == "parse_known_args"
    )


def _evaluated_outside(node: ast.AST) -> set[ast.AST]:
    """Return the children of a scope's node that the scope around it evaluates."""
    outside: set[ast.AST] = set()
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        outside.update(node.decorator_list)
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.returns:
        outside.add(node.returns)
    if isinstance(node, ast.ClassDef):
        outside.update(node.bases)
        outside.update(node.keywords)
    if isinstance(node, FUNCTIONS):
        outside.add(node.args)
    return outside


def _move_declared(scope: Scope, module: Scope) -> None:
    """Give what a function binds under ``global`` or ``nonlocal`` to the scope that owns the name."""
    for name in [n for n, found in scope.bindings.items() if any(b.kind == "declared" for b in found)]:
        moved = scope.bindings.pop(name)
        owner = module
        if any(isinstance(binding.node, ast.Nonlocal) for binding in moved) and scope.parent is not None:
            found = scope.parent.find(name)
            owner = found[0] if found else module
        scope.elsewhere[name] = owner
        owner.bindings.setdefault(name, []).extend(moved)
