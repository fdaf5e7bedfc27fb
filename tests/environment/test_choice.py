"""Which image a script gets: by what it names, declares, imports and is. Nothing is built here."""

from __future__ import annotations

from pathlib import Path

import pytest

from pushtune.analyse.inspect import inspect
from pushtune.environment.choice import Choice, choose
from pushtune.environment.choice_packages import near_name
from pushtune.environment.declared import read_declared
from pushtune.environment.image_context import dockerfiles_of
from pushtune.environment.image_kinds import load_kinds
from pushtune.errors import UsageError
from pushtune.pipeline.prepare import needs_of
from pushtune.settings import EnvironmentRules, EnvironmentSettings
from pushtune.source import load_script

FOREST = "from sklearn.ensemble import RandomForestClassifier\nRandomForestClassifier().fit([[0]], [0])\n"
CNN = (
    "from tensorflow import keras\n"
    "model = keras.Sequential([keras.layers.Conv2D(8, 3), keras.layers.Dense(10)])\n"
    "model.compile('adam', 'categorical_crossentropy', metrics=['accuracy'])\nmodel.fit(x, y, epochs=2)\n"
)
MLP = CNN.replace("keras.layers.Conv2D(8, 3), ", "")
OLD_CNN = (
    "from keras.preprocessing.image import ImageDataGenerator\n"
    "from keras.models import Sequential\n"
    "from keras.layers import Conv2D, Dense\n"
    "from keras.optimizers import Adam\n"
    "model = Sequential([Conv2D(8, (3, 3)), Dense(1)])\n"
    "model.compile(Adam(lr=0.001), 'mse')\n"
    "model.fit_generator(ImageDataGenerator().flow_from_directory('cats'), epochs=2)\n"
)
TORCH = "import torch\nnet = torch.nn.Linear(3, 1)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
BOOSTING = "import xgboost\nxgboost.XGBClassifier(n_estimators=10).fit([[0]], [0])\n"


def choice(
    folder: Path,
    source: str,
    settings: EnvironmentSettings | None = None,
    rules: EnvironmentRules | None = None,
    **files: str,
) -> Choice:
    (folder / "train.py").write_text(source)
    for name, text in files.items():
        (folder / name.replace("_dot_", ".")).write_text(text)
    script = load_script(folder / "train.py", (), folder)
    needs = needs_of(script, inspect(script))
    declared = read_declared(str(folder), "train.py")
    allowed = rules or EnvironmentRules()
    return choose(
        needs, declared, settings or EnvironmentSettings(), allowed, load_kinds(), dockerfiles_of(folder)
    )


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (FOREST, "sklearn"),
        (CNN, "cnn-keras"),
        (MLP, "keras"),
        (OLD_CNN, "keras2"),
        (TORCH, "torch"),
        (BOOSTING, "boosting"),
        ("import lightgbm\nlightgbm.LGBMClassifier().fit([[0]], [0])\n", "boosting"),
        ("import lightning as L\nL.Trainer(max_epochs=3).fit(None)\n", "lightning"),
        ("from transformers import Trainer\nTrainer(model=None).train()\n", "transformers"),
        ("import numpy as np\nprint(np.zeros(3))\n", "sklearn"),
        ("print('accuracy: 0.5')\n", "python"),
    ],
)
def test_the_kind_of_script_picks_the_image(tmp_path: Path, source: str, kind: str) -> None:
    found = choice(tmp_path, source)
    assert (found.source, found.kind, found.packages) == ("kind", kind, ())


def test_it_is_said_why(tmp_path: Path) -> None:
    said = [str(reason) for reason in choice(tmp_path, CNN).reasons]
    assert said == ["train.py: imports what tensorflow brings", "train.py: keras CNN: image cnn-keras"]


