"""What a pushed repository says of itself, within what the operator allows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pushtune.errors import SettingsError
from pushtune.settings.file import SettingsFile
from pushtune.settings.load import TABLES, Settings, check_names, read_file, read_values
from pushtune.settings.options import OPTIONS, REPOSITORY_OPTIONS, read_path, typed
from pushtune.settings.server import ServerSettings

_BOUNDED = {"trials": "most_trials", "time": "most_time", "trial_time": "most_trial_time",
            "memory": "most_memory", "jobs": "slots"}  # fmt: skip
"""What a repository may lower but not raise: its setting, and the server's that bounds it."""

_OPERATORS = ("python", "env")
"""What only the operator chooses."""


@dataclass(frozen=True)
class SettingsOfMail:
    """Who is mailed of a push, on which occasions, and what is attached."""

    to: tuple[str, ...]
    when: tuple[str, ...]
    attach: tuple[str, ...] = ()


@dataclass(frozen=True)
class PushSettings:
    """The settings of one push.

    ``run`` is as for `pushtune tune`; ``target_said``: its target is the repository's own, not the server's;
    ``notes`` say what was cut down.
    """

    run: Settings
    script: str | None
    workdir: str | None
    mail: SettingsOfMail
    publish: bool
    target_said: bool = False
    notes: tuple[str, ...] = ()


def load_push_settings(root: Path, server: ServerSettings) -> PushSettings:
    """Return the settings of the push that is checked out in ``root``.

    Nothing of the server's own environment counts. Raises ``SettingsError`` that names the slip.
    """
    file = read_file(root)
    check_names(file, (*OPTIONS, *TABLES, *REPOSITORY_OPTIONS))
    asked = Settings(**read_values((*OPTIONS, *TABLES), {}, {}, file))
    run, notes = _bounded(asked, server, file)
    said = read_values(REPOSITORY_OPTIONS, {}, {}, file)
    return PushSettings(
        run=run,
        script=said["script"],
        workdir=said["workdir"],
        mail=SettingsOfMail(
            to=server.mail_to if said["mail"] is None else said["mail"],
            when=server.mail_when if said["mail_when"] is None else said["mail_when"],
            attach=said["mail_attach"],
        ),
        publish=said["publish"] and server.publish,
        target_said="target" in file.values,
        notes=notes,
    )


def _typed(name: str, value: Any) -> str:
    return next(typed(option, value) for option in OPTIONS if option.name == name)


def _bounded(run: Settings, server: ServerSettings, file: SettingsFile) -> tuple[Settings, tuple[str, ...]]:
    changes: dict[str, Any] = {"python": server.python}
    notes = [f"{file.name}: {name} is the operator's to choose" for name in _OPERATORS if name in file.values]
    for name, bound in _BOUNDED.items():
        most = getattr(server, bound)
        wanted = getattr(run, name)
        if most is not None and (wanted is None or wanted > most):
            changes[name] = most
            if name in file.values:
                notes.append(
                    f"{file.name}: {name} is more than this server allows; it is {_typed(name, most)}"
                )
    if run.program is not None:
        try:
            read_path(f"{file.name}: program", run.program)
        except SettingsError as error:
            raise file.at_line(error, "program") from None
    if run.strategy == "program" and not server.programs:
        changes |= {"strategy": "auto", "program": None}
        notes.append(f"{file.name}: this server runs no tweak programs; the strategy is auto")
    if run.target is None:
        changes["target"] = server.target
    return replace(run, **changes), tuple(notes)
