"""Training scripts that know nothing of the probe, for the tests of the Hugging Face hooks.

Each trains a tiny transformer, made from a configuration, on made-up tokens, and prints, last of all,
``HASH`` and a digest. ``KILL=step`` in the environment makes the process kill itself before that step.
"""

FULL = """
import hashlib, os, random, sys, warnings
warnings.filterwarnings("ignore")
import numpy as np
import torch
from transformers import (
    BertConfig, BertForSequenceClassification, EarlyStoppingCallback, Trainer, TrainerCallback,
    TrainingArguments,
)

class Tokens(torch.utils.data.Dataset):
    def __init__(self, count, seed):
        made = torch.Generator().manual_seed(seed)
        self.ids = torch.randint(1, 30, (count, 8), generator=made)
        self.labels = (self.ids.sum(1) > 124).long()
    def __len__(self):
        return len(self.ids)
    def __getitem__(self, index):
        return {"input_ids": self.ids[index], "labels": self.labels[index]}

class Watching(TrainerCallback):
    def __init__(self):
        self.drawn, self.epochs = [], 0
    def on_step_begin(self, args, state, control, **kwargs):
        if os.environ.get("KILL") == str(state.global_step):
            os.kill(os.getpid(), 9)
    def on_epoch_begin(self, args, state, control, **kwargs):
        self.epochs += 1
    def on_epoch_end(self, args, state, control, **kwargs):
        self.drawn.append(random.random() + float(np.random.rand()))

def accuracy(prediction):
    return {"accuracy": float((prediction.predictions.argmax(-1) == prediction.label_ids).mean())}

torch.manual_seed(1)
config = BertConfig(
    vocab_size=30, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
    max_position_embeddings=16, num_labels=2,
)
args = TrainingArguments(
    output_dir=os.path.abspath("out"), num_train_epochs=float(os.environ.get("EPOCHS", "4")),
    per_device_train_batch_size=16,
    learning_rate=5e-3, eval_strategy="epoch", save_strategy="epoch", save_total_limit=2, logging_steps=5,
    load_best_model_at_end=True, metric_for_best_model="accuracy", warmup_steps=3, report_to=[],
    lr_scheduler_type="constant_with_warmup", disable_tqdm=True, use_cpu=True,
)
watching = Watching()
trainer = Trainer(
    model=BertForSequenceClassification(config), args=args, train_dataset=Tokens(72, 0),
    eval_dataset=Tokens(32, 1), compute_metrics=accuracy, callbacks=[watching, EarlyStoppingCallback(3)],
)
result = trainer.train()
measured = trainer.evaluate()
trainer.predict(Tokens(32, 2))
kept = ("loss", "eval_loss", "eval_accuracy", "learning_rate", "grad_norm", "epoch", "step")
history = [{k: v for k, v in row.items() if k in kept} for row in trainer.state.log_history]
weights = b"".join(tensor.numpy().tobytes() for tensor in trainer.model.state_dict().values())
facts = (
    history, result.training_loss, result.global_step, measured["eval_accuracy"], watching.drawn,
    watching.epochs, sorted(os.listdir("out")), trainer.state.best_metric,
    os.path.relpath(trainer.state.best_model_checkpoint),
    trainer.state.max_steps, trainer.state.num_train_epochs, torch.rand(2), random.random(),
)
print("HASH", hashlib.sha256(weights + repr(facts).encode()).hexdigest()[:16])
if os.environ.get("SHOW"):
    print(facts)
"""
"""Dropout, shuffling, warm-up, evaluation and saving each epoch, the best model, early stopping."""
