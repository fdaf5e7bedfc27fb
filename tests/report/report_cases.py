"""A study as a reader would meet it, and smaller and stranger ones made from it."""

from __future__ import annotations

import math

from pushtune.model.space import Assignment
from pushtune.model.states import Purpose, TrialState
from pushtune.model.target import Target
from pushtune.report import Arm, Change, ReportFile, StudyReport, TrialRecord

DIFF = """\
diff --git a/train.py b/train.py
--- a/train.py
+++ b/train.py
@@ -12,7 +12,9 @@ x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.4)
 model = Sequential()
 model.add(Input((8, 8, 1)))
-model.add(Conv2D(16, 3, padding="same", activation="relu"))
+model.add(Conv2D(32, 3, padding="same", activation="relu"))
 model.add(MaxPooling2D())
+model.add(Conv2D(32, 3, padding="same", activation="relu"))
+model.add(MaxPooling2D())
 model.add(Flatten())
"""


def curve(end: float, epochs: int) -> tuple[float, ...]:
    """A learning curve that rises towards ``end``."""
    return tuple(end - 0.35 * math.exp(-epoch / 2.5) for epoch in range(1, epochs + 1))


def trial(number: int, value: float | None, epochs: int | None = 9, **others: object) -> TrialRecord:
    """One finished trial of the search."""
    fields: dict[str, object] = {
        "purpose": Purpose.SEARCH,
        "state": TrialState.FINISHED,
        "assignment": Assignment.of({"filters": 8 * number, "learning_rate": 0.001 * number}),
        "epochs": epochs,
        "value": value,
        "seconds": 3.0 + (epochs or 0) / 2,
    }
    if "curve" not in others and value is not None and epochs is not None:
        fields["curve"] = curve(value, epochs)
    return TrialRecord(number=number, **{**fields, **others})  # type: ignore[arg-type]


def digits(**others: object) -> StudyReport:
    """A finished study that met its target; ``others`` replace fields."""
    ends = (0.953, 0.967, 0.958, 0.941, 0.972, 0.977, 0.969, 0.981, 0.979, 0.986, 0.984)
    trials = [trial(0, 0.957, 12, purpose=Purpose.BASELINE, assignment=Assignment(), report=0.9736)]
    trials += [trial(n, end, (3, 9, 1, 12)[n % 4]) for n, end in enumerate(ends, 1)]
    trials.append(
        trial(12, None, 2, state=TrialState.DIVERGED, curve=(0.3, 0.1), message="loss is not a number")
    )
    fields: dict[str, object] = {
        "study": "digits-4f2a91c0",
        "title": "digits_cnn/train.py",
        "script": "examples/digits_cnn/train.py",
        "metric": "accuracy",
        "direction": "max",
        "baseline": Arm("your script", (0.9736, 0.9750, 0.9722), "test set", 12),
        "winner": Arm("winner", (0.9903, 0.9889, 0.9917), "test set", 14),
        "winner_trial": 10,
        "confirmed": True,
        "controls": (Arm("your script, 14 epochs", (0.9764, 0.9750, 0.9750), "test set", 14),),
        "target": Target("accuracy", 0.985, "max"),
        "trials": tuple(trials),
        "why_stopped": "the target is met on 3 seeds",
        "changes": (
            Change("filters", 16, 32, "train.py", 14, "filters of Conv2D"),
            Change("learning_rate", 0.001, 0.0023, "train.py", 22, "learning rate of Adam"),
        ),
        "diff": DIFF,
        "metric_source": "accuracy as model.evaluate returns it at line 31; compared on the test set.",
        "chosen_on": "the validation data that the script splits off",
        "looks": 13,
        "reproduce": ("git apply .pushtune/studies/digits-4f2a91c0/winner.patch", "python train.py"),
        "files": (
            ReportFile(".pushtune/studies/digits-4f2a91c0/winner.patch", "the change, for git apply"),
            ReportFile(".pushtune/studies/digits-4f2a91c0/model.keras", "the best model"),
        ),
        "next_command": "pushtune apply",
        "warnings": ("The script sets no seed: two runs of it differ.",),
        "machine": "2 cores, 8 GB, Linux",
        "versions": (("Python", "3.11.7"), ("keras", "3.15"), ("pushtune", "0.1.0")),
        "seconds": 214.0,
        "started": "2026-11-21 18:40",
    }
    return StudyReport(**{**fields, **others})  # type: ignore[arg-type]
