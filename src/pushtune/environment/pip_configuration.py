"""How this user's pip is set up, for a pip that runs elsewhere: indexes, certificates, folders."""

from __future__ import annotations

import configparser
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

_KEPT = (
    "index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "cert", "client-cert", "proxy",
    "timeout", "retries", "prefer-binary",
)  # fmt: skip
"""Where packages come from. How and where pip installs is not taken over."""

_SECTIONS = ("global", "install", "download", "wheel")
_CERTIFICATES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")


@dataclass(frozen=True)
class PipConfiguration:
    """``text`` is a whole ``pip.conf`` and may hold passwords.

    ``paths`` are absolute paths of this machine that it names; ``netrc`` is the user's file of passwords, if
    there is one.
    """

    text: str
    paths: tuple[str, ...]
    netrc: str | None


def read_pip_configuration(environ: Mapping[str, str], home: Path) -> PipConfiguration:
    """Return what the user's configuration files and variables say, the later ones over the earlier."""
    values: dict[str, str] = {}
    for path in _files(environ, home):
        values.update(_read(path))
    for name in _KEPT:
        said = environ.get("PIP_" + name.upper().replace("-", "_"))
        if said:
            values[name] = said
    if "cert" not in values:
        found = [environ[name] for name in _CERTIFICATES if Path(environ.get(name) or "/nowhere").is_file()]
        values.update({"cert": found[0]} if found else {})
    lines = [f"{name} = {_indented(value)}" for name, value in sorted(values.items())]
    netrc = Path(environ.get("NETRC") or home / ".netrc")
    return PipConfiguration(
        "\n".join(["[global]", *lines, ""]),
        tuple(dict.fromkeys(_paths(values))),
        str(netrc) if netrc.is_file() else None,
    )


def _files(environ: Mapping[str, str], home: Path) -> Iterator[Path]:
    only = environ.get("PIP_CONFIG_FILE")
    if only:
        yield Path(only)
        return
    yield from (Path("/etc/xdg/pip/pip.conf"), Path("/etc/pip.conf"), home / ".pip" / "pip.conf")
    yield Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf"


def _read(path: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (OSError, configparser.Error, UnicodeDecodeError):
        return {}
    return {
        name: parser[section][name]
        for section in _SECTIONS
        if section in parser
        for name in _KEPT
        if name in parser[section]
    }


def _indented(value: str) -> str:
    return "\n    ".join(value.split())


def _paths(values: Mapping[str, str]) -> Iterator[str]:
    for name in ("cert", "client-cert"):
        if values.get(name, "").startswith("/"):
            yield values[name]
    for name in ("find-links", "index-url", "extra-index-url"):
        for word in values.get(name, "").split():
            path = unquote(urlsplit(word).path) if word.startswith("file:") else word
            if path.startswith("/") and Path(path).exists():
                # An index lies beside the files that it points to.
                index = name != "find-links" and Path(path).name == "simple"
                yield str(Path(path).parent if index else Path(path))
