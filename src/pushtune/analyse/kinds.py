"""What kind of model a script trains, by the rules of ``tables/kinds.toml``, with the lines that show it."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from pushtune.analyse.by_hand import Step, gradient_steps
from pushtune.analyse.keras_networks import keras_signs
from pushtune.analyse.networks import signs
from pushtune.analyse.reading import Called, Reading, values_of
from pushtune.analyse.requirements import imported
from pushtune.analyse.tables import table
from pushtune.model.analysis import Evidence
from pushtune.source.overwritten import overwritten_holder

_WHOLE = ("autoencoder", "VAE", "GAN")
"""Kinds that are made of other kinds."""

_MADE_OF = {"lightning": ("torch",)}
"""Frameworks whose models are made of another one's layers."""

_BASES = {
    "lightning.LightningModule": "lightning",
    "transformers.Trainer": "hf",
    "transformers.Seq2SeqTrainer": "hf",
}
"""Classes that a script inherits from where it is of a framework."""

EVIDENCE_LINES = 6
"""Most lines of evidence shown for one kind."""


@dataclass(frozen=True)
class Rule:
    """One row of the table. ``pattern`` is a regular expression on canonical names."""

    pattern: str
    framework: str
    kind: str
    weight: int
    why: str


@dataclass(frozen=True)
class Hit:
    """One call that a rule fits."""

    call: Called
    rule: Rule


@dataclass(frozen=True)
class Kind:
    """The verdict. ``also`` are the other kinds of model in the script, most frequent first."""

    framework: str
    kind: str
    evidence: tuple[Evidence, ...]
    also: tuple[str, ...] = ()

    @property
    def tunable(self) -> bool:
        """Whether this framework's scripts can be tuned today."""
        return self.framework in table("kinds")["tunable"]["frameworks"]


def recognise(reading: Reading) -> Kind:
    """Return framework and kind; ``unknown`` where no rule fits."""
    hits = _used(
        reading, [Hit(call, rule) for call in reading.calls if (rule := _rule(call.name)) is not None]
    )
    framework = _framework(hits, reading)
    parts = {framework, *_MADE_OF.get(framework, ())}
    own = [hit for hit in hits if hit.rule.framework in parts]
    if framework in ("unknown", "sklearn") and not own:
        by_hand = _by_hand(reading)
        if by_hand is not None:
            return by_hand
    if framework == "keras":
        own += _autoencoder(reading)
        own += [Hit(s.call, Rule("", framework, s.kind, s.weight, s.why)) for s in keras_signs(reading)]
    if framework in ("torch", "lightning"):
        own += [
            Hit(s.call, Rule("", framework, s.kind, s.weight, s.why))
            for s in signs(reading)
            if _is_used(reading, s.call)
        ]
    weights: Counter[str] = Counter()
    for hit in _final(own):
        weights[hit.rule.kind] += hit.rule.weight * 100 + 1
    ranked = sorted((kind for kind in weights if kind), key=lambda kind: (-weights[kind], -_last(own, kind)))
    kind = ranked[0] if ranked else "unknown"
    if kind == "MLP" and weights[kind] == 1 and framework in ("keras", "torch", "lightning"):
        own, kind = (
            [Hit(hit.call, replace(hit.rule, kind="linear", why="the only layer")) for hit in own],
            "linear",
        )
    # What an autoencoder is made of is no second model.
    also = tuple(name for name in ranked[1:] if weights[name] >= 100 and kind not in _WHOLE)
    return Kind(framework, kind, _evidence(own, (kind, *also), reading), also)


def _used(reading: Reading, hits: list[Hit]) -> list[Hit]:
    """Leave out what no run makes, or makes and drops unseen, where anything else is left."""
    used = [hit for hit in hits if _is_used(reading, hit.call)]
    return used or hits


def _is_used(reading: Reading, call: Called) -> bool:
    reached = reading.callers.reached(call.module, call.node)
    return reached and not overwritten_holder(call.module, call.node)


def _alone(hit: Hit) -> Hit:
    """A network of one fully connected layer is a linear model."""
    return replace(hit, rule=replace(hit.rule, kind="linear", why="the only layer with weights"))


@cache
def _rules() -> tuple[Rule, ...]:
    return tuple(
        Rule(
            "|".join(re.escape(call).replace(r"\*", ".*") for call in row["calls"]),
            row["framework"],
            row["kind"],
            row.get("weight", 1),
            row["why"],
        )
        for row in table("kinds")["rule"]
    )


def _rule(name: str) -> Rule | None:
    # A class is called, or a function of its module: helpers such as `sklearn.svm.l1_min_c` build no model.
    if not name or (name.startswith("sklearn.") and not _builds(name)):
        return None
    return next((rule for rule in _rules() if re.fullmatch(rule.pattern, name)), None)


def _builds(name: str) -> bool:
    last = name.rpartition(".")[2]
    return last[:1].isupper() or last == "make_pipeline"


