"""Decoding, spans in characters, and edits that can be undone."""

import ast

import pytest

from pushtune.errors import UnparsableError
from pushtune.model.analysis import Edit, ScriptFile
from pushtune.source import SourceText, apply_edits, undo_edits


def read(data: bytes | str) -> SourceText:
    return SourceText.read(ScriptFile("train.py", data.encode() if isinstance(data, str) else data))


def numbers(source: SourceText) -> list[str]:
    nodes = [n for n in ast.walk(source.tree) if isinstance(n, ast.Constant) and isinstance(n.value, int)]
    return [source.segment(source.span(node)) for node in nodes]


@pytest.mark.parametrize(
    "data",
    [
        "x = 64\n",
        "x = 64",
        'name = "é😀", 64\n',
        "größe = 64; 变量 = 64\n",
        "if 1:\r\n\tx = 64\r\n",
        "x = (\r64\r)\r",
        "\x0cx = 64\n\x0cy = 64\n",
        "s = '\u2028', 64\n",
        b"\xef\xbb\xbfx = '\xc3\xa9', 64\n",
        b"# -*- coding: latin-1 -*-\nx = '\xe9', 64\n",
        b"# coding: cp1252\r\nx = '\x80', 64\r\n",
    ],
)
def test_a_literal_is_found_where_it_stands(data: bytes | str) -> None:
    source = read(data)
    assert "64" in numbers(source)
    assert set(numbers(source)) <= {"64", "1"}
    assert source.encode(source.text) == (data.encode() if isinstance(data, str) else data)


def test_columns_count_characters_and_not_bytes() -> None:
    source = read('x = "😀é", 64\n')
    node = source.tree.body[0].value.elts[1]  # type: ignore[attr-defined]
    assert source.span(node).as_list() == [1, 10, 1, 12]
    assert node.col_offset == 14


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"x = 1\ny = (\n", 2),
        (b"x = 1\x00\n", 1),
        (b"x = '\xff'\n", 1),
        (b"ok = 1\nx = '\xff'\n", 2),
        (b"# coding: no-such-codec\n", 1),
        (b"print 'hello'\n", 1),
    ],
)
def test_what_python_cannot_parse_is_told_with_file_and_line(data: bytes, line: int) -> None:
    with pytest.raises(UnparsableError, match=rf"^train\.py line {line}: ") as caught:
        read(data)
    assert caught.value.fix


def test_nesting_too_deep_for_the_parser_is_no_crash() -> None:
    with pytest.raises(UnparsableError):
        read("x = " + "(" * 5000 + ")" * 5000)


def test_edits_change_their_spans_alone_and_can_be_undone() -> None:
    source = read("f(64,\r\n\tg('é', 3))  # 64\r\n")
    first = source.span(source.tree.body[0].value.args[0])  # type: ignore[attr-defined]
    second = source.span(source.tree.body[0].value.args[1].args[1])  # type: ignore[attr-defined]
    edits = [Edit(second, "128"), Edit(first, "5")]
    text = apply_edits(source, edits)
    assert text == "f(5,\r\n\tg('é', 128))  # 64\r\n"
    assert undo_edits(source, edits, text) == source.text


def test_edits_that_overlap_are_refused() -> None:
    source = read("f(64)\n")
    whole, part = source.between(0, 5), source.between(2, 4)
    with pytest.raises(ValueError, match="overlap"):
        apply_edits(source, [Edit(whole, "g()"), Edit(part, "1")])


def test_undo_notices_a_text_that_the_edits_did_not_make() -> None:
    source = read("f(64)\n")
    with pytest.raises(ValueError, match="does not hold"):
        undo_edits(source, [Edit(source.between(2, 4), "128")], "f(999)\n")