def test_a_script_of_older_keras_gets_the_image_of_its_time_and_is_told_by_which_line(tmp_path: Path) -> None:
    found = choice(tmp_path, OLD_CNN)
    assert found.kind == "keras2"
    said = str(found.reasons[0])
    assert said.startswith("train.py:1: keras.preprocessing.image.ImageDataGenerator is gone since Keras 3")
    assert "needs tensorflow<2.16" in said


@pytest.mark.parametrize(
    "line", ["keras==2.3.1", "tensorflow==2.4.0", "tensorflow-gpu<2.11", "tensorflow-cpu<2.13"]
)
def test_declared_versions_of_those_years_also_say_so(tmp_path: Path, line: str) -> None:
    found = choice(tmp_path, MLP, requirements_dot_txt=f"{line}\nnumpy==1.19.5\n")
    assert (found.kind, found.packages) == ("keras2", ())
    assert any(
        "numpy==1.19.5: 1.23.5 is what the image keras2 has" in str(reason) for reason in found.reasons
    )


@pytest.mark.parametrize("line", ["keras", "keras>=2.0", "tensorflow>=2.4", "tensorflow", "keras==3.10.0"])
def test_versions_that_today_has_are_of_today(tmp_path: Path, line: str) -> None:
    assert choice(tmp_path, MLP, requirements_dot_txt=f"{line}\n").kind != "keras2"


def test_calls_that_only_older_packages_have_bring_those(tmp_path: Path) -> None:
    source = FOREST + "from sklearn.datasets import load_boston\nload_boston()\n"
    found = choice(tmp_path, source)
    assert (found.kind, found.packages) == ("python", ("scikit-learn<1.2",))


def test_what_is_declared_is_installed_besides(tmp_path: Path) -> None:
    found = choice(tmp_path, FOREST, requirements_dot_txt="scikit-learn>=1.2\nseaborn==0.13.2\n")
    assert (found.kind, found.packages) == ("sklearn", ("seaborn==0.13.2",))
    assert [(line.file, line.line) for line in found.lines] == [("requirements.txt", 2)]


def test_another_version_than_the_images_is_installed_below_it(tmp_path: Path) -> None:
    found = choice(tmp_path, FOREST, requirements_dot_txt="scikit-learn==1.5.2\n")
    assert (found.kind, found.packages) == ("python", ("scikit-learn==1.5.2",))
    assert any("image python is the nearest" in str(reason) for reason in found.reasons)


@pytest.mark.parametrize(
    ("line", "package"),
    [
        ("torch\ntorchvision", "torchvision==0.28.0+cpu"),
        ("torchvision>=0.15", "torchvision==0.28.0+cpu"),
        ("torchvision==0.16.0", "torchvision==0.16.0"),
    ],
)
def test_what_goes_with_one_release_only_is_that_one_unless_another_is_wanted(
    tmp_path: Path, line: str, package: str
) -> None:
    found = choice(tmp_path, "import torchvision\n" + TORCH, requirements_dot_txt=f"{line}\n")
    assert (found.kind, found.packages) == ("torch", (package,))


def test_imports_are_followed_through_the_curated_map(tmp_path: Path) -> None:
    found = choice(tmp_path, "import cv2, umap\n" + FOREST)
    assert set(found.packages) == {"opencv-python-headless", "umap-learn"}


def test_an_unknown_import_is_asked_for_and_never_guessed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"imports sklaern, and no known package brings it") as raised:
        choice(tmp_path, "import sklaern\n" + FOREST)
    assert 'packages = ["…"]' in raised.value.fix


def test_a_declared_slip_of_a_known_name_is_not_installed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"requirements.txt:2 asks for 'tensorflwo'.*'tensorflow'"):
        choice(tmp_path, CNN, requirements_dot_txt="numpy\ntensorflwo\n")


@pytest.mark.parametrize("name", ["my-own-lib", "keras-something", "numpy-financial", "pytest-mock", "zzz"])
def test_names_of_ones_own_are_no_slips(tmp_path: Path, name: str) -> None:
    assert choice(tmp_path, FOREST, requirements_dot_txt=f"{name}\n").packages == (name,)


