"""The rewriter: discovers what can be varied in a script, and applies assignments to it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

from pushtune.errors import InfeasibleError, UsageError
from pushtune.model.analysis import (
    COMMAND_LINE,
    Candidate,
    Caution,
    Edit,
    Knob,
    Move,
    Observed,
    Script,
    ScriptFile,
    Span,
)
from pushtune.model.space import Assignment, Parameter, Space, Value, canonical
from pushtune.rewrite.base import Context, Site
from pushtune.rewrite.catalogue import Catalogue, load_catalogue
from pushtune.rewrite.compose import compose
from pushtune.rewrite.conditions import with_conditions
from pushtune.rewrite.diff import unified_diff
from pushtune.rewrite.epochs import are_tunable, epochs_cautions, read_epochs
from pushtune.rewrite.layers import read_models
from pushtune.rewrite.moves import MOVES
from pushtune.rewrite.moves.feasible import refuse_unfit
from pushtune.rewrite.optimizers import find_optimizers, swap_regions
from pushtune.rewrite.reached import dead, living, places_of
from pushtune.rewrite.styles import STYLES
from pushtune.rewrite.styles.torch_sizes import cautions as sizes_cautions
from pushtune.rewrite.survey import take_survey
from pushtune.rewrite.torch import read_ties, refuse_mistaken
from pushtune.rewrite.torch_optimizers import find_torch_optimizers
from pushtune.rewrite.training import read_training
from pushtune.source import Names, Program, apply_edits, parse_program
from pushtune.source.documents import Document
from pushtune.source.tracing import Tracer
from pushtune.source.tracing.options import given_options


@dataclass(frozen=True)
class Discovery:
    """What can be varied in a script. ``knobs`` also holds the epochs, which ``space`` keeps apart.

    ``loops`` and ``places`` as in ``Analysis``.
    """

    knobs: tuple[Knob, ...]
    moves: tuple[Move, ...]
    space: Space
    warnings: tuple[Caution, ...]
    loops: tuple[tuple[str, int], ...]
    places: tuple[Span, ...]


class Rewriter:
    """One script, read once. ``discovery`` says what can be varied; ``apply`` is pure and deterministic."""

    def __init__(
        self, script: Script, catalogue: Catalogue | None = None, observed: Observed | None = None
    ) -> None:
        """Read ``script``; ``UnparsableError`` if its entry file does not parse.

        ``observed`` settles what only a run can tell: shapes that sizes must follow, places never reached.
        """
        self.script = script
        self.context = make_context(script, catalogue or load_catalogue(), observed)
        self._sites = tuple(_sites(self.context))
        self.discovery = _discovery(self.context, self._sites)

    @property
    def program(self) -> Program:
        """The parsed files."""
        return self.context.program

    def apply(self, assignment: Assignment) -> Candidate:
        """Return the script with ``assignment`` written into it.

        A value may lie outside its domain if it is of the right type. Raises ``UsageError`` for a name
        or a type that does not fit, ``InfeasibleError`` for a combination that this source cannot take.
        """
        values = canonical(self.discovery.space, self._checked(assignment)).as_dict()
        changes = [
            change
            for site in self._sites
            for change in site.changes({p.name: values[p.name] for p in site.parameters if p.name in values})
        ]
        edits = compose(self.program, changes)
        files = tuple(self._rewritten(file, edits) for file in self.script.files)
        args = self._arguments(edits)
        if edits and (self.context.models or self.context.ties.facts.made):
            changed = replace(self.script, files=files, args=args)
            rewritten = make_context(changed, self.context.catalogue, self.context.observed)
            refuse_unfit(self.context, rewritten)
            refuse_mistaken(self.context.ties, rewritten.ties)
        pairs = zip(self.script.files, files, strict=True)
        diff = "".join(unified_diff(old.path, old.data, new.data) for old, new in pairs)
        return Candidate(files, edits, diff, args)

    def _checked(self, assignment: Assignment) -> Assignment:
        space = self.discovery.space
        parameters = {parameter.name: parameter for site in self._sites for parameter in site.parameters}
        known = {parameter.name for parameter in space.parameters} | {
            space.epochs.parameter if space.epochs else ""
        }
        for name, value in assignment.values:
            if name not in known:
                fix = f"`pushtune inspect {self.script.entry}` lists the names"
                raise UsageError(f"{self.script.entry} has no knob or move called {name!r}", fix=fix)
            if not _fits(parameters[name], value):
                raise UsageError(
                    f"{value!r} is not a value for {name}", fix=f"give a {_kind(parameters[name])}"
                )
        return assignment

    def _rewritten(self, file: ScriptFile, edits: tuple[Edit, ...]) -> ScriptFile:
        here = [edit for edit in edits if edit.span.file == file.path]
        if not here:
            return file
        module = self.program.module(file.path)
        source = module.source
        if module.document is not None:
            return ScriptFile(file.path, source.encode(_edited(module.document, here)))
        text = apply_edits(source, here)
        try:
            ast.parse(text)
        except SyntaxError as error:
            raise InfeasibleError(f"{file.path} line {error.lineno}: the edits do not parse") from None
        return ScriptFile(file.path, source.encode(text))

    def _arguments(self, edits: tuple[Edit, ...]) -> tuple[str, ...]:
        """Return the arguments with the edits of the command line made."""
        module = self.program.command_line
        here = [edit for edit in edits if edit.span.file == COMMAND_LINE]
        if module is None or module.document is None or not here:
            return self.script.args
        return tuple(module.document.format.load(_edited(module.document, here)))


def discover(script: Script) -> Discovery:
    """Return what can be varied in ``script``; ``UnparsableError`` if it does not parse."""
    return Rewriter(script).discovery


def apply(script: Script, assignment: Assignment) -> Candidate:
    """Return ``script`` with ``assignment`` written into it; see ``Rewriter.apply``."""
    return Rewriter(script).apply(assignment)


def make_context(script: Script, catalogue: Catalogue, observed: Observed | None = None) -> Context:
    """Parse ``script`` and read what finders need of it."""
    program = parse_program(script)
    names = Names(program, catalogue.vocabulary)
    tracer = Tracer(names)
    models = read_models(program, names, tracer, catalogue)
    ties = read_ties(names, tracer, observed.layers if observed is not None else ())
    training = read_training(program, names, tracer)
    return Context(program, names, tracer, catalogue, models, training, ties, observed)


def _sites(context: Context) -> Iterator[Site]:
    """Yield all sites: values in source order, then optimizers, then moves on layers."""
    optimizers = list(find_optimizers(context))
    torch_optimizers = list(find_torch_optimizers(context))
    regions = [*swap_regions(optimizers), *(site.region() for site in torch_optimizers)]
    survey = take_survey(context, regions, epochs_tunable=are_tunable(context))
    values: list[Site] = [site for find in STYLES.values() for site in find(survey)]
    files = [module.path for module in (*context.program.modules, *context.program.documents)]
    yield from sorted(values, key=lambda site: _place(site, files))
    yield from optimizers
    yield from torch_optimizers
    for find_moves in MOVES.values():
        yield from find_moves(context)


def _place(site: Site, files: list[str]) -> tuple[int, int, int]:
    span = site.knobs[0].spans[0]
    return files.index(span.file), span.line, span.column


def _discovery(context: Context, sites: tuple[Site, ...]) -> Discovery:
    knobs = tuple(knob for site in sites for knob in site.knobs)
    epochs = read_epochs(context, [knob for knob in knobs if knob.role == "epochs"])
    parameters = tuple(p for site in sites for p in site.parameters if p.role != "epochs")
    places = places_of(sites)
    alive = tuple(living(with_conditions(parameters, knobs, sites), dead(places, context.observed)))
    names = {parameter.name for parameter in alive} | ({epochs.parameter} if epochs else set())
    shown = tuple(knob for knob in knobs if knob.name in names)
    return Discovery(
        knobs=shown,
        moves=tuple(move for site in sites for move in site.moves if move.name in names),
        space=Space(alive, epochs),
        warnings=(
            *epochs_cautions(context, epochs),
            *_sizes_cautions(context),
            *_given_cautions(context, shown),
        ),
        loops=tuple((loop.module.path, loop.number) for loop in context.training.loops),
        places=tuple(dict.fromkeys(span for name in names for span in places.get(name, ()))),
    )


def _edited(document: Document, edits: list[Edit]) -> str:
    """Return the document's text with ``edits`` made; ``InfeasibleError`` if they change more than values."""
    text = apply_edits(document.source, edits)
    if not document.accepts(text, frozenset(edit.span for edit in edits)):
        raise InfeasibleError(f"{document.source.path}: the edits change more than their values")
    return text


def _given_cautions(context: Context, knobs: tuple[Knob, ...]) -> Iterator[Caution]:
    """Yield which options the command line fixes: those that are given there, and are no knobs."""
    tuned = {span for knob in knobs for span in knob.spans}
    given = given_options(context.tracer, tuned)
    if given:
        text = f"given on the command line, and left as given: {', '.join(given)}"
        yield Caution("given-options", 0, text)


def _sizes_cautions(context: Context) -> Iterator[Caution]:
    """Yield which sizes of PyTorch layers stay as they are."""
    if context.ties.facts.made:
        yield from sizes_cautions(take_survey(context, (), epochs_tunable=are_tunable(context)))


def _fits(parameter: Parameter, value: Value) -> bool:
    """Whether ``value`` is of a type that the parameter can be written with."""
    domain = parameter.domain
    if domain.type == "categorical":
        return any(type(value) is type(choice) for choice in domain.choices)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return domain.type == "float" or isinstance(value, int)


def _kind(parameter: Parameter) -> str:
    names = {"int": "whole number", "float": "number", "categorical": "value of its choices' type"}
    return names[parameter.domain.type]
