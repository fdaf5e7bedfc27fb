"""The boosting example as it stands: it can be paused, and it is measured on its validation set."""

from __future__ import annotations

from pathlib import Path

from tests.probe.running import Attempt

from pushtune.rewrite import Rewriter
from pushtune.source import load_script
from pushtune.testing.real_parts import need_module

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "boosting" / "train.py"


def test_its_rounds_are_the_budget_and_each_is_measured(tmp_path: Path) -> None:
    need_module("sklearn")
    need_module("xgboost")

    epochs = Rewriter(load_script(SCRIPT)).discovery.space.epochs
    ran = Attempt(tmp_path, SCRIPT.read_bytes()).run()

    assert epochs is not None
    assert (epochs.author, epochs.rungs, epochs.prefix_exact) == (40, True, True)
    assert ran.code == 0, ran.output
    assert ran.one("fit")["rungs"]
    last = ran.all("epoch")[-1]
    assert last["epoch"] == 40
    assert {"val_logloss", "val_accuracy"} <= set(last["metrics"])
    assert {event["split"] for event in ran.all("metric") if event["source"].startswith("sklearn.")} == {
        "test"
    }
