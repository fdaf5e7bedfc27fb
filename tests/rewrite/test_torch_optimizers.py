"""Swapping the optimizer of a PyTorch loop, and what must not be swapped."""

from pathlib import Path

import pytest
from rewriting import knobs, rewriter, rewritten

HEAD = "import torch\nimport torch.nn as nn\nfrom torch import optim\nmodel = nn.Linear(4, 1)\n"
LOOP = "for x, y in data:\n    nn.functional.mse_loss(model(x), y).backward()\n    optimizer.step()\n"


def test_the_new_one_trains_the_same_parameters_at_its_own_rate(tmp_path: Path) -> None:
    text = HEAD + "optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.5)\n" + LOOP
    found = rewriter(tmp_path, text)
    wanted = text.replace(
        "optim.SGD(model.parameters(), lr=0.1, momentum=0.5)", "optim.Adam(model.parameters(), lr=0.002)"
    )
    assert rewritten(found, {"optimizer": "adam", "optimizer.lr_adam": 0.002}) == wanted
    assert [move.name for move in found.discovery.moves] == ["optimizer"]


def test_the_authors_arguments_matter_with_the_authors_optimizer_alone(tmp_path: Path) -> None:
    text = HEAD + "LR = 0.1\noptimizer = torch.optim.Adadelta(model.parameters(), lr=LR)\n" + LOOP
    found = rewriter(tmp_path, text)
    condition = found.discovery.space.parameter("LR").condition
    assert condition is not None
    assert (condition.parameter, condition.values) == ("optimizer", ("adadelta",))
    assert "torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)" in rewritten(
        found, {"optimizer": "sgd", "LR": 0.5}
    )


@pytest.mark.parametrize(
    "line",
    [
        "optimizer = optim.LBFGS(model.parameters(), lr=0.1)\n",
        "optimizer = optim.SGD(model.parameters(), **options)\n",
        "from apex import FusedAdam\noptimizer = FusedAdam(model.parameters(), lr=0.1)\n",
        "optimizer = optim.SGD(model.parameters(), lr=0.1)\nfor g in optimizer.param_groups: g['lr'] = 0.5\n",
        "optimizer = optim.SGD(model.parameters(), lr=0.1)\n"
        "schedule = optim.lr_scheduler.OneCycleLR(optimizer, 0.1, 100)\n",
    ],
)
def test_what_other_code_holds_on_to_is_not_swapped(tmp_path: Path, line: str) -> None:
    assert rewriter(tmp_path, HEAD + line + LOOP).discovery.moves == ()


def test_what_an_optimizer_leaves_out_is_offered(tmp_path: Path) -> None:
    text = HEAD + "optimizer = optim.SGD(model.parameters(), lr=0.1)\n" + LOOP
    assert knobs(rewriter(tmp_path, text)) == {"sgd.lr": 0.1, "sgd.momentum": 0.0, "sgd.weight_decay": 0.0}
