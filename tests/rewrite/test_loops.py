"""Epoch loops written by hand: which loop is it, how many rounds, and how that number is changed."""

from pathlib import Path

import pytest
from rewriting import rewriter, rewritten

STEP = "loss = criterion(model(x), y)\n{i}loss.backward()\n{i}optimizer.step()\n"
HEAD = (
    "import argparse\nimport torch\nfrom tqdm import tqdm, trange\n"
    "model = torch.nn.Linear(4, 2)\noptimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
    "criterion = torch.nn.CrossEntropyLoss()\nloader = []\n"
)


def loop(header: str) -> str:
    """Return a whole script whose epoch loop begins with ``header``."""
    body = "".join(f"    {line}\n" for line in STEP.format(i="").splitlines())
    return f"{HEAD}{header}\n    x, y = loader\n{body}"


def found(folder: Path, text: str) -> tuple[int, str, int | None]:
    """Return how many loops there are, and parameter and author's number of the epochs."""
    discovery = rewriter(folder, text).discovery
    epochs = discovery.space.epochs
    return len(discovery.loops), "" if epochs is None else epochs.parameter, epochs and epochs.author


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("for epoch in range(5):", (1, "epochs", 5)),
        ("for epoch in range(1, 6):", (1, "epochs", 5)),
        ("N = 5\nfor epoch in range(N):", (1, "N", 5)),
        ("N = 5\nfor epoch in range(1, N + 1):", (1, "N", 5)),
        ("N = 5\nfor epoch in range(1, 1 + N):", (1, "N", 5)),
        ("start = 0\nN = 5\nfor epoch in range(start, N):", (1, "N", 5)),
        ("N = 5\nfor _ in tqdm(range(N), desc='epochs'):", (1, "N", 5)),
        ("for i in trange(5, leave=False):", (1, "epochs", 5)),
        ("for i, _ in enumerate(range(5)):", (1, "epochs", 5)),
        ("epoch, N = 0, 5\nwhile epoch < N:\n    epoch += 1", (1, "N", 5)),
        ("epoch, N = 0, 5\nwhile N > epoch:\n    epoch += 1", (1, "N", 5)),
        ("it, N = 0, 5\nwhile True:\n    it += 1\n    if it > N:\n        break", (1, "N", 5)),
    ],
)
def test_forms_of_a_loop(tmp_path: Path, header: str, expected: tuple[int, str, int]) -> None:
    assert found(tmp_path, loop(header)) == expected


@pytest.mark.parametrize(
    "header", ["while not done:", "for batch in loader:", "for epoch in epochs:", "for a in range(*limits):"]
)
def test_a_loop_whose_rounds_cannot_be_told_has_no_epochs(tmp_path: Path, header: str) -> None:
    assert found(tmp_path, loop(header))[1:] == ("", None)


def test_the_loop_over_batches_is_not_the_loop_over_epochs(tmp_path: Path) -> None:
    text = (
        HEAD
        + "for e in range(3):\n    for i, (x, y) in enumerate(loader):\n        "
        + STEP.format(i=" " * 8)
    )
    assert found(tmp_path, text) == (1, "epochs", 3)
    assert rewriter(tmp_path, text).discovery.loops == (("train.py", 0),)


def test_rounds_over_slices_are_batches(tmp_path: Path) -> None:
    text = HEAD + "EPOCHS = 4\nfor e in range(EPOCHS):\n    for i in range(0, 1000, 50):\n        x = y = i\n"
    text += " " * 8 + STEP.format(i=" " * 8)
    assert found(tmp_path, text) == (1, "EPOCHS", 4)


def test_a_loop_around_the_epochs_is_not_theirs(tmp_path: Path) -> None:
    text = HEAD + (
        "for fold in range(5):\n    for epoch in range(3):\n        for x, y in loader:\n            "
        + STEP.format(i=" " * 12)
    )
    discovery = rewriter(tmp_path, text).discovery
    assert discovery.loops == (("train.py", 1),)
    assert discovery.space.epochs is not None
    assert not discovery.space.epochs.rungs
    assert "no-rungs" in {warning.code for warning in discovery.warnings}


def test_the_step_may_stand_in_a_function_that_the_loop_calls(tmp_path: Path) -> None:
    text = HEAD + (
        "def train(model, loader):\n    for x, y in loader:\n        " + STEP.format(i=" " * 8)
        + "def main():\n    parser = argparse.ArgumentParser()\n"
        "    parser.add_argument('--epochs', type=int, default=7)\n    args = parser.parse_args()\n"
        "    for epoch in range(1, args.epochs + 1):\n        train(model, loader)\n"
        "if __name__ == '__main__':\n    main()\n"
    )  # fmt: skip
    assert found(tmp_path, text) == (1, "args.epochs", 7)


def test_two_loops_stay_as_they_are(tmp_path: Path) -> None:
    text = loop("for epoch in range(3):") + loop("for epoch in range(4):").removeprefix(HEAD)
    discovery = rewriter(tmp_path, text).discovery
    assert (len(discovery.loops), discovery.space.epochs) == (2, None)
    assert "several-fits" in {warning.code for warning in discovery.warnings}


def test_a_loop_that_nothing_calls_is_none(tmp_path: Path) -> None:
    text = HEAD + "def unused():\n    for epoch in range(3):\n        " + STEP.format(i=" " * 8)
    assert found(tmp_path, text) == (0, "", None)


def test_the_number_is_written_as_the_loop_counts(tmp_path: Path) -> None:
    text = loop("for epoch in range(1, 6):")
    assert "range(1, 10):" in rewritten(rewriter(tmp_path, text), {"epochs": 9})


def test_a_schedule_that_reads_the_number_makes_a_shorter_run_another_one(tmp_path: Path) -> None:
    text = loop(
        "N = 5\nsched = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, N)\nfor epoch in range(N):"
    )
    epochs = rewriter(tmp_path, text).discovery.space.epochs
    assert epochs is not None
    assert (epochs.parameter, epochs.prefix_exact, epochs.rungs) == ("N", False, True)
    assert rewriter(tmp_path, loop("for epoch in range(5):")).discovery.space.epochs.prefix_exact  # type: ignore[union-attr]


def test_the_batch_size_of_a_loader_that_no_loop_trains_on_is_not_offered(tmp_path: Path) -> None:
    text = HEAD + (
        "from torch.utils.data import DataLoader\n"
        "def fit(source):\n    for x, y in source:\n        " + STEP.format(i=" " * 8)
        + "def check(source):\n    for x, y in source:\n        print('accuracy:', (model(x) == y).mean())\n"
        "one, two = DataLoader(data, batch_size=32), DataLoader(rest, batch_size=200)\n"
        "for epoch in range(3):\n    fit(one)\n    check(two)\n"
    )  # fmt: skip
    sizes = [knob.value for knob in rewriter(tmp_path, text).discovery.knobs if knob.role == "batch_size"]
    assert sizes == [32]


@pytest.mark.parametrize(("name", "found"), [("CUT", ["batch_size"]), ("SEQ_LEN", [])])
def test_the_stride_of_a_training_loop_over_slices_is_a_batch_size(
    tmp_path: Path, name: str, found: list[str]
) -> None:
    text = HEAD + (
        f"{name} = 50\nfor epoch in range(4):\n    for i in range(0, 1000, {name}):\n"
        f"        x, y = a[i:i + {name}], b[i:i + {name}]\n        " + STEP.format(i=" " * 8)
    )
    knobs = [knob.role for knob in rewriter(tmp_path, text).discovery.knobs if knob.value == 50]
    assert knobs == found
