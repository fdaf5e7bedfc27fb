"""Names are resolved, not grepped."""

import ast
from pathlib import Path

import pytest

from pushtune.rewrite.catalogue import load_catalogue
from pushtune.source import Names, load_script, parse_program

VOCABULARY = load_catalogue().vocabulary


def names_of(folder: Path, text: str, **others: str) -> list[str | None]:
    """Return what the calls marked by the last line of ``text`` are called, in order."""
    for name, body in others.items():
        (folder / f"{name}.py").write_text(body)
    (folder / "train.py").write_text(text)
    program = parse_program(load_script(folder / "train.py"))
    names = Names(program, VOCABULARY)
    return [names.call(program.entry, call) for call in program.entry.calls]


@pytest.mark.parametrize(
    "text",
    [
        "import tensorflow as tf\ntf.keras.layers.Dense(1)",
        "import tensorflow.keras.layers\ntensorflow.keras.layers.Dense(1)",
        "from tensorflow import keras as k\nk.layers.Dense(1)",
        "from tensorflow.keras.layers import Dense as D\nD(1)",
        "from tensorflow.python.keras.layers import Dense\nDense(1)",
        "from keras.layers import *\nDense(1)",
        "from keras.layers.core import Dense\nDense(1)",
        "import keras\nlayers = keras.layers\nlayers.Dense(1)",
        "import keras\nDense, Conv2D = keras.layers.Dense, keras.layers.Conv2D\nDense(1)",
        "try:\n    from tensorflow import keras\nexcept ImportError:\n    import keras\n"
        "keras.layers.Dense(1)",
        "def f():\n    from keras import layers as L\n    L.Dense(1)",
        "import keras\nclass Net:\n    def build(self):\n        keras.layers.Dense(1)",
    ],
)
def test_every_way_to_import_dense_is_seen(tmp_path: Path, text: str) -> None:
    assert names_of(tmp_path, text) == ["keras.layers.Dense"]


@pytest.mark.parametrize(
    "text",
    [
        "Dense(1)",
        "def Dense(n): ...\nfrom keras.layers import *\nDense(1)",
        "from keras.layers import Dense\ndef Dense(n): ...\nDense(1)",
        "from keras.layers import Dense\ndef f(Dense):\n    Dense(1)",
        "from keras.layers import Dense\nDense = wrap(Dense)\nDense(1)",
        "import keras\nfor keras in range(3):\n    keras.layers.Dense(1)",
        "from torch.nn import *\nDense(1)",
        "class keras: ...\nkeras.layers.Dense(1)",
        "a = b\nb = a\na.layers.Dense(1)",
    ],
)
def test_what_is_shadowed_or_unknown_is_not_dense(tmp_path: Path, text: str) -> None:
    assert "keras.layers.Dense" not in names_of(tmp_path, text)


def test_names_travel_through_local_modules(tmp_path: Path) -> None:
    helper = "from keras import optimizers as O\nfrom keras.layers import Dense as Wide\ndef build(): ...\n"
    text = "import helper\nfrom helper import Wide, build\nWide(1), helper.O.Adam(), build()"
    found = names_of(tmp_path, text, helper=helper)
    assert found == ["keras.layers.Dense", "keras.optimizers.Adam", "local:helper.py:build"]


def test_a_sibling_is_found_through_the_package_that_holds_both(tmp_path: Path) -> None:
    text = "from . import helper\nfrom .helper import build\nhelper.build(), build()"
    found = names_of(tmp_path, text, helper="def build(): ...\n")
    assert found == ["local:helper.py:build", "local:helper.py:build"]


@pytest.mark.parametrize(
    "text",
    [
        "import tensorflow as tf\ntf.optimizers.Adam()",
        "from tensorflow.python.keras.optimizer_v2 import adam\nadam.Adam()",
        "from tensorflow.keras.optimizers import Adam\nAdam()",
    ],
)
def test_an_optimizer_is_known_by_its_older_names(tmp_path: Path, text: str) -> None:
    assert names_of(tmp_path, text) == ["keras.optimizers.Adam"]


def test_legacy_optimizers_are_not_taken_for_todays(tmp_path: Path) -> None:
    text = "import tensorflow as tf\ntf.keras.optimizers.legacy.Adam()"
    assert names_of(tmp_path, text) == ["keras.optimizers.legacy.Adam"]


@pytest.mark.parametrize(
    ("imports", "written"),
    [
        ("import tensorflow as tf", "tf.keras.optimizers"),
        ("import keras", "keras.optimizers"),
        ("from tensorflow import keras as k", "k.optimizers"),
        ("from keras import optimizers as opts", "opts"),
        ("from keras.layers import Dense", None),
        ("if x:\n    import keras", None),
        ("import keras\nkeras = 3", None),
    ],
)
def test_a_name_is_written_with_what_the_file_imports(
    tmp_path: Path, imports: str, written: str | None
) -> None:
    (tmp_path / "train.py").write_text(imports + "\nx = 1\n")
    program = parse_program(load_script(tmp_path / "train.py"))
    last: ast.AST = program.entry.source.tree.body[-1]
    assert Names(program, VOCABULARY).written(program.entry, "keras.optimizers", last) == written
