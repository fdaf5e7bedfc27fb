"""Which metrics Lightning modules log, and which the Hugging Face trainer computes, read off the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pushtune.analyse.metric_words import canonical_metric
from pushtune.analyse.reading import Called, Reading, values_of
from pushtune.analyse.splits import split_of, split_of_name
from pushtune.model.analysis import Direction, MetricGuess, Split
from pushtune.source import Module
from pushtune.source.subclasses import library_bases

FITS = ("lightning.fit", "hf.train")
"""Sources that are the training's own reports, as against what is measured after it."""

_HOOKS: dict[str, Split] = {"training": "train", "train": "train", "validation": "validation", "test": "test"}
_HELD_OUT: tuple[Split, ...] = ("validation", "test")
_STRATEGIES = ("eval_strategy", "evaluation_strategy")
_ARGUMENTS = {"transformers.TrainingArguments", "transformers.Seq2SeqTrainingArguments"}
_RETURNED = {
    "squad": ("f1", "exact_match"), "squad_v2": ("f1", "exact"), "seqeval": ("overall_f1",),
    "sacrebleu": ("score",), "rouge": ("rougeL",), "glue": ("accuracy",), "super_glue": ("accuracy",),
}  # fmt: skip
"""What the metrics of the hub return that do not return a value under their own name."""

_NO_METRICS = ("lr", "learning_rate", "epoch", "step", "global_step")


def lightning_metrics(reading: Reading) -> Iterator[MetricGuess]:
    """Yield what ``self.log`` and ``self.log_dict`` are given, in the hooks whose stage runs."""
    tested = any(True for _ in reading.methods("test"))
    for call in reading.methods("log", "log_dict"):
        for written in dict.fromkeys(_logged(reading, call)):
            split = _split_logged(call, written)
            name, direction = canonical_metric(_without_split(written))
            if name not in _NO_METRICS and (split != "test" or tested):
                source = "lightning.test" if split == "test" else "lightning.fit"
                yield MetricGuess(name, source, split, direction, call.line)


def _logged(reading: Reading, call: Called) -> Iterator[str]:
    """Yield the names under which ``call`` logs."""
    first = call.argument(0, "name", "dictionary")
    if call.method == "log":
        yield from _texts(reading, call.module, first)
        return
    for value in (first, *values_of(call.module, first)):
        if isinstance(value, ast.Dict):
            for key in value.keys:
                yield from _texts(reading, call.module, key)


def _texts(reading: Reading, module: Module, node: ast.expr | None) -> Iterator[str]:
    """Yield the texts that ``node`` may be: a literal, or ``f"{stage}_loss"`` for each stage handed over."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        names = [part.value.id for part in node.values if _is_name(part)]  # type: ignore[attr-defined]
        stages = _handed_over(reading, module, node, names[0]) if len(names) == 1 else []
        for stage in stages or [""]:
            yield "".join(str(p.value) if isinstance(p, ast.Constant) else stage for p in node.values)


def _is_name(part: ast.expr) -> bool:
    return isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.Name)


def _handed_over(reading: Reading, module: Module, node: ast.AST, name: str) -> list[str]:
    """Return the literal texts that the calls of the function around ``node`` give its parameter ``name``."""
    function = _function(module, node)
    if function is None:
        return []
    parameters = [argument.arg for argument in function.args.args if argument.arg not in ("self", "cls")]
    place = parameters.index(name) if name in parameters else -1
    given = (call.argument(place, name) for call in reading.calls if call.method == function.name)
    return [item.value for item in given if isinstance(item, ast.Constant) and isinstance(item.value, str)]


def _function(module: Module, node: ast.AST) -> ast.FunctionDef | None:
    return next((outer for outer in module.around(node) if isinstance(outer, ast.FunctionDef)), None)


def _split_logged(call: Called, written: str) -> Split:
    told = split_of_name(written)
    if told != "unknown":
        return told
    function = _function(call.module, call.node)
    for word in function.name.split("_") if function is not None else ():
        if word in _HOOKS:
            return _HOOKS[word]
    return "unknown"


def _without_split(written: str) -> str:
    words = [word for word in re.split(r"[_/\s.-]+", written) if word]
    kept = [word for word in words if split_of_name(word) == "unknown"]
    return "_".join(kept) or written


def hf_metrics(reading: Reading) -> Iterator[MetricGuess]:
    """Yield what a trainer computes in training, and by ``evaluate`` and ``predict`` of the script's own."""
    trainers = [call for call in reading.calls if _makes_trainer(reading, call)]
    for trainer in trainers:
        held_out = trainer.argument(3, "eval_dataset")
        for name, direction in _computed(reading, trainer):
            split = split_of(reading, trainer.module, held_out)
            if held_out is not None and _evaluates(reading):
                where: Split = split if split in _HELD_OUT else "validation"
                yield MetricGuess(name, "hf.train", where, direction, trainer.line)
            for call in reading.methods("evaluate", "predict"):
                if _on_trainer(reading, call):
                    yield _measured(reading, call, split, name, direction)
    for trainer in trainers[:1]:
        yield MetricGuess("loss", "hf.train", "train", "min", trainer.line)


