"""What private repositories are fetched with: a token or a key, in files of the operator's."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
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
        keys = _keys(_file(home, repository.id))
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


class Secrets:
    """All that must not be shown: what the server was started with, and the tokens of all repositories.

    Those may be added and changed at any time; they are read again at most every ``every`` seconds.
    """

    def __init__(self, home: Home, own: tuple[str, ...], *, every: float = 1.0) -> None:
        self._folder = _folder(home)
        self._own = own
        self._every = every
        self._tokens: tuple[str, ...] = ()
        self._read = float("-inf")

    def __call__(self) -> tuple[str, ...]:
        """Return them as they are now, in every form in which they are sent."""
        now = time.monotonic()
        if now - self._read >= self._every:
            self._read = now
            self._tokens = tuple(self._secrets())
        return (*self._own, *self._tokens)

    def _secrets(self) -> Iterator[str]:
        for file in self._folder.glob("*.json"):
            # One that is being removed, or whose token cannot be read, keeps no other from being masked.
            with suppress(OSError, ValueError, TypeError, UsageError):
                yield from credentials_from(_keys(file)).secrets


def _keys(file: Path) -> Keys:
    return Keys(**json.loads(file.read_text(encoding="utf-8")))


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(os.path.abspath(text))  # noqa: PTH100 - links are kept


def _folder(home: Home) -> Path:
    return home.path / "credentials"


def _file(home: Home, repository: int) -> Path:
    return _folder(home) / f"{repository}.json"
