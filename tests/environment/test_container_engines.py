"""Finding an engine, and saying in a line why there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from container_cases import Yard, engine_or_none

from pushtune.environment import engine_fixes
from pushtune.environment.engine_fixes import fix_for, install_line
from pushtune.environment.engines import EngineAwayError, find_engine
from pushtune.errors import MachineError, UsageError
from pushtune.model.containers import LABEL
from pushtune.testing.real_parts import need


def program(folder: Path, name: str, code: str) -> None:
    """Put a client on the way that says what a real one says."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{code}\n")
    path.chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it but what a test puts there."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_an_engine_that_answers_is_found_and_asked(yard: Yard) -> None:
    engine = find_engine(yard.engine.name)
    assert engine == yard.engine
    assert engine.version[0].isdigit()
    assert engine.cgroups in (1, 2)
    assert not engine.has_image("pushtune-no-such-image")
    assert engine.inspect(["pushtune-no-such-container"]) == []
    engine.remove(["pushtune-no-such-container"])
    assert engine.images(f"{LABEL}=base")
    with pytest.raises(MachineError, match="pushtune-no-such-image"):
        engine.call("image", "inspect", "pushtune-no-such-image")


def test_an_engine_that_is_stopped_is_away(tmp_path: Path) -> None:
    need(engine_or_none("docker") is not None, "Docker's client")
    with pytest.raises(EngineAwayError, match="Docker does not run") as caught:
        find_engine("docker", {"DOCKER_HOST": f"unix://{tmp_path}/none.sock"})
    assert "systemctl start docker" in caught.value.fix


def test_a_name_that_is_no_engines_is_refused() -> None:
    with pytest.raises(UsageError, match="lxc") as caught:
        find_engine("lxc")
    assert caught.value.fix == "use one of docker, podman"


def test_no_engine_at_all_says_how_to_install_one(path: Path) -> None:
    with pytest.raises(MachineError, match="docker is not installed") as caught:
        find_engine()
    assert caught.value.fix == install_line("docker")


def test_one_that_does_not_answer_says_more_than_one_that_is_not_there(path: Path) -> None:
    program(path, "podman", "echo 'Error: cannot connect to Podman socket' >&2; exit 125")
    with pytest.raises(EngineAwayError, match="Podman's machine does not run"):
        find_engine()


def test_docker_may_be_podman_by_another_name(path: Path) -> None:
    body = '{"host": {"cgroupVersion": "v2", "security": {"rootless": true}}, "version": {"Version": "5.0"}}'
    program(path, "docker", f"echo '{body}'")
    engine = find_engine("docker")
    assert (engine.name, engine.version, engine.rootless, engine.cgroups) == ("podman", "5.0", True, 2)


def test_a_program_that_is_no_engine_is_said(path: Path) -> None:
    program(path, "docker", "echo hello")
    with pytest.raises(MachineError, match="does not understand"):
        find_engine("docker")


@pytest.mark.parametrize(
    ("said", "fix"),
    [
        (
            "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
            "usermod -aG docker",
        ),
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is it up?", "start docker"),
        ("Error: no subuid ranges found for user 'x' in /etc/subuid", "--add-subuids"),
    ],
)  # fmt: skip
def test_what_a_client_says_comes_with_the_fix(said: str, fix: str) -> None:
    reason = fix_for("docker", said)
    assert reason is not None
    assert fix in reason.fix


def test_an_ordinary_refusal_is_not_taken_for_an_engine_that_is_away() -> None:
    assert fix_for("docker", "Error response from daemon: No such image: x") is None


@pytest.mark.parametrize(
    ("release", "command"),
    [
        ("ID=debian\n", "sudo apt install docker.io"),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', "sudo apt install docker.io"),
        ("ID=fedora\n", "sudo dnf install moby-engine"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', "sudo dnf install podman"),
        ("ID=arch\n", "sudo pacman -S docker"),
        ("ID=plan9\n", "install docker from your distribution's packages"),
        ("", "install docker from your distribution's packages"),
    ],
)
def test_each_distribution_has_its_own_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, release: str, command: str
) -> None:
    (tmp_path / "os-release").write_text(release)
    monkeypatch.setattr(engine_fixes, "_RELEASE", tmp_path / "os-release")
    assert install_line("docker") == command
