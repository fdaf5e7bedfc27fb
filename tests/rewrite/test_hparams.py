"""Options that reach a Lightning module as keywords, or through ``self.hparams``."""

from __future__ import annotations

from pathlib import Path

import pytest
from rewriting import knobs, rewriter

from pushtune.model.space import Assignment

MODULE = """import argparse
import lightning as L
import torch
from torch import nn

class Net(L.LightningModule):
    def __init__(self, {parameters}):
        super().__init__()
        {keeps}
        self.net = nn.Sequential(
            nn.Linear(784, self.hparams.hidden), nn.ReLU(), nn.Dropout({rate}),
            nn.Linear(self.hparams.hidden, 10),
        )
    def training_step(self, batch, i):
        x, y = batch
        return nn.functional.cross_entropy(self.net(x), y)
    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)

p = argparse.ArgumentParser()
p.add_argument("--hidden", type=int, default=64)
p.add_argument("--lr", type=float, default=2e-3)
p.add_argument("--dropout", type=float, default=0.2)
p.add_argument("--epochs", type=int, default=4)
hparams = p.parse_args()
model = {made}
trainer = L.Trainer(max_epochs=hparams.epochs)
trainer.fit(model, data)
"""
KEYWORDS = "hidden=32, lr=1e-3, dropout=0.1, **kwargs"
WAYS = {
    "keywords": (KEYWORDS, "self.save_hyperparameters()", "dropout", "Net(**vars(hparams))"),
    "dictionary": (KEYWORDS, "self.save_hyperparameters()", "dropout", "Net(**hparams.__dict__)"),
    "any keywords": (
        "**kwargs", "self.save_hyperparameters()", "self.hparams.dropout", "Net(**vars(hparams))",
    ),
    "saved": ("hparams", "self.save_hyperparameters(hparams)", "hparams.dropout", "Net(hparams)"),
    "updated": ("hparams", "self.hparams.update(vars(hparams))", "self.hparams.dropout", "Net(hparams)"),
    "kept": ("hparams", "self.hparams = hparams", "self.hparams.dropout", "Net(hparams)"),
}  # fmt: skip
WANTED = {"hparams.hidden": 64, "hparams.lr": 0.002, "hparams.dropout": 0.2, "hparams.epochs": 4}


@pytest.mark.parametrize("way", WAYS)
def test_the_options_are_the_knobs_and_dead_defaults_are_not(tmp_path: Path, way: str) -> None:
    parameters, keeps, rate, made = WAYS[way]
    text = MODULE.format(parameters=parameters, keeps=keeps, rate=rate, made=made)
    found = rewriter(tmp_path, text)
    assert knobs(found) == {**WANTED, "adam.weight_decay": 0.0}
    assert "default=96" in found.apply(Assignment.of({"hparams.hidden": 96})).diff
    given = rewriter(tmp_path, text, "--hidden", "48")
    assert given.apply(Assignment.of({"hparams.hidden": 96})).args == ("--hidden", "96")


def test_what_is_given_beside_options_is_the_callers(tmp_path: Path) -> None:
    parameters, keeps, rate, _ = WAYS["keywords"]
    made = "Net(hidden=96, lr=0.5, dropout=0.3)"
    found = knobs(rewriter(tmp_path, MODULE.format(parameters=parameters, keeps=keeps, rate=rate, made=made)))
    assert not {"hparams.hidden", "hparams.lr", "Net.hidden", "Net.lr"} & set(found)
    assert {0.5, 0.3} <= set(found.values())
