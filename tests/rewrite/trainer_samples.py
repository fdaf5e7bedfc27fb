"""Scripts that train with Lightning and with the Hugging Face trainer, for the tests of the rewriter."""

LIGHTNING = """import torch
import pytorch_lightning as pl
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint
from torch import nn
from torch.utils.data import DataLoader

BATCH = 64
pl.seed_everything(7)

class Net(pl.LightningModule):
    def __init__(self, width=32, lr=2e-3):
        super().__init__()
        self.save_hyperparameters()
        self.layers = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Dropout(0.1), nn.Linear(width, 10))

    def training_step(self, batch, batch_idx):
        loss = nn.functional.cross_entropy(self.layers(batch[0]), batch[1])
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self):
        optimizer = torch.optim.Adam(self.parameters(), lr=self.hparams.lr)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.5)]

    def train_dataloader(self):
        return DataLoader(numbers(), batch_size=BATCH, num_workers=4)

trainer = pl.Trainer(
    max_epochs=4,
    devices=1,
    gradient_clip_val=0.5,
    callbacks=[EarlyStopping("val_loss", patience=3), ModelCheckpoint(save_top_k=2)],
)
trainer.fit(Net())
"""

CLI = """import torch
from lightning.pytorch import LightningDataModule, LightningModule
from lightning.pytorch.cli import LightningCLI
from torch.utils.data import DataLoader

class Net(LightningModule):
    def __init__(self, lr: float = 0.002):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(20, 3)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)

class Data(LightningDataModule):
    def __init__(self, batch_size: int = 16):
        super().__init__()
        self.batch_size = batch_size

    def train_dataloader(self):
        return DataLoader(numbers(), batch_size=self.batch_size)

def main():
    cli = LightningCLI(Net, Data, run=False)
    cli.trainer.fit(cli.model, datamodule=cli.datamodule)

main()
"""

HUGGING_FACE = """from transformers import AutoModelForSequenceClassification, EarlyStoppingCallback
from transformers import Trainer, TrainingArguments

EPOCHS = 3
batch = 16
model = AutoModelForSequenceClassification.from_pretrained("some-model", num_labels=2)

arguments = TrainingArguments(
    "out",
    evaluation_strategy="epoch",
    per_device_train_batch_size=batch,
    per_device_eval_batch_size=batch,
    num_train_epochs=EPOCHS,
    warmup_ratio=0.1,
    logging_steps=50,
    seed=3,
)
trainer = Trainer(
    model=model, args=arguments, train_dataset=train, eval_dataset=test,
    callbacks=[EarlyStoppingCallback(early_stopping_patience=2)],
)
trainer.train()
print(trainer.evaluate())
"""

SAMPLES = {"lightning": LIGHTNING, "cli": CLI, "hugging_face": HUGGING_FACE}
