"""Following the argument of ``use(…)`` to where its value literally stands."""

import ast
from pathlib import Path

import pytest

from pushtune.source import Names, Vocabulary, load_script, parse_program
from pushtune.source.tracing import Tracer


def trace(
    folder: Path, text: str, args: tuple[str, ...] = (), **others: str
) -> list[tuple[str, str, object, list[int]]]:
    for name, body in others.items():
        (folder / f"{name}.py").write_text(body)
    (folder / "train.py").write_text(text)
    program = parse_program(load_script(folder / "train.py", args))
    tracer = Tracer(Names(program, Vocabulary()))
    return [
        (origin.style, origin.name, origin.value, [span.line for span in origin.spans])
        for call in program.entry.calls
        if isinstance(call.func, ast.Name) and call.func.id == "use"
        for origin in tracer.trace(program.entry, call.args[0])
    ]


PARSER = (
    "import argparse\np = argparse.ArgumentParser()\np.add_argument('--units', '-u', type=int, default=64)\n"
)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("use(64)", ("literal", "", 64, [1])),
        ("use(-0.5)", ("literal", "", -0.5, [1])),
        ("use((3, 3))", ("literal", "", 3, [1, 1])),
        ("N = 64\nuse(N)", ("constant", "N", 64, [1])),
        ("A = B = 64\nuse(B)", ("constant", "B", 64, [1])),
        ("A = 64\nB = A\nuse(B)", ("constant", "A", 64, [1])),
        ("A, B = 3, 4\nuse(B)", ("constant", "B", 4, [1])),
        ("N: int = 64\nuse(N)", ("constant", "N", 64, [1])),
        ("N = 64\nuse(N * 2)", ("constant", "N", 64, [1])),
        ("N = 64\nuse(N // 2)", ("constant", "N", 64, [1])),
        ("N = '64'\nuse(int(N))", ("constant", "N", 64, [1])),
        ("K = 3\nuse((K, K))", ("constant", "K", 3, [1])),
        ("K = (3, 3)\nuse(K)", ("constant", "K", 3, [1, 1])),
        ("if __name__ == '__main__':\n    N = 64\n    use(N)", ("constant", "N", 64, [2])),
        ("def f(n=64):\n    use(n)\nf()", ("default", "f.n", 64, [1])),
        ("def f(n=64):\n    use(n)\nf(32)", ("literal", "", 32, [3])),
        ("def f(a, *, n=64):\n    use(n)\nf(1, n=32)", ("literal", "", 32, [3])),
        ("N = 8\ndef f(n):\n    use(n)\nf(N)", ("constant", "N", 8, [1])),
        ("class A:\n    def __init__(self, n=64):\n        self.n = n\n    def go(self):\n"
        "        use(self.n)\nA().go()",
         ("default", "A.n", 64, [2])),
        ("from dataclasses import dataclass\n@dataclass\nclass C:\n    n: int = 64\nc = C()\nuse(c.n)",
         ("default", "C.n", 64, [4])),
        ("from dataclasses import dataclass\n@dataclass\nclass C:\n    n: int = 64\nc = C(n=32)\nuse(c.n)",
         ("literal", "", 32, [5])),
        ("class C:\n    n = 64\nuse(C.n)", ("constant", "C.n", 64, [2])),
        ("d = {'n': 64}\nuse(d['n'])", ("dict", "d.n", 64, [1])),
        ("d = dict(n=64)\nuse(d['n'])", ("dict", "d.n", 64, [1])),
        ("d = {'n': 64}\nuse(d.get('n', 3))", ("dict", "d.n", 64, [1])),
        ("d = {'n': 64}\ndef f(n):\n    use(n)\nf(**d)", ("dict", "d.n", 64, [1])),
        (PARSER + "args = p.parse_args()\nuse(args.units)", ("argparse", "args.units", 64, [3])),
        (PARSER + "args, rest = p.parse_known_args()\nuse(args.units)", ("argparse", "args.units", 64, [3])),
        (PARSER + "use(p.parse_args().units)", ("argparse", "p.parse_args().units", 64, [3])),
        (
            PARSER + "def options():\n    return p.parse_args()\nargs = options()\nuse(args.units)",
            ("argparse", "args.units", 64, [3]),
        ),
        ("def rate():\n    return 0.5\nuse(rate())", ("literal", "", 0.5, [2])),
        (PARSER + "args = vars(p.parse_args())\nuse(args['units'])", ("argparse", "args.units", 64, [3])),
        (PARSER + "def main(a):\n    use(a.units)\nmain(p.parse_args())", ("argparse", "a.units", 64, [3])),
        ("import click\n@click.command()\n@click.option('--units', default=64)\ndef f(units):\n"
        "    use(units)\nf()",
         ("argparse", "units", 64, [3])),
    ],
)  # fmt: skip
def test_a_value_is_found_where_it_stands(tmp_path: Path, text: str, origin: tuple[object, ...]) -> None:
    assert trace(tmp_path, text) == [origin]


