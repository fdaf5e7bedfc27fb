"""Every option once: its name, what it reads, its default, its help. Flags and files are made from this."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pushtune.errors import SettingsError, UsageError
from pushtune.model.target import parse_target

STRATEGIES = ("auto", "grow", "program")
ENVIRONMENTS = ("process", "virtualenv", "container")
OCCASIONS = (
    "always", "success", "target-missed", "script-fails", "fixed", "crash-loop", "machine-trouble",
)  # fmt: skip
"""On which a letter is written."""
ATTACHMENTS = ("patch", "log")
"""What a letter brings along."""
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_MOST = 1e15
"""More seconds or bytes than these are a slip."""
_SIZES = {"k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}


@dataclass(frozen=True)
class Option:
    """One setting.

    ``read`` turns the text of a flag, of an environment variable or of a file's value into the value, or
    raises ``SettingsError``. ``default`` is already a value. ``flag`` is None for what only a file or the
    environment says. A ``switch`` is on or off: ``--name`` and ``--no-name``.
    """

    name: str
    read: Callable[[str, Any], Any]
    default: Any
    help: str
    metavar: str = ""
    switch: bool = False

    @property
    def flag(self) -> str:
        """The flag on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """The environment variable."""
        return "PUSHTUNE_" + self.name.upper()


def read_text(name: str, value: Any) -> str:
    """Any text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise SettingsError(f"{name} must be a text, not {value!r}")
    return value


def read_target(name: str, value: Any) -> str:
    """A target; kept as text, checked here so that a slip is seen before anything runs."""
    text = read_text(name, value)
    try:
        return str(parse_target(text))
    except UsageError as error:
        place = "--target " if name.startswith("--") else "target = "
        fix = f'write it as METRIC>=NUMBER or METRIC<=NUMBER, in quotes: {place}"accuracy>=0.95"'
        raise SettingsError(f"{name}: {error}", fix=fix) from None


def read_count(name: str, value: Any) -> int:
    """A whole number from 1 up."""
    try:
        number = int(str(value))
    except ValueError:
        number = 0
    if number < 1 or isinstance(value, bool):
        raise SettingsError(f"{name} must be a whole number from 1 up, not {value!r}")
    return number


def read_seed(name: str, value: Any) -> int:
    """A whole number from 0 to 2³²−1 (what NumPy takes as a seed)."""
    try:
        number = int(str(value))
    except ValueError:
        number = -1
    if not 0 <= number < 2**32 or isinstance(value, bool):
        raise SettingsError(f"{name} must be a whole number from 0 to {2**32 - 1}, not {value!r}")
    return number


def read_jobs(name: str, value: Any) -> int | None:
    """How many trials run side by side; None is ``auto``."""
    return None if value == "auto" else read_count(name, value)


def read_duration(name: str, value: Any) -> float:
    """Seconds, from ``90``, ``90s``, ``30m``, ``1h30m``."""
    text = str(value).strip().lower()
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd]?)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text.replace(" ", ""):
        raise SettingsError(f"{name} must be a time such as 90s, 30m or 1h30m, not {value!r}")
    seconds = sum(float(number) * _UNITS[unit or "s"] for number, unit in parts)
    if not 0 < seconds < _MOST:
        raise SettingsError(
            f"{name} must be more than nothing, and less than for ever, not {str(value)[:40]!r}"
        )
    return seconds


def read_size(name: str, value: Any) -> int:
    """Bytes, from ``500M`` or ``8G``."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", str(value).strip().lower())
    if match is None or not 0 < float(match.group(1)) < _MOST:
        raise SettingsError(f"{name} must be a size such as 500M or 8G, not {value!r}")
    return int(float(match.group(1)) * _SIZES.get(match.group(2), 1))


def typed(option: Option, value: Any) -> str:
    """Return a value as one would type it: ``6h`` and ``8G``, not the seconds and bytes made of them."""
    units: dict[str, float] = {}
    if option.read is read_duration:
        units = _UNITS
    elif option.read is read_size:
        units = {letter.upper(): size for letter, size in _SIZES.items()}
    for unit in reversed(units):
        if value % units[unit] == 0:
            return f"{value / units[unit]:g}{unit}"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def read_strategy(name: str, value: Any) -> str:
    """One of the strategies."""
    if value not in STRATEGIES:
        raise SettingsError(f"{name} must be one of {', '.join(STRATEGIES)}, not {value!r}")
    return str(value)


