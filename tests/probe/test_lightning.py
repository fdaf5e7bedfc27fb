"""Lightning trainings: reported, paused, finished early, killed and resumed with the same bits."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.probe.lightning_scripts import FULL, GROWING, ODD
from tests.probe.running import PYTHON, Attempt, Ran
from tests.probe.trainer_trials import SINGLE, digest, ordered, train

from pushtune.testing.real_parts import need_module
from pushtune_probe import wire
from pushtune_probe.lightning_files import hide_versions

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    need_module("lightning")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The script as its source says, trained for four epochs."""
    return Attempt(tmp_path_factory.mktemp("attempt"), FULL).run(EPOCHS="4", **SINGLE)


def test_the_probe_leaves_the_training_as_it_is(ran: Ran, tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, FULL)
    bare = subprocess.run(
        [PYTHON, "train.py"],
        cwd=attempt.workspace,
        env=attempt.environment(EPOCHS="4", **SINGLE),
        capture_output=True,
        text=True,
        check=True,
    )

    assert digest(ran.output) == digest(bare.stdout)


def test_a_fit_is_reported_epoch_by_epoch_and_split_by_split(ran: Ran) -> None:
    assert ran.all("framework")[-1]["name"] == "lightning"
    fit = ran.one("fit")
    assert (fit["call"], fit["epochs"], fit["steps"], fit["rungs"]) == (1, 4, 6, True)
    epochs = ran.all("epoch")
    assert [(event["epoch"], event["total"]) for event in epochs] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    # Not per step, and once; "accuracy" says nothing of its split, but was logged in the validation.
    assert {name: entry["split"] for name, entry in epochs[0]["metrics"].items()} == {
        "train_loss": "train",
        "val_loss": "validation",
        "accuracy": "validation",
    }


def test_what_lightning_shows_is_no_metric_once_more(ran: Ran) -> None:
    assert "val_loss" in ran.output or "accuracy" in ran.output
    assert set(ran.sources()) == {"lightning.fit", "lightning.test"}


def test_a_test_says_whether_the_fit_has_seen_its_data(ran: Ran) -> None:
    tested = next(event for event in ran.all("metric") if event["source"] == "lightning.test")

    assert (tested["name"], tested["split"], tested["seen_by_fit"]) == ("test_acc", "test", True)
    assert tested["text"].startswith("tested = trainer.test(")


def test_killed_and_resumed_is_the_same(ran: Ran, tmp_path: Path) -> None:
    # In the middle of an epoch, and between two.
    killed = train(tmp_path, FULL, "1:1:3", "1:3:0", EPOCHS="4")

    assert killed.digest == digest(ran.output)
    assert killed.curve == {event["epoch"]: event["metrics"] for event in ran.all("epoch")}
    assert (killed.trained, killed.resumed, killed.warnings) == ([1, 2, 3, 4], [0, 1, 3], [])


def test_paused_and_finished_early_is_as_if_the_source_said_so(ran: Ran, tmp_path: Path) -> None:
    attempt = ordered(tmp_path, FULL, pause_at=2, finish_at=4, EPOCHS="9")

    assert digest((tmp_path / wire.STDOUT).read_text()) == digest(ran.output)
    told = [event["event"] for event in attempt.events()]
    assert told.count("paused") == told.count("resumed") == 1
    assert attempt.events()[-1]["stopped_at"] == 4


def test_optimization_by_hand_and_a_second_fit(tmp_path: Path) -> None:
    alone = train(tmp_path / "alone", ODD, EPOCHS="3")
    killed = train(tmp_path / "killed", ODD, "1:1:2", "2:1:0", EPOCHS="3")

    assert (killed.digest, killed.warnings) == (alone.digest, [])
    # The second fit is not checkpointed: it begins again from the end of the first.
    assert killed.trained == [1, 2, 3, 4, 4, 5, 6]
    events = wire.read_events(str(tmp_path / "alone" / "1" / wire.EVENTS))[0]
    fits = [event for event in events if event["event"] == "fit"]
    assert [(fit["call"], fit["rungs"]) for fit in fits] == [(1, True), (2, False)]
    artifact = next(event for event in events if event["event"] == "artifact")
    assert (artifact["path"], artifact["origin"]) == ("artifacts/model.pt", "probe")


def test_a_model_that_grows_is_trained_in_one_piece(tmp_path: Path) -> None:
    ran = Attempt(tmp_path, GROWING).run(**SINGLE)

    assert [fit["rungs"] for fit in ran.all("fit")] == [True, False]
    assert ran.all("fit")[-1]["why"] == "modules are added to the model while it trains"
    assert ran.all("checkpoint") == []
    # The script logs nothing: the training loss is read along.
    assert set(ran.all("epoch")[-1]["metrics"]) == {"train_loss"}


def test_only_numbered_folders_of_the_checkpoint_are_hidden(tmp_path: Path) -> None:
    saved, workspace = tmp_path / "saved", tmp_path / "workspace"
    for name in ("logs/version_0/metrics.csv", "data.csv", "model_version_2/weights.pt"):
        for root in (saved, workspace):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text("")
    (workspace / "logs/version_1").mkdir()
    (workspace / "logs/version_1/own.txt").write_text("")

    hide_versions(str(workspace), str(saved))

    left = sorted(str(p.relative_to(workspace)) for p in workspace.rglob("*") if p.is_file())
    assert left == ["data.csv", "logs/version_1/own.txt", "model_version_2/weights.pt"]
    assert not (workspace / "logs/version_0").exists()
