"""Values in YAML, JSON and TOML files are knobs, and edited where they stand in the file."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from config_scripts import BODY, FILES, LOADS, TOML, YAML, configured
from rewriting import knob, knobs

from pushtune.model.space import Assignment, Value
from pushtune.pipeline.naming import study_key
from pushtune.rewrite import Rewriter
from pushtune.settings import load_settings
from pushtune.source import load_script


def config_knobs(found: Rewriter) -> dict[str, Value]:
    return {item.name: item.value for item in found.discovery.knobs if item.style == "config"}


def config_after(found: Rewriter, values: dict[str, Value]) -> str:
    return found.apply(Assignment.of(values)).files[-1].data.decode()


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("yaml", YAML.replace("model:", "base: &x {a: 1}\nother: *x\nmodel:")),
        ("yaml", YAML + "---\nmore: 1\n"),
        ("yaml", YAML + "seed: 43\n"),
        ("yaml", YAML + "  broken: [\n"),
        ("yaml", YAML + "# " + "x" * 300_000 + "\n"),
        ("yaml", "- 64\n- 32\n"),
        ("yaml", "\ufeff" + YAML),
        ("yaml", YAML + "when: !!python/object:os.system {}\n"),
        ("json", FILES["json"].replace("seed", "model")),
        ("json", FILES["json"] + "// more"),
        ("toml", TOML + "[broken"),
    ],
)
def test_a_file_that_is_not_plain_is_declined(tmp_path: Path, form: str, text: str) -> None:
    found = configured(tmp_path, form, text)
    assert config_knobs(found) == {}
    assert [file.path for file in found.script.files] == ["train.py"]


@pytest.mark.parametrize(
    "load",
    [
        'config = yaml.safe_load(open("../config.yaml"))',
        'config = yaml.safe_load(open("/etc/config.yaml"))',
        'config = yaml.safe_load(open("missing.yaml"))',
        "config = yaml.safe_load(open(input()))",
        'config = yaml.safe_load(open("config.yaml"))\nopen("config.yaml", "w").write("")',
        'config = yaml.safe_load(open("a.yaml" if x else "config.yaml"))',
        'config = mine.load(open("config.yaml"))',
    ],
)
def test_a_file_that_cannot_be_told_is_left_alone(tmp_path: Path, load: str) -> None:
    found = configured(tmp_path, "yaml", YAML, f"import yaml, keras\n{load}\n{BODY}")
    assert config_knobs(found) == {}
    assert [file.path for file in found.script.files] == ["train.py"]


@pytest.mark.parametrize("form", FILES)
def test_the_values_that_training_reads_are_knobs_and_the_seed_is_not(tmp_path: Path, form: str) -> None:
    found = configured(tmp_path, form)
    read = {
        "config.model.units": 64,
        "config.model.activation": "relu",
        "config.train.lr": 0.001,
        "config.train.epochs": 5,
        "config.train.batch_size": 32,
    }
    rates = {} if form == "toml" else {"config.model.rates_0": 0.25}
    assert {name: value for name, value in config_knobs(found).items() if "rates" not in name} == read
    assert 42 not in knobs(found).values()
    assert len(config_knobs(found)) == len(read) + len(rates)


@pytest.mark.parametrize(
    ("form", "old", "new"),
    [
        ("yaml", "units: 64        # wide", "units: 96        # wide"),
        ("json", '"units": 64,', '"units": 96,'),
        ("toml", "units = 64  # größe", "units = 96  # größe"),
    ],
)
def test_the_value_alone_is_edited(tmp_path: Path, form: str, old: str, new: str) -> None:
    found = configured(tmp_path, form)
    assert config_after(found, {"config.model.units": 96}) == FILES[form].replace(old, new)


@pytest.mark.parametrize(
    ("form", "name", "value", "line"),
    [
        ("yaml", "config.model.activation", "tanh", "  activation: 'tanh'"),
        ("yaml", "config.train.lr", 1e-05, "train: {lr: 1.0e-05, epochs: 5, batch_size: 32}"),
        ("json", "config.train.lr", 1e-05, '  "train": {"lr": 1e-05,'),
        ("toml", "config.model.activation", "tanh", "activation = 'tanh'"),
        ("toml", "config.train.lr", 1e-05, "lr = 1e-05"),
    ],
)
def test_a_value_is_written_as_the_format_writes_it(
    tmp_path: Path, form: str, name: str, value: Value, line: str
) -> None:
    assert line in config_after(configured(tmp_path, form), {name: value}).split("\n")


def test_line_ends_stay_as_they_are(tmp_path: Path) -> None:
    text = YAML.replace("\n", "\r\n")
    found = configured(tmp_path, "yaml", text)
    assert config_after(found, {"config.model.units": 96}) == text.replace("units: 64", "units: 96")


@pytest.mark.parametrize("form", FILES)
def test_the_patch_holds_the_file_and_git_accepts_it(tmp_path: Path, form: str) -> None:
    found = configured(tmp_path, form)
    candidate = found.apply(Assignment.of({"config.model.units": 96, "config.train.epochs": 7}))
    assert f"--- a/config.{form}\n" in candidate.diff
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=candidate.diff.encode(), check=True)
    assert (tmp_path / f"config.{form}").read_bytes() == candidate.files[-1].data


def test_another_configuration_is_another_study(tmp_path: Path) -> None:
    first = configured(tmp_path, "yaml").script
    second = configured(tmp_path, "yaml", YAML.replace("seed: 42", "seed: 43")).script
    settings = load_settings({}, root=tmp_path, environ={})
    assert study_key(first, settings) != study_key(second, settings)


@pytest.mark.parametrize(
    "load",
    [
        "from omegaconf import OmegaConf\nconfig = OmegaConf.load('config.yaml')\n",
        "import yaml\nconfig = yaml.load(open('config.yaml'), Loader=yaml.FullLoader)\n",
        "import os, yaml\nHERE = os.path.dirname(os.path.abspath(__file__))\n"
        "with open(os.path.join(HERE, 'config.yaml')) as f:\n    config = yaml.safe_load(f.read())\n",
        "import argparse, yaml\np = argparse.ArgumentParser()\n"
        "p.add_argument('--config', default='config.yaml')\n"
        "args = p.parse_args()\nconfig = yaml.safe_load(open(args.config, 'r'))\n",
        "import yaml\ndef read(path):\n    with open(path) as f:\n        return yaml.safe_load(f)\n"
        "config = read('config.yaml')\n",
        "import yaml\nfrom pathlib import Path\nPATH = Path('.') / 'config.yaml'\n"
        "with PATH.open() as f:\n    config = yaml.safe_load(f)\n",
        "import yaml\nfrom pathlib import Path\nNAME = 'config.yaml'\n"
        "HERE = Path(__file__).resolve().parent\nFILE = HERE / NAME\n"
        "config = yaml.safe_load(FILE.read_text())\n",
        "import yaml\nfrom easydict import EasyDict as edict\n"
        "config = edict(yaml.safe_load(open('config.yaml')))\n",
    ],
)  # fmt: skip
def test_ways_to_read_a_file(tmp_path: Path, load: str) -> None:
    found = configured(tmp_path, "yaml", YAML, f"import keras\n{load}{BODY}")
    assert config_knobs(found)["config.model.units"] == 64


def test_members_are_followed_as_entries_are(tmp_path: Path) -> None:
    script = LOADS["yaml"] + "from types import SimpleNamespace\nc = SimpleNamespace(**config['model'])\n"
    script += BODY.replace('config["model"]["units"]', "c.units")
    assert "config.model.units" in config_knobs(configured(tmp_path, "yaml", YAML, script))


def test_the_file_that_the_command_line_names_is_read(tmp_path: Path) -> None:
    script = (
        "import argparse, yaml, keras\np = argparse.ArgumentParser()\np.add_argument('--config')\n"
        "config = yaml.safe_load(open(p.parse_args().config))\n" + BODY
    )
    (tmp_path / "train.py").write_text(script)
    (tmp_path / "big.yaml").write_text(YAML)
    found = Rewriter(load_script(tmp_path / "train.py", ["--config", "big.yaml"]))
    assert knob(found, "config.model.units").file == "big.yaml"


def test_hydra_hands_its_file_to_main(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "config.yaml").write_text(YAML)
    body = "".join(f"    {line}\n" for line in BODY.strip().split("\n")).replace("float(", "(")
    body = body.replace('config["train"]["lr"]', "config.train.lr")
    script = "import hydra, keras\n@hydra.main(config_path='conf', config_name='config')\n"
    (tmp_path / "train.py").write_text(f"{script}def main(config):\n{body}main()\n")
    found = Rewriter(load_script(tmp_path / "train.py"))
    assert config_knobs(found)["config.model.units"] == 64
    assert config_knobs(found)["config.train.lr"] == 0.001
    assert "{lr: 1.0e-05," in config_after(found, {"config.train.lr": 1e-05})


COMPOSED = """\
import hydra, keras
@hydra.main(config_path="conf", config_name="config")
def main(cfg):
    model = keras.Sequential([keras.layers.Dense(cfg.model.units), keras.layers.Dense(2)])
    model.compile(keras.optimizers.Adam(cfg.optimizer.lr), "mse")
    model.fit(x, y, epochs=cfg.epochs)
