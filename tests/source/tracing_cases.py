"""What the tests of tracing share: a script from its text, and where the argument of `use(…)` stands."""

import ast
from pathlib import Path

from pushtune.source import Names, Vocabulary, load_script, parse_program
from pushtune.source.tracing import Origin, Tracer


def origins(folder: Path, text: str, *args: str, **others: str) -> list[Origin]:
    """Return the places of every ``use(…)``'s first argument."""
    for name, body in others.items():
        (folder / name.replace("__", ".")).write_text(body)
    (folder / "train.py").write_text(text)
    program = parse_program(load_script(folder / "train.py", args))
    tracer = Tracer(Names(program, Vocabulary()))
    return [
        origin
        for module in program.modules
        for call in module.calls
        if isinstance(call.func, ast.Name) and call.func.id == "use"
        for origin in tracer.trace(module, call.args[0])
    ]


def values(folder: Path, text: str, *args: str, **others: str) -> list[tuple[object, bool]]:
    """Return the values that ``use(…)`` may be given, each with whether it is sure."""
    return [(origin.value, origin.certain) for origin in origins(folder, text, *args, **others)]
