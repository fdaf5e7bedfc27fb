"""Read the settings: flags before environment variables before files before defaults."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pushtune.errors import SettingsError
from pushtune.settings.environment import EnvironmentSettings, read_environment
from pushtune.settings.options import OPTIONS, REPOSITORY_OPTIONS, Option

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


LARGEST = 1_000_000
"""Bytes of a settings file: a stranger's may be of any size."""


@dataclass(frozen=True)
class Settings:
    """What a run was told. Times are seconds, sizes bytes; see ``options.OPTIONS`` for each."""

    target: str | None
    metric: str | None
    trials: int
    time: float | None
    jobs: int | None
    strategy: str
    program: str | None
    args: tuple[str, ...]
    python: str | None
    seed: int
    patience: int | None
    max_epochs: int | None
    trial_time: float | None
    memory: int | None
    rungs: bool
    confirm: bool
    confirm_seeds: int
    env: str = "process"
    environment: EnvironmentSettings = field(default_factory=EnvironmentSettings)

    @property
    def memory_limit(self) -> int | None:
        """The most memory that one trial may use: what ``memory`` and ``[environment]`` say, the less."""
        said = [size for size in (self.memory, self.environment.memory) if size is not None]
        return min(said, default=None)


TABLES: tuple[Option, ...] = (
    Option("environment", read_environment, EnvironmentSettings(), "What trials run in, in detail."),
)
"""What only a file says, as a table."""


def load_settings(
    flags: Mapping[str, Any], *, root: Path, environ: Mapping[str, str], options: tuple[Option, ...] = OPTIONS
) -> Settings:
    """Return the settings of a run.

    ``flags`` holds what the command line said, None where it said nothing; ``root`` is the folder whose
    ``pushtune.toml`` (or ``[tool.pushtune]`` in ``pyproject.toml``) is read. Raises ``SettingsError`` that
    names the place of the slip.
    """
    file, values = read_file(root)
    check_names(file, values, (*options, *TABLES, *REPOSITORY_OPTIONS))
    return Settings(**read_values((*options, *TABLES), flags, environ, file, values))


def check_names(file: str, values: Mapping[str, Any], options: Sequence[Option]) -> None:
    """Raise ``SettingsError`` if a file says something that no option is called."""
    known = {option.name for option in options}
    for name in values:
        if name not in known:
            raise SettingsError(f"{file}: there is no setting called {name!r}", fix=_nearest(name, known))


def read_values(
    options: Sequence[Option],
    flags: Mapping[str, Any],
    environ: Mapping[str, str],
    file: str,
    values: Mapping[str, Any],
) -> dict[str, Any]:
    """Return each option's value: the flag's, else the variable's, else the file's, else the default."""
    return {option.name: _value(option, flags, environ, file, values) for option in options}


def _value(
    option: Option, flags: Mapping[str, Any], environ: Mapping[str, str], file: str, values: Mapping[str, Any]
) -> Any:
    flag = flags.get(option.name)
    if flag is not None:
        return option.read(option.flag, flag)
    if environ.get(option.variable):
        return option.read(option.variable, environ[option.variable])
    if option.name in values:
        return option.read(f"{file}: {option.name}", values[option.name])
    return option.default


def read_file(root: Path) -> tuple[str, dict[str, Any]]:
    """Return the name of the settings file of ``root`` and what it says; nothing where there is none."""
    for name, table in (("pushtune.toml", ()), ("pyproject.toml", ("tool", "pushtune"))):
        path = root / name
        if not path.is_file():
            continue
        try:
            if path.stat().st_size > LARGEST:
                raise ValueError(f"it is larger than {LARGEST} bytes")
            values: Any = tomllib.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            if name == "pyproject.toml":
                continue  # not ours to complain of
            raise SettingsError(f"{name} cannot be read: {error}", fix="mend the file") from None
        for key in table:
            values = values.get(key, {}) if isinstance(values, dict) else {}
        if values:
            return name, {str(key).replace("-", "_"): value for key, value in values.items()}
    return "pushtune.toml", {}


def _nearest(name: str, known: set[str]) -> str:
    # Imported only when there is a slip to explain.
    from difflib import get_close_matches  # noqa: PLC0415

    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else "known are " + ", ".join(sorted(known))
