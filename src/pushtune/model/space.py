"""What can be varied: parameters with domains, and the assignments that give them values.

This is all that the scheduler knows of a script; it never sees source.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Value = bool | int | float | str | None
"""One value of a parameter. A square kernel ``(3, 3)`` is the integer 3 with two spans."""

DomainType = Literal["int", "float", "categorical"]


@dataclass(frozen=True)
class Domain:
    """The values a parameter may take: a closed range for numbers, an ordered list for the rest.

    ``choices`` are given in their natural order where they have one (samplers may use it) and always
    hold the author's value.
    """

    type: DomainType
    low: float | None = None
    high: float | None = None
    log: bool = False
    choices: tuple[Value, ...] = ()

    def contains(self, value: Value) -> bool:
        """Whether ``value`` lies in the domain."""
        if self.type == "categorical":
            return any(type(value) is type(choice) and value == choice for choice in self.choices)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        assert self.low is not None
        assert self.high is not None
        return (self.type == "float" or isinstance(value, int)) and self.low <= value <= self.high


@dataclass(frozen=True)
class Condition:
    """The parameter matters only while ``parameter`` has one of ``values``."""

    parameter: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Parameter:
    """One dimension of the search: a knob or a move, without its place in the source.

    ``role`` is a word of the catalogue (``units``, ``filters``, ``learning_rate``, ``move.repeat_block``, …).
    """

    name: str
    role: str
    domain: Domain
    default: Value
    condition: Condition | None = None


@dataclass(frozen=True)
class Epochs:
    """The budget dimension: how many passes over the data a trial may make.

    ``parameter`` names the value in the source that an assignment sets; ``author`` is today's number,
    ``maximum`` the most that the search may spend on one trial. ``prefix_exact`` says that a run with
    fewer epochs is a prefix of a longer one (nothing else depends on the number), so that a trial
    stopped after *k* epochs is the trial whose source says *k*. ``rungs`` says that the script can be
    paused between epochs; where it cannot, every trial runs in one piece with the author's number.
    ``unit`` is what people call one of them: boosting trains rounds.
    """

    parameter: str
    author: int
    maximum: int
    prefix_exact: bool = True
    rungs: bool = True
    unit: str = "epoch"


@dataclass(frozen=True)
class Space:
    """All that may be varied in one script. ``parameters`` leaves out the epochs."""

    parameters: tuple[Parameter, ...]
    epochs: Epochs | None = None

    def parameter(self, name: str) -> Parameter:
        """Return the parameter called ``name``; ``KeyError`` if there is none."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise KeyError(name)

    def active(self, parameter: Parameter, values: Mapping[str, Value]) -> bool:
        """Whether ``parameter`` matters under ``values`` (author's values where it names none)."""
        condition = parameter.condition
        if condition is None:
            return True
        parent = self.parameter(condition.parameter)
        return self.active(parent, values) and values.get(parent.name, parent.default) in condition.values


@dataclass(frozen=True)
class Assignment:
    """A value for some parameters; all others keep the author's. The empty one is the author's script.

    ``source`` is the SHA-256 of a whole source text that a tweak program produced instead of values.
    """

    values: tuple[tuple[str, Value], ...] = ()
    source: str | None = field(default=None)

    @staticmethod
    def of(values: Mapping[str, Value], *, source: str | None = None) -> Assignment:
        """Make an assignment from a mapping; the order of names does not matter."""
        return Assignment(tuple(sorted(values.items())), source)

    def as_dict(self) -> dict[str, Value]:
        """Return the values as a new dictionary."""
        return dict(self.values)

    def get(self, name: str, default: Value = None) -> Value:
        """Return the value of ``name``, or ``default`` where the author's stands."""
        return self.as_dict().get(name, default)

    def with_value(self, name: str, value: Value) -> Assignment:
        """Return a copy in which ``name`` has ``value``."""
        return Assignment.of({**self.as_dict(), name: value}, source=self.source)

    def to_json(self) -> str:
        """Return the canonical JSON text: equal assignments give equal texts."""
        body: dict[str, Any] = {"values": self.as_dict()}
        if self.source is not None:
            body["source"] = self.source
        return json.dumps(body, sort_keys=True, separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> Assignment:
        """Read what ``to_json`` wrote; ``ValueError`` on anything else."""
        body = json.loads(text)
        if not isinstance(body, dict) or not isinstance(body.get("values"), dict):
            raise ValueError(f"not an assignment: {text[:80]!r}")
        return Assignment.of(body["values"], source=body.get("source"))

    @property
    def key(self) -> str:
        """A short name that is equal for equal assignments."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:12]


def canonical(space: Space, assignment: Assignment) -> Assignment:
    """Drop what says nothing: author's values and parameters that their condition switches off."""
    values = assignment.as_dict()
    epochs = space.epochs
    kept: dict[str, Value] = {}
    for name, value in values.items():
        if epochs is not None and name == epochs.parameter:
            if value != epochs.author:
                kept[name] = value
            continue
        parameter = space.parameter(name)
        same = type(value) is type(parameter.default) and value == parameter.default
        if not same and space.active(parameter, values):
            kept[name] = value
    return Assignment.of(kept, source=assignment.source)
