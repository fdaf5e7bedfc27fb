"""What would keep a script from running, told before anything is started; and what is no reason to worry."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pushtune.analyse.preflight import preflight
from pushtune.analyse.preflight_machine import has_gpu
from pushtune.analyse.reading import Reading, read
from pushtune.errors import UnparsableError
from pushtune.model.analysis import Caution
from pushtune.source import load_script

Write = Callable[..., Reading]


@pytest.fixture(autouse=True)
def _nobody_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home folder without caches, and an environment without keys."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_DISABLED", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def told(write: Write, source: str, **beside: str) -> list[Caution]:
    return list(preflight(write(source, **beside)))


PARSER = "import argparse\nparser = argparse.ArgumentParser()\n"
TORCH = "import torch\nnet = torch.nn.Linear(1, 1)\n"


@pytest.mark.parametrize(
    ("source", "code", "said"),
    [
        ("for i in xrange(3): pass", "python-2", "2to3 -w train.py"),
        ("import cPickle", "python-2", "cPickle"),
        ("d = {}\nd.iteritems()", "python-2", ".iteritems()"),
        ("from helpers_of_mine import load", "missing-sibling", "put helpers_of_mine.py beside the script"),
        ("from .model_of_mine import Net", "missing-sibling", "model_of_mine.py"),
        (
            PARSER + "parser.add_argument('--data', required=True)\nparser.parse_args()",
            "needs-arguments",
            "--data",
        ),
        (PARSER + "parser.add_argument('folder')\nparser.parse_args()", "needs-arguments", "--args 'FOLDER'"),
        ("import sys\nfolder = sys.argv[1]", "needs-arguments", "sys.argv[1]"),
        (
            "import click\n@click.option('--data', required=True)\ndef main(data): pass\nmain()",
            "needs-arguments",
            "--data",
        ),
        ("import wandb\nwandb.init(project='x')", "needs-key", "WANDB_MODE=offline"),
        ("import os\nkey = os.environ['MY_API_KEY']", "needs-key", "export MY_API_KEY=…"),
        ("import os\nfolder = os.environ['DATA_FOLDER_OF_MINE']", "needs-variable", "DATA_FOLDER_OF_MINE"),
        (
            "from keras.datasets import mnist\nmnist.load_data()",
            "needs-network",
            "~/.keras/datasets/mnist.npz",
        ),
        ("import tensorflow as tf\ntf.keras.datasets.cifar10.load_data()", "needs-network", "CIFAR-10"),
        (
            "from torchvision import datasets\ndatasets.MNIST('data', download=True)",
            "needs-network",
            "into data",
        ),
        (
            "from sklearn.datasets import fetch_openml\nfetch_openml('x')",
            "needs-network",
            "scikit_learn_data",
        ),
        ("from transformers import AutoModel\nAutoModel.from_pretrained('gpt2')", "needs-network", "gpt2"),
        ("from keras.applications import VGG16\nVGG16()", "needs-network", "weights"),
        ("import pandas as pd\npd.read_csv('https://example.org/a.csv')", "needs-network", "example.org"),
    ],
)
def test_what_it_needs_is_said_with_what_to_do(write: Write, source: str, code: str, said: str) -> None:
    found = told(write, source + "\n")
    assert [item.code for item in found] == [code]
    assert said in found[0].text
    assert found[0].line > 0


@pytest.mark.parametrize(
    "line",
    [
        "net.cuda()",
        "net.to('cuda')",
        "device = torch.device('cuda:0')",
        "assert torch.cuda.is_available()",
        "import xgboost\nxgboost.train({'tree_method': 'gpu_hist'}, None)",
        "import lightning\nlightning.Trainer(accelerator='gpu')",
    ],
)
@pytest.mark.skipif(has_gpu(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_here(write: Write, line: str) -> None:
    assert [item.code for item in told(write, TORCH + line + "\n")] == ["needs-gpu"]


@pytest.mark.parametrize(
    "source",
    [
        TORCH + "device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')\nnet.to(device)",
        TORCH + "if torch.cuda.is_available():\n    net.cuda()",
        TORCH + "use = False\nif use:\n    net.cuda()",
        TORCH + "net.to('cpu')",
        PARSER
        + "parser.add_argument('--n', default='x')\nparser.add_argument('n', nargs='?')\nparser.parse_args()",
        PARSER + "parser.add_argument('--data', required=True)\nparser.parse_args(['--data', 'x'])",
        "import sys\nfolder = sys.argv[1] if len(sys.argv) > 1 else 'data'",
        "import sys\ntry:\n    folder = sys.argv[1]\nexcept IndexError:\n    folder = ''",
        "import os\nos.environ['MY_API_KEY'] = 'x'\nkey = os.environ['MY_API_KEY']",
        "import os\nkey = os.environ.get('MY_API_KEY')",
        "import wandb\nwandb.init(mode='disabled')",
        "import wandb\ntracked = False\nif tracked:\n    wandb.init()",
        "from beside import load",
        "try:\n    import not_here_at_all\nexcept ImportError:\n    pass",
        "try:\n    ask = raw_input\nexcept NameError:\n    ask = input",
        "from keras.applications import VGG16\nVGG16(weights=None)",
        "from torchvision import datasets\ndatasets.MNIST('data', download=False)",
        "import pandas as pd\npd.read_csv('here.csv')",
        "from sklearn.datasets import load_wine\nload_wine()",
    ],
)
def test_what_runs_as_it_is_gets_no_caution(write: Write, source: str) -> None:
    assert told(write, source + "\n", beside__py="def load(): pass\n", here__csv="a\n1\n") == []


def test_what_is_kept_already_needs_no_network(write: Write, tmp_path: Path) -> None:
    kept = tmp_path / "home" / ".keras" / "datasets" / "mnist.npz"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"")
    assert told(write, "from keras.datasets import mnist\nmnist.load_data()\n") == []


def test_arguments_that_are_given_are_not_asked_for(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(PARSER + "parser.add_argument('--data', required=True)\nparser.parse_args()\n")
    assert [item.code for item in preflight(read(load_script(script)))] == ["needs-arguments"]
    assert list(preflight(read(load_script(script, ("--data", "x"))))) == []
    assert list(preflight(read(load_script(script, ("--data=x",))))) == []


@pytest.mark.parametrize(
    ("source", "line", "sign"),
    [
        ("x = 1\nprint 'loss', x\n", 2, "print statement"),
        ("try:\n    pass\nexcept ValueError, e:\n    pass\n", 3, "`except Error, name`"),
        ("raise ValueError, 'no'\n", 1, "`raise Error, text`"),
        ("x = 1\nprint >>f, 'y', x y\n", 2, "print statement"),
        ("exec 'x = 1'\n", 1, "exec statement"),
    ],
)
def test_python_2_is_told_from_a_mistake(tmp_path: Path, source: str, line: int, sign: str) -> None:
    (tmp_path / "train.py").write_text(source)
    with pytest.raises(UnparsableError, match=rf"train\.py line {line}: this is Python 2") as caught:
        load_script(tmp_path / "train.py")
    assert sign in str(caught.value)
    assert "2to3 -w train.py" in caught.value.fix


@pytest.mark.parametrize("source", ["x = (1,\n", "print('a' 'b'\n", "if x\n    pass\n", "print(x) y\n"])
def test_a_plain_mistake_is_none_of_python_2(tmp_path: Path, source: str) -> None:
    (tmp_path / "train.py").write_text(source)
    with pytest.raises(UnparsableError) as caught:
        load_script(tmp_path / "train.py")
    assert "Python 2" not in str(caught.value)
