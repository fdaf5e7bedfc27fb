"""Reading the catalogue's TOML files. Adding a framework is one more file in ``FILES``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from pushtune.model.space import Value
from pushtune.rewrite.catalogue.growth import Growth
from pushtune.source import Vocabulary

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILES = (
    "keras.toml",
    "sklearn.toml",
    "sklearn_estimators.toml",
    "sklearn_transformers.toml",
    "torch.toml",
    "xgboost.toml",
    "lightgbm.toml",
    "lightning.toml",
    "transformers.toml",
)
"""One file a framework or a part of one, in this order."""

WIDTHS = ("units", "filters", "embedding_dim", "heads")
"""Roles that give a layer's output its width."""


@dataclass(frozen=True)
class Argument:
    """One argument of a callable that is a knob.

    ``at`` is its position (None: keyword only). ``default`` is what the callable takes where the
    argument is left out; ``implicit`` says that such a call is offered the keyword.
    ``float_role`` is the role where the author wrote a fraction. Of a tuple, ``element`` is the one that
    counts, or ``each`` says that all do; ``template`` is the text around the value of an implicit one.
    ``aliases`` are other keywords, or other keys of a table, that mean the same; ``needs`` names one that
    must be given too (or one of several), or else the argument has no effect.
    ``when`` says which values of other arguments of the same call give this one a meaning; ``unless`` names
    arguments beside which it must stay as it is.
    """

    name: str
    role: str
    at: int | None = None
    default: Value = None
    implicit: bool = False
    float_role: str = ""
    element: int | None = None
    each: bool = False
    template: str = "{}"
    when: tuple[tuple[str, tuple[Value, ...]], ...] = ()
    unless: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every keyword or key that gives the argument."""
        return (self.name, *self.aliases)

    def role_of(self, value: Value) -> str:
        """Return the role that ``value`` has: a fraction may mean another thing than a count."""
        return self.float_role if isinstance(value, float) and self.float_role else self.role


@dataclass(frozen=True)
class CallableEntry:
    """What the catalogue knows of one callable, or of one method of a framework's objects.

    ``group`` tells what it is: ``layer``, ``optimizer``, ``schedule``, ``callback``, ``regularizer``,
    ``augmentation``, ``model``, ``estimator``, ``transformer`` or ``method``. ``output`` are arguments
    that must not change where the callable is a model's output layer. ``positions`` are the names of its
    first arguments. ``entries`` are arguments that stand in a table (a dictionary) which the call is given as
    its argument ``table``, the first one.
    """

    name: str
    framework: str
    group: str
    arguments: tuple[Argument, ...] = ()
    output: tuple[str, ...] = ()
    positions: tuple[str, ...] = ()
    table: str = ""
    entries: tuple[Argument, ...] = ()

    @property
    def wide(self) -> bool:
        """Whether the callable is a layer whose output has a width of its own, not that of its input."""
        return any(argument.name in self.output and argument.role in WIDTHS for argument in self.arguments)


@dataclass(frozen=True)
class Catalogue:
    """All that is known of all frameworks."""

    vocabulary: Vocabulary
    callables: Mapping[str, CallableEntry]
    methods: Mapping[str, CallableEntry]
    growths: Mapping[str, Growth]
    frozen_arguments: frozenset[str]
    frozen_calls: frozenset[str]
    frozen_methods: frozenset[str]
    optimizers: Mapping[str, Mapping[str, Any]]

    def group(self, qualified: str | None) -> str:
        """Return the group of a callable, ``""`` if it is unknown."""
        entry = self.callables.get(qualified or "")
        return entry.group if entry is not None else ""


def load_catalogue() -> Catalogue:
    """Read the TOML files that are shipped beside this module. Takes a few milliseconds."""
    folder = resources.files(__package__)
    bodies = [tomllib.loads((folder / name).read_text(encoding="utf-8")) for name in FILES]
    callables: dict[str, CallableEntry] = {}
    methods: dict[str, CallableEntry] = {}
    for body in bodies:
        for group in body.get("callable", ()):
            for entry in _entries(_whole(group, body), body["framework"]):
                (methods if entry.group == "method" else callables)[entry.name] = entry
    return Catalogue(
        vocabulary=_vocabulary(bodies, callables),
        callables=callables,
        methods=methods,
        growths={name: _growth(rule) for body in bodies for name, rule in body.get("growth", {}).items()},
        frozen_arguments=_frozen(bodies, "arguments"),
        frozen_calls=_frozen(bodies, "calls"),
        frozen_methods=_frozen(bodies, "methods"),
        optimizers={name: rule for body in bodies for name, rule in body.get("optimizers", {}).items()},
    )


def _frozen(bodies: list[dict[str, Any]], what: str) -> frozenset[str]:
    return frozenset(name for body in bodies for name in body.get("frozen", {}).get(what, ()))


def _vocabulary(bodies: list[dict[str, Any]], callables: Mapping[str, CallableEntry]) -> Vocabulary:
    prefixes = {key: put for body in bodies for key, put in body.get("prefixes", {}).items()}
    extra = {name for body in bodies for name in body.get("known", ())}
    opaque = tuple(name for body in bodies for name in body.get("opaque", ()))
    return Vocabulary(prefixes, frozenset(callables) | extra, opaque)


def _whole(group: Mapping[str, Any], body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the table of a callable with the arguments of the ``shared`` tables that it names."""
    tables = [group.get("arguments", {}), *(body["shared"][name] for name in group.get("shared", ()))]
    return {**group, "arguments": {name: rule for table in tables for name, rule in table.items()}}


def _entries(group: Mapping[str, Any], framework: str) -> list[CallableEntry]:
    arguments, entries = (
        tuple(_argument(name, rule) for name, rule in group.get(kind, {}).items())
        for kind in ("arguments", "entries")
    )
    prefix = f"{group['module']}." if group.get("module") else ""
    return [
        CallableEntry(
            prefix + name, framework, group["group"], arguments, tuple(group.get("output", ())),
            tuple(group.get("positions", ())), group.get("table", ""), entries,
        )
        for name in group["names"]
    ]  # fmt: skip


def _argument(name: str, rule: Mapping[str, Any]) -> Argument:
    read = {
        "implicit": "default" in rule,
        **rule,
        "default": _value(rule.get("default")),
        "when": tuple(
            (other, tuple(_value(value) for value in values))
            for other, values in rule.get("when", {}).items()
        ),
        **{key: tuple(rule.get(key, ())) for key in ("unless", "aliases", "needs")},
    }
    return Argument(name=name, **read)


def _growth(rule: Mapping[str, Any]) -> Growth:
    choices = tuple(_value(choice) for choice in rule.get("choices", ()))
    return Growth(**{**rule, "choices": choices})


def _value(value: Value) -> Value:
    """TOML has no null: the catalogue writes ``"None"``."""
    return None if value == "None" else value
