"""Which environment a study's trials run in, made from the settings."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from pushtune.environment import ENVIRONMENTS, EnvironmentRequest
from pushtune.environment.request import default_store
from pushtune.model.ports import Environment
from pushtune.settings import Settings, own_rules


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