def _makes_trainer(reading: Reading, call: Called) -> bool:
    if re.fullmatch(r"transformers\..*Trainer", call.name):
        return True
    names = {keyword.arg for keyword in call.node.keywords}
    return call.name.startswith("local:") and {"model", "args", "train_dataset"} <= names


def _on_trainer(reading: Reading, call: Called) -> bool:
    return call.receiver is not None and "trainer" in ast.unparse(call.receiver).lower()


def _measured(reading: Reading, call: Called, of_eval: Split, name: str, way: Direction) -> MetricGuess:
    data = call.argument(0, "eval_dataset", "test_dataset")
    split = split_of(reading, call.module, data) if data is not None else of_eval
    if split == "unknown":
        split = "validation" if data is None and _evaluates(reading) else "test"
    return MetricGuess(name, f"hf.{call.method}", split, way, call.line)


def _evaluates(reading: Reading) -> bool:
    """Whether the trainer evaluates while it trains: by default it does not."""
    for call in reading.calls:
        strategy = call.argument(-1, *_STRATEGIES)
        if strategy is not None:
            return not (isinstance(strategy, ast.Constant) and strategy.value == "no")
    told = [value for name in _STRATEGIES for value in _told(reading, name)]
    return bool(told) and not any(isinstance(value, ast.Constant) and value.value == "no" for value in told)


def _told(reading: Reading, name: str) -> Iterator[ast.expr]:
    """Yield what the script's own kind of training arguments, or its command line, says of ``name``."""
    for module in reading.program.modules:
        for owner in module.scopes:
            if isinstance(owner, ast.ClassDef) and _ARGUMENTS & set(
                library_bases(reading.names, module, owner)
            ):
                for binding in module.scopes[owner].bindings.get(name, ()):
                    if binding.value is not None:
                        yield _default_of(binding.value)
    args = reading.program.script.args
    for place, text in enumerate(args):
        flag, equals, value = text.partition("=")
        if flag == f"--{name}" and (equals or place + 1 < len(args)):
            yield ast.Constant(value if equals else args[place + 1])


def _default_of(value: ast.expr) -> ast.expr:
    """Return what a field holds that is declared as ``= "epoch"`` or ``= field(default="epoch")``."""
    named = [k.value for k in value.keywords if k.arg == "default"] if isinstance(value, ast.Call) else []
    return named[0] if named else value


def _computed(reading: Reading, trainer: Called) -> Iterator[tuple[str, Direction]]:
    """Yield the metrics that ``compute_metrics`` returns, and the loss, which is always measured."""
    given = trainer.argument(-1, "compute_metrics")
    function = reading.callers.resolve(trainer.module, given) if given is not None else None
    for name in dict.fromkeys(_returned(reading, function)) if isinstance(function, ast.FunctionDef) else ():
        yield canonical_metric(_without_split(name))
    yield "loss", "min"


def _returned(reading: Reading, function: ast.FunctionDef) -> Iterator[str]:
    """Yield the keys of the dictionaries in the function, else the metrics that the script loads by name."""
    keys = [
        key.value
        for node in ast.walk(function)
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    ]
    yield from keys
    if not keys:
        for call in reading.calls:
            name = call.argument(0, "path")
            loads = call.name in ("evaluate.load", "datasets.load_metric")
            if loads and isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield from _RETURNED.get(name.value, (name.value,))
