"""Training loops written by hand, small and in the styles people use. The epoch loop is marked ``# epochs``.

Each ends by printing ``HASH`` and a digest of its weights and of all it carried. ``KILL=3`` has the process
killed (signal 9) in the middle of epoch 3.
"""

from __future__ import annotations

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
        if isinstance(thing, dict):
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
    train_loader = DataLoader(data, batch_size=16, shuffle=True)
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
