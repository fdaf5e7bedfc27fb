"""The operator's settings: ``server.toml`` in the server's home, and the flags of `pushtune serve`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pushtune.errors import SettingsError
from pushtune.settings.environment import EnvironmentRules
from pushtune.settings.file import SettingsFile, parsed, plain_names
from pushtune.settings.load import check_names, read_values
from pushtune.settings.options import (
    OCCASIONS,
    Option,
    names_among,
    one_of,
    read_count,
    read_duration,
    read_jobs,
    read_names,
    read_size,
    read_switch,
    read_target,
    read_text,
)

FILE = "server.toml"


@dataclass(frozen=True)
class ServerSettings:
    """What the operator decides. Times are seconds, sizes bytes; see ``SERVER_OPTIONS`` for each."""

    environment: str | None
    user: str | None
    python: str | None
    slots: int | None
    pushes: int
    target: str | None
    most_trials: int
    most_time: float | None
    most_trial_time: float | None
    most_memory: int | None
    silence: float
    programs: bool
    local: bool
    hosts: tuple[str, ...]
    data: tuple[str, ...]
    images: bool
    dockerfiles: bool
    base_image: str | None
    network: str
    poll: float
    listen: str | None
    publish: bool
    mail_server: str | None
    mail_security: str
    mail_user: str | None
    mail_password_file: str | None
    mail_ca_file: str | None
    mail_from: str | None
    mail_to: tuple[str, ...]
    mail_always: tuple[str, ...]
    mail_when: tuple[str, ...]
    mail_domains: tuple[str, ...]
    mail_templates: str | None

    @property
    def sender(self) -> str:
        """The address that letters come from."""
        return self.mail_from or self.mail_user or "pushtune@localhost"


SERVER_OPTIONS: tuple[Option, ...] = (
    Option("environment", one_of("container", "process"), None,
           "What pushed code runs in; process must be asked for: it shuts nothing in."),
    Option("user", read_text, None, "The user that trials run as, in process mode (needs root)."),
    Option("python", read_text, None, "The Python that runs the trials, in process mode."),
    Option("slots", read_jobs, None, "Trials side by side, of all pushes: a number, or auto."),
    Option("pushes", read_count, 4, "Pushes worked on at the same time."),
    Option("target", read_target, "accuracy>=0.8", "The target of a repository that names none."),
    Option("most_trials", read_count, 200, "The most trials that a repository may ask for."),
    Option("most_time", read_duration, 6 * 3600.0, "The longest that one push may take."),
    Option("most_trial_time", read_duration, None, "The longest that one trial may train."),
    Option("most_memory", read_size, None, "The most memory that one trial may use."),
    Option("silence", read_duration, 1800.0, "A trial that says nothing for so long is started again."),
    Option("programs", read_switch, True, "Whether repositories may bring tweak programs.", switch=True),
    Option("local", read_switch, False, "Whether repositories may be folders of this machine.", switch=True),
    Option("hosts", read_names, (), "Hosts that may be fetched from although they are private or plain."),
    Option("data", read_names, (), "Folders that repositories may mount: PATH, or NAME=PATH."),
    Option("images", read_switch, False, "Whether repositories may name their own images.", switch=True),
    Option("dockerfiles", read_switch, False, "Whether repositories may bring Dockerfiles.", switch=True),
    Option("base_image", read_text, None, "What the images are made from; {python} is the version."),
    Option("network", one_of("none", "prepare", "full"), "prepare", "The most network a trial may have."),
    Option("poll", read_duration, 60.0, "How often a repository is looked at."),
    Option("listen", read_text, None, "Where webhooks are received: HOST:PORT."),
    Option("publish", read_switch, False, "Whether delivered branches may be pushed back.", switch=True),
    Option("mail_server", read_text, None, "The mail server: HOST:PORT."),
    Option("mail_security", one_of("starttls", "tls", "none"), "starttls", "How it is spoken to."),
    Option("mail_user", read_text, None, "Who logs in there."),
    Option("mail_password_file", read_text, None, "The file that holds the password."),
    Option("mail_ca_file", read_text, None, "The certificate that signs the server's own."),
    Option("mail_from", read_text, None, "The sender's address."),
    Option("mail_to", read_names, ("author",), "Who is mailed, where the repository does not say."),
    Option("mail_always", read_names, (), "Who is mailed of every push, whatever its repository says."),
    Option("mail_when", names_among("occasion", OCCASIONS), ("always",),
           "When, where the repository does not say."),
    Option("mail_domains", read_names, (), "The only domains that are mailed to; none: all."),
    Option("mail_templates", read_text, None, "A folder with templates of your own."),
)  # fmt: skip
"""Each also as an environment variable, ``PUSHTUNE_SERVER_`` and its name in capitals."""


def server_settings_file(home: Path) -> Path:
    """Return the file with the operator's settings (which need not be there)."""
    return home / FILE


def load_server_settings(home: Path, flags: Mapping[str, Any], environ: Mapping[str, str]) -> ServerSettings:
    """Return the operator's settings. Raises ``SettingsError`` that names the place of the slip."""
    path = server_settings_file(home)
    file = _read(path)
    check_names(file, SERVER_OPTIONS)
    prefix = "PUSHTUNE_SERVER_"
    own = {
        "PUSHTUNE_" + name.removeprefix(prefix): value
        for name, value in environ.items()
        if name.startswith(prefix)
    }
    return ServerSettings(**read_values(SERVER_OPTIONS, flags, own, file))


def environment_rules(server: ServerSettings) -> EnvironmentRules:
    """Return what repositories may ask for in ``[environment]``."""
    pairs = [text.partition("=") for text in server.data]
    return EnvironmentRules(
        images=server.images,
        dockerfiles=server.dockerfiles,
        found_dockerfiles=server.dockerfiles,
        data=tuple(text for text, equals, _ in pairs if not equals),
        data_sets={name.strip(): path.strip() for name, equals, path in pairs if equals},
        network=server.network,
        base=server.base_image or EnvironmentRules.base,
    )


def _read(path: Path) -> SettingsFile:
    if not path.is_file():
        return SettingsFile(str(path))
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} cannot be read: {error}", fix="mend the file") from None
    return SettingsFile(str(path), plain_names(parsed(str(path), text)), text)
