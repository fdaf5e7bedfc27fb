"""PyTorch's models, read without running them: which numbers are one width, and what follows from it.

Start at ``read_ties``. ``interpreter`` reads the classes and ``forward`` as far as shapes go,
``solving`` turns what it learned into groups of numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

from pushtune.model.analysis import LayerShape
from pushtune.rewrite.torch.facts import Facts
from pushtune.rewrite.torch.interpreter import Interpreter
from pushtune.rewrite.torch.roots import read_roots
from pushtune.rewrite.torch.solving import Solver
from pushtune.rewrite.torch.ties import Ties, refuse_mistaken
from pushtune.source import Names
from pushtune.source.tracing import Tracer

__all__ = ["Ties", "read_ties", "refuse_mistaken"]


def read_ties(names: Names, tracer: Tracer, shapes: Sequence[LayerShape] = ()) -> Ties:
    """Read the models of a program; ``shapes`` are those that a run has shown."""
    facts = Facts()
    if any(_is_torch(names.call(module, call)) for module in names.program.modules for call in module.calls):
        interpreter = Interpreter(names, tracer, shapes)
        read_roots(interpreter)
        facts = interpreter.facts
    solver = Solver(facts)
    solver.solve()
    return Ties(facts, solver)


def _is_torch(name: str | None) -> bool:
    return name is not None and name.startswith("torch.nn.")
