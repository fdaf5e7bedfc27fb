"""Mail addresses from commits and settings: which can be written to, and why the others cannot.

Much narrower than RFC 5322: what real people have passes; quoting, comments, routes, literal hosts and
everything that a mail server or a header could read as more than one plain address does not.
"""

from __future__ import annotations

import re

_LONGEST, _LONGEST_LOCAL = 254, 64
_LOCAL = re.compile(r"[A-Za-z0-9_+=~'](?:[A-Za-z0-9_+=~'.-]*[A-Za-z0-9_+=~'-])?")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NOBODY = re.compile(r"(?:do-?not-?|no-?)reply", re.IGNORECASE)
_NOWHERE = frozenset({"invalid", "localhost", "localdomain"})


class UnusableAddressError(ValueError):
    """Nobody can or should be written to at this address; ``str()`` says why in a few words."""


def usable(address: str) -> str:
    """Return the address as it is written on an envelope: plain ASCII, its domain in lower case and IDNA.

    Raises ``UnusableAddressError`` for anything else than one plain address.
    """
    if len(address) > _LONGEST:
        raise UnusableAddressError(f"longer than {_LONGEST} characters")
    if not address.isprintable():
        raise UnusableAddressError("has control characters")
    local, at, domain = address.strip().rpartition("@")
    if not at or not local or not domain:
        raise UnusableAddressError("is no mail address")
    if not local.isascii():
        raise UnusableAddressError("has other letters than ASCII before the @")
    if len(local) > _LONGEST_LOCAL or ".." in local or not _LOCAL.fullmatch(local):
        raise UnusableAddressError("is not one plain address")
    return f"{local}@{ascii_domain(domain)}"


def ascii_domain(domain: str) -> str:
    """Return a host name in lower case and IDNA, or raise ``UnusableAddressError``."""
    try:
        plain = domain.lower().encode("idna").decode("ascii")
        back = plain.encode("ascii").decode("idna")
    except UnicodeError:
        raise UnusableAddressError("has no valid domain") from None
    # "ß" becomes "ss" in one IDNA and not in the other: two domains, perhaps of two owners.
    if not domain.isascii() and back != domain.lower():
        raise UnusableAddressError("has a domain that can be read in two ways; write it as xn--…")
    labels = plain.split(".")
    if len(plain) > _LONGEST or not all(_LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
        raise UnusableAddressError("has no valid domain")
    return plain


def refuse_nobody(address: str) -> None:
    """Raise ``UnusableAddressError`` for a usable address behind which nobody reads."""
    local, _, domain = address.rpartition("@")
    labels = domain.split(".")
    if any(_NOBODY.fullmatch(part) for part in (local, *labels)):
        raise UnusableAddressError("is a noreply address")
    if labels[-1] in _NOWHERE:
        raise UnusableAddressError("leads nowhere")
    if len(labels) == 1:
        raise UnusableAddressError("has a domain without a dot")