@pytest.mark.parametrize(
    ("slip", "known"),
    [("tensorflwo", "tensorflow"), ("scikitlearn", "scikit-learn"), ("numpyy", "numpy"), ("pandsa", "pandas"),
     ("tensor-flow", "tensorflow"), ("kera", ""), ("tensorflow-gpu", ""), ("tensorflow-estimator", "")],
)  # fmt: skip
def test_what_a_slip_is(slip: str, known: str) -> None:
    assert near_name(slip) == known


def test_import_names_that_people_declare_are_taken_for_what_they_mean(tmp_path: Path) -> None:
    found = choice(tmp_path, FOREST, requirements_dot_txt="sklearn\nPIL\nyaml==6.0.2\n")
    assert found.packages == ("pillow", "pyyaml==6.0.2")
    assert "requirements.txt:1: sklearn: the package is called scikit-learn" in map(str, found.reasons)


def test_packages_that_the_settings_name_answer_the_question(tmp_path: Path) -> None:
    found = choice(tmp_path, "import thing\n" + FOREST, EnvironmentSettings(packages=("py-thing==1.0",)))
    assert (found.packages, found.unsure) == (("py-thing==1.0",), ("thing",))


def test_an_image_of_ones_own_comes_first_if_it_is_allowed(tmp_path: Path) -> None:
    own = EnvironmentSettings(image="registry.example/team/train:3")
    found = choice(tmp_path, "import unknown_thing\n", own, EnvironmentRules(images=True))
    assert (found.source, found.image) == ("image", "registry.example/team/train:3")
    with pytest.raises(UsageError, match="the operator's to say"):
        choice(tmp_path, FOREST, own)


def test_a_dockerfile_of_ones_own_is_built_if_it_is_allowed(tmp_path: Path) -> None:
    own = EnvironmentSettings(dockerfile="Dockerfile")
    found = choice(tmp_path, FOREST, own, EnvironmentRules(dockerfiles=True), Dockerfile="FROM x\n")
    assert (found.source, found.dockerfile) == ("dockerfile", "Dockerfile")
    with pytest.raises(UsageError, match="the operator's to allow"):
        choice(tmp_path, FOREST, own)


def test_a_dockerfile_that_merely_lies_there_is_only_taken_where_the_operator_says_so(tmp_path: Path) -> None:
    found = choice(tmp_path, FOREST, Dockerfile="FROM x\n")
    assert found.kind == "sklearn"
    assert "is there and not used" in str(found.reasons[0])
    assert choice(tmp_path, FOREST, rules=EnvironmentRules(found_dockerfiles=True)).source == "dockerfile"


def test_hashes_are_checked_only_where_every_line_has_one(tmp_path: Path) -> None:
    digest = " --hash=sha256:" + "a" * 64
    assert choice(tmp_path, "print()\n", requirements_dot_txt=f"six==1.17.0{digest}\n").hashes
    assert not choice(tmp_path, "print()\n", requirements_dot_txt=f"six==1.17.0{digest}\nclick\n").hashes


@pytest.mark.parametrize(
    ("wanted", "python"), [(">=3.9", "3.11"), (">=3.12", "3.14"), ("<3.11", "3.10"), ("==3.7.*", "3.11")]
)
def test_the_python_that_is_asked_for(tmp_path: Path, wanted: str, python: str) -> None:
    text = f'[project]\nname = "x"\nrequires-python = "{wanted}"\ndependencies = []\n'
    assert choice(tmp_path, FOREST, pyproject_dot_toml=text).python == python


def test_every_kind_of_image_can_be_read_and_pins_what_it_holds() -> None:
    kinds = load_kinds()
    for kind in kinds.kinds.values():
        assert (kind.folder / "Dockerfile").is_file()
        assert all(version[0].isdigit() for version in kind.pins.values()), kind.name
        assert kinds.chain(kind.name)[0].name == "python"
    assert all(period.kind in ("", *kinds.kinds) for period in kinds.period.values())
