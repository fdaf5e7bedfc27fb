"""PyTorch training scripts in many styles. Each makes `model`, and `INPUTS` tells what that takes."""

from __future__ import annotations

HEAD = """import argparse
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim
from collections import OrderedDict
"""

CLASSIC = (
    HEAD
    + """
class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, 1)
        self.conv2 = nn.Conv2d(16, 24, kernel_size=3)
        self.drop = nn.Dropout(0.25)
        self.fc1 = nn.Linear(3456, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = torch.flatten(self.drop(x), 1)
        x = F.dropout(F.relu(self.fc1(x)), 0.5, self.training)
        return F.log_softmax(self.fc2(x), dim=1)

model = Net()
optimizer = optim.SGD(model.parameters(), lr=0.01)
"""
)

VIEWED = (
    HEAD
    + """
class Net(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.layer1 = nn.Sequential(
            nn.Conv2d(1, 8, kernel_size=5, stride=1, padding=2),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.MaxPool2d(2))
        self.layer2 = nn.Sequential(
            nn.Conv2d(8, 16, kernel_size=5, padding=2), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2))
        self.fc1 = nn.Linear(7 * 7 * 16, 32)
        self.fc2 = nn.Linear(32, num_classes)

    def forward(self, x):
        x = self.layer2(self.layer1(x))
        x = x.view(-1, 16 * 7 * 7)
        return self.fc2(self.fc1(x))

model = Net()
"""
)

SEQUENTIAL = (
    HEAD
    + """
HIDDEN = 40
model = nn.Sequential(OrderedDict([
    ('flat', nn.Flatten()),
    ('in', nn.Linear(784, HIDDEN)), ('relu', nn.ReLU()),
    ('mid', nn.Linear(40, 30)),
    ('norm', nn.BatchNorm1d(30)),
    ('out', nn.Linear(30, 10)),
]))
"""
)

LOOPED = (
    HEAD
    + """
parser = argparse.ArgumentParser()
parser.add_argument('--width', type=int, default=24)
parser.add_argument('--depth', type=int, default=2)
args = parser.parse_args([])

class Net(nn.Module):
    def __init__(self, width, depth, classes):
        super().__init__()
        layers = [nn.Flatten(), nn.Linear(784, width), nn.ReLU()]
        for _ in range(depth):
            layers += [nn.Linear(width, width), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.heads = nn.ModuleList([nn.Linear(width, 12) for _ in range(2)])
        self.out = nn.Linear(24, classes)

    def forward(self, x):
        x = self.body(x)
        return self.out(torch.cat([head(x) for head in self.heads], dim=1))

model = Net(args.width, args.depth, classes=10)
"""
)

RESIDUAL = (
    HEAD
    + """
class Block(nn.Module):
    def __init__(self, in_ch, out_ch, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_ch, out_ch, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_ch)
        self.conv2 = nn.Conv2d(out_ch, out_ch, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_ch)
        self.skip = nn.Sequential()
        if stride != 1 or in_ch != out_ch:
            self.skip = nn.Sequential(nn.Conv2d(in_ch, out_ch, 1, stride=stride), nn.BatchNorm2d(out_ch))

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.skip(x)
        return F.relu(out)

class ResNet(nn.Module):
    def __init__(self, block, counts):
        super().__init__()
        self.in_ch = 8
        self.stem = nn.Conv2d(1, 8, 3, padding=1)
        self.layer1 = self._make(block, 8, counts[0], 1)
        self.layer2 = self._make(block, 16, counts[1], 2)
        self.fc = nn.Linear(16, 10)

    def _make(self, block, ch, count, stride):
        layers = []
        for step in [stride] + [1] * (count - 1):
            layers.append(block(self.in_ch, ch, step))
            self.in_ch = ch
        return nn.Sequential(*layers)

    def forward(self, x):
        x = self.layer2(self.layer1(self.stem(x)))
        x = F.adaptive_avg_pool2d(x, 1)
        return self.fc(x.view(x.size(0), -1))

def build():
    return ResNet(Block, [2, 1])

model = build()
"""
)

RECURRENT = (
    HEAD
    + """
class Tagger(nn.Module):
    def __init__(self, vocab_size, embed_dim, hidden_size, num_layers, num_classes):
        super().__init__()
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.embed = nn.Embedding(vocab_size, embed_dim)
        self.lstm = nn.LSTM(embed_dim, hidden_size, num_layers, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(hidden_size * 2, num_classes)

    def forward(self, x):
        h0 = torch.zeros(self.num_layers * 2, x.size(0), self.hidden_size)
        c0 = torch.zeros(self.num_layers * 2, x.size(0), self.hidden_size)
        out, _ = self.lstm(self.embed(x), (h0, c0))
        return self.fc(out[:, -1, :])

vocab_size, num_classes = 100, 5
embed_dim = 12
hidden_size = 20
num_layers = 2
model = Tagger(vocab_size, embed_dim, hidden_size, num_layers, num_classes)
"""
)

