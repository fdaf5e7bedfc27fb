"""What is told of a PyTorch script: versions, layers, steps, its model, and when it is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.probe import loop_scripts as scripts
from tests.probe.running import Attempt, Ran

from pushtune.testing.real_parts import need_module

pytestmark = pytest.mark.slow

SMALL = """
import torch
from torch import nn

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
    def forward(self, x):
        return torch.relu(self.conv(x))

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = Block()
        self.fc = nn.Linear(4 * 6 * 6, 2)
        self.unused = nn.Linear(2, 2)
    def forward(self, x):
        return self.fc(self.block(x).flatten(1))

print("threads", torch.get_num_threads())
net, loss_of = Net(), nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=LEARNING_RATE)
for epoch in range(2):  # epochs
    for batch in range(3):
        optimizer.zero_grad()
        loss = loss_of(net(torch.rand(5, 1, 8, 8)), torch.tensor([0, 1, 0, 1, 1]))
        loss.backward()
        optimizer.step()
    print("done")
"""


@pytest.fixture(autouse=True)
def _torch_installed() -> None:
    need_module("torch")


def run(folder: Path, rate: str = "0.1", **plan: Any) -> Ran:
    source = SMALL.replace("LEARNING_RATE", rate)
    return Attempt(folder, source, loops=scripts.marked(source), **plan).run()


def test_what_a_good_script_reports(tmp_path: Path) -> None:
    ran = run(tmp_path, threads=1)

    assert ran.code == 0, ran.output
    assert ran.one("framework")["name"] == "torch"
    assert "threads 1" in ran.output
    model = ran.one("model")
    assert model["parameters"] == 40 + 290 + 6
    assert [tuple(layer.values()) for layer in model["layers"]] == [
        ("block", "Block", "(5, 1, 8, 8)", "(5, 4, 6, 6)"),
        ("block.conv", "Conv2d", "(5, 1, 8, 8)", "(5, 4, 6, 6)"),
        ("fc", "Linear", "(5, 144)", "(5, 2)"),
    ]
    assert list(model["layers"][0]) == ["name", "type", "input_shape", "output_shape"]
    assert [fit["steps"] for fit in ran.all("fit")] == [None, 3]
    kept = ran.one("artifact")
    assert (kept["path"], kept["origin"]) == ("artifacts/model.pt", "probe")


def test_a_model_that_is_too_large_is_refused_before_it_trains(tmp_path: Path) -> None:
    ran = run(tmp_path, max_parameters=300)

    assert ran.one("failed")["kind"] == "parameters"
    assert ran.all("epoch") == []


def test_weights_that_are_no_numbers_end_the_trial(tmp_path: Path) -> None:
    ran = run(tmp_path, rate="1e38")

    assert ran.one("failed")["kind"] == "diverged"
    assert len(ran.all("epoch")) == 1


def test_an_iterator_of_a_loader_cannot_be_carried(tmp_path: Path) -> None:
    source = scripts.PRELUDE + (
        "loader = DataLoader(data, batch_size=8)\n"
        "shown = iter(loader); next(shown)\n"
        "feed = iter(loader)\n"
        "for epoch in range(3):  # epochs\n"
        "    images, labels = next(feed)\n"
    )
    ran = Attempt(tmp_path, source, loops=scripts.marked(source)).run()

    assert ran.code == 0, ran.output
    last = ran.all("fit")[-1]
    assert (last["rungs"], last["why"].partition(":")[0]) == (False, "feed")
    assert ran.all("checkpoint") == []
