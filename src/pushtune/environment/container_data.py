"""Which data a repository's trials see: checked before anything runs, mounted and never copied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pushtune.errors import UsageError
from pushtune.model.containers import Mount
from pushtune.settings.environment import EnvironmentRules
from pushtune.settings.environment import Mount as WantedMount


def data_mounts(wanted: Sequence[WantedMount], root: Path, rules: EnvironmentRules) -> Iterator[Mount]:
    """Yield what is mounted. Links are followed before the place is judged.

    Raises ``UsageError`` for data that is missing, outside what the operator allows, or to be written where
    the repository is not the user's own: the next trial must find what this one found.
    """
    for mount in wanted:
        source = _place(mount, root, rules)
        if not source.exists():
            raise UsageError(
                f"data {mount.source}: there is no {source}",
                fix="mend data under [environment] in pushtune.toml, or put the data there",
            )
        if mount.writable and rules.data is not None:
            raise UsageError(f"data {mount.source} is not the repository's to write", fix="mount it :ro")
        yield Mount(str(source), mount.target, read_only=not mount.writable)


def _place(mount: WantedMount, root: Path, rules: EnvironmentRules) -> Path:
    """Return the real path of a source."""
    named = (rules.data_sets or {}).get(mount.source)
    if named is not None:
        return Path(named).resolve()
    home = root.resolve()
    written = Path(mount.source).expanduser() if rules.data is None else Path(mount.source)
    source = (home / written).resolve()
    if source.is_relative_to(home):
        return source
    allowed = rules.data is None or any(source.is_relative_to(Path(f).resolve()) for f in rules.data)
    if not allowed:
        where = ", ".join([*(rules.data_sets or {}), *(rules.data or ())]) or "nothing outside the repository"
        raise UsageError(
            f"data {mount.source} may not be mounted: it lies outside what the operator allows",
            fix=f"allowed: {where}",
        )
    return source
