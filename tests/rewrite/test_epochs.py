"""Epochs are the budget: how far they go, and what else depends on their number."""

from pathlib import Path

import pytest
from rewriting import knobs, rewriter

from pushtune.model.space import Epochs

HEAD = (
    "import keras\nm = keras.Sequential([keras.layers.Dense(8), keras.layers.Dense(2)])\n"
    "m.compile('adam', 'mse')\n"
)


def epochs_of(folder: Path, body: str) -> Epochs | None:
    return rewriter(folder, HEAD + body).discovery.space.epochs


@pytest.mark.parametrize(("author", "maximum"), [(1, 9), (2, 16), (3, 24), (12, 30), (30, 30), (200, 200)])
def test_how_far_epochs_may_go(tmp_path: Path, author: int, maximum: int) -> None:
    assert epochs_of(tmp_path, f"m.fit(x, y, epochs={author})\n") == Epochs("fit.epochs", author, maximum)


def test_epochs_left_out_are_one(tmp_path: Path) -> None:
    assert epochs_of(tmp_path, "m.fit(x, y)\n") == Epochs("fit.epochs", 1, 9)


@pytest.mark.parametrize(
    ("body", "exact"),
    [
        ("E = 3\nm.fit(x, y, epochs=E)\n", True),
        ("E = 3\nprint('for', E, 'epochs')\nprint(f'{E}')\nm.fit(x, y, epochs=E)\n", True),
        ("E = 3\ndef go(n):\n    m.fit(x, y, epochs=n)\ngo(E)\n", True),
        ("E = 3\ns = keras.optimizers.schedules.CosineDecay(0.1, E * 100)\nm.fit(x, y, epochs=E)\n", False),
        ("E = 3\nm.fit(x, y, epochs=E)\nplot(range(E))\n", False),
        (
            "E = 3\n"
            "m.fit(x, y, epochs=E, callbacks=[keras.callbacks.LearningRateScheduler(lambda e: 1 / E)])\n",
            False,
        ),
    ],
)
def test_a_shorter_run_is_a_prefix_unless_something_else_reads_the_number(
    tmp_path: Path, body: str, exact: bool
) -> None:
    found = epochs_of(tmp_path, body)
    assert found is not None
    assert (found.prefix_exact, found.rungs, found.author) == (exact, True, 3)


@pytest.mark.parametrize(
    "body",
    [
        "for fold in range(3):\n    m.fit(x, y, epochs=4)\n",
        "def fold():\n    m.fit(x, y, epochs=4)\nfold()\nfold()\n",
        "m.fit(x, y, epochs=4, initial_epoch=1)\n",
    ],
)
def test_a_fit_that_runs_more_than_once_has_no_rungs(tmp_path: Path, body: str) -> None:
    found = epochs_of(tmp_path, body)
    assert found is not None
    assert not found.rungs
    assert not found.prefix_exact


def test_epochs_of_several_fits_stay_the_authors(tmp_path: Path) -> None:
    found = rewriter(tmp_path, HEAD + "m.fit(x, y, epochs=2)\nm.fit(x, y, epochs=3)\n")
    assert found.discovery.space.epochs is None
    assert "fit.epochs" not in knobs(found)
    assert [caution.code for caution in found.discovery.warnings] == ["several-fits"]


def test_fits_of_which_only_one_runs_share_their_epochs(tmp_path: Path) -> None:
    body = "E = 3\nif plain:\n    m.fit(x, y, epochs=E)\nelse:\n    m.fit(z, epochs=E)\n"
    assert epochs_of(tmp_path, body) == Epochs("E", 3, 24)


def test_epochs_that_cannot_be_traced_are_told(tmp_path: Path) -> None:
    found = rewriter(tmp_path, HEAD + "m.fit(x, y, epochs=int(input()))\n")
    assert found.discovery.space.epochs is None
    assert [caution.code for caution in found.discovery.warnings] == ["epochs-unknown"]
