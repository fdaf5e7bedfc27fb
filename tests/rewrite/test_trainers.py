"""Lightning and the Hugging Face trainer: what must not be touched, what is a knob, how long is trained."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rewriting import knob, knobs, rewriter, rewritten
from trainer_samples import CLI, HUGGING_FACE, LIGHTNING, SAMPLES

from pushtune.model.analysis import Script, ScriptFile
from pushtune.model.space import Assignment, Domain, Value
from pushtune.rewrite import Rewriter
from pushtune.source import SourceText, undo_edits

HEAD = "import lightning as L\nfrom lightning.pytorch.callbacks import *\n"
HF = "from transformers import *\n"
RUN = "trainer = Trainer(model, arguments, train_dataset=data)\ntrainer.train()\n"


@pytest.mark.parametrize(
    "trainer",
    [
        "devices=2, num_nodes=4, accelerator='gpu', precision=16",
        "limit_train_batches=50, limit_val_batches=10, limit_test_batches=3, overfit_batches=2",
        "log_every_n_steps=5, val_check_interval=20, check_val_every_n_epoch=2, num_sanity_val_steps=3",
        "min_epochs=3, max_steps=100, default_root_dir='runs', fast_dev_run=7",
        "callbacks=[ModelCheckpoint(dirpath='best', save_top_k=3, every_n_epochs=2)]",
    ],
)
def test_where_and_how_often_it_runs_is_no_knob(tmp_path: Path, trainer: str) -> None:
    text = f"{HEAD}L.seed_everything(42)\nL.Trainer(max_epochs=-1, {trainer}).fit(model)\n"

    assert knobs(rewriter(tmp_path, text)) == {}


def test_a_constant_that_also_says_how_many_devices_stays(tmp_path: Path) -> None:
    text = f"{HEAD}N = 2\nL.Trainer(max_epochs=3, devices=N, accumulate_grad_batches=N).fit(model)\n"

    assert knobs(rewriter(tmp_path, text)) == {"trainer.max_epochs": 3}


@pytest.mark.parametrize(
    "arguments",
    [
        "'out', seed=3, data_seed=4, logging_steps=10, save_steps=50, eval_steps=50, save_total_limit=2",
        "'out', per_device_eval_batch_size=64, dataloader_num_workers=4, eval_accumulation_steps=3",
        "'out', eval_strategy='epoch', save_strategy='epoch', generation_max_length=64, fp16=True",
    ],
)
def test_what_training_arguments_say_of_files_seeds_and_evaluation_is_no_knob(
    tmp_path: Path, arguments: str
) -> None:
    written = "num_train_epochs=3, learning_rate=2e-5, weight_decay=0.01, per_device_train_batch_size=8"
    text = f"{HF}arguments = TrainingArguments({arguments}, {written}, lr_scheduler_type='cosine')\n{RUN}"

    found = knobs(rewriter(tmp_path, text))

    assert set(found) == {
        "training_arguments." + name
        for name in (
            "num_train_epochs", "learning_rate", "weight_decay", "per_device_train_batch_size",
            "lr_scheduler_type",
        )
    }  # fmt: skip


def test_sizes_that_heads_divide_and_vocabularies_stay(tmp_path: Path) -> None:
    config = "BertConfig(vocab_size=99, hidden_size=48, num_attention_heads=3, max_position_embeddings=64"
    text = f"{HF}model = BertForMaskedLM({config}, intermediate_size=96))\ntrain(model)\n"

    assert knobs(rewriter(tmp_path, text)) == {"bert_config.intermediate_size": 96}


def test_a_lightning_script_in_full(tmp_path: Path) -> None:
    found = knobs(rewriter(tmp_path, LIGHTNING))

    wanted = {
        "Net.lr": 0.002, "BATCH": 64, "step_lr.gamma": 0.5, "step_lr.step_size": 3, "trainer.max_epochs": 4,
        "trainer.gradient_clip_val": 0.5, "early_stopping.patience": 3,
    }  # fmt: skip
    assert {name: found.get(name) for name in wanted} == wanted
    assert not {"trainer.devices", "seed"} & set(found)


def test_hyperparameters_travel_through_self_hparams(tmp_path: Path) -> None:
    text = rewritten(rewriter(tmp_path, LIGHTNING), {"Net.lr": 0.01})

    assert "def __init__(self, width=32, lr=0.01):" in text


def test_a_command_line_makes_classes_with_their_defaults(tmp_path: Path) -> None:
    found = rewriter(tmp_path, CLI)

    assert {"Net.lr": 0.002, "Data.batch_size": 16}.items() <= knobs(found).items()
    assert not knob(found, "Net.lr").certain  # whoever starts it may say otherwise
    assert knobs(found)["lightning_cli.trainer_defaults"] == 1000
    text = rewritten(found, {"lightning_cli.trainer_defaults": 12})
    assert 'LightningCLI(Net, Data, run=False, trainer_defaults={"max_epochs": 12})' in text


def test_a_command_line_that_is_given_the_value_leaves_it(tmp_path: Path) -> None:
    assert "Net.lr" not in knobs(rewriter(tmp_path, CLI, "--model.lr", "0.1"))
    assert "Net.lr" not in knobs(rewriter(tmp_path, CLI, "--config", "net.yaml"))
    assert "lightning_cli.trainer_defaults" not in knobs(rewriter(tmp_path, CLI, "--trainer.max_epochs=3"))


def test_a_hugging_face_script_in_full(tmp_path: Path) -> None:
    found = rewriter(tmp_path, HUGGING_FACE)

    assert knobs(found) == {
        "EPOCHS": 3,
        "training_arguments.learning_rate": 5e-05,
        "training_arguments.lr_scheduler_type": "linear",
        "training_arguments.warmup_ratio": 0.1,
        "training_arguments.weight_decay": 0.0,
        "batch": 16,
        "early_stopping_callback.early_stopping_patience": 2,
    }
    assert knob(found, "training_arguments.learning_rate").style == "implicit"


def budget(folder: Path, text: str, *args: str) -> tuple[int, bool, bool] | None:
    """Return the author's epochs, whether a prefix is exact, and whether there are rungs."""
    epochs = rewriter(folder, text, *args).discovery.space.epochs
    return (epochs.author, epochs.prefix_exact, epochs.rungs) if epochs is not None else None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("t = L.Trainer(max_epochs=5)\nt.fit(model)\n", (5, True, True)),
        ("t = L.Trainer()\nt.fit(model)\n", (1000, True, True)),
        ("E = 7\ndef main(n):\n    L.Trainer(max_epochs=n).fit(model)\nmain(E)\n", (7, True, True)),
        ("t = L.Trainer(max_epochs=5)\nt.fit(model, ckpt_path='last.ckpt')\n", (5, False, False)),
        ("t = L.Trainer(max_epochs=5, max_time='00:01')\nt.fit(model)\n", None),
        ("for fold in folds:\n    t = L.Trainer(max_epochs=5)\n    t.fit(model)\n", (5, False, False)),
        ("t = L.Trainer(max_epochs=5)\nt.fit(model)\nt.fit(other)\n", None),
        ("t = L.Trainer(max_epochs=5)\nt.test(model)\n", None),
        ("t = L.Trainer(max_epochs=5)\nplan(t.estimated_stepping_batches)\nt.fit(model)\n", (5, False, True)),
        ("t = L.Trainer(max_epochs=5)\nplan(t.max_epochs)\nt.fit(model)\n", (5, False, True)),
        ("t = L.Trainer(max_epochs=5)\nprint(t.max_epochs)\nt.fit(model)\n", (5, False, True)),
        (
            "t = L.Trainer(max_epochs=5, callbacks=[StochasticWeightAveraging(0.1)])\nt.fit(model)\n",
            (5, False, True),
        ),
    ],
)
def test_the_epochs_of_a_lightning_trainer(tmp_path: Path, body: str, expected: object) -> None:
    assert budget(tmp_path, HEAD + body) == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("num_train_epochs=5", (5, False, True)),
        ("num_train_epochs=5.0", (5, False, True)),
        ("learning_rate=1e-4", (3, False, True)),
        ("num_train_epochs=0.5", None),
        ("num_train_epochs=5, max_steps=100", None),
    ],
)
def test_the_epochs_of_a_hugging_face_trainer(tmp_path: Path, arguments: str, expected: object) -> None:
    # The learning rate falls over all epochs: a run with fewer is no beginning of a longer one.
    assert budget(tmp_path, f"{HF}arguments = TrainingArguments('out', {arguments})\n{RUN}") == expected


