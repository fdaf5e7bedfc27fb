"""Where a new import line goes: after the module's docstring and its ``from __future__`` imports."""

from __future__ import annotations

import ast

from pushtune.model.analysis import Edit
from pushtune.rewrite.regions import statement_region
from pushtune.source import Module


def import_edit(module: Module, lines: tuple[str, ...]) -> Edit:
    """Return the insertion of ``lines`` as whole lines, before the first statement that may follow them."""
    source = module.source
    head = _head(module)
    text = "".join(line + source.newline for line in lines)
    if head is None:
        offset = _after_comments(module)
    else:
        region = statement_region(module, head)
        offset = source.bounds(region or source.span(head))[1]
        if region is None:
            # The docstring or future import shares its line: go on behind a semicolon on that line.
            return Edit(source.between(offset, offset), "".join(f"; {line}" for line in lines))
        if source.text[offset - 1] not in "\r\n":
            text = source.newline + text
    return Edit(source.between(offset, offset), text)


def can_import(module: Module) -> bool:
    """Whether there is a place for an import line: every file has one that begins with a statement."""
    return bool(module.source.tree.body)


def _head(module: Module) -> ast.stmt | None:
    """Return the last of the docstring and the ``__future__`` imports that open the file."""
    head: ast.stmt | None = None
    for number, statement in enumerate(module.source.tree.body):
        docstring = (
            number == 0
            and isinstance(statement, ast.Expr)
            and isinstance(statement.value, ast.Constant)
            and isinstance(statement.value.value, str)
        )
        future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
        if not docstring and not future:
            break
        head = statement
    return head


def _after_comments(module: Module) -> int:
    """Return where the first statement's line begins (after shebang, coding cookie and licence)."""
    source = module.source
    first = module.source.tree.body[0]
    line = min([first.lineno, *(d.lineno for d in getattr(first, "decorator_list", ()))])
    return source.offset(line, 0)
