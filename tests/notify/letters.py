"""Facts of letters, as a push of every occasion would give them."""

from __future__ import annotations

from dataclasses import replace

from pushtune.notify.compose import Envelope
from pushtune.notify.facts import Changed, CurvePoint, DeliveredFile, Failed, LetterFacts, Measured
from pushtune.notify.identity import letter_id, thread_id
from pushtune.notify.occasions import Occasion, Outcome

SENDER = "pushtune@example.org"
ENVELOPE = Envelope(
    SENDER,
    ("ada@example.org",),
    letter_id("home", 12, "success", SENDER),
    1_767_225_600.0,
    thread_id("home", "digits", "main", SENDER),
)

_VALUES = (0.9512, 0.9533, 0.9478, 0.9611, 0.9590, 0.9702, 0.9688, 0.9541, 0.9755, 0.9749, 0.9812, 0.9903)

PUSHED = LetterFacts(
    repository="digits",
    branch="main",
    commit="4f2a9c81d07be3355aa0917c2a4be6f10be2f4aa",
    subject="Use a larger kernel in the first block",
    author="Ada Example",
    push=12,
    study="digits-4f2a9c",
    script="train.py",
    kind="CNN, Keras",
    metric="accuracy",
    target="accuracy>=0.98",
    target_value=0.98,
    baseline=Measured("your script", 0.9512, 0.0021, 3, "test set"),
    chosen_on="a hold-out of the training data",
    looks=12,
    why_stopped="the target is met",
    seconds=754.0,
    trials=12,
    curve=tuple(CurvePoint(trial, value, max(_VALUES[: trial + 1])) for trial, value in enumerate(_VALUES)),
    reproduce=(
        "git fetch origin pushtune/train.py",
        "git checkout pushtune/train.py",
        "python train.py --epochs 12",
    ),
)
MET = replace(
    PUSHED,
    winner=Measured("winner", 0.9903, 0.0012, 3, "test set"),
    controls=(Measured("your script, only its epochs changed", 0.9541, 0.0018, 3, "test set"),),
    confirmed=True,
    changes=(
        Changed("filters", "32", "64", "train.py:14"),
        Changed("repeat the Conv-Pool block", "1", "2", "train.py:14"),
        Changed("learning_rate", "0.001", "0.0021", "train.py:22"),
    ),
    delivered_branch="pushtune/train.py",
    files=(
        DeliveredFile("delivered/digits/12/model.keras", "the best model"),
        DeliveredFile("delivered/digits/12/winner.patch", "the change to your source, for git apply"),
        DeliveredFile("delivered/digits/12/report.html", "curves, trials, the diff, how to reproduce"),
    ),
)
MISSED = replace(
    MET,
    target="accuracy>=0.995",
    target_value=0.995,
    why_stopped="nothing better came for 10 trials",
    warnings=("The metric was read from the output: print it with a label to be certain.",),
)
DOUBTFUL = replace(
    PUSHED,
    target="",
    target_value=None,
    metric="loss",
    direction="min",
    baseline=Measured("your script", 0.2312, 0.0121, 3, "test set"),
    winner=Measured("winner", 0.2209, 0.0098, 3, "test set"),
    chosen_on="the script's test set",
    curve=(),
    why_stopped="the budget of 12 trials is used",
)
NOTHING_WON = replace(PUSHED, target="", target_value=None, why_stopped="the budget of 12 trials is used")
BROKEN = replace(
    PUSHED,
    baseline=None,
    curve=(),
    trials=0,
    reproduce=("git checkout 4f2a9c81d0", "python train.py --epochs 12"),
    why_stopped="",
    failed=Failed(
        "train",
        "ModuleNotFoundError: No module named 'np_utils' (train.py, line 3)",
        "keras.utils.np_utils is gone since Keras 3: use keras.utils.to_categorical",
        (
            "Traceback (most recent call last):",
            '  File "train.py", line 3, in <module>',
            "    from keras.utils import np_utils",
            "ModuleNotFoundError: No module named 'np_utils'",
        ),
    ),
)
UNREADABLE = replace(
    BROKEN,
    script="",
    kind="",
    study="",
    reproduce=(),
    failed=Failed(
        "pull",
        "pushtune.toml: there is no setting called 'tagret' (line 2) (did you mean 'target'?)",
        settings=True,
    ),
)
CRASHED = replace(
    BROKEN,
    attempts=5,
    failed=Failed(
        "tune",
        "The process of trial 7 was killed by signal 11 five times in a row, each time in epoch 3.",
        "",
        ("epoch 1: accuracy 0.91", "epoch 2: accuracy 0.93", "Segmentation fault (core dumped)"),
    ),
)
TROUBLED = replace(
    BROKEN,
    failed=Failed("prepare", "The disk is full: 112 MB are left and 500 MB are needed.", "make room"),
)
TEST = LetterFacts(
    "", "", "", "", "", 0, server="gpu-1.example.org", settings_file="/var/lib/pushtune/server.toml"
)

OCCASIONS: dict[str, tuple[LetterFacts, Occasion]] = {
    "success": (MET, Occasion(Outcome.SUCCESS)),
    "success-by-itself": (replace(PUSHED, target="accuracy>=0.95"), Occasion(Outcome.SUCCESS)),
    "perhaps-better": (DOUBTFUL, Occasion(Outcome.SUCCESS)),
    "nothing-better": (NOTHING_WON, Occasion(Outcome.SUCCESS)),
    "target-missed": (MISSED, Occasion(Outcome.TARGET_MISSED)),
    "script-fails": (BROKEN, Occasion(Outcome.SCRIPT_FAILS)),
    "settings": (UNREADABLE, Occasion(Outcome.SCRIPT_FAILS)),
    "fixed": (MET, Occasion(Outcome.SUCCESS, fixed=True)),
    "crash-loop": (CRASHED, Occasion(Outcome.CRASH_LOOP)),
    "machine-trouble": (TROUBLED, Occasion(Outcome.MACHINE_TROUBLE)),
    "test": (TEST, Occasion(Outcome.TEST)),
}
