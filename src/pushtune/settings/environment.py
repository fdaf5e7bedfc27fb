"""What ``[environment]`` says, and what the operator lets a repository say there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from pushtune.errors import SettingsError
from pushtune.settings.options import one_of, read_names, read_path, read_size, read_text

NETWORKS = ("none", "prepare", "full")
"""From the least to the most: never, only while data is fetched and images are built, always."""

_IMAGE = re.compile(r"[a-z0-9][a-z0-9._/:@-]{0,254}", re.IGNORECASE)
_PYTHON = re.compile(r"3\.\d{1,2}")
_USER = re.compile(r"\d{1,9}(:\d{1,9})?")
_OWN_PLACES = (
    "/proc", "/sys", "/dev", "/etc", "/usr", "/bin", "/lib", "/opt", "/run", "/var", "/boot", "/root",
)  # fmt: skip
_LARGEST_USER = 2**31


@dataclass(frozen=True)
class Mount:
    """One folder or file that trials see. ``source`` is as it was written: below the repository, a data set
    that the operator has named, or an absolute path. ``target`` is its absolute path in the container."""

    source: str
    target: str
    writable: bool = False


@dataclass(frozen=True)
class EnvironmentSettings:
    """The table ``[environment]``. None and empty are: not said.

    ``image`` and ``dockerfile`` (a path below the repository) take the place of what pushtune would choose.
    ``python`` is a version (``"3.11"``); ``packages`` are requirements that are installed besides. ``memory``
    and ``shm`` are bytes, ``cpus`` a number of cores, ``gpus`` a count, ``"all"`` or the engine's own words.
    """

    image: str | None = None
    dockerfile: str | None = None
    python: str | None = None
    packages: tuple[str, ...] = ()
    data: tuple[Mount, ...] = ()
    memory: int | None = None
    cpus: float | None = None
    gpus: str | None = None
    network: str | None = None
    shm: int | None = None
    user: str | None = None


@dataclass(frozen=True)
class EnvironmentRules:
    """What may be asked for in ``[environment]``, and what images are made from.

    ``images`` and ``dockerfiles`` allow those that are named; ``found_dockerfiles`` also takes a Dockerfile
    that merely lies at the root. ``data`` are the folders below which absolute sources must lie, None for
    anywhere; ``data_sets`` are names for folders. ``network`` is the most that is given. ``builds`` allows
    packages that run code while they are installed. ``base`` is the image that all of ours are built from;
    ``{python}`` in it stands for the version.
    """

    images: bool = False
    dockerfiles: bool = False
    found_dockerfiles: bool = False
    data: tuple[str, ...] | None = ()
    data_sets: Mapping[str, str] | None = None
    network: str = "prepare"
    builds: bool = False
    base: str = "python:{python}-slim-bookworm"


def own_rules(environ: Mapping[str, str]) -> EnvironmentRules:
    """Return what a person may ask of their own machine: all that they name themselves.

    ``PUSHTUNE_BASE_IMAGE`` names the base of the images.
    """
    base = environ.get("PUSHTUNE_BASE_IMAGE") or EnvironmentRules.base
    return EnvironmentRules(images=True, dockerfiles=True, data=None, network="full", builds=True, base=base)


def read_environment(name: str, value: Any) -> EnvironmentSettings:
    """Return the table's record. Raises ``SettingsError`` that names the entry."""
    if not isinstance(value, Mapping):
        raise SettingsError(f"{name} must be a table: [environment]")
    for key in value:
        if key not in _READERS:
            raise SettingsError(
                f"{name}: there is no setting called {key!r}", fix="known are " + ", ".join(sorted(_READERS))
            )
    return EnvironmentSettings(**{key: _READERS[key](f"{name}.{key}", entry) for key, entry in value.items()})


def read_mount(name: str, text: str) -> Mount:
    """Return what ``"cats:/data/cats:ro"`` says; read-only is the default. Raises ``SettingsError``."""
    parts = text.split(":")
    if len(parts) not in (2, 3) or (len(parts) == 3 and parts[2] not in ("ro", "rw")):
        raise SettingsError(f"{name}: {text!r} is not SOURCE:/TARGET or SOURCE:/TARGET:ro")
    source, target = parts[0].strip(), parts[1].strip()
    if not source or not source.isprintable() or source.startswith("-") or "," in text or '"' in text:
        raise SettingsError(f"{name}: {source!r} is not a folder's name")
    return Mount(source, _target(name, text, target), writable=parts[-1] == "rw")


def _target(name: str, text: str, target: str) -> str:
    path = PurePosixPath(target)
    if not path.is_absolute() or ".." in path.parts or not target.isprintable() or len(path.parts) < 2:
        raise SettingsError(f"{name}: the place in the container must be an absolute path: {text!r}")
    if any(path.is_relative_to(place) for place in _OWN_PLACES):
        raise SettingsError(f"{name}: nothing is mounted below /{path.parts[1]}: {text!r}", fix="use /data/…")
    return str(path)


def _mounts(name: str, value: Any) -> tuple[Mount, ...]:
    mounts = tuple(read_mount(name, text) for text in read_names(name, value))
    targets = [mount.target for mount in mounts]
    if len(set(targets)) < len(targets):
        raise SettingsError(f"{name}: two sources are mounted in the same place")
    return mounts


def _image(name: str, value: Any) -> str:
    text = read_text(name, value)
    if not _IMAGE.fullmatch(text):
        raise SettingsError(f"{name} must be the name of an image, not {value!r}")
    return text


def _python(name: str, value: Any) -> str:
    text = str(value)
    if not _PYTHON.fullmatch(text) or int(text[2:]) < 9:
        raise SettingsError(f'{name} must be a version from "3.9" up, not {value!r}')
    return text


def _packages(name: str, value: Any) -> tuple[str, ...]:
    texts = read_names(name, value)
    for text in texts:
        if text.startswith(("-", ".", "/")) or "://" in text or "@" in text or not text.isprintable():
            raise SettingsError(
                f"{name}: {text!r} is not a package of the index", fix="say NAME or NAME==1.2"
            )
    return texts


def _cpus(name: str, value: Any) -> float:
    try:
        number = float(str(value))
    except ValueError:
        number = 0.0
    if not 0.01 <= number <= 4096 or isinstance(value, bool):
        raise SettingsError(f"{name} must be a number of cores such as 2 or 0.5, not {value!r}")
    return number


def _gpus(name: str, value: Any) -> str:
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"all|\d{1,3}|device=[A-Za-z0-9,._:/-]{1,200}", text):
        raise SettingsError(f'{name} must be a number, "all" or "device=…", not {value!r}')
    return text


def _user(name: str, value: Any) -> str:
    text = str(value)
    if not _USER.fullmatch(text) or any(int(part) >= _LARGEST_USER for part in text.split(":")):
        raise SettingsError(f'{name} must be numbers, "1000" or "1000:1000", not {value!r}')
    if int(text.partition(":")[0]) == 0:
        raise SettingsError(f"{name}: trials do not run as root")
    return text


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "image": _image,
    "dockerfile": read_path,
    "python": _python,
    "packages": _packages,
    "data": _mounts,
    "memory": read_size,
    "cpus": _cpus,
    "gpus": _gpus,
    "network": one_of(*NETWORKS),
    "shm": read_size,
    "user": _user,
}
