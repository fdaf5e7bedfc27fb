"""What of ours a machine holds: images, containers, volumes, virtual environments, caches."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pushtune.environment.downloads import unfinished
from pushtune.environment.engines import Engine
from pushtune.environment.image_build import RECIPE_LABEL
from pushtune.environment.images import Images
from pushtune.environment.virtualenv_store import Virtualenvs
from pushtune.model.containers import HOME_LABEL, LABEL


@dataclass(frozen=True)
class Holding:
    """One thing. ``kind`` is image, container, volume, virtualenv, cache, or download (one broken off).

    ``id`` is what the engine calls it, or its folder; ``size`` in bytes, None where that cannot be told;
    ``used`` the unix seconds of its last use. ``what`` says more: an image's recipe, a container's status.
    ``home`` is the study or the server whose container it is.
    """

    kind: str
    name: str
    id: str
    size: int | None
    used: float | None
    what: str = ""
    engine: str = ""
    busy: bool = False
    home: str = ""

    @property
    def orphaned(self) -> bool:
        """Whether the study or the server that it trains for is no more: nobody will look at it again."""
        return Path(self.home).is_absolute() and not Path(self.home).exists()


def engine_holdings(engine: Engine, images: Images) -> list[Holding]:
    """Return what of ours the engine keeps."""
    return [*_images(engine, images), *_containers(engine), *_volumes(engine)]


def folder_holdings(store: Path) -> list[Holding]:
    """Return the virtual environments and caches below the user's folder."""
    virtualenvs = Virtualenvs(store / "virtualenvs")
    found = []
    for key in virtualenvs.markers.all():
        body = virtualenvs.markers.read(key) or {}
        used = virtualenvs.markers.used(key)
        found.append(
            Holding("virtualenv", key[:12], key, virtualenvs.size(key), used, str(body.get("kind", "")))
        )
    for key in virtualenvs.leftovers():
        found.append(Holding("virtualenv", key[:12], key, virtualenvs.size(key), None, "half made"))
    caches = store / "caches"
    for path in sorted(caches.iterdir()) if caches.is_dir() else []:
        if path.is_dir() and not path.is_symlink():
            found.append(
                Holding("cache", path.name, str(path), _size(path), path.stat().st_mtime, "downloads")
            )
    for path in unfinished(store):
        found.append(
            Holding("download", path.name, str(path), _size(path), path.stat().st_mtime, "half done")
        )
    return found


def prune_engine(engine: Engine, images: Images, holding: Holding) -> str | None:
    """Remove an image, a volume or a container of ours that has ended or that nobody looks at any more.

    Return why it could not be, or None.
    """
    if holding.kind == "image":
        answer = engine.call("rmi", *([holding.id] if not holding.name else [holding.name]), check=False)
        if answer.code == 0:
            images.markers.remove(holding.what)
            images.markers.remove(f"has-{holding.id.removeprefix('sha256:')}")
        return None if answer.code == 0 else answer.last_words
    force = ("--force",) if holding.orphaned else ()
    verb = ("volume", "rm") if holding.kind == "volume" else ("rm", "--volumes", *force)
    answer = engine.call(*verb, holding.id, check=False)
    return None if answer.code == 0 else answer.last_words


def prune_folder(store: Path, holding: Holding) -> None:
    """Remove a virtual environment or a cache."""
    if holding.kind == "virtualenv":
        Virtualenvs(store / "virtualenvs").remove(holding.id)
    else:
        shutil.rmtree(holding.id, ignore_errors=True)


def _images(engine: Engine, images: Images) -> Iterator[Holding]:
    ids = engine.images(f"{LABEL}=image")
    for item in _inspected(engine, "image", ids):
        labels = (item.get("Config") or {}).get("Labels") or {}
        key = str(labels.get(RECIPE_LABEL, ""))
        names = [str(name) for name in item.get("RepoTags") or () if "pushtune/" in str(name)]
        used = images.markers.used(key) if key else None
        yield Holding(
            kind="image",
            name=names[0].removeprefix("localhost/") if names else "",
            id=str(item["Id"]),
            size=int(item.get("Size") or 0),
            used=used or _seconds(str(item.get("Created") or "")),
            what=key,
            engine=engine.name,
        )


def _containers(engine: Engine) -> Iterator[Holding]:
    for container in engine.containers(LABEL):
        used = _seconds(container.started)
        yield Holding(
            "container",
            container.name,
            container.id,
            None,
            used,
            container.status,
            engine.name,
            container.runs,
            container.labels.get(HOME_LABEL, ""),
        )


def _volumes(engine: Engine) -> Iterator[Holding]:
    names = engine.call("volume", "ls", "--quiet", f"--filter=label={LABEL}").stdout.split()
    for name in names:
        yield Holding("volume", name, name, None, None, "", engine.name)


def _inspected(engine: Engine, kind: str, ids: list[str]) -> list[dict[str, Any]]:
    if not ids:
        return []
    answer = engine.call(kind, "inspect", *ids, check=False)
    with contextlib.suppress(ValueError):
        found: list[dict[str, Any]] = json.loads(answer.stdout or "[]")
        return found
    return []


def _seconds(stamp: str) -> float | None:
    """Return the unix seconds of an engine's time stamp (nanoseconds are cut off)."""
    head, _, rest = stamp.partition(".")
    zone = rest.lstrip("0123456789") if rest else ""
    with contextlib.suppress(ValueError):
        return datetime.fromisoformat((head + zone).replace("Z", "+00:00")).timestamp()
    return None


def _size(folder: Path) -> int:
    total = 0
    for base, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += (Path(base) / name).lstat().st_blocks * 512
    return total
