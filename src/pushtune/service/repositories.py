"""Which repositories are watched: what ``pushtune repo`` does."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from pushtune.errors import PushtuneError, UsageError
from pushtune.git import Address, check_address, list_heads
from pushtune.ledger import RepositoryRow
from pushtune.service.credentials import Keys, credentials_from, credentials_of, save_keys
from pushtune.service.home import Opened
from pushtune.watch.hook import install_hook, remove_hook
from pushtune.watch.polling import is_watched

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


def add_repository(
    home: Opened,
    text: str,
    *,
    name: str | None,
    branches: tuple[str, ...],
    poll: float | None,
    keys: Keys,
    train_now: bool,
) -> RepositoryRow:
    """Watch a repository from now on; what it has already is trained only with ``train_now``.

    It is asked for its branches first, so that a slip in the address is seen here. ``poll`` in seconds, None:
    the server's setting. Raises ``UsageError`` for an address that is refused, ``MachineError`` where it
    does not answer.
    """
    # Whoever types this command is the operator: their own folders are theirs to watch.
    address = check_address(text, allow_local=True, allowed_hosts=home.settings.hosts)
    if address.local and not home.settings.local:
        _allow_local(home)
    heads = list_heads(address, credentials_from(keys))
    row = home.ledger.repositories.add(
        RepositoryRow(
            0, name or _name_of(address), address.text, branches, poll or home.settings.poll, time.time()
        )
    )
    save_keys(home.home, row.id, keys)
    for branch, commit in heads.branches.items():
        if is_watched(branch, branches, heads.default):
            _remember_head(home, row.id, branch, commit, push=train_now)
    return row


def known_repository(home: Opened, text: str, name: str | None) -> RepositoryRow | None:
    """Return the repository that is watched already at that address, under ``name`` if one is given.

    Raises ``UsageError`` where it is watched under several names and none is given.
    """
    address = check_address(text, allow_local=True, allowed_hosts=home.settings.hosts).text
    same = [row for row in home.ledger.repositories.all() if row.address == address]
    found = same if name is None else [row for row in same if row.name == name]
    if len(found) > 1:
        names = ", ".join(row.name for row in found)
        raise UsageError(f"{address} is watched under several names: {names}", fix="say which with --name")
    return found[0] if found else None


def change_repository(
    home: Opened,
    row: RepositoryRow,
    *,
    branches: tuple[str, ...],
    poll: float | None,
    keys: Keys,
    train_now: bool,
) -> tuple[str, ...]:
    """Watch a known repository otherwise, and return what changed: nothing that is not given.

    What newly watched branches hold already is trained only with ``train_now``. Raises as ``add_repository``.
    """
    address = check_address(row.address, allow_local=True, allowed_hosts=home.settings.hosts)
    credentials = credentials_from(keys) if keys != Keys() else credentials_of(home.home, row)
    heads = list_heads(address, credentials)
    wanted = replace(row, branches=branches or row.branches, poll=poll or row.poll)
    for branch, commit in heads.branches.items():
        watched = (is_watched(branch, each.branches, heads.default) for each in (row, wanted))
        # A push to one that was watched before may wait to be seen: it must not be taken for what was there.
        if list(watched) == [False, True]:
            _remember_head(home, row.id, branch, commit, push=train_now)
    home.ledger.repositories.change(wanted)
    if keys != Keys():
        save_keys(home.home, row.id, keys)
    return tuple(_changes(row, wanted, keys))


def _changes(before: RepositoryRow, after: RepositoryRow, keys: Keys) -> Iterator[str]:
    if before.branches != after.branches:
        yield f"branches: {_listed(before)} → {_listed(after)}"
    if before.poll != after.poll:
        yield f"poll: {_seconds(before)} → {_seconds(after)}"
    if keys != Keys():
        yield "what it is fetched with"


def _remember_head(home: Opened, repository: int, branch: str, commit: str, *, push: bool) -> None:
    home.ledger.repositories.seen(repository, branch, commit, told_by="command", now=time.time(), push=push)


def _allow_local(home: Opened) -> None:
    raise UsageError(
        "this server does not watch folders of this machine",
        fix=f"put `local = true` into {home.home.path / 'server.toml'} if every user of it may be trusted",
    )


def _name_of(address: Address) -> str:
    stem = PurePosixPath(address.path.rstrip("/")).name.removesuffix(".git")
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-.")
    if not _NAME.fullmatch(name):
        raise UsageError(f"cannot make a name of {address.text}", fix="give one with --name")
    return name


def check_name(name: str) -> str:
    """Return a repository's name; ``UsageError`` if it could not be a folder's."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be a repository's name", fix="use letters, digits, dots and dashes"
        )
    return name


def list_repositories(home: Opened, *, as_json: bool) -> str:
    """Return the watched repositories, by name."""
    rows = home.ledger.repositories.all()
    if as_json:
        return json.dumps([_facts(home, row) for row in rows], indent=1)
    if not rows:
        return "no repository is watched (`pushtune repo add URL`)"
    lines = [f"{row.name:<24} {_listed(row):<20} {_seconds(row):>8}  {row.address}" for row in rows]
    return "\n".join((*lines, _OTHERS))


_OTHERS = "Pushes to other branches are not taken; `pushtune repo add ADDRESS --branch …` changes that."


def _listed(row: RepositoryRow) -> str:
    return ", ".join(row.branches) or "(default)"


def _seconds(row: RepositoryRow) -> str:
    return "-" if row.poll is None else f"{row.poll:g} s"


def _facts(home: Opened, row: RepositoryRow) -> dict[str, Any]:
    return {**vars(row), "branches": list(row.branches), "heads": home.ledger.repositories.heads(row.id)}


@dataclass(frozen=True)
class Removed:
    """Its open pushes, by number: those that waited are ``cancelled``, the others are ``running`` on."""

    cancelled: tuple[int, ...]
    running: tuple[int, ...]


def remove_repository(home: Opened, name: str) -> Removed:
    """Watch a repository no more. What came of its pushes stays; our hook, if it has one, is taken away."""
    row = home.ledger.repositories.named(name)
    # A repository that is gone, or is not ours to write in, must be removable all the same.
    with suppress(PushtuneError):
        address = check_address(row.address, allow_local=True, allowed_hosts=home.settings.hosts)
        if address.local:
            remove_hook(address.path, home.home.path, name)
    cancelled = home.ledger.repositories.remove(name, now=time.time())
    running = [push.id for push in home.ledger.pushes.open() if push.repository == row.id]
    return Removed(tuple(cancelled), tuple(running))


def hook_repository(home: Opened, name: str, *, remove: bool) -> tuple[Path, ...]:
    """Install (or remove) the hook that tells of pushes at once; return the hooks' files.

    Raises ``UsageError`` for a repository that is not on this machine: it has webhooks.
    """
    row = home.ledger.repositories.named(name)
    address = check_address(row.address, allow_local=True, allowed_hosts=home.settings.hosts)
    if not address.local:
        raise UsageError(
            f"{name} is not on this machine", fix="let its forge send webhooks: docs/how-to/webhooks.md"
        )
    act = remove_hook if remove else install_hook
    return act(address.path, home.home.path, name)
