"""Pushed code trains in a container that fits it: an old Keras script with its pictures, and a forest."""

from __future__ import annotations

import email
import email.policy
import gzip
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from project import FOREST

from pushtune.testing.mail_server import RunningServer, mail_server
from pushtune.testing.real_parts import need
from pushtune.testing.served import SCRIPT, ServedHome

BASE = os.environ.get("PUSHTUNE_TEST_BASE", "pushtune-test-base")
FASHION = Path("~/.keras/datasets/fashion-mnist").expanduser()
PULLOVER, BAG = 2, 8

CATS = """\
from keras.models import Sequential
from keras.layers import Conv2D, MaxPooling2D, Flatten, Dense
from keras.preprocessing.image import ImageDataGenerator

classifier = Sequential()
classifier.add(Conv2D(4, (3, 3), input_shape=(28, 28, 1), activation='relu'))
classifier.add(MaxPooling2D(pool_size=(2, 2)))
classifier.add(Conv2D(4, (3, 3), activation='relu'))
classifier.add(MaxPooling2D(pool_size=(2, 2)))
classifier.add(Flatten())
classifier.add(Dense(units=8, activation='relu'))
classifier.add(Dense(units=1, activation='sigmoid'))
classifier.compile(optimizer='sgd', loss='binary_crossentropy', metrics=['accuracy'])

train_datagen = ImageDataGenerator(rescale=1./255, horizontal_flip=True)
test_datagen = ImageDataGenerator(rescale=1./255)
training_set = train_datagen.flow_from_directory('/data/cats/train', target_size=(28, 28),
                                                 color_mode='grayscale', batch_size=32, class_mode='binary')
test_set = test_datagen.flow_from_directory('/data/cats/test', target_size=(28, 28),
                                            color_mode='grayscale', batch_size=32, class_mode='binary')
classifier.fit_generator(training_set, epochs=2, validation_data=test_set)
print('accuracy', classifier.evaluate_generator(test_set)[1])
"""

CATS_SETTINGS = """\
target = "accuracy>=0.7"
trials = 8
confirm_seeds = 1

[environment]
data = ["cats:/data/cats:ro"]
"""

ONE_LOOK = CATS_SETTINGS.replace("0.7", "0.1").replace("trials = 8", "trials = 1")


def write_images(folder: Path) -> None:
    """Write real pictures of two kinds as class folders, as the classic tutorial has its cats and dogs."""
    from PIL import Image

    with gzip.open(FASHION / "train-images-idx3-ubyte.gz") as stream:
        pixels = stream.read()[16:]
    with gzip.open(FASHION / "train-labels-idx1-ubyte.gz") as stream:
        labels = stream.read()[8:]
    for kind, name in ((PULLOVER, "cats"), (BAG, "dogs")):
        numbers = [number for number, label in enumerate(labels[:10_000]) if label == kind][:500]
        for split, part in (("train", numbers[:400]), ("test", numbers[400:])):
            place = folder / split / name
            place.mkdir(parents=True)
            for number in part:
                image = Image.frombytes("L", (28, 28), pixels[number * 784 : (number + 1) * 784])
                image.save(place / f"{name}.{number}.png")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need((FASHION / "train-images-idx3-ubyte.gz").exists(), "the Fashion-MNIST pictures")
    folder = tmp_path_factory.mktemp("pictures")
    write_images(folder)
    # Trials are nobody's there: they read what everybody may.
    folder.chmod(0o755)
    return folder


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[RunningServer]:
    with mail_server(tmp_path, security="none") as running:
        yield running


@pytest.fixture
def served(tmp_path: Path, mail: RunningServer, pictures: Path) -> Iterator[ServedHome]:
    need(
        BASE in docker("images", "--format", "{{.Repository}}"), "a Docker engine with the test's base image"
    )
    home = ServedHome(
        tmp_path / "served",
        {
            "environment": "container",
            "base_image": BASE,
            "data": [f"cats={pictures}"],
            "mail_server": f"{mail.settings.host}:{mail.settings.port}",
            "mail_security": "none",
        },
    )
    home.make_repository({})
    yield home
    if home.server is not None and home.server.poll() is None:
        home.stop()


