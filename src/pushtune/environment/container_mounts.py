"""Which files of this machine a container sees: its own folder, what it must read, and data within bounds."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from pushtune.errors import UsageError
from pushtune.model.containers import Mount
from pushtune.model.ports import AttemptSpec

_CLOSED = ("/proc", "/sys", "/dev", "/run", "/var/run", "/etc", "/boot")
"""Nothing below these is data, and engines' sockets lie there."""

_TOO_WIDE = ("/", "/home", "/root", "/var", "/var/lib", "/usr", "/opt", "/tmp", "/mnt", "/media", "/srv")  # noqa: S108
"""Below these may be data; they themselves hold other people's."""

_UNFIT = (",", '"', "\n", "\r", "\0")
"""The clients' syntax for mounts has no agreed way to write these."""


def mounts_of(spec: AttemptSpec) -> list[Mount]:
    """Return all mounts of the attempt's container, what lies above others first.

    Linked data is left out where it may not be reached: the link then leads nowhere. Raises ``UsageError``
    for a path that cannot be mounted at all.
    """
    assert spec.container is not None
    mounts = [
        *spec.container.mounts,
        *(Mount(path, path) for path in spec.reads),
        *_reachable(spec),
        Mount(spec.folder, spec.folder, read_only=False),
    ]
    # The later one of two with the same target counts: the attempt's own folder is the last.
    by_target = {mount.target: mount for mount in mounts}
    for mount in by_target.values():
        _check(mount)
    return sorted(by_target.values(), key=lambda mount: len(Path(mount.target).parts))


def _reachable(spec: AttemptSpec) -> Iterator[Mount]:
    assert spec.container is not None
    folders = [os.path.realpath(folder) for folder in spec.container.reach]
    for path in spec.links:
        real = os.path.realpath(path)
        if is_data(real) and not _holds(real, spec.folder) and any(_is_below(real, each) for each in folders):
            # What it led to when it was looked at, whatever it is made to lead to later.
            yield Mount(real, path)


def is_data(path: str) -> bool:
    """Whether ``path`` (absolute, links resolved) is a file or folder that may be data."""
    place = Path(path)
    closed = any(_is_below(path, folder) for folder in _CLOSED)
    # A socket in a container is a way out of it, also read-only.
    return not closed and path not in _TOO_WIDE and (place.is_file() or place.is_dir())


def _is_below(path: str, folder: str) -> bool:
    return Path(path).is_relative_to(folder)


def _holds(path: str, folder: str) -> bool:
    """Whether ``path`` holds the attempt's folder, and with it other trials' files."""
    return _is_below(os.path.realpath(folder), path)


def _check(mount: Mount) -> None:
    for path in (mount.source, mount.target):
        if any(character in path for character in _UNFIT):
            raise UsageError(
                f"{path!r} cannot be mounted: its name has a comma, a quote or a line break",
                fix="rename the file or folder",
            )
    if not mount.volume and not os.path.lexists(mount.source):
        raise UsageError(f"{mount.source} is not there", fix="name data that exists in [environment]")


def mount_options(mounts: Iterable[Mount]) -> list[str]:
    """Return the mounts as options of ``docker run`` and ``podman run``."""
    options = []
    for mount in mounts:
        kind = "volume" if mount.volume else "bind"
        ending = ",readonly" if mount.read_only else ""
        options.append(f"--mount=type={kind},source={mount.source},target={mount.target}{ending}")
    return options