def test_whole_epochs_that_are_written_as_a_fraction_become_another_number(tmp_path: Path) -> None:
    found = rewriter(tmp_path, f"{HF}arguments = TrainingArguments('out', num_train_epochs=3.0)\n{RUN}")

    text = rewritten(found, {"training_arguments.num_train_epochs": 8})

    assert "num_train_epochs=8)" in text


def test_a_local_trainer_class_trains_too(tmp_path: Path) -> None:
    own = "class Own(Trainer):\n    def compute_loss(self, model, inputs): ...\n"
    run = "Own(model=model, args=TrainingArguments('out', num_train_epochs=2)).train()\n"

    assert budget(tmp_path, HF + own + run) == (2, False, True)


def test_the_train_mode_of_a_model_is_no_training(tmp_path: Path) -> None:
    assert (
        budget(
            tmp_path, f"{HF}a = TrainingArguments('out')\nmodel = AutoModel.from_config(c)\nmodel.train()\n"
        )
        is None
    )


@cache
def read(name: str) -> Rewriter:
    return Rewriter(Script("/nowhere", "train.py", (ScriptFile("train.py", SAMPLES[name].encode()),)))


def values_of(domain: Domain) -> st.SearchStrategy[Value]:
    if domain.type == "categorical":
        return st.sampled_from(domain.choices)
    assert domain.low is not None
    assert domain.high is not None
    if domain.type == "int":
        return st.integers(int(domain.low), int(domain.high))
    return st.floats(domain.low, domain.high)


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_assignment_parses_and_can_be_undone(name: str, data: st.DataObject) -> None:
    found = read(name)
    space = found.discovery.space
    names = {parameter.name: values_of(parameter.domain) for parameter in space.parameters}
    if space.epochs is not None:
        names[space.epochs.parameter] = st.integers(1, space.epochs.maximum)
    assignment = Assignment.of(data.draw(st.fixed_dictionaries({}, optional=names)))

    candidate = found.apply(assignment)

    after = SourceText.read(candidate.files[0])
    ast.parse(after.text)
    assert undo_edits(found.program.entry.source, candidate.edits, after.text) == SAMPLES[name]
