"""Scripts that keep their values in configuration files, one for each format."""

from __future__ import annotations

from pathlib import Path

from pushtune.rewrite import Rewriter
from pushtune.source import load_script

BODY = """
keras.utils.set_random_seed(config["seed"])
model = keras.Sequential([
    keras.layers.Dense(config["model"]["units"], activation=config["model"]["activation"]),
    keras.layers.Dropout(config["model"]["rates"][0]),
    keras.layers.Dense(10),
])
model.compile(keras.optimizers.Adam(float(config["train"]["lr"])), "mse")
model.fit(x, y, epochs=config["train"]["epochs"], batch_size=config["train"].get("batch_size", 64))
"""

YAML = """# what the model is: größe 😀
model:
  units: 64        # wide
  activation: 'relu'
  rates: [0.25, 0.5]
train: {lr: 1e-3, epochs: 5, batch_size: 32}
seed: 42
note: "64"
"""

JSON = """{
  "model": {"units": 64, "activation": "relu", "rates": [0.25, 0.5]},
  "größe": "😀 \\" 64",
  "train": {"lr": 1e-3,
            "epochs": 5, "batch_size": 32}, "seed": 42}
"""

TOML = '''seed = 42
note = """
units = 64
[model]
"""

[model]
units = 64  # größe 😀
activation = 'relu'
rates = [0.25, 0.5]

[train]
lr = 1e-3
"epochs" = 5
batch_size = 32
'''

LOADS = {
    "yaml": 'import yaml, keras\nwith open("config.yaml") as f:\n    config = yaml.safe_load(f)\n',
    "json": 'import json, keras\nconfig = json.load(open("config.json"))\n',
    "toml": "import tomllib, keras\nfrom pathlib import Path\n"
    'config = tomllib.loads((Path(__file__).parent / "config.toml").read_text())\n',
}
FILES = {"yaml": YAML, "json": JSON, "toml": TOML}


def configured(folder: Path, form: str, text: str | None = None, script: str = "") -> Rewriter:
    """Write a script with its configuration below ``folder``, and read it."""
    body = FILES[form] if text is None else text
    (folder / f"config.{form}").write_text(body, encoding="utf-8", newline="")
    (folder / "train.py").write_text(script or LOADS[form] + BODY)
    return Rewriter(load_script(folder / "train.py"))
