"""Training loops written by hand, small and in the styles people use. The epoch loop is marked ``# epochs``.

Each ends by printing ``HASH`` and a digest of its weights and of all it carried. ``KILL=3`` has the process
killed (signal 9) in the middle of epoch 3.
"""

from __future__ import annotations

import ast
import textwrap


def marked(source: str, file: str = "train.py") -> tuple[tuple[str, int], ...]:
    """Return what a plan says of the loops whose line ends with ``# epochs``."""
    source = textwrap.dedent(source)
    lines = source.splitlines()
    loops = [node for node in ast.walk(ast.parse(source)) if isinstance(node, (ast.For, ast.While))]
    loops.sort(key=lambda node: (node.lineno, node.col_offset))
    numbers = [number for number, node in enumerate(loops) if lines[node.lineno - 1].endswith("# epochs")]
    return tuple((file, number) for number in numbers)


PRELUDE = """
import hashlib, os, random, signal
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

def die(epoch):
    if os.environ.get("KILL") == str(epoch):
        os.kill(os.getpid(), signal.SIGKILL)

def digest(*things):
    total = hashlib.sha256()
    for thing in things:
        if isinstance(thing, dict) and all(isinstance(value, torch.Tensor) for value in thing.values()):
            thing = [(name, value.numpy().tobytes()) for name, value in thing.items()]
        total.update(repr(thing).encode())
    print("HASH", total.hexdigest())

rows = np.random.RandomState(0)
images = rows.rand(96, 1, 8, 8).astype("float32")
labels = (images.sum((1, 2, 3)) * 7 % 3).astype("int64")
data = TensorDataset(torch.from_numpy(images), torch.from_numpy(labels))
"""

CLASSIC = (
    PRELUDE
    + """
import argparse
from torch.optim.lr_scheduler import StepLR

class Noisy(torch.utils.data.Dataset):
    def __len__(self):
        return len(data)
    def __getitem__(self, index):
        x, y = data[index]
        return x + 0.1 * torch.rand(x.shape), y

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.dropout = nn.Dropout(0.5)
        self.fc1 = nn.Linear(36, 3)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm(self.conv1(x))), 2)
        return F.log_softmax(self.fc1(self.dropout(torch.flatten(x, 1))), dim=1)

def train(args, model, loader, optimizer, epoch):
    model.train()
    for batch_idx, (x, y) in enumerate(loader):
        optimizer.zero_grad()
        loss = F.nll_loss(model(x), y)
        loss.backward()
        optimizer.step()
        if batch_idx == 3:
            die(epoch)
        if batch_idx % 2 == 0:
            print("Train Epoch: {} [{}/{} ({:.0f}%)]\\tLoss: {:.6f}".format(
                epoch, batch_idx * len(x), len(loader.dataset), 100. * batch_idx / len(loader), loss.item()))

def test(model, loader):
    model.eval()
    test_loss, correct = 0, 0
    with torch.no_grad():
        for x, y in loader:
            output = model(x)
            test_loss += F.nll_loss(output, y, reduction="sum").item()
            correct += output.argmax(dim=1).eq(y).sum().item()
    test_loss /= len(loader.dataset)
    print("\\nTest set: Average loss: {:.8f}, Accuracy: {}/{} ({:.0f}%)\\n".format(
        test_loss, correct, len(loader.dataset), 100. * correct / len(loader.dataset)))

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--lr", type=float, default=0.05)
    parser.add_argument("--momentum", type=float, default=0.9)
    args = parser.parse_args()
    train_loader = DataLoader(Noisy(), batch_size=16, shuffle=True, num_workers=1)
    test_loader = DataLoader(data, batch_size=48)
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=args.momentum)
    scheduler = StepLR(optimizer, step_size=1, gamma=0.7)
    for epoch in range(1, args.epochs + 1):  # epochs
        train(args, model, train_loader, optimizer, epoch)
        test(model, test_loader)
        scheduler.step()
    digest(model.state_dict(), scheduler.get_last_lr(), epoch, random.random(), np.random.rand())

if __name__ == "__main__":
    main()
"""
)

