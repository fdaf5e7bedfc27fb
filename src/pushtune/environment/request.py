"""What an environment is made for: whose trials, what was asked for, what is allowed."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from pushtune.settings.environment import EnvironmentRules, EnvironmentSettings


def default_store() -> Path:
    """Return where one user keeps what all studies share: markers of images, virtual environments, caches."""
    own = os.environ.get("PUSHTUNE_CACHE")
    if own:
        return Path(own).absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache").absolute() / "pushtune"


@dataclass(frozen=True)
class EnvironmentRequest:
    """``python`` is what ``--python`` says. ``root`` is the repository's folder, ``home`` whose containers
    they are (see ``model.containers.HOME_LABEL``), ``cache`` the folder that trials of this repository, and
    of no other, share; None for none. ``store`` is where images' markers and virtual environments are.
    ``isolated``: the code is not the user's own; ``user`` is then who plain processes run as.
    """

    python: str | None = None
    settings: EnvironmentSettings = field(default_factory=EnvironmentSettings)
    rules: EnvironmentRules = field(default_factory=EnvironmentRules)
    root: str = "."
    home: str = ""
    cache: Path | None = None
    store: Path = field(default_factory=default_store)
    isolated: bool = False
    user: str | None = None
