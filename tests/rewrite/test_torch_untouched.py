"""What must not be touched in PyTorch scripts: outputs, what the data brings, what cannot be followed."""

from pathlib import Path

import pytest
from rewriting import knobs, rewriter

HEAD = (
    "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
    "from torch.utils.data import DataLoader\n"
)


def net(layers: str, forward: str, parameters: str = "", made: str = "Net()") -> str:
    """Return a script with one model."""
    return (
        f"{HEAD}class Net(nn.Module):\n    def __init__(self{parameters}):\n        super().__init__()\n"
        + "".join(f"        {line}\n" for line in layers.split("; "))
        + "    def forward(self, x):\n"
        + "".join(f"        {line}\n" for line in forward.split("; "))
        + f"model = {made}\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        net("self.fc = nn.Linear(20, 10)", "return self.fc(x)"),
        net("self.fc = nn.Linear(20, 10)", "return F.log_softmax(self.fc(x), dim=1)"),
        net("self.fc = nn.Linear(20, 10)", "x = self.fc(x); return x.view(-1, 10)"),
        net("self.fc = nn.Linear(n, k)", "return self.fc(x)", ", n, k", "Net(20, 10)"),
        net("self.conv = nn.Conv2d(3, 21, 1)", "return self.conv(x)"),
        net("self.conv = nn.Conv2d(3, 21, 1)", "return F.interpolate(self.conv(x), scale_factor=2)"),
        net("self.conv = nn.Conv2d(3, 2, 4)", "return self.conv(x).view(-1, 2).squeeze(1)"),
        net("self.conv = nn.Conv2d(3, 1, 4, padding=2)", "return self.conv(x).view(-1, 1).squeeze(1)"),
        net("self.a = nn.Linear(4, 2); self.b = nn.Linear(4, 3)", "return self.a(x), self.b(x)"),
        net("self.a = nn.Linear(4, 2)", "return {'logits': self.a(x)}"),
        f"{HEAD}model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))\n",
        f"{HEAD}model = nn.Linear(13, 1)\n",
        f"{HEAD}model = nn.Sequential()\nmodel.add_module('out', nn.Linear(784, 10))\n",
        f"{HEAD}import torchvision\nmodel = torchvision.models.resnet18()\nmodel.fc = nn.Linear(512, 10)\n",
        f"{HEAD}N = 10\nmodel = nn.Sequential(nn.Linear(784, N))\n",
    ],
)
def test_an_output_layer_has_no_knob(tmp_path: Path, text: str) -> None:
    assert knobs(rewriter(tmp_path, text)) == {}


def test_an_autoencoder_gives_back_as_much_as_comes_in(tmp_path: Path) -> None:
    text = net("self.a = nn.Linear(784, 32); self.b = nn.Linear(32, 784)", "return self.b(self.a(x))")
    assert knobs(rewriter(tmp_path, text)) == {"a.out_features": 32}


def test_what_the_data_brings_stays(tmp_path: Path) -> None:
    text = (
        f"{HEAD}width = 28\n"
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.rnn = nn.LSTM(width, 64, batch_first=True)\n        self.fc = nn.Linear(64, 10)\n"
        "    def forward(self, x):\n        out, _ = self.rnn(x.view(-1, 28, width))\n"
        "        return self.fc(out[:, -1])\n"
        "model = Net()\n"
    )
    assert knobs(rewriter(tmp_path, text)) == {"rnn.hidden_size": 64}


@pytest.mark.parametrize(
    "line",
    ["y = mystery(x)", "y = torch.einsum('bi,ij->bj', x, w)", "y = x[:, ::2].unfold(1, 2, 2)"],
)
def test_a_literal_width_is_kept_where_the_flow_is_lost(tmp_path: Path, line: str) -> None:
    text = net(
        "self.a = nn.Linear(4, 32); self.b = nn.Linear(32, 10)", f"x = self.a(x); {line}; return self.b(y)"
    )
    found = rewriter(tmp_path, text)
    assert knobs(found) == {}
    assert [one.code for one in found.discovery.warnings] == ["sizes-kept"]


def test_a_hidden_state_from_elsewhere_keeps_the_width(tmp_path: Path) -> None:
    text = (
        f"{HEAD}class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.rnn = nn.GRU(8, 64)\n        self.fc = nn.Linear(64, 10)\n"
        "    def forward(self, x, h):\n        out, h = self.rnn(x, h)\n        return self.fc(out), h\n"
        "model = Net()\n"
    )
    assert knobs(rewriter(tmp_path, text)) == {}