EVERYTHING = (
    PRELUDE
    + """
import collections, contextlib, copy

torch.manual_seed(5)
log = open("log.csv", "w")
log.write("epoch,loss\\n")

class Meter:
    instances = 0
    def __init__(self):
        Meter.instances += 1
        self.reset()
    def reset(self):
        self.total, self.count = 0.0, 0
    def update(self, value):
        self.total += value
        self.count += 1

class Stopper:
    __slots__ = ("best", "waited", "patience")
    def __init__(self, patience):
        self.best, self.waited, self.patience = None, 0, patience
    def stop(self, value):
        if self.best is None or value < self.best - 0.01:
            self.best, self.waited = value, 0
        else:
            self.waited += 1
        return self.waited > self.patience

class Average:
    def __init__(self, model):
        self.shadow = {name: value.clone() for name, value in model.state_dict().items()}
    def update(self, model):
        for name, value in model.state_dict().items():
            self.shadow[name] = 0.9 * self.shadow[name] + 0.1 * value

def counter():
    calls = 0
    def count():
        nonlocal calls
        calls += 1
        return calls
    return count

def decay(step, cache={}):
    cache.setdefault(step, step * 2)
    return len(cache)

class Trainer:
    def __init__(self, model):
        self.model = model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=0.01, amsgrad=True)
        self.plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(self.optimizer, patience=0, factor=0.5)
        generator = torch.Generator().manual_seed(3)
        self.loader = DataLoader(data, batch_size=32, shuffle=True, generator=generator)
        self.history = collections.defaultdict(list)
        self.recent = collections.deque(maxlen=3)
        self.best = float("inf")
        self.weights = np.zeros(6)
        self.average = Average(model)
        self.meter = Meter()
        self.stopper = Stopper(3)
        self.count = counter()

    def fit(self, epochs):
        best_weights, newest = None, None
        rng = np.random.default_rng()
        for epoch in range(epochs):  # epochs
            if epoch == 2:
                for parameter in self.model[0].parameters():
                    parameter.requires_grad = False
                extra = torch.optim.SGD(self.model[3].parameters(), lr=0.01, momentum=0.5)
                self.extra = extra
            self.meter.reset()
            meter = Meter()
            self.model.train()
            for step, (x, y) in enumerate(self.loader):
                with torch.autocast("cpu", dtype=torch.bfloat16):
                    loss = F.cross_entropy(self.model(x.flatten(1)) + rng.normal(0, 0.01), y)
                loss.backward()
                self.optimizer.step()
                if epoch >= 2:
                    extra.step()
                if step % 2:
                    self.optimizer.zero_grad()
                self.meter.update(loss.item())
                meter.update(random.random())
                if step == 1:
                    die(epoch + 1)
            average = self.meter.total / self.meter.count
            self.plateau.step(average)
            self.average.update(self.model)
            self.history["loss"].append(average)
            self.recent.append(average)
            self.weights[epoch] = average
            newest = self.model.state_dict()
            if average < self.best:
                self.best = average
                best_weights = copy.deepcopy(self.model.state_dict())
            self.count(); decay(epoch)
            log.write("%d,%.9f\\n" % (epoch, average))
            print(f"epoch {epoch + 1}: train loss {average:.9f} lr {self.optimizer.param_groups[0]['lr']}")
            if self.stopper.stop(average):
                break
        weights = self.model.state_dict()
        shared = all(weights[name].data_ptr() == newest[name].data_ptr() for name in weights)
        digest(self.model.state_dict(), best_weights, self.average.shadow, dict(self.history), self.recent,
               self.best, self.weights.tolist(), self.meter.__dict__, meter.__dict__, self.stopper.waited,
               self.count(), decay(99), Meter.instances, average, loss.item(), epoch, rng.random(),
               [p.requires_grad for p in self.model.parameters()], shared,
               self.extra.state_dict()["param_groups"],
               [p.grad for p in self.model.parameters()])

net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 3))
Trainer(net).fit(6)
log.close()
digest(open("log.csv").read())
"""
)

