"""The table [environment]: every entry, and what a slip in it prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from pushtune.errors import SettingsError
from pushtune.settings import load_settings
from pushtune.settings.environment import EnvironmentSettings, Mount, own_rules, read_environment
from pushtune.settings.server import environment_rules, load_server_settings

GIB = 1024**3

EVERYTHING = """
env = "container"
[environment]
image = "me/mine:1"
dockerfile = "docker/Dockerfile"
python = 3.11
packages = ["seaborn==0.13"]
data = ["cats:/data/cats:ro", "out:/data/out:rw"]
memory = "8G"
cpus = 1.5
gpus = "all"
network = "none"
shm = "2G"
user = "1000:1000"
"""


def test_every_entry_is_read(tmp_path: Path) -> None:
    (tmp_path / "pushtune.toml").write_text(EVERYTHING)
    settings = load_settings({}, root=tmp_path, environ={})
    assert settings.env == "container"
    assert settings.environment == EnvironmentSettings(
        image="me/mine:1",
        dockerfile="docker/Dockerfile",
        python="3.11",
        packages=("seaborn==0.13",),
        data=(Mount("cats", "/data/cats"), Mount("out", "/data/out", writable=True)),
        memory=8 * GIB,
        cpus=1.5,
        gpus="all",
        network="none",
        shm=2 * GIB,
        user="1000:1000",
    )
    assert settings.memory_limit == 8 * GIB


def test_the_lesser_memory_counts(tmp_path: Path) -> None:
    (tmp_path / "pushtune.toml").write_text('memory = "2G"\n[environment]\nmemory = "8G"\n')
    assert load_settings({}, root=tmp_path, environ={}).memory_limit == 2 * GIB


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"imaeg": "x"}, "no setting called 'imaeg'"),
        ({"image": "-x"}, "must be the name of an image"),
        ({"image": "a b"}, "must be the name of an image"),
        ({"dockerfile": "../Dockerfile"}, "below the repository"),
        ({"dockerfile": "/etc/Dockerfile"}, "below the repository"),
        ({"python": "2.7"}, 'from "3.9" up'),
        ({"python": "3.8"}, 'from "3.9" up'),
        ({"packages": ["-e ."]}, "not a package of the index"),
        ({"packages": ["git+https://evil.example/x"]}, "not a package of the index"),
        ({"packages": ["x @ file:///x"]}, "not a package of the index"),
        ({"data": ["cats"]}, "is not SOURCE:/TARGET"),
        ({"data": ["cats:/data:maybe"]}, "is not SOURCE:/TARGET"),
        ({"data": ["cats:data"]}, "must be an absolute path"),
        ({"data": ["cats:/data/../etc"]}, "must be an absolute path"),
        ({"data": ["cats:/"]}, "must be an absolute path"),
        ({"data": ["cats:/etc/passwd"]}, "nothing is mounted below /etc"),
        ({"data": ["cats:/proc/1"]}, "nothing is mounted below /proc"),
        ({"data": [":/data"]}, "is not a folder's name"),
        ({"data": ["a,readonly=false:/data"]}, "is not a folder's name"),
        ({"data": ["a:/data", "b:/data"]}, "mounted in the same place"),
        ({"data": [7]}, "must be a list of texts"),
        ({"memory": "much"}, "must be a size"),
        ({"cpus": 0}, "must be a number of cores"),
        ({"cpus": "nan"}, "must be a number of cores"),
        ({"gpus": "--privileged"}, "must be a number"),
        ({"network": "host"}, "must be one of none, prepare, full"),
        ({"shm": "-1"}, "must be a size"),
        ({"user": "root"}, "must be numbers"),
        ({"user": "0"}, "do not run as root"),
        ({"user": "0:5"}, "do not run as root"),
    ],
)
def test_a_slip_is_one_line_that_names_the_entry(entry: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read_environment("pushtune.toml: environment", entry)
    said = str(raised.value)
    assert words in said
    assert said.startswith("pushtune.toml: environment")
    assert "\n" not in said


def test_it_is_a_table_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "pushtune.toml").write_text("environment = 3\n")
    with pytest.raises(SettingsError, match="must be a table"):
        load_settings({}, root=tmp_path, environ={})


def test_a_person_may_ask_for_what_they_name_and_a_repository_for_what_the_operator_allows(
    tmp_path: Path,
) -> None:
    own = own_rules({"PUSHTUNE_BASE_IMAGE": "debian-with-python"})
    assert (own.images, own.dockerfiles, own.found_dockerfiles, own.data) == (True, True, False, None)
    assert own.base == "debian-with-python"
    (tmp_path / "server.toml").write_text(
        'data = ["cats=/srv/cats", "/srv/more"]\nbase-image = "b:{python}"\n'
    )
    rules = environment_rules(load_server_settings(tmp_path, {}, {}))
    assert (rules.images, rules.dockerfiles, rules.builds) == (False, False, False)
    assert (rules.data, rules.data_sets, rules.base) == (("/srv/more",), {"cats": "/srv/cats"}, "b:{python}")
