"""Trials in containers: the image by what the script is, data mounted, one cache for each repository."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from pushtune.environment.choice import Choice, choose
from pushtune.environment.container_data import data_mounts
from pushtune.environment.container_runtime import ContainerRuntime
from pushtune.environment.declared import read_declared
from pushtune.environment.engines import Engine, find_engine
from pushtune.environment.image_context import dockerfiles_of
from pushtune.environment.image_kinds import load_kinds
from pushtune.environment.images import Images
from pushtune.environment.process import OLDEST_PYTHON, trial_variables
from pushtune.environment.request import EnvironmentRequest
from pushtune.errors import UsageError
from pushtune.model.containers import ContainerSpec, Mount, Network
from pushtune.model.needs import Needs
from pushtune.model.ports import Interpreter
from pushtune.settings.environment import NETWORKS

HOME_INSIDE = "/home/trainer"
"""The home of trials: the repository's cache. What libraries download once is found by the next trial."""

OWN_CACHES = (
    ".keras/datasets",
    ".keras/models",
    ".cache/torch/hub",
    ".cache/huggingface/hub",
    ".cache/huggingface/datasets",
    "scikit_learn_data",
    "seaborn-data",
    "nltk_data",
    "tensorflow_datasets",
)
"""Below a person's own home: where libraries keep what they have downloaded."""


NOBODY = 65534
"""Who trials of root's run as."""


class ContainerEnvironment:
    """Containers of Docker or Podman, whichever answers (``PUSHTUNE_ENGINE`` names one).

    The choice of the image is read from the repository anew each time; what is made is made once.
    """

    name = "container"

    def __init__(self, request: EnvironmentRequest) -> None:
        self._request = request

    @cached_property
    def engine(self) -> Engine:
        """The engine, looked for when it is first needed. Raises ``MachineError`` if none answers."""
        return find_engine(os.environ.get("PUSHTUNE_ENGINE") or None)

    @cached_property
    def images(self) -> Images:
        """The images that are ready or can be made."""
        return Images(self.engine, self._request.store, self._request.rules, load_kinds())

    def choose(self, needs: Needs) -> Choice:
        """Return the image for a script, and why. Builds nothing and asks no engine."""
        root = Path(needs.root or self._request.root)
        settings = self._request.settings
        declared = read_declared(str(root), needs.entry, settings.python or Choice("").python)
        return choose(needs, declared, settings, self._request.rules, load_kinds(), dockerfiles_of(root))

    def prepare(self, needs: Needs) -> Interpreter:
        """Choose the image and make it ready; see ``Images.ensure`` for what is raised."""
        self._mounts(needs.root or self._request.root)
        choice = self.choose(needs)
        found = self.images.ensure(choice, Path(needs.root or self._request.root))
        if found.version[:2] < OLDEST_PYTHON:
            version = ".".join(map(str, found.version))
            raise UsageError(f"{choice.name} has Python {version}; trials need 3.9 or newer")
        why = (f"image {choice.name} ({found.image.removeprefix('sha256:')[:12]})", *told(choice))
        return Interpreter(found.path, found.version, found.missing, found.image, why)

    def variables(self, threads: int, seed: int) -> dict[str, str]:
        """Return the complete environment of a trial: nothing of ours or of this machine's is in it."""
        base = {"HOME": HOME_INSIDE, "LANG": "C.UTF-8", "TMPDIR": "/tmp", "MPLCONFIGDIR": "/tmp/matplotlib"}  # noqa: S108
        return trial_variables(base, threads, seed)

    def runtime(self) -> ContainerRuntime:
        """Return a new runtime on the engine. Raises ``MachineError`` if none answers."""
        return ContainerRuntime(self.engine, self._request.home)

    def container(self, image: str, root: str) -> ContainerSpec:
        """Return how containers of ``image`` are set up, by the settings within what the operator allows."""
        settings = self._request.settings
        return ContainerSpec(
            image=image,
            mounts=tuple(self._mounts(root)),
            network=self._network(),
            gpus=settings.gpus or "",
            user=settings.user,
            cpus=settings.cpus,
            shm=settings.shm or ContainerSpec.shm,
        )

    def _network(self) -> Network:
        """Trials run without, unless both sides say ``full``."""
        wanted = self._request.settings.network or "prepare"
        given = min(wanted, self._request.rules.network, key=NETWORKS.index)
        return "full" if given == "full" else "none"

    def _mounts(self, root: str) -> list[Mount]:
        request = self._request
        mounts = data_mounts(request.settings.data, Path(root), request.rules)
        return [*self._cache_mounts(), *mounts]

    def _cache_mounts(self) -> Iterator[Mount]:
        cache = self._request.cache
        if cache is None:
            return
        owner = self._owner()
        cache.mkdir(parents=True, exist_ok=True)
        _give(cache, owner)
        yield Mount(str(cache), HOME_INSIDE, read_only=False)
        if self._request.rules.data is None:
            yield from _own_caches(Path.home(), cache, owner)

    def _owner(self) -> tuple[int, int]:
        """Return who trials run as: who is named, else nobody if we are root, else ourselves."""
        if self._request.settings.user is not None:
            user, _, group = self._request.settings.user.partition(":")
            return int(user), int(group or user)
        return (NOBODY, NOBODY) if os.geteuid() == 0 else (os.geteuid(), os.getegid())


def _give(folder: Path, owner: tuple[int, int]) -> None:
    """Let trials write a folder of the cache. Only root can give; what others make is theirs already."""
    if os.geteuid() == 0:
        os.chown(folder, *owner)


def told(choice: Choice) -> tuple[str, ...]:
    """Return why an image was chosen and what was not honoured, as lines for a person."""
    refused = (f"not honoured: {no.file}:{no.line}: {no.text} ({no.why})" for no in choice.refused)
    return (*(str(reason) for reason in choice.reasons), *refused)


def _own_caches(home: Path, cache: Path, owner: tuple[int, int]) -> Iterator[Mount]:
    """Yield what this person's libraries have downloaded already, for trials to read."""
    for name in OWN_CACHES:
        if (home / name).is_dir():
            place = cache / name
            _make_folders(cache, name, owner)
            if place.is_dir() and not place.is_symlink():
                yield Mount(str((home / name).resolve()), f"{HOME_INSIDE}/{name}")


def _make_folders(cache: Path, name: str, owner: tuple[int, int]) -> None:
    """Make the places that are mounted over, so that the engine need not, as root."""
    path = cache
    for part in Path(name).parts:
        path = path / part
        if path.is_symlink():
            return  # A trial made it: nothing is made behind it.
        if not path.is_dir():
            path.mkdir()
            _give(path, owner)
