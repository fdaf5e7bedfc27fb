"""Who calls which function or class of the program, and which of them are ever reached."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from pushtune.source.branches import are_exclusive
from pushtune.source.later import called_later
from pushtune.source.program import Module, Program
from pushtune.source.scopes import is_main_guard
from pushtune.source.settled import settled

Method = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Method | ast.ClassDef

_LOOPS = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True, eq=False)
class Caller:
    """One call of a definition; ``bound`` says that ``self`` is not among its arguments.

    ``skip`` arguments come before the definition's own: one where ``partial(f, …)`` hands some on.
    """

    module: Module
    call: ast.Call
    bound: bool
    skip: int = 0


class CallIndex:
    """The calls of every local function and class, found once for a program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._callers: dict[ast.AST, list[Caller]] = {}
        self._mentioned: dict[ast.AST, int] = {}
        self._mentions: dict[ast.AST, list[tuple[Module, ast.AST]]] = {}
        self._ancestry: dict[ast.ClassDef, tuple[tuple[Module, ast.ClassDef], ...]] = {}
        self._methods: dict[str, list[ast.FunctionDef | ast.AsyncFunctionDef]] = {}
        self._ends: dict[int, int] = {}
        for module in program.modules:
            self._read_methods(module)
        for module in program.modules:
            self._read(module)
        order = {module.path: number for number, module in enumerate(program.modules)}
        for callers in self._callers.values():
            callers.sort(key=lambda c: (order[c.module.path], c.call.lineno, c.call.col_offset))

    def callers(self, definition: Definition) -> tuple[Caller, ...]:
        """Return the calls of ``definition``; those of a class are the calls of its ``__init__`` too."""
        return tuple(self._callers.get(definition, ()))

    def escapes(self, definition: Definition) -> bool:
        """Whether ``definition`` is mentioned other than by calling it, so that unseen calls are likely."""
        return self._mentioned.get(definition, 0) > len(self._callers.get(definition, ()))

    def mentions(self, definition: Definition) -> tuple[tuple[Module, ast.AST], ...]:
        """Return every place that names ``definition``, calls included."""
        return tuple(self._mentions.get(definition, ()))

    def resolve(self, module: Module, node: ast.expr) -> Definition | None:
        """Return the local function or class that ``node`` names, if there is exactly one."""
        if isinstance(node, ast.Name):
            found = module.scope_of(node).find(node.id)
            if found is None:
                return self._starred(module, node.id)
            if len(found[1]) != 1:
                return None
            binding = found[1][0]
            if isinstance(binding.node, Definition):
                return binding.node
            return self._imported(binding.target) if binding.kind == "import" else None
        if isinstance(node, ast.Attribute):
            return self._attribute(module, node)
        return None

    def reached(self, module: Module, node: ast.AST) -> bool:
        """Whether ``node`` can run at all: no function around it that nothing calls, no ``if False``."""
        around = self._around(module, node)
        return around in self._alive if isinstance(around, Definition) else around

    def runs_once(self, module: Module, node: ast.AST) -> bool:
        """Whether ``node`` runs at most once: in no loop, in no function that is called twice.

        Calls in branches of which a run takes one count as one call.
        """
        return self._runs_once(module, node, frozenset())

    def _runs_once(self, module: Module, node: ast.AST, seen: frozenset[ast.AST]) -> bool:
        for outer in module.around(node):
            if isinstance(outer, (*_LOOPS, ast.Lambda)) or outer in seen:
                return False
            if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef)):
                callers = self.callers(outer)
                return (
                    bool(callers)
                    and not self.escapes(outer)
                    and all(_take_turns(one, other) for one, other in combinations(callers, 2))
                    and all(self._runs_once(c.module, c.call, seen | {outer}) for c in callers)
                )
        return True

    @cached_property
    def _alive(self) -> frozenset[Definition]:
        """The definitions whose bodies can run: called, or handed on, by code that can run itself."""
        leading: dict[Definition, list[Definition]] = {}
        pending: list[Definition] = []
        for definition, home in self.program.homes.items():
            if not isinstance(definition, Definition):
                continue
            for around in self._ways_into(home, definition):
                if isinstance(around, Definition):
                    leading.setdefault(around, []).append(definition)
                elif around:
                    pending.append(definition)
        alive: set[Definition] = set()
        while pending:
            definition = pending.pop()
            if definition not in alive:
                alive.add(definition)
                pending += leading.get(definition, ())
        return frozenset(alive)

    def _ways_into(self, module: Module, definition: Definition) -> Iterator[Definition | bool]:
        """Yield the definitions one of which must be alive for this one to be; True where none must."""
        parent = module.parents.get(definition)
        if isinstance(parent, ast.ClassDef):
            yield self._around(module, parent.body[0])
            return
        if definition.decorator_list:
            yield True
        # Unseen calls are likely of what is mentioned: by code that can run, not where nothing calls.
        mentions = self._mentions.get(definition, ()) if self.escapes(definition) else ()
        for home, node in mentions:
            yield self._around(home, node)
        for caller in self.callers(definition):
            yield self._around(caller.module, caller.call)

    def _around(self, module: Module, node: ast.AST) -> Definition | bool:
        """Return the definition in whose body ``node`` stands; True for a file's own statements.

        False where a condition around it never holds.
        """
        inner = node
        for outer in module.around(node):
            if isinstance(outer, ast.If) and not self._may_run(module, outer, inner):
                return False
            if isinstance(inner, ast.stmt) and self._is_cut_off(module, inner):
                return False
            if isinstance(outer, Definition) and inner in outer.body:
                return outer
            inner = outer
        return True

    def _may_run(self, module: Module, node: ast.If, inner: ast.AST) -> bool:
        always = settled(module, node.test)
        if always is not None:
            return inner is node.test or inner in (node.body if always else node.orelse)
        return not (is_main_guard(node) and module is not self.program.entry)

    def _is_cut_off(self, module: Module, statement: ast.stmt) -> bool:
        """Whether ``statement`` comes after a condition that always holds, and always leaves."""
        block, number = module.places.get(statement, ([], 0))
        if id(block) not in self._ends:
            cuts = (n for n, item in enumerate(block) if isinstance(item, ast.If) and _leaves(module, item))
            self._ends[id(block)] = next(cuts, len(block))
        return number > self._ends[id(block)]

    def _read_methods(self, module: Module) -> None:
        for node in module.scopes:
            parent = module.parents.get(node)
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and isinstance(parent, ast.ClassDef):
                self._methods.setdefault(node.name, []).append(node)

    def _read(self, module: Module) -> None:
        for node in module.parents:
            if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
                definition = self.resolve(module, node)
                if definition is not None and _names_own_class(module, node):
                    continue
                if definition is not None:
                    self._mention(module, node, definition)
                    self._read_call(module, node, definition)
                elif isinstance(node, ast.Name):
                    self._read_ambiguous(module, node)

    def _mention(self, module: Module, node: ast.AST, definition: ast.AST) -> None:
        self._mentioned[definition] = self._mentioned.get(definition, 0) + 1
        self._mentions.setdefault(definition, []).append((module, node))

    def _read_ambiguous(self, module: Module, node: ast.Name) -> None:
        """Count the use of a name that is defined several times for each of its definitions."""
        found = module.scope_of(node).find(node.id)
        for binding in found[1] if found is not None else ():
            if isinstance(binding.node, Definition):
                self._mention(module, node, binding.node)

    def _read_call(self, module: Module, node: ast.expr, definition: Definition) -> None:
        call = module.parents[node]
        if isinstance(call, ast.Call) and call.args and call.args[0] is node and _is_partial(call):
            self._callers.setdefault(definition, []).append(Caller(module, call, False, skip=1))
            self._mentioned[definition] += 1  # it is called with more later
        later = called_later(module, node)
        if later is not None:
            self._callers.setdefault(definition, []).append(Caller(module, later, False))
        if not isinstance(call, ast.Call) or call.func is not node:
            return
        method = (
            isinstance(node, ast.Attribute)
            and node.attr in self._methods
            and definition in self._methods[node.attr]
        )
        self._callers.setdefault(definition, []).append(Caller(module, call, method))
        if isinstance(definition, ast.ClassDef):
            item = self._method(definition, "__init__")
            if item is not None:
                self._callers.setdefault(item, []).append(Caller(module, call, True))
                self._mentioned[item] = self._mentioned.get(item, 0) + 1

    def ancestry(self, module: Module, owner: ast.ClassDef) -> tuple[tuple[Module, ast.ClassDef], ...]:
        """Return the class and the local classes that it inherits from, nearest first."""
        if owner not in self._ancestry:
            self._ancestry[owner] = ((module, owner),)  # what a class that inherits from itself finds
            found = {owner: module}
            for base in owner.bases:
                definition = self.resolve(module, base)
                if isinstance(definition, ast.ClassDef):
                    for home, cls in self.ancestry(self.program.homes[definition], definition):
                        found.setdefault(cls, home)
            self._ancestry[owner] = tuple((home, cls) for cls, home in found.items())
        return self._ancestry[owner]

    def _method(self, owner: ast.ClassDef, name: str, *, above: bool = False) -> Method | None:
        """Return the method that the class has or inherits; ``above`` leaves its own out."""
        for _, cls in self.ancestry(self.program.homes[owner], owner)[above:]:
            for item in cls.body:
                if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)) and item.name == name:
                    return item
        return None

    def _own_method(self, module: Module, node: ast.Attribute) -> Method | None:
        """Return the method that ``self.name`` or ``super().name`` means, if the class is known."""
        value = node.value
        above = isinstance(value, ast.Call) and getattr(value.func, "id", "") == "super"
        if not above and not (isinstance(value, ast.Name) and value.id in ("self", "cls")):
            return None
        owner = next((outer for outer in module.around(node) if isinstance(outer, ast.ClassDef)), None)
        return self._method(owner, node.attr, above=above) if owner is not None else None

    def _attribute(self, module: Module, node: ast.Attribute) -> Definition | None:
        local = self.module_named(module, node.value)
        if local is not None:
            return self._member(local, node.attr)
        own = self._own_method(module, node)
        if own is not None or node.attr.startswith("__"):
            return own  # `super().__init__()` is what a base of elsewhere has, not the only one here
        methods = self._methods.get(node.attr, ())
        return methods[0] if len(methods) == 1 else None

    def module_named(self, module: Module, node: ast.expr) -> Module | None:
        """Return the local module that ``node`` (``config``, ``package.config``) names."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.insert(0, node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return None
        found = module.scope_of(node).find(node.id)
        targets = {binding.target for binding in found[1]} if found is not None else set()
        if found is None or len(targets) != 1 or any(binding.kind != "import" for binding in found[1]):
            return None
        local = self.program.local(".".join([*targets, *parts]))
        return local[0] if local is not None and not local[1] else None

    def _imported(self, target: str, seen: frozenset[str] = frozenset()) -> Definition | None:
        local = self.program.local(target)
        if local is None or not local[1] or target in seen:
            return None
        return self._member(local[0], local[1], seen | {target})

    def _starred(self, module: Module, name: str, seen: frozenset[str] = frozenset()) -> Definition | None:
        for star in module.scope.stars:
            found = self._imported(f"{star}.{name}", seen)
            if found is not None:
                return found
        return None

    def _member(self, module: Module, name: str, seen: frozenset[str] = frozenset()) -> Definition | None:
        """Return what a file calls ``name``, its own or handed on: ``from .net import Net`` in a package."""
        found = module.scope.bindings.get(name, ())
        if not found:
            return self._starred(module, name, seen)
        binding = found[-1]
        replaced = isinstance(binding.node, ast.ClassDef) and not binding.conditional
        if len(found) > 1 and not (replaced and all(other.kind == "import" for other in found[:-1])):
            return None  # of class Net(Net), which takes the name of what it inherits from, the class is left
        if isinstance(binding.node, Definition):
            return binding.node
        return self._imported(binding.target, seen) if binding.kind == "import" else None


def _leaves(module: Module, node: ast.If) -> bool:
    """Whether ``node`` always takes one branch, and that ends by leaving the function."""
    always = settled(module, node.test)
    branch = [] if always is None else node.body if always else node.orelse
    last = branch[-1] if branch else None
    return _leaves(module, last) if isinstance(last, ast.If) else isinstance(last, (ast.Return, ast.Raise))


def _take_turns(one: Caller, other: Caller) -> bool:
    return one.module is other.module and are_exclusive(one.module, one.call, other.call)


def argument_of(
    caller: Caller, function: ast.FunctionDef | ast.AsyncFunctionDef, name: str
) -> ast.expr | bool | None:
    """Return the expression that ``caller`` passes for ``name``.

    None: it leaves the parameter at its default. False: that cannot be told (splats).
    """
    for keyword in caller.call.keywords:
        if keyword.arg == name:
            return keyword.value
    positional = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    if caller.bound:
        positional = positional[1:]
    given = caller.call.args[caller.skip :]
    splat = any(isinstance(argument, ast.Starred) for argument in given)
    if name in positional and not splat and positional.index(name) < len(given):
        return given[positional.index(name)]
    if splat or any(keyword.arg is None for keyword in caller.call.keywords):
        return False
    return None


def _names_own_class(module: Module, node: ast.expr) -> bool:
    """Whether a class is only named for its own methods to find the one above: ``super(Net, self)``."""
    call = module.parents[node]
    return isinstance(call, ast.Call) and node in call.args[:1] and getattr(call.func, "id", "") == "super"


def _is_partial(call: ast.Call) -> bool:
    return getattr(call.func, "attr", getattr(call.func, "id", "")) == "partial"


def enclosing_definitions(module: Module, node: ast.AST) -> Iterator[Definition]:
    """Yield the functions and classes around ``node``, innermost first."""
    return (outer for outer in module.around(node) if isinstance(outer, Definition))