def docker(*arguments: str) -> str:
    """What the engine says; nothing where none answers."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def containers(served: ServedHome) -> list[str]:
    """The containers of this home's trials that live, by their ids."""
    listed = docker("ps", "--no-trunc", "--filter", "label=pushtune", "--format", "{{.ID}} {{.Labels}}")
    return sorted(line.split()[0] for line in listed.splitlines() if str(served.home) in line)


def study_of(home: ServedHome, push: dict[str, Any]) -> Path:
    return home.home / "studies" / str(push["study"])


def started_after(home: ServedHome, push: dict[str, Any], what: str) -> str:
    """Say when the script's first process began, after the stage that prepares it did."""
    events = study_of(home, push) / "trials" / "0000" / "attempts" / "1" / "events.jsonl"
    began = json.loads(events.read_text().splitlines()[0])
    assert began["event"] == "started"
    prepared = next(stage["started"] for stage in push["stages"] if stage["name"] == "prepare")
    return f"{what}: started {began['t'] - prepared:.2f} s after the stage `prepare`"


@pytest.mark.slow
def test_an_old_keras_script_gets_the_image_of_its_time_and_a_forest_another(
    served: ServedHome, mail: RunningServer, record_property: Callable[[str, object], None]
) -> None:
    served.start()
    served.commit({"train.py": CATS, "pushtune.toml": CATS_SETTINGS}, "Cats and dogs")
    served.push()
    first = served.wait_over(1, seconds=900)
    assert first["state"] == "done", first["reason"]
    prepared = {stage["name"]: stage["message"] for stage in first["stages"]}["prepare"]
    assert "keras2" in prepared
    summary = json.loads((study_of(served, first) / "summary.json").read_text())
    assert summary["target_met"] is True
    served.wait_for(lambda: len(mail.room.arrived) == 1)
    letter = email.message_from_bytes(mail.room.arrived[0].body, policy=email.policy.default)
    assert "Cats and dogs" in str(letter.get_body(("plain",)))  # type: ignore[attr-defined]

    # Its image is there now: what is left before the script begins is to look, to copy and to start.
    served.commit({"train.py": CATS.replace("units=8", "units=9"), "pushtune.toml": ONE_LOOK}, "Again")
    served.push()
    again = served.wait_over(2, seconds=600)
    assert again["state"] == "done", again["reason"]
    record_property("measured", started_after(served, again, "a Keras script of a second push"))

    forest = FOREST.replace("max_depth=1", "max_depth=1, random_state=1")
    quick = 'target = "accuracy>=0.5"\n'
    served.git("rm", "-q", "train.py", "pushtune.toml")
    served.commit({"train.py": forest, "pushtune.toml": quick}, "A forest")
    served.push()
    forest_push = served.wait_over(3, seconds=600)
    assert forest_push["state"] == "done", forest_push["reason"]
    assert "sklearn" in {stage["name"]: stage["message"] for stage in forest_push["stages"]}["prepare"]
    record_property("measured", started_after(served, forest_push, "a forest, with its image built or not"))


@pytest.mark.slow
def test_killed_with_the_server_away_a_container_goes_on_and_is_adopted(served: ServedHome) -> None:
    slow = SCRIPT.replace("time.sleep(0.15)", "time.sleep(1)").replace("range(5)", "range(60)")
    served.start()
    served.commit({"train.py": slow, "pushtune.toml": 'strategy = "program"\n'}, "Slow")
    served.push()
    served.wait_for(lambda: "running train.py untouched" in served.log, seconds=300)
    served.wait_for(lambda: containers(served), seconds=60)
    before = containers(served)
    served.kill()
    assert containers(served) == before
    served.start()
    served.wait_for(lambda: "found 1 attempt still running" in served.log, seconds=60)
    assert containers(served) == before
    served.run("cancel", "1")
    served.wait_for(lambda: not containers(served), seconds=60)
    served.stop(signal.SIGTERM)
