"""What a server is put together from: the one place that chooses for pushed code."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from pushtune.environment import ENVIRONMENTS, EnvironmentRequest, ProcessEnvironment
from pushtune.environment.engines import find_engine
from pushtune.errors import MachineError, UsageError
from pushtune.ledger import RepositoryRow
from pushtune.model.home import Home
from pushtune.model.ports import Environment
from pushtune.pipeline import Server
from pushtune.service.credentials import Secrets, credentials_of
from pushtune.settings import PushSettings, ServerSettings, environment_rules

CONTAINER = "container"
PROCESS = "process"


def make_server(
    home: Home,
    settings: ServerSettings,
    *,
    tell: Callable[[str], None],
    secrets: tuple[str, ...] = (),
    clock: Callable[[], float] = time.time,
) -> Server:
    """Put a server together. Raises ``UsageError`` where nothing was chosen to shut pushed code in."""
    kind = environment_kind(settings)

    def environment(push: PushSettings, repository: RepositoryRow, root: Path) -> Environment:
        if kind == PROCESS:
            return ProcessEnvironment(
                settings.python, isolated=True, user=settings.user, home=home.cache(repository.id)
            )
        return ENVIRONMENTS[CONTAINER](_request(home, settings, push, repository, root))

    return Server(
        home=home,
        settings=settings,
        environment=environment,
        credentials=lambda repository: credentials_of(home, repository),
        clock=clock,
        tell=tell,
        secrets=Secrets(home, secrets),
    )


def environment_kind(settings: ServerSettings) -> str:
    """Return what pushed code runs in: a container where an engine answers, a process only if asked for."""
    if settings.environment is not None:
        return settings.environment
    try:
        find_engine(None)
    except (MachineError, UsageError) as error:
        raise UsageError(
            f"pushed code is not trusted, and there is nothing to shut it in: {error}",
            fix='install Docker or Podman, or say environment = "process" in server.toml '
            "(or --environment process) if only people you trust can push",
        ) from None
    return CONTAINER


def _request(
    home: Home, settings: ServerSettings, push: PushSettings, repository: RepositoryRow, root: Path
) -> EnvironmentRequest:
    return EnvironmentRequest(
        settings=push.run.environment,
        rules=environment_rules(settings),
        root=str(root),
        home=str(home.path),
        cache=home.cache(repository.id),
        store=home.path / "environments",
    )


def secrets_of(environ: Mapping[str, str], *more: str) -> tuple[str, ...]:
    """Return what must never be shown: the server's own secrets."""
    ours = [name for name in environ if name.startswith("PUSHTUNE_")]
    told = [environ[name] for name in ours if "PASSWORD" in name]
    # Two with a comma between, while they are changed.
    told += [part for name in ours if "SECRET" in name for part in environ[name].split(",")]
    return tuple(text for text in (*told, *more) if text)