main()
"""


def compose(folder: Path, defaults: str = "[{model: small}, {optional optimizer: adam}, _self_]") -> None:
    (folder / "train.py").write_text(COMPOSED)
    for name in ("model", "optimizer"):
        (folder / "conf" / name).mkdir(parents=True)
    (folder / "conf" / "config.yaml").write_text(f"defaults: {defaults}\nepochs: 3\n")
    (folder / "conf" / "model" / "small.yaml").write_text("units: 32\n")
    (folder / "conf" / "model" / "large.yaml").write_text("units: 512\n")
    (folder / "conf" / "optimizer" / "adam.yaml").write_text("lr: 1e-3\n")


def test_files_that_hydra_composes(tmp_path: Path) -> None:
    compose(tmp_path)
    found = Rewriter(load_script(tmp_path / "train.py"))
    assert config_knobs(found) == {"cfg.epochs": 3, "cfg.model.units": 32, "cfg.optimizer.lr": 0.001}
    assert knob(found, "cfg.model.units").file == "conf/model/small.yaml"


def test_a_group_that_the_command_line_chooses_stays_as_it_is(tmp_path: Path) -> None:
    compose(tmp_path)
    found = Rewriter(load_script(tmp_path / "train.py", ["model=large"]))
    assert config_knobs(found) == {"cfg.epochs": 3, "cfg.optimizer.lr": 0.001}


@pytest.mark.parametrize(
    "defaults",
    ["[{model: small}, {model: large}]", "[{model: '${which}'}]", "[{override model: small}]", "[]"],
)
def test_a_group_that_is_not_certain_stays_as_it_is(tmp_path: Path, defaults: str) -> None:
    compose(tmp_path, defaults)
    assert config_knobs(Rewriter(load_script(tmp_path / "train.py"))) == {"cfg.epochs": 3}


def test_a_number_written_as_text_stays_text(tmp_path: Path) -> None:
    script = (
        "import os, keras\nmodel = keras.Sequential([keras.layers.Dense(8), keras.layers.Dense(2)])\n"
        "model.compile(keras.optimizers.Adam(float(os.environ.get('LR', \"0.1\"))), 'mse')\nmodel.fit(x, y)\n"
    )
    (tmp_path / "train.py").write_text(script)
    found = Rewriter(load_script(tmp_path / "train.py"))
    assert (knob(found, "LR").value, knob(found, "LR").certain) == (0.1, False)
    assert '"0.01"' in found.apply(Assignment.of({"LR": 0.01})).files[0].data.decode()
