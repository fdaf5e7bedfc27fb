"""Random small programs, run: what is said to be sure holds, and what is used is among what was found."""

from __future__ import annotations

import ast
import contextlib
import random
import tempfile
from itertools import count
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from pushtune.source import Names, Vocabulary, load_script, parse_program
from pushtune.source.tracing import Tracer

NAMES = "ab"
HEADER = "a = 1\nb = 2\ndef f():\n    pass\n"


class Writer:
    """Writes one program of assignments, branches, loops and functions; every literal stands once."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.number = count(10)
        self.sites = count()
        self.lines: list[str] = HEADER.splitlines()

    def block(self, indent: str, depth: int, *, loop: bool, function: bool) -> None:
        for _ in range(self.chance.randint(1, 4)):
            self.statement(indent, depth, loop=loop, function=function)

    def statement(self, indent: str, depth: int, *, loop: bool, function: bool) -> None:
        kinds = ["set", "set", "use", "use", "copy", "table"]
        if depth:
            kinds += ["if", "if", "for", "try", "def", "call", "with"]
        if loop:
            kinds += ["break", "continue"]
        if function:
            kinds += ["return"]
        getattr(self, f"write_{self.chance.choice(kinds)}")(indent, depth, loop=loop, function=function)

    def write(self, line: str) -> None:
        self.lines.append(line)

    def write_set(self, indent: str, depth: int, **_: bool) -> None:
        self.write(f"{indent}{self.chance.choice(NAMES)} = {next(self.number)}")

    def write_copy(self, indent: str, depth: int, **_: bool) -> None:
        one, other = self.chance.sample(NAMES, 2)
        self.write(f"{indent}{one} = {other}")

    def write_table(self, indent: str, depth: int, **_: bool) -> None:
        name = self.chance.choice(NAMES)
        self.write(f"{indent}t = {{'n': {next(self.number)}}}")
        if self.chance.random() < 0.5:
            self.write(f"{indent}if maybe(): t['n'] = {next(self.number)}")
        self.write(f"{indent}{name} = t['n']")

    def write_use(self, indent: str, depth: int, **_: bool) -> None:
        self.write(f"{indent}use({self.chance.choice(NAMES)}, {next(self.sites)})")

    def write_if(self, indent: str, depth: int, **inside: bool) -> None:
        self.write(f"{indent}if maybe():")
        self.block(indent + "    ", depth - 1, **inside)
        if self.chance.random() < 0.5:
            self.write(f"{indent}else:")
            self.block(indent + "    ", depth - 1, **inside)

    def write_with(self, indent: str, depth: int, **inside: bool) -> None:
        self.write(f"{indent}with quiet():")
        self.block(indent + "    ", depth - 1, **inside)

    def write_for(self, indent: str, depth: int, **inside: bool) -> None:
        self.write(f"{indent}for _ in range(turns()):")
        self.block(indent + "    ", depth - 1, loop=True, function=inside["function"])
        if self.chance.random() < 0.3:
            self.write(f"{indent}else:")
            self.block(indent + "    ", depth - 1, **inside)

    def write_try(self, indent: str, depth: int, **inside: bool) -> None:
        self.write(f"{indent}try:")
        self.block(indent + "    ", depth - 1, **inside)
        self.write(f"{indent}    fail()")
        self.block(indent + "    ", depth - 1, **inside)
        self.write(f"{indent}except ValueError:")
        self.block(indent + "    ", depth - 1, **inside)
        if self.chance.random() < 0.3:
            self.write(f"{indent}finally:")
            self.write_set(indent + "    ", 0)

    def write_def(self, indent: str, depth: int, **_: bool) -> None:
        self.write(f"{indent}def f():")
        shared = self.chance.choice(NAMES)
        if self.chance.random() < 0.3:
            self.write(f"{indent}    global {shared}")
            other = next(name for name in NAMES if name != shared)
            self.write(f"{indent}    {other} = {next(self.number)}")
        elif self.chance.random() < 0.5:
            self.write(f"{indent}    a = b = {next(self.number)}")
        else:
            self.write_use(indent + "    ", 0)
            return
        self.block(indent + "    ", depth - 1, loop=False, function=True)

    def write_call(self, indent: str, depth: int, **_: bool) -> None:
        self.write(f"{indent}f()")

    def write_break(self, indent: str, depth: int, **_: bool) -> None:
        self.write(f"{indent}if maybe(): break")

    def write_continue(self, indent: str, depth: int, **_: bool) -> None:
        self.write(f"{indent}if maybe(): continue")

    def write_return(self, indent: str, depth: int, **_: bool) -> None:
        self.write(f"{indent}if maybe(): return")


def program(seed: int) -> str:
    writer = Writer(seed)
    for _ in range(6):
        writer.statement("", 3, loop=False, function=False)
    writer.write_use("", 0)
    return "\n".join(writer.lines) + "\n"


def seen(text: str, seed: int) -> dict[int, set[object]]:
    """Run ``text`` with chance deciding its branches; return the values that each site was given."""
    chance = random.Random(seed)
    found: dict[int, set[object]] = {}
    budget = count()

    class Quiet:
        def __enter__(self) -> None: ...
        def __exit__(self, *_: object) -> None: ...

    def use(value: object, site: int) -> None:
        found.setdefault(site, set()).add(value)

    def maybe() -> bool:
        if next(budget) > 500:
            raise RecursionError
        return chance.random() < 0.5

    def fail() -> None:
        if maybe():
            raise ValueError

    names = {"use": use, "maybe": maybe, "turns": lambda: chance.randint(0, 3), "fail": fail, "quiet": Quiet}
    # An unbound local, or a function that calls itself: what was seen until then counts.
    with contextlib.suppress(NameError, RecursionError):
        exec(compile(text, "train.py", "exec"), names)
    return found


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10**9))
def test_what_runs_is_among_what_was_found(seed: int) -> None:
    text = program(seed)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "train.py").write_text(text)
        parsed = parse_program(load_script(Path(folder) / "train.py"))
    tracer = Tracer(Names(parsed, Vocabulary()))
    found = {
        call.args[1].value: tracer.trace(parsed.entry, call.args[0])  # type: ignore[attr-defined]
        for call in parsed.entry.calls
        if isinstance(call.func, ast.Name) and call.func.id == "use"
    }
    for run in range(12):
        for site, values in seen(text, run).items():
            origins = found[site]  # type: ignore[index]
            if origins:  # an unknown value is an answer too
                assert values <= {origin.value for origin in origins}
            if any(origin.certain for origin in origins) and len(origins) == 1:
                assert values == {origins[0].value}
