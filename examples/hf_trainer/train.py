"""Find the days in made-up diary lines: a tiny BERT, made from its configuration, labels each token."""

import random

import numpy as np
import torch
from transformers import BertConfig, BertForTokenClassification, Trainer, TrainingArguments

DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
MONTHS = ["march", "april", "may", "june", "august"]
VERBS = ["met", "called", "may", "saw", "march", "paid", "asked", "visited"]
NAMES = ["anna", "april", "jonas", "june", "mila", "august", "tom", "friday"]
FILLERS = ["and", "then", "with", "the", "a", "again", "home", "late"]
WORDS = sorted({"[PAD]", "on", "in", "last", *DAYS, *MONTHS, *VERBS, *NAMES, *FILLERS})
NUMBER = {word: number for number, word in enumerate(WORDS)}
LABELS = ["other", "day", "month", "name"]
LENGTH = 16


def diary_line(chance):
    """Return tokens and their labels: the same word is a month, a name or a verb by what stands around it."""
    tokens, labels = [], []
    while len(tokens) < LENGTH - 3:
        kind = chance.random()
        if kind < 0.25:
            tokens += ["on", chance.choice(DAYS)]
            labels += [0, 1]
        elif kind < 0.45:
            tokens += [chance.choice(["in", "last"]), chance.choice(MONTHS)]
            labels += [0, 2]
        elif kind < 0.75:
            tokens += [chance.choice(NAMES), chance.choice(VERBS)]
            labels += [3, 0]
        else:
            tokens += [chance.choice(FILLERS)]
            labels += [0]
    return tokens, labels


class Diary(torch.utils.data.Dataset):
    def __init__(self, count, seed):
        chance = random.Random(seed)
        self.lines = [diary_line(chance) for _ in range(count)]

    def __len__(self):
        return len(self.lines)

    def __getitem__(self, index):
        tokens, labels = self.lines[index]
        padding = LENGTH - len(tokens)
        return {
            "input_ids": torch.tensor([NUMBER[token] for token in tokens] + [NUMBER["[PAD]"]] * padding),
            "attention_mask": torch.tensor([1] * len(tokens) + [0] * padding),
            "labels": torch.tensor(labels + [-100] * padding),
        }


def compute_metrics(prediction):
    found = np.argmax(prediction.predictions, axis=-1)
    real = prediction.label_ids != -100
    return {"accuracy": float((found == prediction.label_ids)[real].mean())}


config = BertConfig(
    vocab_size=len(WORDS),
    hidden_size=32,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=32,
    max_position_embeddings=LENGTH,
    num_labels=len(LABELS),
    hidden_dropout_prob=0.1,
)

arguments = TrainingArguments(
    output_dir="checkpoints",
    num_train_epochs=4,
    per_device_train_batch_size=16,
    per_device_eval_batch_size=64,
    learning_rate=5e-4,
    weight_decay=0.01,
    eval_strategy="epoch",
    save_strategy="no",
    logging_strategy="epoch",
    report_to="none",
    use_cpu=True,
    disable_tqdm=True,
)

trainer = Trainer(
    model=BertForTokenClassification(config),
    args=arguments,
    train_dataset=Diary(400, seed=1),
    eval_dataset=Diary(200, seed=2),
    compute_metrics=compute_metrics,
)
trainer.train()
print("Test accuracy:", trainer.evaluate(Diary(400, seed=3))["eval_accuracy"])
