"""What a script has fetched: the calls that are made ahead of its trials, and those that are left to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pushtune.analyse.loaders import MOST, loaders_of
from pushtune.analyse.reading import Reading

Write = Callable[..., Reading]


def calls(write: Write, source: str, **beside: str) -> list[str]:
    """What is called ahead, as a person would write it."""
    return [str(loader) for loader in loaders_of(write(source, **beside)) if not loader.trouble]


@pytest.mark.parametrize(
    ("source", "call"),
    [
        ("from keras.datasets import mnist\nmnist.load_data()", "keras.datasets.mnist.load_data()"),
        (
            "import tensorflow as tf\ntf.keras.datasets.cifar10.load_data()",
            "tensorflow.keras.datasets.cifar10.load_data()",
        ),
        (
            "from tensorflow.keras.datasets import imdb\nwords = 5000\nimdb.load_data(num_words=words)",
            "tensorflow.keras.datasets.imdb.load_data()",
        ),
        (
            "from sklearn.datasets import fetch_openml\nfetch_openml('mnist_784', version=1, cache=False)",
            "sklearn.datasets.fetch_openml(name='mnist_784', version=1)",
        ),
        (
            "from sklearn import datasets\ndatasets.fetch_california_housing(as_frame=True)",
            "sklearn.datasets.fetch_california_housing()",
        ),
        (
            "import keras\nURL = 'https://example.org/x.npz'\n"
            "keras.utils.get_file('x.npz', URL, extract=flag, untar=False)",
            "keras.utils.get_file(fname='x.npz', origin='https://example.org/x.npz', untar=False)",
        ),
        (
            "import os\nfrom torchvision import datasets\n"
            "datasets.MNIST(os.path.expanduser('~/data'), train=True, download=True, transform=t)",
            "torchvision.datasets.MNIST(download=True, root='~/data', train=True)",
        ),
        (
            "from keras.applications import VGG16\nVGG16(include_top=False, input_shape=(64, 64, 3))",
            "keras.applications.VGG16(include_top=False, weights='imagenet')",
        ),
        ("from datasets import load_dataset\nload_dataset('imdb')", "datasets.load_dataset(path='imdb')"),
        ("import nltk\nnltk.download('punkt')", "nltk.download(info_or_id='punkt')"),
    ],
)
def test_a_call_is_made_with_the_constants_that_say_what_it_fetches(
    write: Write, source: str, call: str
) -> None:
    assert calls(write, source) == [call]


@pytest.mark.parametrize(
    "source",
    [
        "from sklearn.datasets import load_wine\nload_wine()",
        "import requests\nrequests.get('https://example.org')",
        "import torch\ntorch.hub.load('pytorch/vision', 'resnet18')",
        "from torchvision import datasets\ndatasets.MNIST('~/data')",
        "from torchvision import datasets\ndatasets.ImageFolder('~/data', download=True)",
        "from keras.applications import VGG16\nVGG16(weights=None)",
        "from datasets import load_dataset\nload_dataset('csv', data_files='a.csv')",
        "from datasets import load_dataset\nload_dataset('./folder')",
        "from datasets import load_dataset\nload_dataset('theirs/code', trust_remote_code=True)",
        "import keras\nkeras.utils.get_file('x', 'file:///etc/passwd')",
        "from sklearn.datasets import fetch_file\nfetch_file('file:///etc/passwd')",
        "from keras.datasets import mnist\ndef never():\n    mnist.load_data()",
    ],
)
def test_what_fetches_nothing_to_keep_or_runs_code_from_elsewhere_is_not_called(
    write: Write, source: str
) -> None:
    assert loaders_of(write(source)) == []


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("from sklearn.datasets import fetch_openml\nfetch_openml(input())", "its name is only known when"),
        (
            "from sklearn.datasets import fetch_openml\nfor name in ('a', 'b'):\n    fetch_openml(name)",
            "its name is only known when",
        ),
        ("from sklearn.datasets import fetch_openml\nfetch_openml(*rest)", "its arguments"),
        ("from keras.datasets import mnist\nmnist.load_data(**rest)", "its arguments"),
        (
            "from torchvision import datasets\ndatasets.MNIST('./data', download=True)",
            "it keeps its data in './data', which every trial has for itself",
        ),
        (
            "from sklearn.datasets import fetch_covtype\nfetch_covtype(data_home='/data')",
            "it keeps its data in '/data'",
        ),
    ],
)
def test_what_stands_in_the_way_of_a_call_is_told(write: Write, source: str, why: str) -> None:
    (loader,) = loaders_of(write(source))
    assert loader.trouble.startswith(why)


def test_each_call_is_made_once_and_not_without_end(write: Write) -> None:
    twice = "from keras.datasets import mnist\nmnist.load_data()\nmnist.load_data()\n"
    assert calls(write, twice) == ["keras.datasets.mnist.load_data()"]
    many = "".join(f"fetch_openml(data_id={number})\n" for number in range(2 * MOST))
    assert len(calls(write, f"from sklearn.datasets import fetch_openml\n{many}")) == MOST


def test_calls_in_files_beside_the_script_are_found_and_their_place_is_told(write: Write) -> None:
    reading = write(
        "import helper\nx = helper.data()",
        helper__py="from keras.datasets import mnist as m\ndef data():\n    return m.load_data()\n",
    )
    (loader,) = loaders_of(reading)
    assert (loader.file, loader.line, loader.place) == ("helper.py", 3, ".keras/datasets/mnist.npz")
