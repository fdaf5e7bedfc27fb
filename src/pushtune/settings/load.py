"""Read the settings: flags before environment variables before files before defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pushtune.errors import SettingsError
from pushtune.settings.environment import EnvironmentSettings, read_environment
from pushtune.settings.file import SettingsFile, parsed, plain_names
from pushtune.settings.options import OPTIONS, REPOSITORY_OPTIONS, Option

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
    file = read_file(root)
    check_names(file, (*options, *TABLES, *REPOSITORY_OPTIONS))
    return Settings(**read_values((*options, *TABLES), flags, environ, file))


def check_names(file: SettingsFile, options: Sequence[Option]) -> None:
    """Raise ``SettingsError`` if a file says something that no option is called."""
    known = {option.name for option in options}
    for name in file.values:
        if name not in known:
            error = SettingsError(
                f"{file.name}: there is no setting called {name!r}", fix=_nearest(name, known)
            )
            raise file.at_line(error, name)


def read_values(
    options: Sequence[Option],
    flags: Mapping[str, Any],
    environ: Mapping[str, str],
    file: SettingsFile,
) -> dict[str, Any]:
    """Return each option's value: the flag's, else the variable's, else the file's, else the default."""
    return {option.name: _value(option, flags, environ, file) for option in options}


def _value(option: Option, flags: Mapping[str, Any], environ: Mapping[str, str], file: SettingsFile) -> Any:
    flag = flags.get(option.name)
    if flag is not None:
        return option.read(option.flag, flag)
    if environ.get(option.variable):
        return option.read(option.variable, environ[option.variable])
    if option.name in file.values:
        try:
            return option.read(f"{file.name}: {option.name}", file.values[option.name])
        except SettingsError as error:
            raise file.at_line(error, option.name) from None
    return option.default


def read_file(root: Path) -> SettingsFile:
    """Return the settings file of ``root``; one that says nothing where there is none."""
    for name, table in (("pushtune.toml", ()), ("pyproject.toml", ("tool", "pushtune"))):
        path = root / name
        if not path.is_file():
            continue
        try:
            text = _text(name, path)
            values: Any = parsed(name, text)
        except SettingsError:
            if name == "pyproject.toml":
                continue  # not ours to complain of
            raise
        for key in table:
            values = values.get(key, {}) if isinstance(values, dict) else {}
        if values:
            return SettingsFile(name, plain_names(values), text, table)
    return SettingsFile("pushtune.toml")


def _text(name: str, path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"it is larger than {LARGEST} bytes")
        return path.read_text(encoding="utf-8")
    except ValueError as error:
        raise SettingsError(f"{name} cannot be read: {error}", fix="mend the file") from None


def _nearest(name: str, known: set[str]) -> str:
    # Imported only when there is a slip to explain.
    from difflib import get_close_matches  # noqa: PLC0415

    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else "known are " + ", ".join(sorted(known))
