"""What the doctor says of engines: one is enough, and where there is none, how to get it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pushtune.service.doctor_engines import engine_findings


def program(folder: Path, name: str, code: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{code}\n")
    path.chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it but what a test puts there."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_without_an_engine_it_says_how_to_install_one(path: Path) -> None:
    findings = engine_findings()
    assert [(finding.name, finding.good) for finding in findings] == [("docker", False), ("podman", False)]
    assert all("install" in finding.fix for finding in findings)
    assert not any(finding.needed for finding in findings)


def test_a_stopped_one_is_to_be_started_and_not_installed(path: Path) -> None:
    program(path, "docker", "echo 'Cannot connect to the Docker daemon at unix:///x' >&2; exit 1")
    docker = engine_findings()[0]
    assert "Docker does not run" in docker.what
    assert "start docker" in docker.fix


@pytest.mark.parametrize(
    ("version", "good"), [("24.0.7", True), ("20.10.24+dfsg1", True), ("19.03.1", False)]
)
def test_one_is_enough_if_it_is_not_too_old(path: Path, version: str, good: bool) -> None:
    program(path, "docker", f"""echo '{{"ServerVersion": "{version}", "SecurityOptions": []}}'""")
    assert [(finding.name, finding.good) for finding in engine_findings()] == [("docker", good)]


def test_a_gpu_without_its_toolkit_is_said(path: Path) -> None:
    program(path, "docker", """echo '{"ServerVersion": "25.0.0"}'""")
    program(path, "nvidia-smi", "true")
    assert not engine_findings()[-1].good
    assert "nvidia-container-toolkit" in engine_findings()[-1].fix
    program(path, "nvidia-ctk", "true")
    assert engine_findings()[-1].good
