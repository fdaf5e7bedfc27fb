"""What an attempt that runs in a container needs besides its command: image, mounts, limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Network = Literal["none", "full", "host"]
"""What the engine gives: nothing, a network of its own, or this machine's (a person's own downloads only)."""

GIB = 1024**3

LABEL = "pushtune"
"""Carried by everything of ours that an engine keeps: containers, volumes, images."""

HOME_LABEL = "pushtune.home"
"""Whose it is: the home folder of the server, or the study's folder on a laptop."""


@dataclass(frozen=True)
class Mount:
    """A file or folder of this machine, seen in a container at ``target`` (absolute).

    With ``volume`` the ``source`` is the name of a volume that the engine keeps.
    """

    source: str
    target: str
    read_only: bool = True
    volume: bool = False


@dataclass(frozen=True)
class ContainerSpec:
    """How the container of an attempt is set up.

    ``image`` is an id or a name that the engine has; nothing is ever pulled. ``mounts`` are data sets and
    caches; the attempt's own folder and what its ``AttemptSpec`` reads are mounted besides. ``reach``:
    folders besides the script's own below which data that its workspace links may be mounted, read-only.
    ``gpus`` is ``""`` (none), ``"all"``, or names as the engine takes them (``device=0``, or CDI names such
    as ``nvidia.com/gpu=0``). ``user`` is ``uid:gid``; None: our own, or nobody's if we are root. ``cpus`` in
    cores, None: all of them. ``pids``: processes and threads together. ``shm`` and ``scratch`` (``/tmp``) in
    bytes; what is used of them counts as memory.
    """

    image: str
    mounts: tuple[Mount, ...] = ()
    reach: tuple[str, ...] = ()
    network: Network = "none"
    gpus: str = ""
    user: str | None = None
    cpus: float | None = None
    pids: int = 2048
    shm: int = GIB
    scratch: int = GIB
