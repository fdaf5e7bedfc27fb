"""Trainers of libraries that run the epochs themselves: Lightning's ``Trainer``, Hugging Face's.

``rewrite.training`` asks ``read_trainers`` for the calls that say for how many epochs is trained, and counts
each as one thing that spends epochs: ``node`` is the call whose argument ``keyword`` holds the number (left
out, it is the catalogue's default), ``whole`` says that it cannot be cut short or paused, and
``prefix_exact`` that a run with fewer epochs is the beginning of a longer one. Where ``prefix_exact`` is
false, the space's ``Epochs.prefix_exact`` must be false too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from pushtune.rewrite.parsed import parsed_calls
from pushtune.source import Module, Names, Program
from pushtune.source.tracing import Tracer

_LIGHTNING = "lightning.Trainer"
_CLI = "lightning.cli.LightningCLI"
_ARGUMENTS = ("transformers.TrainingArguments", "transformers.Seq2SeqTrainingArguments")
_WATCHED_LENGTH = ("max_epochs", "max_steps")
"""Attributes of a Lightning trainer that tell how long it will train."""

_TELLING = ("--config", "-c", "--trainer")
_OTHER_LIMITS = {"max_steps": (-1,), "max_time": (None,), "fast_dev_run": (False, 0)}
"""Arguments that end training earlier, with the values that say they do not."""


@dataclass(frozen=True, eq=False)
class TrainerCall:
    """One training by a library's trainer. ``runs`` are the reached calls that start it."""

    module: Module
    node: ast.Call
    keyword: str
    runs: tuple[ast.Call, ...]
    whole: bool = False
    prefix_exact: bool = True


def read_trainers(program: Program, names: Names, tracer: Tracer) -> tuple[TrainerCall, ...]:
    """Return the trainings that can run, one entry for each call that starts one, in source order."""
    reader = _Reader(program, names, tracer)
    return (*reader.lightning(), *reader.transformers())