NUMPY = """
import hashlib, os, signal
import numpy as np

def die(epoch):
    if os.environ.get("KILL") == str(epoch):
        os.kill(os.getpid(), signal.SIGKILL)

x = np.random.RandomState(0).rand(60, 4)
y = (x.sum(1) > 2).astype(float)
w = np.random.randn(4)

def step(epoch):
    global w, seen
    for i in np.random.permutation(len(x)):
        w += 0.05 * (y[i] - 1 / (1 + np.exp(-x[i] @ w))) * x[i]
        seen += 1
        if seen % 60 == 30:
            die(epoch)
    return float(np.mean((x @ w > 0) == (y > 0.5)))

seen = 0
"""

END = """
print("HASH", hashlib.sha256(repr((w.tolist(), seen, {carried})).encode()).hexdigest())
"""

WHILE = (
    NUMPY
    + """
epoch, best, waited, history = 0, 0.0, 0, []
while epoch < 8 and waited < 5:  # epochs
    epoch += 1
    accuracy = step(epoch)
    if epoch % 2:
        print("skipped", "accuracy: %.7f" % accuracy)
        continue
    history.append(accuracy)
    best, waited = (accuracy, 0) if accuracy > best else (best, waited + 1)
    print("accuracy: %.7f" % accuracy)
else:
    history.append("else")
"""
    + END.format(carried="epoch, best, waited, history, accuracy")
)

FOREVER = (
    NUMPY
    + """
def main(epochs):
    global last
    epoch = 0
    scores = {}
    while True:  # epochs
        if epoch >= epochs:
            break
        scores[epoch] = step(epoch + 1)
        last = scores[epoch]
        print(f"Epoch {epoch + 1}/{epochs} - val_acc={last:.7f}")
        epoch += 1
    return epoch, scores

result = main(5)
"""
    + END.format(carried="result, last")
)

BAR = (
    NUMPY
    + """
from tqdm import tqdm
last = None
def main():
    global last
    best = 0
    bar = tqdm(enumerate([0.1, 0.2, 0.3, 0.4]), total=4)
    for number, (index, rate) in zip(range(10), bar):  # epochs
        last = step(number + 1)
        if last > best:
            best, at = last, number
        bar.set_postfix(acc=last)
        tqdm.write("test accuracy %.7f" % last)
        if "extra" not in dir():
            pass
        extra = rate
    return best, at, index, rate, number
result = main()
"""
    + END.format(carried="result, last")
)

TAPE = """
import hashlib, os, signal
import numpy as np
import keras
import tensorflow as tf

def die(epoch):
    if os.environ.get("KILL") == str(epoch):
        os.kill(os.getpid(), signal.SIGKILL)

rows = np.random.RandomState(0)
x = rows.rand(64, 8).astype("float32")
y = (x.sum(1) * 3 % 3).astype("int64")
feed = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(64).batch(16)

model = keras.Sequential([
    keras.layers.Dense(16, activation="relu"), keras.layers.Dropout(0.4), keras.layers.BatchNormalization(),
    keras.layers.Dense(3),
])
optimizer = keras.optimizers.Adam(0.01)
loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
train_accuracy = keras.metrics.SparseCategoricalAccuracy()
temperature = tf.Variable(1.0)

@tf.function
def train_step(images, labels):
    with tf.GradientTape() as tape:
        logits = model(images, training=True)
        loss = loss_of(labels, logits / temperature)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    train_accuracy.update_state(labels, logits)
    return loss

best = 0.0
for epoch in range(4):  # epochs
    train_accuracy.reset_state()
    for step, (images, labels) in enumerate(feed):
        loss = train_step(images, labels)
        if step == 2:
            die(epoch + 1)
    temperature.assign(temperature * 1.1)
    best = max(best, float(train_accuracy.result()))
    print("Epoch %d, training loss: %.9f" % (epoch + 1, loss), end=", ")
    print("training accuracy: %.9f" % train_accuracy.result())

total = hashlib.sha256(repr((best, float(temperature), float(loss), np.random.rand())).encode())
for variable in model.variables + optimizer.variables:
    total.update(np.array(variable).tobytes())
print("HASH", total.hexdigest())
"""
