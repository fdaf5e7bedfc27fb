"""Scripts that train with Lightning or the Hugging Face trainer: what they are, and what they measure."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pushtune.analyse.kinds import recognise
from pushtune.analyse.metrics import guess_metric
from pushtune.analyse.reading import Reading

Write = Callable[..., Reading]

LIGHTNING = """
import lightning as L
from torch import nn

class Net(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential({layers})
{hooks}
trainer = L.Trainer()
trainer.fit(Net())
{after}
"""

HUGGING_FACE = """
import evaluate
import numpy as np
from transformers import BertConfig, BertForTokenClassification, Trainer, TrainingArguments

metric = evaluate.load("f1")

def compute_metrics(pair):
    {returned}

trainer = Trainer(
    model=BertForTokenClassification(BertConfig()), args=TrainingArguments("out", {arguments}), {given}
)
trainer.train()
{after}
"""


def lightning(hooks: str = "", after: str = "", layers: str = "nn.Linear(4, 8), nn.Linear(8, 2)") -> str:
    indented = "".join(f"    {line}\n" for line in hooks.splitlines())
    return LIGHTNING.format(hooks=indented, after=after, layers=layers)


def hugging_face(given: str, arguments: str = "", after: str = "", returned: str = "return {}") -> str:
    return HUGGING_FACE.format(given=given, arguments=arguments, after=after, returned=returned)


@pytest.mark.parametrize(
    ("source", "framework", "kind"),
    [
        (lightning(), "lightning", "MLP"),
        (lightning(layers="nn.Conv2d(1, 8, 3), nn.Flatten(), nn.Linear(8, 2)"), "lightning", "CNN"),
        (lightning(layers="nn.LSTM(8, 8)"), "lightning", "RNN"),
        (lightning(layers="nn.Linear(4, 2)"), "lightning", "linear"),
        # The trainer may stand in another file: the module alone says it.
        ("import pytorch_lightning as pl\nclass Net(pl.LightningModule): ...\n", "lightning", "unknown"),
        # Fabric leaves the loop to the script.
        ("import lightning as L\nfrom torch import nn\nf = L.Fabric()\nnn.Conv2d(1, 8, 3)\n", "torch", "CNN"),
        (hugging_face(""), "hf", "transformer"),
        ("from transformers import Trainer\nclass Own(Trainer): ...\n", "hf", "unknown"),
    ],
)
def test_what_it_is(write: Write, source: str, framework: str, kind: str) -> None:
    found = recognise(write(source))

    assert (found.framework, found.kind) == (framework, kind)


def measured(write: Write, source: str) -> tuple[str, str, str] | None:
    reading = write(source)
    guess = guess_metric(reading, recognise(reading))
    return (guess.name, guess.source, guess.split) if guess is not None else None


TRAINED = "def training_step(self, batch, i):\n    self.log('train_loss', 0.0)\n"
VALIDATED = "def validation_step(self, batch, i):\n    self.log_dict({'val_loss': 0.0, 'val_acc': 0.0})\n"
TESTED = "def test_step(self, batch, i):\n    self.log('test_acc', 0.0)\n"
SHARED = (
    "def training_step(self, batch, i):\n    return self.step(batch, 'train')\n"
    "def validation_step(self, batch, i):\n    self.step(batch, 'val')\n"
    "def step(self, batch, stage):\n    self.log(f'{stage}_f1', 0.0)\n"
)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (lightning(TRAINED), ("loss", "lightning.fit", "train")),
        (lightning(TRAINED + VALIDATED), ("accuracy", "lightning.fit", "validation")),
        # What is logged in `test_step` is measured only where `test` is called.
        (lightning(TRAINED + VALIDATED + TESTED), ("accuracy", "lightning.fit", "validation")),
        (
            lightning(TRAINED + VALIDATED + TESTED, "trainer.test(Net())"),
            ("accuracy", "lightning.test", "test"),
        ),
        (
            lightning("def validation_step(self, batch, i):\n    self.log('accuracy', 0.0)\n"),
            ("accuracy", "lightning.fit", "validation"),
        ),
        (lightning(SHARED), ("f1", "lightning.fit", "validation")),
        (lightning("def on_train_epoch_end(self):\n    self.log('lr', 0.1)\n"), None),
    ],
)
def test_what_lightning_logs(write: Write, source: str, expected: tuple[str, str, str] | None) -> None:
    assert measured(write, source) == expected


EACH = "eval_strategy='epoch'"
METRICS = "eval_dataset=dev, compute_metrics=compute_metrics"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (hugging_face("train_dataset=a"), ("loss", "hf.train", "train")),
        (hugging_face("eval_dataset=dev", EACH), ("loss", "hf.train", "validation")),
        (hugging_face("eval_dataset=small_test", EACH), ("loss", "hf.train", "test")),
        # It evaluates only if told to.
        (hugging_face("eval_dataset=dev"), ("loss", "hf.train", "train")),
        (
            hugging_face(METRICS, EACH, returned="return {'accuracy': 0.5}"),
            ("accuracy", "hf.train", "validation"),
        ),
        (
            hugging_face(METRICS, EACH, returned="return metric.compute(pair)"),
            ("f1", "hf.train", "validation"),
        ),
        (
            hugging_face(METRICS, EACH, "trainer.predict(test)", "return {'accuracy': 0.5}"),
            ("accuracy", "hf.predict", "test"),
        ),
    ],
)
def test_what_the_hugging_face_trainer_measures(
    write: Write, source: str, expected: tuple[str, str, str]
) -> None:
    assert measured(write, source) == expected


SUBCLASS = """
from dataclasses import dataclass, field
from transformers import HfArgumentParser, Trainer, TrainingArguments
from scores import compute_metrics

@dataclass
class {name}(TrainingArguments):
    output_dir: str = field(default="out")
    {strategy}

parser = HfArgumentParser({name})
(args,) = parser.parse_args_into_dataclasses()
trainer = Trainer(model=model, args=args, train_dataset=train, eval_dataset=held_out,
                  compute_metrics=compute_metrics)
trainer.train()
"""
SCORES = """
from datasets import load_metric
metric = load_metric("{metric}")

def compute_metrics(pair):
    return metric.compute(predictions=pair.predictions, references=pair.label_ids)
"""


@pytest.mark.parametrize("name", ["Arguments", "TrainingArguments"])
@pytest.mark.parametrize(
    "strategy", ['eval_strategy: str = "epoch"', 'evaluation_strategy: str = field(default="steps")']
)
def test_training_arguments_of_the_scripts_own_kind_say_whether_it_evaluates(
    write: Write, name: str, strategy: str
) -> None:
    text = SUBCLASS.format(name=name, strategy=strategy)
    reading = write(text, scores__py=SCORES.format(metric="f1"))
    guess = guess_metric(reading, recognise(reading))
    assert guess is not None
    assert (guess.name, guess.source, guess.split) == ("f1", "hf.train", "validation")


def test_without_evaluation_there_is_only_the_training_loss(write: Write) -> None:
    text = SUBCLASS.format(name="Arguments", strategy='eval_strategy: str = "no"')
    reading = write(text, scores__py=SCORES.format(metric="f1"))
    guess = guess_metric(reading, recognise(reading))
    assert guess is not None
    assert (guess.name, guess.split) == ("loss", "train")


def test_a_metric_of_the_hub_that_returns_others(write: Write) -> None:
    text = SUBCLASS.format(name="Arguments", strategy='eval_strategy: str = "epoch"')
    reading = write(text, scores__py=SCORES.format(metric="squad"))
    guess = guess_metric(reading, recognise(reading))
    assert guess is not None
    assert guess.name == "f1"