def test_equal_numbers_are_not_one_width(tmp_path: Path) -> None:
    text = net(
        "self.a = nn.Linear(128, 128); self.b = nn.Linear(128, 128); self.c = nn.Linear(128, 10)",
        "return self.c(self.b(self.a(x)))",
    )
    found = rewriter(tmp_path, text)
    assert knobs(found) == {"a.out_features": 128, "b.out_features": 128}
    assert [len(knob.spans) for knob in found.discovery.knobs] == [2, 2]


def test_a_kernel_before_a_flat_size_waits_for_a_run(tmp_path: Path) -> None:
    text = net(
        "self.a = nn.Conv2d(1, 4, 3); self.b = nn.Linear(2704, 10)", "return self.b(self.a(x).flatten(1))"
    )
    found = rewriter(tmp_path, text).discovery.knobs
    assert {knob.name: knob.certain for knob in found} == {"a.out_channels": True, "a.kernel_size": False}


def test_evaluation_has_no_batch_size_to_tune(tmp_path: Path) -> None:
    text = (
        f"{HEAD}train_loader = DataLoader(train_set, batch_size=64, shuffle=True)\n"
        "test_loader = DataLoader(test_set, batch_size=1000)\n"
        "val = DataLoader(Digits(train=False), 500, shuffle=False)\n"
        "for x, y in train_loader: step(x, y)\nfor x, y in test_loader: look(x, y)\n"
        "for x, y in val: look(x, y)\n"
    )
    assert knobs(rewriter(tmp_path, text)) == {"data_loader.batch_size": 64}


def test_normalisation_seeds_and_workers_stay(tmp_path: Path) -> None:
    text = (
        f"{HEAD}import torchvision.transforms as T\nMEAN = 0.5\nseed = 64\nworkers = 2\n"
        "torch.manual_seed(seed)\ntransform = T.Compose([T.Normalize((MEAN,), (0.5,)), T.Resize(32)])\n"
        "loader = DataLoader(data, batch_size=seed, num_workers=workers, shuffle=True)\n"
        "for x, y in loader: step(transform(x), y)\n"
    )
    assert knobs(rewriter(tmp_path, text)) == {}


HAND = HEAD + "batch_size = 32\nmodel = nn.Linear(4, 1)\nfor epoch in range(3):\n    for i in range(9):\n"


def test_a_batch_size_that_cuts_batches_by_hand_is_found(tmp_path: Path) -> None:
    text = HAND + "        model(x[i * batch_size:(i + 1) * batch_size])\n"
    assert knobs(rewriter(tmp_path, text))["batch_size"] == 32


@pytest.mark.parametrize(
    "use", ["print(batch_size)", "h = torch.zeros(1, batch_size, 8)", "y = y / batch_size"]
)
def test_a_batch_size_that_cuts_nothing_is_left(tmp_path: Path, use: str) -> None:
    assert "batch_size" not in knobs(rewriter(tmp_path, HAND + f"        {use}\n"))


def test_how_long_an_answer_may_be_is_no_depth(tmp_path: Path) -> None:
    """A loop that is taken with data at hand counts steps; one that makes layers counts layers."""
    text = net(
        "self.longest = longest; self.cell = nn.GRUCell(8, 8)"
        "; self.layers = nn.ModuleList([nn.Linear(8, 8) for _ in range(deep)])",
        "h = x; outs = []; "
        "for _ in range(self.longest): h = self.cell(x, h); "
        "for layer in self.layers: h = layer(h); return h",
        ", longest=12, deep=3",
    )
    found = knobs(rewriter(tmp_path, text))
    assert "Net.longest" not in found
    assert found["Net.deep"] == 3


def test_a_network_that_a_package_hands_on_is_read_as_it_is_made(tmp_path: Path) -> None:
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets/__init__.py").write_text("from .small import Net\n")
    layers = "self.a = nn.Linear(20, 12); self.b = nn.Linear(12, classes)"
    text = net(layers, "return self.b(self.a(x))", ", classes", "None")
    (tmp_path / "nets/small.py").write_text(text)
    assert knobs(rewriter(tmp_path, "from nets import Net\nmodel = Net(10)\n")) == {"a.out_features": 12}
