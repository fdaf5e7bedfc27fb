"""Each framework taken through a whole search that is killed on the way: the same trials as undisturbed."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest
from project import Project, kill
from test_kill import epochs_trained, trials_of

from pushtune.testing.real_parts import need_module

DATA = """\
import numpy
source = numpy.random.default_rng(0)
x = source.normal(size=(600, 12)).astype("float32")
y = (x[:, 0] * x[:, 1] + x[:, 2] > 0).astype("int64")
"""

TORCH = f"""\
import argparse
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset

{DATA}

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(12, 16)
        self.drop = nn.Dropout(0.1)
        self.fc2 = nn.Linear(16, 2)

    def forward(self, x):
        return F.log_softmax(self.fc2(self.drop(F.relu(self.fc1(x)))), dim=1)


def train(model, loader, optimizer):
    model.train()
    for data, target in loader:
        optimizer.zero_grad()
        loss = F.nll_loss(model(data), target)
        loss.backward()
        optimizer.step()


def test(model, loader):
    model.eval()
    correct = 0
    with torch.no_grad():
        for data, target in loader:
            correct += (model(data).argmax(dim=1) == target).sum().item()
    size = len(loader.dataset)
    print('Test set: Accuracy: {{}}/{{}} ({{:.0f}}%)'.format(correct, size, 100. * correct / size))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--batch-size', type=int, default=32)
    parser.add_argument('--epochs', type=int, default=3)
    parser.add_argument('--lr', type=float, default=0.01)
    args = parser.parse_args()
    data = TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
    loader = DataLoader(torch.utils.data.Subset(data, range(400)), batch_size=args.batch_size, shuffle=True)
    tests = DataLoader(torch.utils.data.Subset(data, range(400, 600)), batch_size=200)
    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    scheduler = StepLR(optimizer, step_size=2, gamma=0.7)
    for epoch in range(1, args.epochs + 1):
        train(model, loader, optimizer)
        test(model, tests)
        scheduler.step()


if __name__ == '__main__':
    main()
"""

KERAS_LOOP = f"""\
import keras
import tensorflow as tf

{DATA}
EPOCHS = 3
model = keras.Sequential([
    keras.Input((12,)),
    keras.layers.Dense(16, activation="relu"),
    keras.layers.Dropout(0.1),
    keras.layers.Dense(2),
])
optimizer = keras.optimizers.Adam(0.01)
loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
batches = tf.data.Dataset.from_tensor_slices((x[:400], y[:400])).shuffle(400).batch(32)

for epoch in range(EPOCHS):
    for data, target in batches:
        with tf.GradientTape() as tape:
            loss = loss_of(target, model(data, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    predicted = model(x[400:], training=False).numpy().argmax(axis=1)
    print("epoch", epoch + 1, "test accuracy:", (predicted == y[400:]).mean())
"""

LIGHTNING = f"""\
import lightning as L
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

{DATA}

class Classifier(L.LightningModule):
    def __init__(self, units=16, lr=0.01):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Linear(12, units), nn.ReLU(), nn.Dropout(0.1), nn.Linear(units, 2))

    def training_step(self, batch, batch_idx):
        return nn.functional.cross_entropy(self.net(batch[0]), batch[1])

    def validation_step(self, batch, batch_idx):
        self.log("val_acc", (self.net(batch[0]).argmax(dim=1) == batch[1]).float().mean())

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)


def loader(begin, end, **how):
    return DataLoader(TensorDataset(torch.from_numpy(x[begin:end]), torch.from_numpy(y[begin:end])), **how)


trainer = L.Trainer(max_epochs=3, accelerator="cpu", logger=False, enable_checkpointing=False,
                    enable_progress_bar=False, enable_model_summary=False)
trainer.fit(Classifier(), loader(0, 400, batch_size=32, shuffle=True), loader(400, 600, batch_size=200))
"""

XGBOOST = f"""\
import xgboost as xgb

{DATA}
params = {{"max_depth": 3, "eta": 0.3, "subsample": 0.8, "eval_metric": "error"}}
params["objective"] = "binary:logistic"
train, valid = xgb.DMatrix(x[:400], label=y[:400]), xgb.DMatrix(x[400:], label=y[400:])
booster = xgb.train(params, train, num_boost_round=20, evals=[(valid, "valid")], verbose_eval=False)
print("accuracy:", ((booster.predict(valid) > 0.5) == y[400:]).mean())
"""

SCRIPTS = {
    "torch": ("torch", TORCH, "9"),
    "keras-loop": ("keras", KERAS_LOOP, "9"),
    "lightning": ("lightning", LIGHTNING, "9"),
    "xgboost": ("xgboost", XGBOOST, "160"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_study_that_is_killed_ends_as_though_nothing_had_happened(
    name: str, project: Project, tmp_path: Path
) -> None:
    package, script, most = SCRIPTS[name]
    need_module(package)
    command = ("tune", "train.py", "--trials", "4", "--jobs", "1", "--no-confirm", "--max-epochs", most)
    project.write("train.py", script)
    undisturbed = Project(tmp_path / "undisturbed")
    undisturbed.write("train.py", script)
    assert undisturbed.run(*command).code == 0

    chance = random.Random(3)
    for _ in range(3):
        process = project.start(*command)
        try:
            process.wait(timeout=3.0 + 9.0 * chance.random())
        except subprocess.TimeoutExpired:
            trials = project.trial_processes()
            if chance.random() < 0.5 and trials:
                chance.choice(trials).kill()
            kill(process)
    assert project.run(*command).code == 0
    assert trials_of(project) == trials_of(undisturbed)
    assert any(row["epochs"] not in (None, 0) for row in trials_of(project)), "no epoch was seen"
    for trial, epochs in epochs_trained(project.study()).items():
        numbers = [number for number, _ in epochs]
        assert len(numbers) == len(set(numbers)), f"trial {trial} trained an epoch twice: {epochs}"
