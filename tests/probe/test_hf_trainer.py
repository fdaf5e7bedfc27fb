"""Trainings by the Hugging Face trainer: reported, finished early, killed and resumed with the same bits."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.probe.hf_scripts import FULL
from tests.probe.running import Attempt, Ran
from tests.probe.trainer_trials import SINGLE, digest, ordered, train

from pushtune.testing.real_parts import need_module
from pushtune_probe import wire

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    need_module("transformers")
    need_module("accelerate")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The script as its source says, trained for three epochs."""
    return Attempt(tmp_path_factory.mktemp("attempt"), FULL).run(EPOCHS="3", **SINGLE)


def test_a_training_is_reported(ran: Ran) -> None:
    assert ran.all("framework")[-1]["name"] == "hf"
    fit = ran.one("fit")
    assert (fit["epochs"], fit["steps"], fit["rungs"]) == (3, 5, True)
    assert {name: entry["split"] for name, entry in ran.all("epoch")[0]["metrics"].items()} == {
        "loss": "train",
        "eval_loss": "validation",
        "eval_accuracy": "validation",
    }


def test_evaluations_say_on_which_data(ran: Ran) -> None:
    measured = [event for event in ran.all("metric") if event["name"].endswith("accuracy")]

    assert [(event["source"], event["split"], event["seen_by_fit"]) for event in measured] == [
        ("hf.train", "validation", False),
        ("hf.evaluate", "validation", True),
        ("hf.predict", "test", False),
    ]


def test_what_serves_to_resume_is_no_model(ran: Ran) -> None:
    assert {Path(event["path"]).name for event in ran.all("artifact")} == {"model.safetensors"}


def test_killed_and_resumed_is_the_same(ran: Ran, tmp_path: Path) -> None:
    killed = train(tmp_path, FULL, "12", EPOCHS="3")

    assert killed.digest == digest(ran.output)
    assert killed.curve == {event["epoch"]: event["metrics"] for event in ran.all("epoch")}
    assert (killed.trained, killed.resumed, killed.warnings) == ([1, 2, 3], [0, 2], [])


def test_paused_and_finished_early_is_as_if_the_source_said_so(ran: Ran, tmp_path: Path) -> None:
    # With a schedule that does not look at the length of the training.
    ordered(tmp_path, FULL, pause_at=1, finish_at=3, EPOCHS="7")

    assert digest((tmp_path / wire.STDOUT).read_text()) == digest(ran.output)