@pytest.mark.parametrize(
    "text",
    [
        "use(n)",
        "N = 64\ndel N\nuse(N)",
        "(N := 64)\nuse(N)",
        "with a as N: pass\nuse(N)",
        "match x:\n    case N: pass\nuse(N)",
        "N = 64\ndef f(N):\n    use(N)\n",
        "N = 64\nglobals()['N'] = 3\nuse(N)",
        "use(f'{64}')",
        "N = 64\nN = read()\nuse(N)",
        "def f(n=64):\n    n = read()\n    use(n)\nf()",
        "from enum import Enum\nclass C(Enum):\n    N = 64\nuse(C.N.value)",
        "from enum import Enum\nclass C(Enum):\n    N = 64\nuse(C.N)",
        "d = {'n': 64}\nuse(d['m'])",
        "for n in [8, 16]:\n    model(n).fit(x)\n    use(n)",
        "for n in [8, 16]:\n    use(n)\n    train(n)\ndef train(n):\n    loss(n).backward()",
        "use(7 * 7 * 64)",
        "import os\nuse(os.environ['N'])",
        PARSER.replace(", default=64", "") + "args = p.parse_args()\nuse(args.units)",
        "N = 64\nexec('N = 3')\nuse(N)",
        "use((3, 5))",
        "use(64 + 1)",
        "use(2 * 3)",
        "def f(n=64):\n    use(n)\nf(*a)",
        "def f(n=64):\n    use(n)\nf(**a)",
        "d = {'n': 64, 'n': 3}\nuse(d['n'])",
        "def rates():\n    yield 0.5\nuse(rates())",
        "a = b\nb = a\nuse(a)",
        "def f(n):\n    use(n)\n    f(n)\n",
    ],
)
def test_what_may_be_changed_elsewhere_has_no_place(tmp_path: Path, text: str) -> None:
    assert trace(tmp_path, text) == []


@pytest.mark.parametrize("args", [("--units", "3"), ("--units=3",), ("-u", "3"), ("-u3",), ("--uni", "3")])
def test_an_option_given_on_the_command_line_is_found_there(tmp_path: Path, args: tuple[str, ...]) -> None:
    found = trace(tmp_path, PARSER + "a = p.parse_args()\nuse(a.units)", args)
    assert found == [("argparse", "a.units", 3, [1])]
    assert trace(tmp_path, PARSER + "a = p.parse_args()\nuse(a.units)", ("--other", "3"))


def test_a_block_called_twice_has_a_place_for_each_call(tmp_path: Path) -> None:
    found = trace(tmp_path, "def block(n, k=3):\n    use(n)\n    use(k)\nblock(32)\nblock(64, k=5)")
    assert [origin[2] for origin in found] == [32, 64, 3, 5]


def test_a_list_that_a_loop_runs_over_has_a_place_for_each_element(tmp_path: Path) -> None:
    found = trace(
        tmp_path, "widths = [32, 64]\nfor n in widths:\n    use(n)\nfor n in widths[::-1]:\n    pass"
    )
    assert [(origin[1], origin[2]) for origin in found] == [("widths_0", 32), ("widths_1", 64)]


@pytest.mark.parametrize(
    "text",
    ["from config import N\nuse(N)", "import config\nuse(config.N)", "from config import *\nuse(N)",
     "import config as c\nN = c.N\nuse(N)"],
)  # fmt: skip
def test_a_constant_of_a_local_module_is_found_there(tmp_path: Path, text: str) -> None:
    assert trace(tmp_path, text, config="\n\nN = 64\n") == [("constant", "N", 64, [3])]
