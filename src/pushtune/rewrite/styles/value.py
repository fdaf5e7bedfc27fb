"""The site of a value that stands in the source, whichever finder found it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pushtune.model.analysis import Edit, Knob, Move
from pushtune.model.space import Parameter, Value
from pushtune.rewrite.base import Change
from pushtune.rewrite.meanings import Reading
from pushtune.rewrite.styles.text import replacement
from pushtune.source import SourceText


@dataclass(frozen=True)
class ValueSite:
    """A value that stands in the source, in one place or (a square tuple) in several.

    The text there is ``offset`` more than the value: ``range(1, 11)`` makes 10 epochs.
    """

    parameter: Parameter
    knob: Knob
    source: SourceText
    read_by: tuple[Reading, ...] = ()
    offset: int = 0

    @property
    def readings(self) -> Mapping[str, tuple[Reading, ...]]:
        """Which arguments of which calls read the value."""
        return {self.parameter.name: self.read_by}

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The value's own dimension."""
        return (self.parameter,)

    @property
    def knobs(self) -> tuple[Knob, ...]:
        """The value itself."""
        return (self.knob,)

    @property
    def moves(self) -> tuple[Move, ...]:
        """No structure."""
        return ()

    def changes(self, values: Mapping[str, Value]) -> Iterator[Change]:
        """Replace the text of every span by the new value."""
        if self.parameter.name in values:
            value = values[self.parameter.name]
            if self.offset and isinstance(value, int):
                value += self.offset
            for span in self.knob.spans:
                yield Edit(span, replacement(self.source, span, value, self.parameter.domain))
