"""What a Keras script's epochs, evaluations and model become as events."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.probe.keras_scripts import DIVERGING, HIDDEN_STATE, REPORTED
from tests.probe.running import PYTHON, Attempt, Ran

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("keras_installed")]

QUIET_AND_SINGLE = {
    "PYTHONPYCACHEPREFIX": "",  # else every test would compile all of TensorFlow again
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}


def run(folder: Path, source: str, epochs: int = 6, **plan: object) -> Ran:
    return Attempt(folder, source, **plan).run(EPOCHS=str(epochs), **QUIET_AND_SINGLE)


def digest(output: str) -> str:
    return next(line for line in output.splitlines() if line.startswith("HASH"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("attempt")


@pytest.fixture(scope="module")
def ran(folder: Path) -> Ran:
    """The script as its source says, trained for three epochs."""
    return run(folder, REPORTED, epochs=3)


def test_a_training_is_reported_epoch_by_epoch_and_split_by_split(ran: Ran) -> None:
    fit = ran.one("fit")
    assert (fit["call"], fit["epochs"], fit["rungs"]) == (1, 3, True)
    epochs = ran.all("epoch")
    assert [(event["epoch"], event["total"]) for event in epochs] == [(1, 3), (2, 3), (3, 3)]
    assert {name: entry["split"] for name, entry in epochs[0]["metrics"].items()} == {
        "loss": "train",
        "accuracy": "train",
        "val_loss": "validation",
        "val_accuracy": "validation",
    }


def test_a_model_is_described_though_its_shapes_are_known_only_in_training(ran: Ran) -> None:
    model = ran.one("model")

    assert model["parameters"] == 64 * 2 + 2
    assert [layer["type"] for layer in model["layers"]] == ["Flatten", "Dropout", "Dense"]
    assert model["layers"][-1]["output_shape"][1:] == [2]


def test_the_last_two_checkpoints_are_kept(ran: Ran, folder: Path) -> None:
    assert [event["path"] for event in ran.all("checkpoint")] == ["000001", "000002", "000003"]
    assert sorted(path.name for path in (folder / "checkpoints").glob("0*")) == ["000002", "000003"]


def test_an_evaluation_says_on_which_data(ran: Ran) -> None:
    measured = [event for event in ran.all("metric") if event["source"] == "keras.evaluate"]

    accuracies = [event for event in measured if event["name"] == "accuracy"]
    assert [(event["split"], event["seen_by_fit"]) for event in accuracies] == [
        ("train", False),
        ("test", True),
        ("test", False),
    ]


def test_a_fit_ends_with_its_last_metrics(ran: Ran) -> None:
    final = [event for event in ran.all("metric") if event["source"] == "keras.fit"]

    assert {(event["name"], event["split"], event["step"]) for event in final} == {
        ("loss", "train", 3),
        ("accuracy", "train", 3),
        ("val_loss", "validation", 3),
        ("val_accuracy", "validation", 3),
    }


def test_the_model_is_kept_though_the_script_saves_none(ran: Ran, folder: Path) -> None:
    artifact = ran.one("artifact")

    assert (artifact["path"], artifact["origin"]) == ("artifacts/model.keras", "probe")
    assert (folder / artifact["path"]).stat().st_size == artifact["bytes"]


def test_finishing_at_an_epoch_is_as_if_the_source_said_so(ran: Ran, tmp_path: Path) -> None:
    told = run(tmp_path, REPORTED, epochs=6, finish_at=3)

    assert digest(told.output) == digest(ran.output)
    assert told.one("finished")["stopped_at"] == 3
    assert ran.one("finished")["stopped_at"] is None


def test_the_probe_leaves_the_training_as_it_is(ran: Ran, tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, REPORTED)
    bare = subprocess.run(
        [PYTHON, "train.py"],
        cwd=attempt.workspace,
        env=attempt.environment(EPOCHS="3", **QUIET_AND_SINGLE),
        capture_output=True,
        text=True,
        check=True,
    )

    assert digest(ran.output) == digest(bare.stdout)


def test_a_model_that_is_too_large_is_refused_before_it_trains(tmp_path: Path) -> None:
    ran = run(tmp_path, REPORTED, max_parameters=100)

    assert ran.one("failed")["kind"] == "parameters"
    assert ran.all("epoch") == []


def test_a_loss_that_is_no_number_ends_the_trial(tmp_path: Path) -> None:
    ran = run(tmp_path, DIVERGING)

    assert ran.one("failed")["kind"] == "diverged"
    assert len(ran.all("epoch")) < 50
    assert "never reached" not in ran.output


def test_what_cannot_be_resumed_exactly_is_said(tmp_path: Path) -> None:
    ran = run(tmp_path, HIDDEN_STATE)

    assert [event["rungs"] for event in ran.all("fit")] == [True, False, False]
    assert [event["code"] for event in ran.all("warning")] == ["hidden-random-state", "train-on-batch"]
