"""What the command line gives: which of its arguments is the value of which option.

The arguments are read as ``argparse`` reads them (abbreviated, joined and repeated options included). An
option that is given in a way that is not certain to be one plain value has no place, and stays as it is.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pushtune.source.program import Module

_NUMBER = re.compile(r"-\d+$|-\d*\.\d+$")
"""What ``argparse`` takes for a negative number, not for an option."""


@dataclass(frozen=True, eq=False)
class Option:
    """One declared option or positional argument (then without ``flags``).

    ``takes`` is how many arguments follow it, None where that is not known or not one plain value.
    ``abbreviates`` says that ``--ep`` may stand for ``--epochs``.
    """

    call: ast.AST
    flags: tuple[str, ...]
    takes: int | None
    abbreviates: bool = True


@dataclass(frozen=True)
class _Piece:
    """One argument, or what is joined to an option in it from the character ``offset`` on."""

    number: int
    offset: int = 0


@dataclass
class _Found:
    """What a walk over the arguments has found so far. ``strange`` counts options that nobody declared."""

    options: dict[Option, _Piece | None]
    positions: list[_Piece]
    strange: int = 0


class CommandLine:
    """The arguments of one run, and which of ``options`` they give."""

    def __init__(self, module: Module | None, args: Sequence[str], options: Iterable[Option]) -> None:
        """``module`` is the program's ``command_line``; ``options`` in the order of their declaration."""
        self._module = module
        self._args = tuple(args)
        self._flags: dict[str, list[Option]] = {}
        declared = tuple(options)
        for option in declared:
            for flag in option.flags:
                self._flags.setdefault(flag, []).append(option)
        found = self._walk()
        self._pieces = {option.call: piece for option, piece in found.options.items()}
        self._pieces.update(_positional(found, [option for option in declared if not option.flags]))

    def gives(self, call: ast.AST) -> bool:
        """Whether the option that ``call`` declares is given."""
        return call in self._pieces

    def value(self, call: ast.AST) -> ast.expr | None:
        """Return the place of the option's value, in ``module``; None where it is not certain."""
        piece = self._pieces.get(call)
        return None if piece is None else self._node(piece)

    def argument(self, number: int) -> ast.expr | None:
        """Return the place of argument ``number``, from 0; None if there is none."""
        return self._node(_Piece(number)) if 0 <= number < len(self._args) else None

    def named(self, name: str) -> ast.expr | None:
        """Return the place of what ``--name`` is given, once, whether or not an option is declared so."""
        flags = {f"--{name}", f"--{name.replace('_', '-')}"}
        places = [n for n, text in enumerate(self._args) if text.partition("=")[0] in flags]
        if len(places) != 1:
            return None
        text = self._args[places[0]]
        if "=" in text:
            return self._node(_Piece(places[0], text.index("=") + 1))
        following = self._args[places[0] + 1 : places[0] + 2]
        return self._node(_Piece(places[0] + 1)) if following and not _is_option(following[0]) else None

    def _node(self, piece: _Piece) -> ast.expr | None:
        document = None if self._module is None else self._module.document
        if document is None or not isinstance(document.root, ast.List):
            return None
        text = self._args[piece.number][piece.offset :]
        for leaf, node in zip(document.leaves.values(), document.root.elts, strict=True):
            if leaf.path == (piece.number,) and leaf.value == text:
                return node
        return None

    def _walk(self) -> _Found:
        found = _Found({}, [])
        number = 0
        while number < len(self._args):
            text = self._args[number]
            if text == "--":
                found.positions += [_Piece(n) for n in range(number + 1, len(self._args))]
                break
            number = self._option(text, number, found) if _is_option(text) else self._position(number, found)
        return found

    @staticmethod
    def _position(number: int, found: _Found) -> int:
        found.positions.append(_Piece(number))
        return number + 1

    def _option(self, text: str, number: int, found: _Found) -> int:
        """Note the option at ``number``; return the number of the argument after it and its values."""
        options, offset = self._named(text)
        takes = {option.takes for option in options}
        if not options or len(takes) != 1:
            found.strange += 1
            found.options.update(dict.fromkeys(options))
            return number + 1
        (count,) = takes
        after = number + 1
        piece: _Piece | None = _Piece(number, offset) if offset else None
        while not offset and after < len(self._args) and not _is_option(self._args[after]):
            if count is not None and after > number + count:
                break
            piece = _Piece(after)
            after += 1
        found.options.update(dict.fromkeys(options, piece if count == 1 else None))
        return after

    def _named(self, text: str) -> tuple[list[Option], int]:
        """Return the options that an argument names, and where a value joined to it begins (0: nowhere)."""
        name, equals, _ = text.partition("=")
        if text in self._flags:
            return self._flags[text], 0
        if equals and name in self._flags:
            return self._flags[name], len(name) + 1
        if text.startswith("--"):
            flags = [flag for flag in self._flags if flag.startswith(name)]
            options = [option for flag in flags for option in self._flags[flag] if option.abbreviates]
            return (options if len(flags) == 1 else []), len(name) + 1 if equals else 0
        short = self._flags.get(text[:2], [])
        return (short, 2) if all(option.takes == 1 for option in short) else ([], 0)


def _positional(found: _Found, declared: list[Option]) -> Mapping[ast.AST, _Piece | None]:
    """Return what each positional argument is given: certain where all are plain, and as many as declared."""
    certain = not found.strange and len(declared) == len(found.positions)
    certain = certain and all(option.takes == 1 for option in declared)
    if not found.positions:
        return {}
    pieces: list[_Piece | None] = list(found.positions) if certain else [None] * len(declared)
    return {option.call: piece for option, piece in zip(declared, pieces, strict=True)}


def _is_option(text: str) -> bool:
    return len(text) > 1 and text.startswith("-") and not _NUMBER.match(text)