def read_args(name: str, value: Any) -> tuple[str, ...]:
    """A command line's words, quoted as a shell does."""
    if isinstance(value, (list, tuple)):
        return tuple(str(word) for word in value)
    try:
        return tuple(shlex.split(str(value)))
    except ValueError as error:
        raise SettingsError(f"{name}: {error}", fix="close the quotes") from None


def read_switch(name: str, value: Any) -> bool:
    """On or off."""
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in ("1", "true", "yes", "on"):
        return True
    if text in ("0", "false", "no", "off"):
        return False
    raise SettingsError(f"{name} must be true or false, not {value!r}")


def read_names(name: str, value: Any) -> tuple[str, ...]:
    """Some texts: a list, or one text with commas."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)) or not all(isinstance(part, str) for part in parts):
        raise SettingsError(f"{name} must be a list of texts, not {value!r}")
    return tuple(part.strip() for part in parts if part.strip())


def names_among(what: str, words: tuple[str, ...]) -> Callable[[str, Any], tuple[str, ...]]:
    """Return what reads some of ``words``, each ``what``. A slip would be silence: it is refused."""

    def read(name: str, value: Any) -> tuple[str, ...]:
        names = read_names(name, value)
        for one in names:
            if one not in words:
                raise SettingsError(
                    f"{name}: there is no {what} called {one[:40]!r}", fix=f"known are {', '.join(words)}"
                )
        return names

    return read


def read_path(name: str, value: Any) -> str:
    """A path below the repository."""
    text = read_text(name, value)
    parts = text.replace("\\", "/").split("/")
    if text.startswith(("/", "-")) or ".." in parts or not text.isprintable():
        raise SettingsError(f"{name} must be a path below the repository, not {value!r}")
    return text


def one_of(*words: str) -> Callable[[str, Any], str]:
    """Return what reads one of ``words``."""

    def read(name: str, value: Any) -> str:
        if value not in words:
            raise SettingsError(f"{name} must be one of {', '.join(words)}, not {value!r}")
        return str(value)

    return read


OPTIONS: tuple[Option, ...] = (
    Option("target", read_target, None, "What to reach, in quotes: accuracy>=0.95, loss<=0.2.", "TARGET"),
    Option("metric", read_text, None, "The metric's name, where it cannot be told.", "NAME"),
    Option("trials", read_count, 40, "How many candidates may be started.", "N"),
    Option("time", read_duration, None, "How long it may take, the confirmation included.", "30m"),
    Option("jobs", read_jobs, None, "Trials side by side: a number, or auto (one a core).", "N"),
    Option("strategy", read_strategy, "auto", "auto, grow (more neurons each turn) or program.", "NAME"),
    Option("program", read_text, None, "Your own tweak program, for --strategy program.", "FILE"),
    Option("args", read_args, (), "Arguments for the script, as one quoted text.", "TEXT"),
    Option("python", read_text, None, "The Python that runs the trials.", "PATH"),
    Option("env", one_of(*ENVIRONMENTS), "process", "What trials run in: " + ", ".join(ENVIRONMENTS), "NAME"),
    Option("seed", read_seed, 0, "The study's seed.", "N"),
    Option("patience", read_count, None, "Stop after this many candidates without a better one.", "N"),
    Option("max_epochs", read_count, None, "The most epochs that one trial may train.", "N"),
    Option("trial_time", read_duration, None, "The longest that one trial may train.", "10m"),
    Option("memory", read_size, None, "The most memory that one trial may use.", "8G"),
    Option("rungs", read_switch, True, "Pause trials at rungs and go on with the best only.", switch=True),
    Option("confirm", read_switch, True, "Train winner and baseline on further seeds.", switch=True),
    Option("confirm_seeds", read_count, 2, "How many further seeds the confirmation takes.", "N"),
)  # fmt: skip


REPOSITORY_OPTIONS: tuple[Option, ...] = (
    Option("script", read_path, None, "The training script, where it cannot be told."),
    Option("workdir", read_path, None, "The folder that the script is started in; the repository's own."),
    Option("mail", read_names, None, "Who is mailed: author, committers, or addresses."),
    Option("mail_when", names_among("occasion", OCCASIONS), None, "When: always, or some of the occasions."),
    Option("mail_attach", names_among("attachment", ATTACHMENTS), (), "What is attached: patch, log."),
    Option("publish", read_switch, False, "Push the delivered branch back to where the push came from."),
)  # fmt: skip
"""What a pushed repository says beside: read by the service only."""
