"""Trials in containers: the image by what the script is, data mounted, one cache for each repository."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from pushtune.environment.choice import Choice, choose
from pushtune.environment.container_caches import HOME_INSIDE, cache_mounts
from pushtune.environment.container_data import data_mounts
from pushtune.environment.container_runtime import ContainerRuntime
from pushtune.environment.declared import read_declared
from pushtune.environment.downloads import Downloads
from pushtune.environment.engines import Engine, find_engine
from pushtune.environment.image_context import dockerfiles_of
from pushtune.environment.image_kinds import load_kinds
from pushtune.environment.images import Images
from pushtune.environment.process import OLDEST_PYTHON, trial_variables
from pushtune.environment.request import EnvironmentRequest
from pushtune.errors import UsageError
from pushtune.model.containers import ContainerSpec, Mount, Network
from pushtune.model.needs import Loader, Needs, without_password
from pushtune.model.ports import Interpreter
from pushtune.settings.environment import NETWORKS

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
        why = (*why, *self._downloaded(needs, found))
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
        return replace(self._spec(image), mounts=tuple(self._mounts(root)))

    def _spec(self, image: str) -> ContainerSpec:
        settings = self._request.settings
        return ContainerSpec(
            image=image,
            network=self._network(),
            gpus=settings.gpus or "",
            user=settings.user,
            cpus=settings.cpus,
            shm=settings.shm or ContainerSpec.shm,
        )

    def _downloaded(self, needs: Needs, found: Interpreter) -> Iterator[str]:
        """Fetch what the script's libraries keep, before trials need it; yield what a person should know.

        What cannot be fetched ends nothing: a script may do without, or look for the data elsewhere too.
        """
        network = self._allowed()
        if self._request.cache is None or network == "none":
            return
        ready = [loader for loader in needs.loaders if not loader.trouble]
        if ready:
            own = self._request.rules.data is None
            for loader, error in self._downloads(found.image, self._request.cache).fetch(ready, found.path):
                yield _told_of(loader, error, own=own) if error else f"downloaded {loader} for all trials"
        # With a network of their own trials fetch it themselves.
        for loader in needs.loaders if network != "full" else ():
            if loader.trouble:
                yield f"not downloaded: {loader} ({loader.file}:{loader.line}): {loader.trouble}"

    def _downloads(self, image: str, cache: Path) -> Downloads:
        own = self._request.rules.data is None
        return Downloads(
            engine=self.engine,
            home=self._request.home,
            store=self._request.store,
            cache=cache,
            target=HOME_INSIDE,
            container=replace(self._spec(image), mounts=tuple(self._cache_mounts())),
            variables=self.variables(1, 0),
            memory=self._request.settings.memory,
            own=own,
            # Where trials themselves may ask anybody there is nothing to be guarded.
            public=not own and self._allowed() != "full",
        )

    def _allowed(self) -> str:
        """Return how much network both sides allow."""
        return min(
            self._request.settings.network or "prepare", self._request.rules.network, key=NETWORKS.index
        )

    def _network(self) -> Network:
        """Trials run without, unless both sides say ``full``."""
        return "full" if self._allowed() == "full" else "none"

    def _mounts(self, root: str) -> list[Mount]:
        request = self._request
        mounts = data_mounts(request.settings.data, Path(root), request.rules)
        return [*self._cache_mounts(), *mounts]

    def _cache_mounts(self) -> list[Mount]:
        cache = self._request.cache
        if cache is None:
            return []
        own = Path.home() if self._request.rules.data is None else None
        return cache_mounts(cache, self._owner(), own)

    def _owner(self) -> tuple[int, int]:
        """Return who trials run as: who is named, else nobody if we are root, else ourselves."""
        if self._request.settings.user is not None:
            user, _, group = self._request.settings.user.partition(":")
            return int(user), int(group or user)
        return (NOBODY, NOBODY) if os.geteuid() == 0 else (os.geteuid(), os.getegid())


def _told_of(loader: Loader, error: str, *, own: bool) -> str:
    """Return what to do about something that could not be downloaded."""
    put = f"put it into ~/{loader.place}" if own and loader.place else "mount it (data under [environment])"
    return (
        f"could not download {loader} ({loader.file}:{loader.line}): {without_password(error)}; "
        f'trials run without a network: {put}, or set network = "full"'
    )


def told(choice: Choice) -> tuple[str, ...]:
    """Return why an image was chosen and what was not honoured, as lines for a person."""
    refused = (f"not honoured: {no.file}:{no.line}: {no.text} ({no.why})" for no in choice.refused)
    return (*(str(reason) for reason in choice.reasons), *refused)