TRANSFORMER = (
    HEAD
    + """
class Encoder(nn.Module):
    def __init__(self, vocab, d_model=32, nhead=4, depth=2, classes=3):
        super().__init__()
        self.embed = nn.Embedding(vocab, d_model)
        self.position = nn.Parameter(torch.zeros(1, 50, d_model))
        layer = nn.TransformerEncoderLayer(d_model, nhead, dim_feedforward=64, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=depth)
        self.attend = nn.MultiheadAttention(d_model, nhead, batch_first=True)
        self.head = nn.Linear(d_model, classes)

    def forward(self, x):
        x = self.embed(x) + self.position[:, : x.size(1)]
        x = self.encoder(x)
        x, _ = self.attend(x, x, x)
        return self.head(x.mean(dim=1))

model = Encoder(100)
"""
)

ATTENTION = (
    HEAD
    + """
from dataclasses import dataclass

@dataclass
class Config:
    n_embd: int = 24
    n_head: int = 3
    vocab: int = 100

class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        assert config.n_embd % config.n_head == 0
        self.qkv = nn.Linear(config.n_embd, 3 * config.n_embd)
        self.proj = nn.Linear(config.n_embd, config.n_embd)
        self.n_head = config.n_head
        self.n_embd = config.n_embd

    def forward(self, x):
        B, T, C = x.size()
        q, k, v = self.qkv(x).split(self.n_embd, dim=2)
        k = k.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
        q = q.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
        v = v.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
        att = F.softmax(q @ k.transpose(-2, -1), dim=-1)
        y = (att @ v).transpose(1, 2).contiguous().view(B, T, C)
        return self.proj(y)

class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.parts = nn.ModuleDict(dict(
            wte=nn.Embedding(config.vocab, config.n_embd),
            h=nn.ModuleList([Attention(config) for _ in range(2)]),
            ln=nn.LayerNorm(config.n_embd),
        ))
        self.head = nn.Linear(config.n_embd, config.vocab, bias=False)
        self.parts.wte.weight = self.head.weight

    def forward(self, idx):
        x = self.parts.wte(idx)
        for block in self.parts.h:
            x = x + block(x)
        return self.head(self.parts.ln(x))

model = GPT(Config())
"""
)

VARIATIONAL = (
    HEAD
    + """
class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 60)
        self.fc21 = nn.Linear(60, 8)
        self.fc22 = nn.Linear(60, 8)
        self.fc3 = nn.Linear(8, 60)
        self.fc4 = nn.Linear(60, 784)

    def encode(self, x):
        h = F.relu(self.fc1(x))
        return self.fc21(h), self.fc22(h)

    def decode(self, z):
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))

    def forward(self, x):
        mu, logvar = self.encode(x.view(-1, 784))
        std = torch.exp(0.5 * logvar)
        return self.decode(mu + torch.randn_like(std) * std), mu, logvar

model = VAE()
sample = torch.randn(64, 8)
sample = model.decode(sample).cpu()
"""
)

AUTOENCODER = (
    HEAD
    + """
class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2, padding=1))
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(16, 8, 3, stride=2, padding=1, output_padding=1), nn.ReLU(),
            nn.ConvTranspose2d(8, 1, 3, stride=2, padding=1, output_padding=1), nn.Sigmoid())

    def forward(self, x):
        return self.decoder(self.encoder(x))

model = Autoencoder()
"""
)

STACKED = (
    HEAD
    + """
model = nn.Sequential(
    nn.Flatten(),
    nn.Linear(784, 32),
    nn.BatchNorm1d(32),
    nn.ReLU(),  # first
    nn.Linear(32, 16), nn.LeakyReLU(0.1), nn.Linear(16, 10), nn.Softmax(dim=1)
)
"""
)

IMAGE, TOKENS = "torch.randn(2, 1, 28, 28)", "torch.randint(0, 100, (2, 7))"
TABLED = (
    HEAD
    + """
widths = {"small": [8, "M", 16, "M"], "large": [8, 8, "M", 16, 24, "M"]}

class Net(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.features = features
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Linear(24, 40), nn.ReLU(), nn.Linear(40, 10))

    def forward(self, x):
        x = self.pool(self.features(x))
        return self.classifier(x.view(x.size(0), -1))

def make_layers(widths):
    layers = []
    last = 1
    for width in widths:
        if width == "M":
            layers += [nn.MaxPool2d(kernel_size=2, stride=2)]
            continue
        layers += [nn.Conv2d(last, width, kernel_size=3, padding=1), nn.ReLU(inplace=True)]
        last = width
    return nn.Sequential(*layers)

model = Net(make_layers(widths["large"]))
optimizer = optim.SGD(model.parameters(), lr=0.01)
"""
)

INPUTS = {
    "classic": (CLASSIC, IMAGE),
    "viewed": (VIEWED, IMAGE),
    "sequential": (SEQUENTIAL, IMAGE),
    "looped": (LOOPED, IMAGE),
    "residual": (RESIDUAL, IMAGE),
    "recurrent": (RECURRENT, TOKENS),
    "transformer": (TRANSFORMER, TOKENS),
    "attention": (ATTENTION, TOKENS),
    "variational": (VARIATIONAL, IMAGE),
    "autoencoder": (AUTOENCODER, IMAGE),
    "stacked": (STACKED, IMAGE),
    "tabled": (TABLED, IMAGE),
}
"""Each sample with what its model takes."""