def _framework(hits: list[Hit], reading: Reading) -> str:
    """Return the framework whose rules fit most; what is only imported decides where no call does."""
    counts = Counter(hit.rule.framework for hit in hits)
    modules = imported(reading.program)
    rows = table("kinds")["package"]
    order = {row["framework"]: place for place, row in reversed(list(enumerate(rows)))}
    for base, framework in _BASES.items():
        if base in _inherited(reading):
            return framework
    if "hf" in counts and _trains_its_own(hits, reading):
        del counts["hf"]
    if counts:
        # A network beats the scikit-learn helpers around it, Lightning the torch layers inside it.
        return min(counts, key=lambda name: (name == "sklearn", order.get(name, len(rows))))
    for row in rows:
        if any(name == row["module"] or name.startswith(row["module"] + ".") for name in modules):
            return str(row["framework"])
    return "unknown"


def _trains_its_own(hits: list[Hit], reading: Reading) -> bool:
    """Whether a PyTorch module of the script's own is trained, and no trainer of a library's."""
    trainers = any(hit.rule.framework == "hf" and hit.call.name.endswith("Trainer") for hit in hits)
    layers = any(hit.rule.framework == "torch" for hit in hits)
    return layers and not trainers and "torch.nn.Module" in _inherited(reading)


def _by_hand(reading: Reading) -> Kind | None:
    """A gradient descended in NumPy alone: linear if one set of weights is moved, else an MLP."""
    steps = gradient_steps(reading.program)
    if not steps or not any(name.partition(".")[0] == "numpy" for name in imported(reading.program)):
        return None
    kind = "MLP" if any(step.several for step in steps) or len({s.parameter for s in steps}) > 1 else "linear"
    return Kind("numpy", kind, tuple(_step_shown(reading, step) for step in steps[:EVIDENCE_LINES]))


def _step_shown(reading: Reading, step: Step) -> Evidence:
    line = step.node.lineno
    return Evidence(step.module.path, line, reading.text(step.module, line), "a step of gradient descent")


def _inherited(reading: Reading) -> set[str]:
    """Return the canonical names of the libraries' classes that the script's own inherit from."""
    return {
        reading.names.qualify(module, base) or ""
        for module in reading.program.modules
        for owner in module.scopes
        if isinstance(owner, ast.ClassDef)
        for base in owner.bases
    }


def _final(hits: list[Hit]) -> Iterator[Hit]:
    """Leave out estimators that only serve another one: steps before a pipeline's last, base estimators."""
    served = {id(node) for hit in hits for node in _served(hit.call)}
    yield from (hit for hit in hits if id(hit.call.node) not in served)


def _served(call: Called) -> Iterator[ast.AST]:
    for step in _steps(call):
        for node in (step, *values_of(call.module, step)):
            yield from ast.walk(node)


def _steps(call: Called) -> list[ast.expr]:
    """Return the expressions that hold models which only serve the one that ``call`` builds."""
    if call.name == "sklearn.pipeline.make_pipeline":
        return call.node.args[:-1]
    if call.name == "sklearn.pipeline.Pipeline":
        listed = call.argument(0, "steps")
        return listed.elts[:-1] if isinstance(listed, (ast.List, ast.Tuple)) else []
    if call.name.startswith("sklearn.ensemble."):
        return [*call.node.args, *(keyword.value for keyword in call.node.keywords)]
    return []


def _autoencoder(reading: Reading) -> list[Hit]:
    """A network that is fitted to give back its own input, or is called so, is an autoencoder."""
    rule = Rule("", "keras", "autoencoder", 99, "the network is trained to give back its own input")
    return [Hit(call, rule) for call in reading.methods("fit") if _gives_back(call)]


def _gives_back(fit: Called) -> bool:
    inputs, targets = fit.argument(0, "x"), fit.argument(1, "y")
    same = inputs is not None and targets is not None and ast.dump(inputs) == ast.dump(targets)
    called = fit.receiver.id.lower() if isinstance(fit.receiver, ast.Name) else ""
    return same or "autoencoder" in called or called in ("ae", "vae")


def _last(hits: list[Hit], kind: str) -> int:
    return max(place for place, hit in enumerate(hits) if hit.rule.kind == kind)


def _evidence(hits: list[Hit], kinds: tuple[str, ...], reading: Reading) -> tuple[Evidence, ...]:
    shown = [hit for kind in kinds for hit in _some(hits, kind)] or _some(hits, "")
    return tuple(
        Evidence(
            hit.call.module.path,
            hit.call.line,
            reading.text(hit.call.module, hit.call.line),
            hit.rule.why,
        )
        for hit in shown
    )


def _some(hits: list[Hit], kind: str) -> list[Hit]:
    return [hit for hit in hits if hit.rule.kind == kind][:EVIDENCE_LINES]
