"""Which repositories are watched: what ``pushtune repo`` does."""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from pushtune.errors import PushtuneError, UsageError
from pushtune.git import Address, check_address, is_ours, list_heads
from pushtune.ledger import RepositoryRow
from pushtune.service.credentials import Keys, credentials_from, save_keys
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
    now = time.time()
    row = home.ledger.repositories.add(
        RepositoryRow(0, name or _name_of(address), address.text, branches, poll or home.settings.poll, now)
    )
    save_keys(home.home, row.id, keys)
    for branch, commit in heads.branches.items():
        if not is_ours(branch) and is_watched(branch, branches, heads.default):
            home.ledger.repositories.seen(row.id, branch, commit, told_by="command", now=now, push=train_now)
    return row


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
    return "\n".join(
        f"{row.name:<24} {', '.join(row.branches) or '(default)':<20} "
        f"{'-' if row.poll is None else f'{row.poll:g} s':>8}  {row.address}"
        for row in rows
    )


def _facts(home: Opened, row: RepositoryRow) -> dict[str, Any]:
    return {**vars(row), "branches": list(row.branches), "heads": home.ledger.repositories.heads(row.id)}


def remove_repository(home: Opened, name: str) -> None:
    """Watch a repository no more. Its pushes and results stay; our hook, if it has one, is taken away."""
    row = home.ledger.repositories.named(name)
    # A repository that is gone, or is not ours to write in, must be removable all the same.
    with suppress(PushtuneError):
        address = check_address(row.address, allow_local=True, allowed_hosts=home.settings.hosts)
        if address.local:
            remove_hook(address.path, home.home.path, name)
    home.ledger.repositories.remove(name, now=time.time())


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