@dataclass(frozen=True)
class _Reader:
    program: Program
    names: Names
    tracer: Tracer

    def lightning(self) -> Iterator[TrainerCall]:
        """Yield the reached ``fit`` calls of Lightning's trainers, and command lines that make them."""
        exact = not self._asks_for_length()
        for module, run in self._methods("fit"):
            made = self._maker(module, run, _LIGHTNING) or self._command_line(module, run)
            if made is not None:
                home, trainer = made
                keyword = "max_epochs" if self.names.call(home, trainer) == _LIGHTNING else "trainer_defaults"
                whole = not self._once(module, run) or _gives(run, "ckpt_path") or _limited(trainer)
                yield TrainerCall(home, trainer, keyword, (run,), whole, exact)
        for module, cli in self._reached(_CLI):
            runs = "fit" in self.program.script.args and not _denies(cli, "run")
            if runs and not self._is_told():
                whole = not self._once(module, cli)
                yield TrainerCall(module, cli, "trainer_defaults", (cli,), whole, exact)

    def transformers(self) -> Iterator[TrainerCall]:
        """Yield the reached ``train`` calls of the Hugging Face trainer."""
        for module, run in self._methods("train"):
            made = self._trainer(module, run)
            arguments = self._arguments(*made) if made is not None else None
            if arguments is not None:
                home, node = arguments
                whole = not self._once(module, run) or _gives(run, "resume_from_checkpoint") or _limited(node)
                # The learning rate falls over all epochs, in the default schedule and most others.
                yield TrainerCall(home, node, "num_train_epochs", (run,), whole, prefix_exact=False)

    def _command_line(self, module: Module, run: ast.Call) -> tuple[Module, ast.Call] | None:
        return None if self._is_told() else self._maker(module, run, _CLI)

    def _is_told(self) -> bool:
        """Whether the command line, or a file that it names, may say how long is trained."""
        return any(arg.startswith(_TELLING) for arg in self.program.script.args)

    def _methods(self, name: str) -> Iterator[tuple[Module, ast.Call]]:
        for module in self.program.modules:
            for call in module.calls:
                named = isinstance(call.func, ast.Attribute) and call.func.attr == name
                if named and self.tracer.calls.reached(module, call):
                    yield module, call

    def _once(self, module: Module, run: ast.Call) -> bool:
        return self.tracer.calls.runs_once(module, run)

    def _maker(self, module: Module, run: ast.Call, wanted: str) -> tuple[Module, ast.Call] | None:
        """Return the call of ``wanted`` that made what the method is called on, or the only one there is."""
        assert isinstance(run.func, ast.Attribute)
        ends = list(self.tracer.ends(module, run.func.value))
        for end in ends:
            if isinstance(end.node, ast.Call) and self.names.call(end.module, end.node) == wanted:
                return end.module, end.node
        if any(isinstance(end.node, ast.Call) and self._is_known(end.module, end.node) for end in ends):
            return None
        named = "trainer" in ast.unparse(run.func.value).lower()
        every = list(self._reached(wanted)) if named else []
        return every[0] if len(every) == 1 else None

    def _is_known(self, module: Module, call: ast.Call) -> bool:
        name = self.names.call(module, call)
        return name is not None and not name.startswith("local:")

    def _reached(self, *wanted: str) -> Iterator[tuple[Module, ast.Call]]:
        for module in self.program.modules:
            for call in module.calls:
                if self.names.call(module, call) in wanted and self.tracer.calls.reached(module, call):
                    yield module, call

    def _trainer(self, module: Module, run: ast.Call) -> tuple[Module, ast.Call] | None:
        """Return the call that made the trainer of a ``train`` call: of its class or a local one below."""
        assert isinstance(run.func, ast.Attribute)
        for end in self.tracer.ends(module, run.func.value):
            if isinstance(end.node, ast.Call) and self._makes_trainer(end.module, end.node):
                return end.module, end.node
        return None

    def _makes_trainer(self, module: Module, call: ast.Call) -> bool:
        definition = self.tracer.calls.resolve(module, call.func)
        if not isinstance(definition, ast.ClassDef):
            return _is_trainer(self.names.call(module, call))
        home = next(one for one in self.program.modules if definition in one.scopes)
        return any(_is_trainer(self.names.qualify(home, base)) for base in definition.bases)

    def _arguments(self, module: Module, trainer: ast.Call) -> tuple[Module, ast.Call] | None:
        """Return the call that made the trainer's ``args``; the only one there is where that is unclear."""
        given = [keyword.value for keyword in trainer.keywords if keyword.arg == "args"]
        given = given or [item for item in trainer.args[1:2] if not isinstance(item, ast.Starred)]
        for expression in given:
            for end in self.tracer.ends(module, expression):
                if isinstance(end.node, ast.Call) and self.names.call(end.module, end.node) in _ARGUMENTS:
                    return end.module, end.node
        every = list(self._reached(*_ARGUMENTS))
        filled = parsed_calls(self.names, self.tracer)
        every = every or [(home, call) for home, call, name in filled if name in _ARGUMENTS]
        return every[0] if len(every) == 1 else None

    def _asks_for_length(self) -> bool:
        """Whether anything reads how long a Lightning trainer will train: a schedule that spans it all."""
        for module in self.program.modules:
            for name in _WATCHED_LENGTH:
                for node in module.attributes.get(name, ()):
                    if isinstance(node.ctx, ast.Load) and self._is_trainer(module, node.value):
                        return True
            if module.attributes.get("estimated_stepping_batches"):
                return True
        return any(True for _ in self._reached("lightning.callbacks.StochasticWeightAveraging"))

    def _is_trainer(self, module: Module, node: ast.expr) -> bool:
        if "trainer" in ast.unparse(node).lower():
            return True
        ends = self.tracer.ends(module, node)
        made = (end for end in ends if isinstance(end.node, ast.Call))
        return any(self.names.call(end.module, end.node) == _LIGHTNING for end in made)  # type: ignore[arg-type]


def _is_trainer(name: str | None) -> bool:
    return name is not None and name.startswith("transformers.") and name.endswith("Trainer")


def _gives(call: ast.Call, keyword: str) -> bool:
    """Whether ``call`` gives ``keyword`` something else than None or False."""
    return any(
        item.arg == keyword and not (isinstance(item.value, ast.Constant) and not item.value.value)
        for item in call.keywords
    )


def _denies(call: ast.Call, keyword: str) -> bool:
    return any(
        item.arg == keyword and isinstance(item.value, ast.Constant) and item.value.value is False
        for item in call.keywords
    )


def _limited(trainer: ast.Call) -> bool:
    """Whether something other than the epochs ends the training."""
    for keyword in trainer.keywords:
        if keyword.arg in _OTHER_LIMITS:
            value = keyword.value
            unset = _OTHER_LIMITS[keyword.arg]
            if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub) and -1 in unset:
                continue
            if not (isinstance(value, ast.Constant) and value.value in unset):
                return True
    return False
