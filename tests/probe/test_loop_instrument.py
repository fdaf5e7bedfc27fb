"""Instrumented source does what the author's does, and shows the author's lines."""

from __future__ import annotations

import ast
import contextlib
import io
import subprocess
import textwrap
import traceback
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.probe.running import PYTHON, Attempt

from pushtune.testing.real_parts import need_module
from pushtune_probe import instrument
from pushtune_probe.instrument_flags import Flags
from pushtune_probe.instrument_names import carried
from pushtune_probe.loop_epochs import Loops

PATH = "script.py"


def passive() -> Any:
    """What code that is sent to another process finds in the place of the probe."""
    function, arguments = Loops.__reduce__(object.__new__(Loops))
    return function(*arguments)


def output(source: str, loops: dict[int, int] | None, watch: dict[Any, int] | None = None) -> str:
    """What a program prints, and how it ends."""
    printed = io.StringIO()
    code: Any = source
    if loops is not None:
        places = instrument.Places(loops, watch or {})
        code = instrument.compile_file(source.encode(), PATH, places, passive(), Flags(len(watch or {})))
    with contextlib.redirect_stdout(printed):
        try:
            exec(code, {"__name__": "__main__"})
        except Exception as error:
            print(type(error).__name__, error)
    return printed.getvalue()


@st.composite
def blocks(draw: st.DrawFn, depth: int = 0, in_loop: bool = False) -> str:
    """Statements that print what they do, with loops in all their forms."""
    w = f"w{depth}"  # each depth its own: a loop within would set the outer one back
    lines = [f"print('at', {draw(st.integers(0, 99))}); n = n + 1"]
    for _ in range(draw(st.integers(0, 3))):
        kinds = ["for", "while", "if", "try", "function", "print", "unbind"] if depth < 3 else ["print"]
        kinds += ["break", "continue", "raise"] if in_loop else []
        kind = draw(st.sampled_from(kinds))
        body = textwrap.indent(draw(blocks(depth + 1, in_loop or kind in ("for", "while"))), "    ")
        inner = textwrap.indent(draw(blocks(depth + 1, False)), "    ")
        lines.append(
            {
                "for": f"for i, a in enumerate(range({draw(st.integers(0, 3))})):\n    b = i\n{body}",
                "while": f"{w} = 0\nwhile {w} < {draw(st.integers(0, 3))}:\n    {w} += 1\n{body}",
                "if": f"if n % 2:\n{body}",
                "try": f"try:\n{body}\nexcept ValueError as e:\n    print(e)\nfinally:\n    print('f')",
                "function": f"def f(n, w=0):\n{inner}\n    return n\nn = n + f(n) % 7",
                "print": "print(n)",
                "unbind": "u = n\ndel u",
                "break": "if n % 3 == 0:\n    break",
                "continue": "if n % 5 == 0:\n    continue",
                "raise": "if n % 11 == 0:\n    raise ValueError(n)",
            }[kind]
        )
        if kind in ("for", "while") and draw(st.booleans()):
            lines.append(f"else:\n    print('else', n)\n{inner}")
    return "\n".join(lines)


@settings(deadline=None)
@given(blocks(), st.sets(st.integers(0, 6)))
def test_any_program_prints_the_same_with_any_of_its_loops_instrumented(body: str, numbers: set[int]) -> None:
    source = "n = 0\n" + body + "\nprint('end', n)\n"
    as_function = "def main():\n" + textwrap.indent(source, "    ") + "main()\n"
    for text in (source, as_function):
        assert output(text, dict.fromkeys(numbers, 0)) == output(text, None)


def test_a_traceback_shows_the_authors_lines() -> None:
    source = "def f():\n    for i in range(3):\n        x = i\n        g(x)\n\n"
    source += "def g(x):\n    return 1 / x\n\nf()\n"
    watched = {(4, 8, 4, 12): 0, (9, 0, 9, 3): 1}
    places = instrument.Places({0: 0}, watched)
    code = instrument.compile_file(source.encode(), PATH, places, passive(), Flags(2))
    try:
        exec(code, {})
    except ZeroDivisionError as error:
        lines = [(entry.lineno, entry.name) for entry in traceback.extract_tb(error.__traceback__)[1:]]
    assert lines == [(9, "<module>"), (4, "f"), (7, "g")]


