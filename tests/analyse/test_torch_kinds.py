"""The kinds of PyTorch networks: by their layers, and by what is done with them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pushtune.analyse.kinds import recognise
from pushtune.analyse.reading import Reading

Write = Callable[..., Reading]

HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"


def network(*layers: str, forward: str = "return x") -> str:
    lines = "".join(f"        self.part_{number} = {layer}\n" for number, layer in enumerate(layers))
    return (
        f"{HEAD}class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n{lines}"
        f"    def forward(self, x):\n        {forward}\nmodel = Net()\n"
    )


RECONSTRUCTION = (
    "criterion = nn.MSELoss()\nfor x, _ in data:\n    out = model(x)\n    loss = criterion(out, x)\n"
)
SUPERVISED = "criterion = nn.MSELoss()\nfor x, y in data:\n    out = model(x)\n    loss = criterion(out, y)\n"


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (network("nn.Linear(4, 1)"), "linear"),
        (network("nn.Linear(4, 8)", "nn.Linear(8, 1)"), "MLP"),
        (network("nn.ModuleList([nn.Linear(8, 8) for _ in range(3)])"), "MLP"),
        (network("nn.Conv2d(1, 8, 3)", "nn.Linear(8, 1)"), "CNN"),
        (network("nn.Embedding(9, 8)", "nn.GRU(8, 8)", "nn.Linear(8, 1)"), "RNN"),
        (network("nn.Embedding(9, 8)", "nn.TransformerEncoderLayer(8, 2)"), "transformer"),
        (
            network("nn.Linear(8, 24)", forward="return F.scaled_dot_product_attention(x, x, x)"),
            "transformer",
        ),
        (network("nn.Linear(8, 2)", "nn.Linear(2, 8)") + RECONSTRUCTION, "autoencoder"),
        (network("nn.Linear(8, 2)", "nn.Linear(2, 8)") + SUPERVISED, "MLP"),
        (
            network("nn.Linear(8, 2)", "nn.Linear(2, 8)")
            + "for x, y in data:\n    out = model(x, y)\n    F.nll_loss(out, y).backward()\n",
            "MLP",
        ),
        (network("nn.Linear(8, 2)", "nn.Linear(2, 8)", forward="return self.reparameterize(x)"), "VAE"),
        (
            HEAD + "generator = nn.Sequential(nn.Linear(9, 8), nn.Linear(8, 4))\n"
            "discriminator = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 1))\n",
            "GAN",
        ),
        (f"{HEAD}class Layer(nn.Linear):\n    pass\nlayers = [Layer(4, 4) for _ in range(2)]\n", "MLP"),
    ],
)
def test_the_kind_of_a_network(write: Write, source: str, kind: str) -> None:
    found = recognise(write(source))
    assert (found.framework, found.kind) == ("torch", kind)
    assert found.evidence


def test_a_module_of_ones_own_beside_pretrained_weights_is_pytorch(write: Write) -> None:
    source = network("nn.Linear(8, 8)", "nn.Linear(8, 1)") + "import transformers\n"
    loading = "weights = transformers.GPT2LMHeadModel.from_pretrained('gpt2')\n"
    assert recognise(write(source + loading)).framework == "torch"
    trainer = "trainer = transformers.Trainer(model)\n"
    assert recognise(write(source + loading + trainer)).framework == "hf"


TWO = HEAD + "{0} = nn.Sequential(nn.Linear(5, 8), nn.Linear(8, 2))\n{1} = nn.Sequential(nn.Linear(2, 1))\n"


@pytest.mark.parametrize(
    "names", [("G", "D"), ("netG", "netD"), ("generator", "discriminator"), ("gen", "disc")]
)
def test_two_networks_are_adversaries_by_the_names_that_they_are_given(
    write: Write, names: tuple[str, str]
) -> None:
    assert recognise(write(TWO.format(*names))).kind == "GAN"


@pytest.mark.parametrize("names", [("G", "E"), ("model", "head"), ("big", "model_d"), ("G", "add")])
def test_other_names_make_no_adversaries(write: Write, names: tuple[str, str]) -> None:
    assert recognise(write(TWO.format(*names))).kind == "MLP"
