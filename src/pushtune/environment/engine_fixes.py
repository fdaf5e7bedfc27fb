"""Why a container engine does not answer, and what to do about it on this machine."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

_RELEASE = Path("/etc/os-release")

_INSTALL: dict[str, str] = {
    "debian": "apt install {package}",
    "fedora": "dnf install {package}",
    "rhel": "dnf install {package}",
    "arch": "pacman -S {package}",
    "suse": "zypper install {package}",
    "alpine": "apk add {package}",
}
"""By the name of a distribution, or of one that it is like."""

_PACKAGES: dict[tuple[str, str], str] = {
    ("debian", "docker"): "docker.io",
    ("fedora", "docker"): "moby-engine",
    # Red Hat ships no Docker; Podman does all that is needed.
    ("rhel", "docker"): "podman",
}


@dataclass(frozen=True)
class Reason:
    """What is wrong with an engine, in a line, and the fix."""

    what: str
    fix: str


_SIGNS: tuple[tuple[str, Reason], ...] = (
    (
        "permission denied while trying to connect",
        Reason(
            "you may not use Docker",
            "sudo usermod -aG docker $USER, then log in again (this group is as good as root), or use podman",
        ),
    ),
    (
        "cannot connect to the docker daemon",
        Reason("Docker does not run", "sudo systemctl start docker (without systemd: sudo dockerd &)"),
    ),
    (
        "error during connect",
        Reason("Docker does not answer", "look at DOCKER_HOST and docker context, or start Docker"),
    ),
    (
        "cannot connect to podman",
        Reason("Podman's machine does not run", "podman machine start"),
    ),
    (
        "no subuid ranges found",
        Reason(
            "Podman has no user ids to give to containers",
            "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $USER, then "
            "podman system migrate",
        ),
    ),
)
"""What a client writes when its engine is not to be had; everything else is an answer."""


def fix_for(program: str, said: str | None) -> Reason | None:
    """Return why the engine ``program`` is not to be had, given what its client ``said`` (None: no client).

    None where the engine answered, whatever it said.
    """
    if said is None:
        return Reason(f"{program} is not installed", install_line(program))
    lower = said.lower()
    return next((reason for sign, reason in _SIGNS if sign in lower), None)


def install_line(engine: str) -> str:
    """Return the command that installs ``engine`` on this distribution."""
    family = next((name for name in _distributions() if name in _INSTALL), None)
    if family is None:
        return f"install {engine} from your distribution's packages"
    package = _PACKAGES.get((family, engine), engine)
    return f"sudo {_INSTALL[family].format(package=package)}"


def _distributions() -> list[str]:
    """Return the names of this distribution and of those that it is like, its own first."""
    names: list[str] = []
    with contextlib.suppress(OSError):
        fields = dict(line.split("=", 1) for line in _RELEASE.read_text().splitlines() if "=" in line)
        for field in ("ID", "ID_LIKE"):
            names += fields.get(field, "").strip("\"'").split()
    return names
