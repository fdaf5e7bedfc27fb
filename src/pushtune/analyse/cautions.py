"""What the author should know before anything runs. Each rule is a function; all are in one list."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from pushtune.analyse.hazards import HAZARDS
from pushtune.analyse.kinds import Kind
from pushtune.analyse.metrics import validation_split
from pushtune.analyse.preflight import preflight
from pushtune.analyse.reading import Called, Reading
from pushtune.analyse.removed import removed_api
from pushtune.analyse.tables import table
from pushtune.model.analysis import Caution, MetricGuess

_SEEDING = (
    "random.seed", "numpy.random.seed", "tensorflow.random.set_seed", "tensorflow.set_random_seed",
    "keras.utils.set_random_seed", "torch.manual_seed", "torch.cuda.manual_seed_all",
)  # fmt: skip
_NETWORKS = ("keras.Sequential", "keras.models.Sequential", "keras.Model", "keras.models.Model")
_SESSIONS = ("tensorflow.Session", "tensorflow.InteractiveSession", "tensorflow.placeholder")


Rule = Callable[[Reading, Kind, "MetricGuess | None"], Iterator[Caution]]


def cautions(reading: Reading, kind: Kind, metric: MetricGuess | None) -> tuple[Caution, ...]:
    """Return all cautions, the grave ones first, each line once."""
    found = [caution for rule in _RULES for caution in rule(reading, kind, metric)]
    return tuple(dict.fromkeys(found))


def _not_tunable(reading: Reading, kind: Kind, metric: MetricGuess | None) -> Iterator[Caution]:
    if kind.framework == "unknown":
        text = "no framework that pushtune knows was recognised"
        yield Caution("unknown-framework", 0, f"{text}; scripts of {_tunable()} can be tuned")
    elif not kind.tunable:
        text = f"{kind.framework} scripts are recognised, but cannot be tuned yet"
        yield Caution("framework-not-tunable", 0, f"{text}; those of {_tunable()} can")


def _tunable() -> str:
    return ", ".join(table("kinds")["tunable"]["frameworks"])


def _several_models(reading: Reading, kind: Kind, metric: MetricGuess | None) -> Iterator[Caution]:
    if kind.also:
        others = ", ".join(kind.also)
        yield Caution(
            "several-kinds", 0, f"mostly {kind.kind}, but there is {others} in it too (see evidence)"
        )


def _validation(reading: Reading, kind: Kind, metric: MetricGuess | None) -> Iterator[Caution]:
    for fit in _trainings(reading) if kind.framework == "keras" else ():
        split = validation_split(reading, fit)
        arrays = fit.argument(1, "y") is not None
        part = "validation_split=0.1" if arrays else "a part of the training data as validation_data"
        if split == "test":
            text = "fit validates on the test set: what is chosen on it looks better than it is"
            yield Caution("test-as-validation", fit.line, f"{text}; {part} would keep it apart")
        elif split is None:
            text = "fit has no validation data, so epochs can only be compared on the training data"
            yield Caution("no-validation", fit.line, f"{text}; {part} would change that")


def _trainings(reading: Reading) -> list[Called]:
    """Return the calls that train a network: tokenizers, scalers and generators have a ``fit`` too."""
    found = []
    for fit in reading.methods("fit", "fit_generator"):
        made = reading.maker(fit.module, fit.receiver)
        told = fit.argument(-1, "epochs", "batch_size", "callbacks", "validation_data") is not None
        if made in _NETWORKS or (told and not made.startswith("sklearn.")):
            found.append(fit)
    return found


def _train_metric(reading: Reading, kind: Kind, metric: MetricGuess | None) -> Iterator[Caution]:
    if metric is None:
        text = "no metric was found in the source; if the run shows none either, name it with --metric"
        yield Caution("no-metric", 0, text)
    elif metric.split == "train":
        text = f"{metric.name} is measured on the training data only: it says nothing about new data"
        yield Caution("train-metric", metric.line, text)
    for module in reading.program.modules:
        yield from _written_history(reading, module.path)


def _written_history(reading: Reading, path: str) -> Iterator[Caution]:
    """``str(history.history["accuracy"][0])`` that is printed or written is a training figure."""
    module = reading.program.module(path)
    for node in module.parents:
        if not (isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)):
            continue
        of_history = isinstance(node.value, ast.Attribute) and node.value.attr == "history"
        last = isinstance(module.parents.get(node), ast.Subscript)
        if of_history and last and node.slice.value in ("accuracy", "acc", "loss"):
            text = f"history[{node.slice.value!r}] is measured on the training data"
            new = str(node.slice.value).replace("acc", "accuracy") if node.slice.value == "acc" else None
            yield Caution("train-metric", node.lineno, f"{text}; 'val_{new or node.slice.value}' is not")


def _own_seed(reading: Reading, kind: Kind, metric: MetricGuess | None) -> Iterator[Caution]:
    for call in reading.calls:
        fixed = any(isinstance(item, ast.Constant) and item.value is not None for item in call.node.args[:1])
        if call.name in _SEEDING and fixed:
            yield _seed_caution(call.line)
            return
        seed = call.argument(-1, "random_state")
        if call.name.startswith("sklearn.") and _is_estimator(call) and _is_number(seed):
            yield _seed_caution(call.line)
            return


def _is_estimator(call: Called) -> bool:
    """Whether a class is called that learns: makers of data and of splits are seeded for another reason."""
    return call.name.rpartition(".")[2][:1].isupper() and "model_selection" not in call.name


def _is_number(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, int)


def _seed_caution(line: int) -> Caution:
    text = "the script fixes its own seed: runs with other seeds may all give one number"
    return Caution("own-seed", line, f"{text}, and then say nothing about noise")


def _own_search(reading: Reading, kind: Kind, metric: MetricGuess | None) -> Iterator[Caution]:
    for call in reading.named("sklearn.model_selection"):
        if call.name.endswith("SearchCV"):
            text = f"the script searches by itself here ({call.last}): what it varies is left alone"
            yield Caution("own-search", call.line, text)


def _removed(reading: Reading, kind: Kind, metric: MetricGuess | None) -> Iterator[Caution]:
    yield from removed_api(reading)


def _sessions(reading: Reading, kind: Kind, metric: MetricGuess | None) -> Iterator[Caution]:
    call = next((call for call in reading.calls if call.name in _SESSIONS), None)
    if call is not None or kind.framework == "tensorflow1":
        line = call.line if call is not None else kind.evidence[0].line if kind.evidence else 0
        what = call.name if call is not None else "the script"
        text = f"{what} is TensorFlow 1, which runs on Python 3.7 and older only: it is recognised, not tuned"
        yield Caution("tensorflow-1", line, f"{text}; `tf_upgrade_v2` helps to port it")


def _preflight(reading: Reading, kind: Kind, metric: MetricGuess | None) -> Iterator[Caution]:
    yield from preflight(reading)


def _hazards(reading: Reading, kind: Kind, metric: MetricGuess | None) -> Iterator[Caution]:
    for hazard in HAZARDS:
        yield from hazard(reading)


_RULES: tuple[Rule, ...] = (
    _not_tunable,
    _removed,
    _sessions,
    _preflight,
    _hazards,
    _train_metric,
    _validation,
    _own_seed,
    _own_search,
    _several_models,
)
"""All rules, the gravest first: that is the order in which they are shown."""
