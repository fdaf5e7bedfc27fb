"""Training scripts that know nothing of the probe, for the tests of the Lightning hooks.

Each trains a tiny model on made-up data and prints, last of all, ``HASH`` and a digest of its final weights
and of what it and its callbacks remember. ``KILL=fit:epoch:batch`` in the environment (numbers from 1, 0, 0)
makes the process kill itself there, as ``kill -9`` would; ``EPOCHS`` sets ``max_epochs``.
"""

_HEAD = """
import glob, hashlib, os, random, warnings
warnings.filterwarnings("ignore")
import numpy as np
import torch
import lightning as L
from lightning.pytorch.callbacks import Callback, EarlyStopping, LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

EPOCHS = int(os.environ.get("EPOCHS", "5"))
L.seed_everything(1)
made = torch.Generator().manual_seed(0)
x = torch.randn(96, 1, 8, 8, generator=made)
y = (x.mean(dim=(1, 2, 3)) > 0).long()

class Killed(Callback):
    fits = 0
    def on_fit_start(self, trainer, module):
        Killed.fits += 1
    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        if os.environ.get("KILL") == "%d:%d:%d" % (self.fits, trainer.current_epoch, batch_idx):
            os.kill(os.getpid(), 9)

def digest(module, *facts):
    weights = b"".join(tensor.numpy().tobytes() for tensor in module.state_dict().values())
    return hashlib.sha256(weights + repr(facts).encode()).hexdigest()[:16]

def files(*patterns):
    paths = sorted(path for pattern in patterns for path in glob.glob(pattern, recursive=True))
    return [(path, open(path, "rb").read() if path.endswith(".csv") else b"") for path in paths]
"""

FULL = (
    _HEAD
    + """
seen = []

class Noisy(Dataset):
    def __init__(self):
        self.random = np.random.default_rng(3)
    def __len__(self):
        return len(x)
    def __getitem__(self, index):
        return x[index] + 0.1 * float(self.random.normal()), y[index]

class Net(L.LightningModule):
    def __init__(self, width=6, lr=0.01):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(
            nn.Conv2d(1, width, 3), nn.BatchNorm2d(width), nn.ReLU(), nn.Flatten(), nn.Dropout(0.3),
            nn.Linear(width * 36, 2),
        )
        self.outputs, self.best = [], None
    def training_step(self, batch, index):
        loss = nn.functional.cross_entropy(self.net(batch[0]), batch[1])
        self.log("train_loss", loss, on_step=True, on_epoch=True, prog_bar=True)
        return loss
    def validation_step(self, batch, index):
        out = self.net(batch[0])
        self.log("val_loss", nn.functional.cross_entropy(out, batch[1]))
        self.log("accuracy", (out.argmax(1) == batch[1]).float().mean(), prog_bar=True)
    def test_step(self, batch, index):
        self.log("test_acc", (self.net(batch[0]).argmax(1) == batch[1]).float().mean())
    def on_train_epoch_end(self):
        value = float(self.trainer.callback_metrics["train_loss"])
        self.outputs.append(value + random.random() + float(np.random.rand()))
        self.best = value if self.best is None else min(self.best, value)
        seen.append(self.current_epoch)
    def configure_optimizers(self):
        optimizer = torch.optim.Adam(self.parameters(), lr=self.hparams.lr)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.5)]

train = DataLoader(Noisy(), batch_size=16, shuffle=True, generator=torch.Generator().manual_seed(5))
val = DataLoader(TensorDataset(x[:32], y[:32]), batch_size=16)
best = ModelCheckpoint(monitor="val_loss", save_top_k=2, save_last=True)
stopping = EarlyStopping("val_loss", patience=2, min_delta=0.02)
trainer = L.Trainer(
    max_epochs=EPOCHS, accelerator="cpu", callbacks=[best, stopping, LearningRateMonitor(), Killed()],
    logger=CSVLogger(os.path.abspath("logs")), log_every_n_steps=2, gradient_clip_val=1.0,
    enable_model_summary=False,
)
net = Net()
trainer.fit(net, train, val)
tested = trainer.test(net, val, verbose=False)
print("HASH", digest(
    net, net.outputs, net.best, seen, stopping.wait_count, stopping.stopped_epoch,
    os.path.relpath(best.best_model_path),
    float(best.best_model_score), sorted(map(os.path.basename, best.best_k_models)), tested,
    trainer.current_epoch, trainer.global_step, sorted(trainer.logged_metrics.items()), torch.rand(2),
    random.random(),
    trainer.max_epochs, files("logs/**/*"),
))
"""
)
"""Dropout, batch norm, a noisy data set, shuffling, a schedule, early stopping, checkpoints, a logger."""

ODD = (
    _HEAD.replace("import lightning as L", "import pytorch_lightning as L").replace(
        "lightning.pytorch.", "pytorch_lightning."
    )
    + """
class Plain(L.LightningModule):
    def __init__(self, lr=0.05):
        super().__init__()
        self.automatic_optimization = False
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.Dropout(0.2), nn.Linear(8, 2))
        self.lr = lr
        self.steps = 0
    def training_step(self, batch, index):
        first, second = self.optimizers()
        loss = nn.functional.cross_entropy(self.net(batch[0]), batch[1])
        self.manual_backward(loss)
        if self.steps % 4 == 3:  # what has been summed up goes over the end of an epoch
            for optimizer in (first, second):
                optimizer.step()
                optimizer.zero_grad()
        self.steps += 1
    def configure_optimizers(self):
        return (torch.optim.SGD(self.net[1].parameters(), lr=self.lr, momentum=0.9),
                torch.optim.Adam(self.net[3].parameters(), lr=self.lr))

class Data(L.LightningDataModule):
    def train_dataloader(self):
        return DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True)

net = Plain()
def trainer():
    return L.Trainer(
        max_epochs=EPOCHS, accelerator="cpu", logger=False, enable_checkpointing=False, callbacks=[Killed()],
        enable_progress_bar=False, enable_model_summary=False,
    )
first = trainer()
first.fit(net, datamodule=Data())
second = trainer()
second.fit(net, datamodule=Data())
print("HASH", digest(net, net.steps, first.max_epochs, second.current_epoch, torch.rand(2)))
"""
)
"""Optimization by hand with two optimizers, nothing logged, nothing saved, and a second fit."""

GROWING = (
    _HEAD
    + """
class Growing(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
        self.more = nn.ModuleList()
    def on_train_epoch_start(self):
        self.more.append(nn.Linear(2, 2))
    def training_step(self, batch, index):
        return nn.functional.cross_entropy(self.net(batch[0]), batch[1])
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.01)

L.Trainer(max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False).fit(
    Growing(), DataLoader(TensorDataset(x, y), batch_size=32)
)
"""
)
"""A model that another process would have to let grow before anything could be put back into it."""
