"""How containers of trials are set up: by the settings, within what the operator allows."""

from __future__ import annotations

from pathlib import Path

import pytest

from pushtune.environment import ContainerEnvironment, EnvironmentRequest
from pushtune.errors import MachineError, UsageError
from pushtune.model.needs import Loader, Needs
from pushtune.model.ports import Interpreter
from pushtune.settings import EnvironmentRules
from pushtune.settings.environment import EnvironmentSettings, Mount


def environment(
    folder: Path, settings: EnvironmentSettings | None = None, rules: EnvironmentRules | None = None
) -> ContainerEnvironment:
    return ContainerEnvironment(
        EnvironmentRequest(
            settings=settings or EnvironmentSettings(),
            rules=rules or EnvironmentRules(),
            root=str(folder),
            home=str(folder),
            cache=folder / "cache",
            store=folder / "store",
        )
    )


def test_a_trial_sees_nothing_of_this_machines_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "PIP_INDEX_URL", "PUSHTUNE_SERVER_MAIL_PASSWORD", "PATH", "HOME"):
        monkeypatch.setenv(name, "secret")
    variables = environment(tmp_path).variables(2, 7)
    assert "secret" not in variables.values()
    assert (variables["OMP_NUM_THREADS"], variables["PYTHONHASHSEED"]) == ("2", "7")
    assert (variables["HOME"], "PATH" in variables) == ("/home/trainer", False)


def test_the_settings_set_the_container_up(tmp_path: Path) -> None:
    (tmp_path / "cats").mkdir()
    settings = EnvironmentSettings(
        data=(Mount("cats", "/data/cats"),), cpus=1.5, gpus="all", shm=1024, user="1000:1000"
    )
    spec = environment(tmp_path, settings).container("sha256:1", str(tmp_path))
    assert (spec.image, spec.cpus, spec.gpus, spec.shm, spec.user) == (
        "sha256:1",
        1.5,
        "all",
        1024,
        "1000:1000",
    )
    assert [(mount.target, mount.read_only) for mount in spec.mounts] == [
        ("/home/trainer", False),
        ("/data/cats", True),
    ]


@pytest.mark.parametrize(
    ("wanted", "allowed", "network"),
    [
        (None, "prepare", "none"),
        (None, "full", "none"),
        ("prepare", "full", "none"),
        ("full", "prepare", "none"),
        ("full", "none", "none"),
        ("full", "full", "full"),
        ("none", "full", "none"),
    ],
)
def test_trials_have_a_network_only_where_both_sides_say_so(
    tmp_path: Path, wanted: str | None, allowed: str, network: str
) -> None:
    found = environment(tmp_path, EnvironmentSettings(network=wanted), EnvironmentRules(network=allowed))
    assert found.container("x", str(tmp_path)).network == network


def test_what_a_persons_libraries_have_downloaded_is_mounted_to_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home" / ".keras" / "datasets").mkdir(parents=True)
    own = environment(tmp_path, rules=EnvironmentRules(data=None)).container("x", str(tmp_path))
    assert [mount.target for mount in own.mounts] == ["/home/trainer", "/home/trainer/.keras/datasets"]
    assert own.mounts[1].read_only
    pushed = environment(tmp_path).container("x", str(tmp_path))
    assert [mount.target for mount in pushed.mounts] == ["/home/trainer"]


def test_what_was_downloaded_for_the_trials_is_not_hidden_by_what_a_person_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    own, cache = tmp_path / "home" / ".keras" / "datasets", tmp_path / "cache" / ".keras" / "datasets"
    for folder in (own / "fashion-mnist", own / "both", cache / "both"):
        folder.mkdir(parents=True)
        (folder / "data").write_text(str(folder.parent))
    (own / "cifar.tar").write_text("own")
    (own / "mnist.npz").write_text("own")
    (cache / "mnist.npz").write_text("downloaded")
    made = environment(tmp_path, rules=EnvironmentRules(data=None))
    wanted = [
        (str(own / name), f"/home/trainer/.keras/datasets/{name}") for name in ("cifar.tar", "fashion-mnist")
    ]
    for _ in range(2):  # the places that are mounted over are no data of the repository's
        mounts = made.container("x", str(tmp_path)).mounts
        assert [(mount.source, mount.target) for mount in mounts[1:]] == wanted
    assert (cache / "mnist.npz").read_text() == "downloaded"


def test_a_link_that_a_trial_left_in_the_cache_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home" / ".keras" / "datasets").mkdir(parents=True)
    (tmp_path / "cache").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "cache" / ".keras").symlink_to(tmp_path / "outside")
    environment(tmp_path, rules=EnvironmentRules(data=None)).container("x", str(tmp_path))
    assert list((tmp_path / "outside").iterdir()) == []


def told_of(folder: Path, network: str, *loaders: Loader) -> list[str]:
    made = environment(folder, EnvironmentSettings(network=network), EnvironmentRules(network="full"))
    return list(made._downloaded(Needs(loaders=loaders), Interpreter("python", (3, 11, 0), image="x")))


def test_what_cannot_be_downloaded_before_trials_is_said_where_they_have_no_network(tmp_path: Path) -> None:
    astray = Loader(
        "train.py", 7, "torchvision.datasets.MNIST", (("root", "'data'"),), trouble="every trial's own"
    )
    line = "not downloaded: torchvision.datasets.MNIST(root='data') (train.py:7): every trial's own"
    assert told_of(tmp_path, "prepare", astray) == [line]
    assert told_of(tmp_path, "full", astray) == []


def test_nothing_is_downloaded_for_code_that_is_to_have_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    call = Loader("train.py", 1, "keras.datasets.mnist.load_data")
    assert told_of(tmp_path, "none", call) == []
    with pytest.raises(MachineError):
        told_of(tmp_path, "prepare", call)


def test_no_password_of_an_address_is_shown_and_no_line_without_end() -> None:
    url = "https://ann:secret@example.org/x.npz"
    assert str(Loader("train.py", 1, "get_file", (("origin", repr(url)),))) == (
        "get_file(origin='https://…@example.org/x.npz')"
    )
    assert len(str(Loader("train.py", 1, "get_file", (("origin", repr("x" * 9999)),)))) < 300


def test_missing_data_is_said_before_an_engine_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    settings = EnvironmentSettings(data=(Mount("birds", "/data/birds"),))
    with pytest.raises(UsageError, match="data birds"):
        environment(tmp_path, settings).prepare(Needs(str(tmp_path), "train.py"))