def test_watched_calls_are_found_by_their_characters() -> None:
    source = "f = len\ns = 'äöü→'; a = f('中文'); b = f([f('é'),\n 1])\nif False:\n    f('')\n"
    watch: dict[Any, int] = {(2, 16, 2, 23): 0, (2, 29, 3, 4): 1, (2, 32, 2, 38): 2, (5, 4, 5, 9): 3}
    flags = Flags(5)
    watch[2, 15, 2, 23] = 4  # nothing begins there

    code = instrument.compile_file(source.encode(), PATH, instrument.Places({}, watch), None, flags)
    space: dict[str, Any] = {}
    exec(code, space)

    assert (space["a"], space["b"]) == (2, 2)
    assert list(flags) == [1, 1, 1, 0, 0]


def test_what_a_loop_carries_is_what_is_read_before_it_is_bound_or_outside() -> None:
    source = """
        def fit(loader):
            best, history = 0, []
            for epoch in range(9):
                total = 0
                it = iter(loader)
                for x, y in it:
                    loss = x - y
                    total += loss
                if total > best:
                    best = total
                    at = epoch
                with open("f") as stream:
                    text = stream.read()
                unused: int = 3
                step = step + 1 if epoch else 0
                last = total
            return best, at, last
    """
    function = ast.parse(textwrap.dedent(source)).body[0]
    loop = function.body[1]  # type: ignore[attr-defined]

    assert carried(loop, function) == ["at", "best", "last", "step"]


def test_the_script_cannot_tell(tmp_path: Path) -> None:
    source = """
        import inspect, pickle, sys
        before = set(globals())
        def loop(n):
            for epoch in range(n):  # epochs
                value = epoch
            return value
        names = loop.__code__.co_names, loop.__code__.co_varnames, sorted(set(globals()) - before)
        print(names, inspect.getsource(loop).strip().splitlines()[0], loop.__code__.co_firstlineno)
        print(pickle.loads(pickle.dumps(loop))(3), __name__, dir(__builtins__) == dir(__import__("builtins")))
        print([name for name in dir(__import__("builtins")) if "probe" in name], sys.modules["__main__"])
    """
    attempt = Attempt(tmp_path, source, loops=(("train.py", 0),))
    ran = attempt.run()

    assert ran.code == 0, ran.output
    assert "'loop'" not in ran.output.partition("\n")[0].partition("]")[2]
    assert "['before', 'loop']" in ran.output
    assert "def loop(n): 4" in ran.output
    assert "2 __main__ True" in ran.output
    assert "\n[] <module" in ran.output


def test_local_modules_are_instrumented_when_they_are_imported(tmp_path: Path) -> None:
    attempt = Attempt(
        tmp_path,
        "import sys\nsys.path.insert(0, 'src')\nfrom pkg.deep import engine\nengine.fit(2)\n",
        loops=(("src/pkg/deep/engine.py", 0),),
        watch=(
            ("src/pkg/deep/engine.py", 4, 8, 4, 22),
            ("src/pkg/deep/engine.py", 6, 8, 6, 14),
            ("train.py", 4, 0, 4, 13),
        ),
    )
    module = "def fit(n):\n    done = []\n    for epoch in range(n):\n        done.append(1)\n"
    module += "    if n > 9:\n        fit(0)\n"
    attempt.file("src/pkg/__init__.py", "")
    attempt.file("src/pkg/deep/__init__.py", "")
    attempt.file("src/pkg/deep/engine.py", module + "print(type(__loader__).__name__, __file__)\n")

    ran = attempt.run()

    assert ran.code == 0, ran.output
    assert [event["epoch"] for event in ran.all("epoch")] == [1, 2]
    assert [event["places"] for event in ran.all("reached")] == [[0, 2]]
    assert "SourceFileLoader" in ran.output
    assert not list(attempt.workspace.glob("src/pkg/deep/__pycache__/engine.*"))


def test_code_that_is_sent_to_another_process_runs_there(tmp_path: Path) -> None:
    source = "def fit(n):\n    for epoch in range(n):\n        print(epoch)\n    return abs(n)\nfit(1)\n"
    attempt = Attempt(tmp_path, "", loops=(("train.py", 0),), watch=(("train.py", 5, 11, 5, 17),))
    need_module("cloudpickle")
    sender = "import cloudpickle\n" + source + "open('f.bin', 'wb').write(cloudpickle.dumps(fit))\n"
    (attempt.workspace / "train.py").write_text(sender)

    ran = attempt.run()
    assert ran.one("reached")["places"] == [0], ran.output
    read = "import pickle; print(pickle.load(open('f.bin', 'rb'))(2))"
    done = subprocess.run([PYTHON, "-c", read], cwd=attempt.workspace, capture_output=True, check=True)
    assert done.stdout == b"0\n1\n2\n"
