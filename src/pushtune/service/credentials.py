"""What private repositories are fetched with: a token or a key, in files of the operator's."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from pushtune.errors import UsageError
from pushtune.git import Credentials
from pushtune.ledger import RepositoryRow
from pushtune.model.home import Home


@dataclass(frozen=True)
class Keys:
    """Where a repository's credentials lie. The secrets themselves are read when used, never kept."""

    token_file: str | None = None
    user: str = ""
    ssh_key: str | None = None
    known_hosts: str | None = None


def save_keys(home: Home, repository: int, keys: Keys) -> None:
    """Keep where a repository's credentials lie. ``UsageError`` for files that are not there."""
    for name in (keys.token_file, keys.ssh_key, keys.known_hosts):
        if name is not None and not Path(name).is_file():
            raise UsageError(f"there is no file {name}", fix="name the file that holds the token or the key")
    path = _file(home, repository)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.write_text(json.dumps(asdict(keys)), encoding="utf-8")
    path.chmod(0o600)


def credentials_of(home: Home, repository: RepositoryRow) -> Credentials | None:
    """Return what a repository is fetched with, read now; None where it needs nothing."""
    try:
        keys = Keys(**json.loads(_file(home, repository.id).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    return credentials_from(keys)


def credentials_from(keys: Keys) -> Credentials:
    """Read what ``keys`` name. ``UsageError`` where a file cannot be read."""
    token = None
    if keys.token_file is not None:
        try:
            token = Path(keys.token_file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise UsageError(f"the token file {keys.token_file} cannot be read: {error.strerror}") from None
    return Credentials(token, keys.user, _path(keys.ssh_key), _path(keys.known_hosts))


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(os.path.abspath(text))  # noqa: PTH100 - links are kept


def _file(home: Home, repository: int) -> Path:
    return home.path / "credentials" / f"{repository}.json"
