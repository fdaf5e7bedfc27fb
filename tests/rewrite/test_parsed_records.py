"""Records that ``HfArgumentParser`` fills: their fields are knobs, in the source or on the command line."""

from __future__ import annotations

from pathlib import Path

from rewriting import knob, knobs, rewriter, rewritten

from pushtune.model.space import Assignment

RECORDS = """\
import sys
from dataclasses import dataclass, field
from torch.optim import AdamW
from transformers import HfArgumentParser, Trainer, TrainingArguments

@dataclass
class Tuned(TrainingArguments):
    output_dir: str = field(default="out")
    num_train_epochs: int = field(default=5, metadata={"help": "epochs"})
    learning_rate: float = 3e-5
    per_device_train_batch_size: int = field(default=16)
    per_device_eval_batch_size: int = field(default=64)
    seed: int = 7

@dataclass
class Own:
    decay: float = field(default=0.01)
    name: str = "bert"

parser = HfArgumentParser((Tuned, Own))
if len(sys.argv) == 2 and sys.argv[1].endswith(".json"):
    args, own = parser.parse_json_file(sys.argv[1])
else:
    args, own = parser.parse_args_into_dataclasses()
optimizer = AdamW(model.parameters(), weight_decay=own.decay)
trainer = Trainer(model=model, args=args, train_dataset=train, eval_dataset=held, optimizers=(optimizer,))
trainer.train()
"""

PLAIN = """\
from transformers import HfArgumentParser, Trainer, TrainingArguments
parser = HfArgumentParser(TrainingArguments)
(args,) = parser.parse_args_into_dataclasses()
trainer = Trainer(model=model, args=args, train_dataset=train)
trainer.train()
"""


def test_the_fields_of_the_scripts_own_records_are_knobs(tmp_path: Path) -> None:
    found = rewriter(tmp_path, RECORDS)
    values = knobs(found)
    assert values["Tuned.num_train_epochs"] == 5
    assert values["Tuned.learning_rate"] == 3e-5
    assert values["Tuned.per_device_train_batch_size"] == 16
    assert values["Own.decay"] == 0.01
    assert not {64, 7, "bert", "out"} & set(values.values())
    assert found.discovery.space.epochs is not None


def test_a_field_is_changed_where_it_is_declared(tmp_path: Path) -> None:
    text = rewritten(rewriter(tmp_path, RECORDS), {"Tuned.learning_rate": 1e-4, "Own.decay": 0.1})
    assert "learning_rate: float = 0.0001" in text
    assert "decay: float = field(default=0.1)" in text


def test_what_the_command_line_gives_is_changed_there(tmp_path: Path) -> None:
    found = rewriter(tmp_path, RECORDS, "--learning_rate", "1e-4", "--decay=0.2")
    values = knobs(found)
    assert (values["learning_rate"], values["decay"]) == (1e-4, 0.2)
    assert "Tuned.learning_rate" not in values
    assert "Own.decay" not in values
    assert knob(found, "learning_rate").style == "argparse"
    candidate = found.apply(Assignment.of({"learning_rate": 2e-4}))
    assert candidate.args == ("--learning_rate", "0.0002", "--decay=0.2")


def test_arguments_of_the_library_alone_are_those_that_are_given(tmp_path: Path) -> None:
    line = ("--output_dir", "out", "--num_train_epochs", "3", "--per_device_train_batch_size", "32")
    assert knobs(rewriter(tmp_path, PLAIN, *line)) == {
        "num_train_epochs": 3, "per_device_train_batch_size": 32,
    }  # fmt: skip
    assert knobs(rewriter(tmp_path, PLAIN)) == {}


def test_a_record_that_takes_the_name_of_what_it_inherits_from(tmp_path: Path) -> None:
    (tmp_path / "arguments.py").write_text(
        "from dataclasses import dataclass, field\nfrom transformers import TrainingArguments\n\n"
        "@dataclass\nclass TrainingArguments(TrainingArguments):\n"
        "    num_train_epochs: int = field(default=5)\n    warmup_steps: int = field(default=500)\n"
    )
    text = PLAIN.replace("Trainer, TrainingArguments", "Trainer\nfrom arguments import TrainingArguments")
    assert knobs(rewriter(tmp_path, text)) == {
        "TrainingArguments.num_train_epochs": 5, "TrainingArguments.warmup_steps": 500,
    }  # fmt: skip
