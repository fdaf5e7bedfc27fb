"""The example of a tweak program, driven as pushtune drives it: JSON in, the next assignment out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TWEAK = Path(__file__).resolve().parents[2] / "examples" / "forest" / "tweak.py"

TREES = {
    "name": "trees",
    "role": "n_estimators",
    "value": 100,
    "domain": {"type": "int", "low": 25, "high": 800, "log": True, "choices": []},
}
DEPTH = {
    "name": "depth",
    "role": "max_depth",
    "value": None,
    "domain": {"type": "categorical", "low": None, "high": None, "log": False, "choices": [None, 4, 8]},
}


def ask(trials: list[dict[str, Any]], direction: str = "max") -> dict[str, Any] | None:
    """Run the program once; return the assignment that it printed, None if it printed nothing."""
    study = {"metric": "accuracy", "direction": direction, "target": 0.97, "script": "train.py"}
    study |= {"parameters": [TREES, DEPTH], "trials": trials}
    done = subprocess.run(
        [sys.executable, str(TWEAK)], input=json.dumps(study), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)["assignment"] if done.stdout.strip() else None


def trial(number: int, assignment: dict[str, Any], value: float | None) -> dict[str, Any]:
    state = "failed" if value is None else "finished"
    return {"trial": number, "assignment": assignment, "value": value, "state": state}


def test_it_begins_beside_the_authors_values() -> None:
    assert ask([trial(0, {}, 0.95)]) == {"trees": 200}


@pytest.mark.parametrize(("direction", "expected"), [("max", {"trees": 400}), ("min", {"trees": 50})])
def test_it_goes_on_from_the_best(direction: str, expected: dict[str, Any]) -> None:
    assert ask([trial(0, {}, 0.95), trial(1, {"trees": 200}, 0.96)], direction) == expected


def test_it_tries_every_neighbour_once_and_then_says_no_more() -> None:
    trials = [trial(0, {}, 0.95)]
    while (answer := ask(trials)) is not None:
        assert answer not in [row["assignment"] for row in trials]
        trials.append(trial(len(trials), answer, 0.9))
    assert [row["assignment"] for row in trials[1:]] == [
        {"trees": 200},
        {"trees": 50},
        {"depth": 4},
        {"depth": 8},
    ]


def test_the_authors_value_is_not_tried_again_by_name() -> None:
    trials = [trial(0, {}, 0.95), trial(1, {"trees": 200}, 0.96), trial(2, {"trees": 400}, 0.9)]
    assert ask(trials) == {"trees": 200, "depth": 4}


def test_a_failed_trial_is_not_the_best() -> None:
    assert ask([trial(0, {}, None), trial(1, {"trees": 200}, None)]) == {"trees": 50}
