"""Which environment a study's trials run in, made from the settings; and what `pushtune env` shows of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pushtune.analyse.inspect import inspect
from pushtune.environment import (
    ENVIRONMENTS,
    ContainerEnvironment,
    EnvironmentRequest,
    ProcessEnvironment,
    VirtualenvEnvironment,
)
from pushtune.environment.choice import Choice
from pushtune.environment.engines import ENGINES, Engine, find_engine
from pushtune.environment.holdings import (
    Holding,
    engine_holdings,
    folder_holdings,
    prune_engine,
    prune_folder,
)
from pushtune.environment.image_kinds import load_kinds
from pushtune.environment.images import Images
from pushtune.environment.request import default_store
from pushtune.errors import MachineError
from pushtune.model.needs import Needs
from pushtune.model.ports import Environment, Interpreter
from pushtune.pipeline.prepare import needs_of
from pushtune.service.sweeping import answering
from pushtune.settings import Settings, load_settings, own_rules
from pushtune.source import load_script

UNUSED_SECONDS = 30 * 86400.0
"""What has not been used for so long is pruned, if nobody says otherwise."""


def own_environment(settings: Settings, root: Path, home: Path, environ: Mapping[str, str]) -> Environment:
    """Return the environment of a person's own run: they may ask for anything that they name.

    ``root`` is the script's folder, ``home`` the folder of its studies.
    """
    return ENVIRONMENTS[settings.env](own_request(settings, root, home, environ))


def own_request(settings: Settings, root: Path, home: Path, environ: Mapping[str, str]) -> EnvironmentRequest:
    """Return what such an environment is made for."""
    store = default_store()
    return EnvironmentRequest(
        python=settings.python,
        settings=settings.environment,
        rules=own_rules(environ),
        root=str(root),
        home=str(home),
        cache=store / "caches" / hashlib.sha256(str(root).encode()).hexdigest()[:16],
        store=store,
    )


@dataclass(frozen=True)
class Shown:
    """What a script would run in: ``choice`` is None in process mode, ``ready`` where nobody can tell."""

    script: str
    environment: str
    choice: Choice | None
    interpreter: Interpreter | None
    ready: bool | None

    def to_json(self) -> dict[str, Any]:
        """Return the documented form (docs/how-to/environments.md)."""
        body: dict[str, Any] = {"script": self.script, "environment": self.environment, "ready": self.ready}
        if self.interpreter is not None:
            version = ".".join(map(str, self.interpreter.version))
            body |= {"python": self.interpreter.path, "version": version}
            body |= {"missing": list(self.interpreter.missing)}
        if self.choice is not None:
            names = ("source", "image", "dockerfile", "kind", "python", "packages", "modules", "hashes")
            body["choice"] = {name: getattr(self.choice, name) for name in names}
            body["evidence"] = [vars(reason) for reason in self.choice.reasons]
            body["refused"] = [vars(refused) for refused in self.choice.refused]
        return body


def show_environment(
    path: Path, flags: Mapping[str, Any], environ: Mapping[str, str], workdir: Path
) -> Shown:
    """Return what the script would run in. Nothing is built, fetched or run."""
    needs, environment = _opened(path, flags, environ, workdir)
    name = environment.name
    if isinstance(environment, ContainerEnvironment):
        choice = environment.choose(needs)
        try:
            ready: bool | None = environment.images.is_ready(choice)
        except MachineError:
            ready = None
        return Shown(needs.entry, name, choice, None, ready)
    if isinstance(environment, VirtualenvEnvironment):
        return Shown(needs.entry, name, environment.choose(needs), None, None)
    return Shown(needs.entry, name, None, environment.prepare(needs), True)


def build_environment(
    path: Path, flags: Mapping[str, Any], environ: Mapping[str, str], workdir: Path
) -> Interpreter:
    """Make what the script would run in, and return its Python. Raises ``PushtuneError``."""
    needs, environment = _opened(path, flags, environ, workdir)
    return environment.prepare(needs)


def _opened(
    path: Path, flags: Mapping[str, Any], environ: Mapping[str, str], workdir: Path
) -> tuple[Needs, Environment]:
    script = load_script(path, workdir=workdir)
    root = Path(script.root)
    settings = load_settings(flags, root=root, environ=environ)
    analysis = inspect(load_script(path, settings.args, workdir))
    environment = own_environment(settings, root, root / ".pushtune", environ)
    assert isinstance(environment, (ContainerEnvironment, VirtualenvEnvironment, ProcessEnvironment))
    return needs_of(script, analysis), environment


# What there is of ours.


def all_holdings(environ: Mapping[str, str]) -> tuple[list[Holding], list[str]]:
    """Return what of ours this machine holds, and why an engine could not be asked."""
    store = default_store()
    found = folder_holdings(store)
    silent = []
    for name in ENGINES:
        try:
            engine = find_engine(name)
        except MachineError as error:
            silent.append(str(error))
            continue
        found += engine_holdings(engine, _images(engine, store, environ))
    return found, silent


def prune(
    environ: Mapping[str, str], *, now: float, older: float = UNUSED_SECONDS
) -> Iterator[tuple[Holding, str | None]]:
    """Remove what nobody has used for ``older`` seconds; yield each with why it could not be, or None.

    Running containers are left alone, unless the study or the server that they train for is no more, and so
    are images that something still stands on.
    """
    store = default_store()
    engines = {engine.name: engine for engine in answering()}
    found, _ = all_holdings(environ)
    # What was made last stands on what was made first.
    for holding in sorted(found, key=lambda item: (item.kind != "container", -(item.used or 0.0))):
        if (holding.busy and not holding.orphaned) or now - (holding.used or 0.0) < older:
            continue
        if holding.engine:
            engine = engines[holding.engine]  # type: ignore[index]
            yield holding, prune_engine(engine, _images(engine, store, environ), holding)
        else:
            prune_folder(store, holding)
            yield holding, None


def _images(engine: Engine, store: Path, environ: Mapping[str, str]) -> Images:
    return Images(engine, store, own_rules(environ), load_kinds())
