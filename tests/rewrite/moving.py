"""What the tests of moves share: the moves of one script, applied without its knobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pushtune.model.analysis import Edit
from pushtune.model.space import Parameter, Value
from pushtune.rewrite.base import Context, Site
from pushtune.rewrite.catalogue import load_catalogue
from pushtune.rewrite.compose import compose
from pushtune.rewrite.layers import read_models
from pushtune.rewrite.moves import MOVES
from pushtune.rewrite.training import read_training
from pushtune.source import Names, apply_edits, load_script, parse_program
from pushtune.source.tracing import Tracer


@dataclass(frozen=True)
class Moving:
    """The moves of one script."""

    context: Context
    sites: tuple[Site, ...]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All parameters, in order."""
        return tuple(parameter for site in self.sites for parameter in site.parameters)

    def domains(self) -> dict[str, tuple[Value, Value, Value]]:
        """Lowest value, highest value, author's value, by parameter."""
        return {p.name: (p.domain.low, p.domain.high, p.default) for p in self.parameters}

    def what(self) -> dict[str, str]:
        """What ``inspect`` says of each move."""
        return {move.name: move.what for site in self.sites for move in site.moves}

    def edits(self, values: Mapping[str, Value]) -> tuple[Edit, ...]:
        """Return the edits that ``values`` ask for."""
        changes = []
        for site in self.sites:
            own = {
                p.name: values[p.name] for p in site.parameters if values.get(p.name, p.default) != p.default
            }
            changes += list(site.changes(own)) if own else []
        return compose(self.context.program, changes)

    def apply(self, values: Mapping[str, Value]) -> str:
        """Return the entry file with ``values`` applied."""
        return apply_edits(self.context.program.entry.source, self.edits(values))


def moving(path: Path) -> Moving:
    """Find the moves of the script at ``path``."""
    program, catalogue = parse_program(load_script(path)), load_catalogue()
    names = Names(program, catalogue.vocabulary)
    tracer = Tracer(names)
    models = read_models(program, names, tracer, catalogue)
    training = read_training(program, names, tracer)
    context = Context(program, names, tracer, catalogue, models, training)
    return Moving(context, tuple(site for find in MOVES.values() for site in find(context)))
