"""One source file as text: decoded as Python would, with spans in characters and every byte kept."""

from __future__ import annotations

import ast
import codecs
import io
import re
import tokenize
import warnings
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from pushtune.errors import UnparsableError
from pushtune.model.analysis import ScriptFile, Span
from pushtune.source.python2 import sign_of_python2

_LINE_END = re.compile(r"\r\n|\r|\n")
_FIX = "mend the file so that `python -m py_compile` accepts it, then run the same command again"
_INVISIBLE = (
    tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER
)  # fmt: skip


class Token(NamedTuple):
    """One token that is neither a comment nor a line end; ``start`` and ``end`` are indices into the text."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class SourceText:
    """A decoded file. Lines end where Python's parser ends them: at ``\\n``, ``\\r\\n`` and lone ``\\r``.

    ``text`` is without the byte order mark, which ``encode`` puts back. Positions are those of ``ast``,
    but columns count characters, where ``ast`` counts UTF-8 bytes.
    """

    path: str
    text: str
    encoding: str
    bom: bool
    tree: ast.Module = field(repr=False, compare=False)

    @staticmethod
    def read(file: ScriptFile) -> SourceText:
        """Decode and parse ``file``; ``UnparsableError`` with file and line if Python could not."""
        text, encoding, bom = _decode(file)
        return SourceText(file.path, text, encoding, bom, _parse(file.path, text))

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        return (0, *(match.end() for match in _LINE_END.finditer(self.text)))

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The lines without their ends; the last one may be empty."""
        return tuple(_LINE_END.split(self.text))

    @cached_property
    def newline(self) -> str:
        """The line end that this file uses (that of its first line; ``\\n`` if there is none)."""
        match = _LINE_END.search(self.text)
        return match.group() if match else "\n"

    def offset(self, line: int, column: int) -> int:
        """Return the index into ``text`` of a line (from 1) and a column (from 0, in characters)."""
        return self._starts[line - 1] + column

    def position(self, offset: int) -> tuple[int, int]:
        """Return the line and the column, in characters, of an index into ``text``."""
        low, high = 0, len(self._starts)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._starts[middle] <= offset else (low, middle)
        return low + 1, offset - self._starts[low]

    def between(self, start: int, end: int) -> Span:
        """Return the span from one index into ``text`` to another."""
        return Span(self.path, *self.position(start), *self.position(end))

    def span(self, node: ast.AST) -> Span:
        """Return where ``node`` (an expression, statement, argument or keyword) stands."""
        line, end_line = _place(node, "lineno"), _place(node, "end_lineno")
        start, end = _place(node, "col_offset"), _place(node, "end_col_offset")
        return Span(self.path, line, self._column(line, start), end_line, self._column(end_line, end))

    def bounds(self, span: Span) -> tuple[int, int]:
        """Return the indices into ``text`` at which ``span`` begins and ends."""
        return self.offset(span.line, span.column), self.offset(span.end_line, span.end_column)

    def segment(self, span: Span) -> str:
        """Return the text of ``span``."""
        start, end = self.bounds(span)
        return self.text[start:end]

    def tokens_in(self, start: int, end: int) -> list[Token]:
        """Return the tokens of a bracketed piece of the text (a call, a list), given by its indices."""
        piece = self.text[start:end]
        starts = [start, *(start + match.end() for match in _LINE_END.finditer(piece))]
        stream = io.StringIO(_LINE_END.sub("\n", piece), newline="\n")
        return [
            Token(
                starts[token.start[0] - 1] + token.start[1],
                starts[token.end[0] - 1] + token.end[1],
                token.string,
            )
            for token in tokenize.generate_tokens(stream.readline)
            if token.type not in _INVISIBLE
        ]

    def encode(self, text: str) -> bytes:
        """Return ``text`` as bytes in this file's encoding, with its byte order mark."""
        return (codecs.BOM_UTF8 if self.bom else b"") + text.encode(self.encoding)

    def _column(self, line: int, bytes_before: int) -> int:
        text = self.lines[line - 1]
        if text.isascii():
            return bytes_before
        return len(text.encode()[:bytes_before].decode())


def _place(node: ast.AST, name: str) -> int:
    value = getattr(node, name)
    assert isinstance(value, int)
    return value


def _decode(file: ScriptFile) -> tuple[str, str, bool]:
    bom = file.data.startswith(codecs.BOM_UTF8)
    body = file.data[len(codecs.BOM_UTF8) :] if bom else file.data
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(file.data).readline)
        encoding = "utf-8" if bom else encoding
        text = body.decode(encoding)
        text.encode()
        exact = text.encode(encoding) == body
    except (SyntaxError, LookupError) as error:
        raise _unparsable(file.path, 1, str(error)) from None
    except UnicodeError as error:
        line = body.count(b"\n", 0, getattr(error, "start", 0)) + 1
        raise _unparsable(file.path, line, f"bytes that are not {encoding}") from None
    if not exact:
        raise _unparsable(file.path, 1, f"text in {encoding} that cannot be written back byte for byte")
    return text, encoding, bom


def _parse(path: str, text: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `32if x` and `"\d"` are the author's business
            return ast.parse(text, filename=path)
    except SyntaxError as error:
        old = sign_of_python2(text, error.lineno or 1)
        if old is not None:
            fix = f"`2to3 -w {path}` turns it into Python 3 (it comes with Python up to 3.12)"
            raise UnparsableError(f"{path} line {old[0]}: this is Python 2 ({old[1]})", fix=fix) from None
        raise _unparsable(path, error.lineno or 1, error.msg) from None
    except (ValueError, RecursionError, MemoryError) as error:
        # Null bytes, and nesting deeper than the parser's stack.
        raise _unparsable(path, 1, str(error) or type(error).__name__) from None


def _unparsable(path: str, line: int, message: str) -> UnparsableError:
    return UnparsableError(f"{path} line {line}: {message}", fix=_FIX)
