"""Telling that two addresses mean one repository. Nothing is ever fetched from an address compared here."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

LONGEST_ADDRESS = 2048
"""Characters; longer ones match nothing."""

_SCHEMES = ("https", "http", "ssh", "git", "git+ssh", "ssh+git", "git+https")
_SECURE_COPY = re.compile(r"(?:[^@/:\s]+@)?(?P<host>\[[0-9a-fA-F:]+\]|[^@/:\[\]\s]+):(?!//)(?P<path>.+)")


def sameness(address: str) -> str | None:
    """Return what addresses of one repository have in common, or None for what no forge would send.

    ``https://user@Forge.example:8443/Team/Model.git``, ``git@forge.example:team/model`` and
    ``ssh://git@forge.example:7999/team/model.git/`` are the same. Ports and letter case are left out,
    for they differ between a repository's own addresses: two repositories that differ in nothing else are
    both looked at, which does no harm.
    """
    if len(address) > LONGEST_ADDRESS or not address.isprintable():
        return None
    found = _of_url(address.strip()) if "://" in address else _of_secure_copy(address.strip())
    if found is None:
        return None
    host, path = found
    path = path.strip("/").casefold().removesuffix(".git").rstrip("/")
    parts = path.split("/")
    if not host or not all(parts) or "." in parts or ".." in parts or any(sign in path for sign in " :\\"):
        return None
    return f"{host.casefold().rstrip('.')}/{path}"


def _of_url(address: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme.lower() not in _SCHEMES or parts.query or parts.fragment or not host:
        return None
    return host, parts.path


def _of_secure_copy(address: str) -> tuple[str, str] | None:
    match = _SECURE_COPY.fullmatch(address)
    return None if match is None else (match["host"].strip("[]"), match["path"])
