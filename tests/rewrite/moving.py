"""What the tests of moves share: the moves on layers of one script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pushtune.model.analysis import Candidate
from pushtune.model.space import Assignment, Parameter, Value
from pushtune.rewrite import Rewriter
from pushtune.source import load_script

ROLES = ("move.copies", "move.dropout", "move.batchnorm")


@dataclass(frozen=True)
class Moving:
    """The moves on layers of one script."""

    rewriter: Rewriter

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Their parameters, in order."""
        return tuple(p for p in self.rewriter.discovery.space.parameters if p.role in ROLES)

    @property
    def text(self) -> str:
        """The entry file, as its author wrote it."""
        return self.rewriter.program.entry.source.text

    def domains(self) -> dict[str, tuple[Value, Value, Value]]:
        """Lowest value, highest value, author's value, by parameter that has a range."""
        ranges = [parameter for parameter in self.parameters if parameter.domain.type != "categorical"]
        return {p.name: (p.domain.low, p.domain.high, p.default) for p in ranges}

    def what(self) -> dict[str, str]:
        """What ``inspect`` says of each move."""
        return {move.name: move.what for move in self.rewriter.discovery.moves}

    def candidate(self, values: Mapping[str, Value]) -> Candidate:
        """Apply ``values``."""
        return self.rewriter.apply(Assignment.of(values))

    def apply(self, values: Mapping[str, Value]) -> str:
        """Return the entry file with ``values`` applied."""
        return self.candidate(values).files[0].data.decode()


def moving(path: Path) -> Moving:
    """Find the moves of the script at ``path``."""
    return Moving(Rewriter(load_script(path)))
