"""Which hosts may be reached: public ones, and those that the operator lists. Everything else is refused.

A repository's address comes from outside. Without this, `http://169.254.169.254/…` would make the server
ask its own cloud for credentials, and `http://localhost:…` its own services.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address
from urllib.request import getproxies, proxy_bypass

from pushtune.errors import MachineError, UsageError

_HOST = re.compile(r"(?!-)[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?")
# What the system's resolver takes for an IPv4 address: `127.1`, `0x7f000001`, `2130706433`, `0177.0.0.1`.
_NUMBER_AT_END = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Not in every Python's table yet.
_LOCAL_NAT64 = ipaddress.ip_network("64:ff9b:1::/48")


def check_host(host: str, allowed_hosts: Collection[str]) -> str:
    """Return ``host`` in lower case if it is a name, or an address in the usual notation, to be asked for.

    Names are not looked up here. Raises ``UsageError``.
    """
    host = host.lower().removesuffix(".")
    if host in allowed_hosts:
        return host
    if host == "localhost" or host.endswith(".localhost"):
        raise _inside(host, "loopback")
    address = _address(host)
    if address is not None:
        _refuse_inside(host, address)
        return host
    if not _HOST.fullmatch(host) or ".." in host:
        raise UsageError("the host in the address is no host name", fix="write it as host.example.org")
    if _NUMBER_AT_END.fullmatch(host):
        raise UsageError(
            f"the host {host[:80]} is an odd way to write an IP address", fix="write it as 192.0.2.1"
        )
    return host


def look_up(host: str, port: int, *, through_proxy: str | None) -> tuple[str, ...]:
    """Return the IP addresses of ``host``, all of them public.

    ``through_proxy`` is the scheme if a proxy may stand between; where one does, and the name is not known
    here, the proxy decides, and nothing is returned. Raises ``UsageError`` for a host inside our own
    network, ``MachineError`` if the name cannot be looked up.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        if through_proxy and _has_proxy(through_proxy, host):
            return ()
        raise MachineError(f"the host {host} is not found") from error
    addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
    for text in addresses:
        _refuse_inside(host, ipaddress.ip_address(text))
    return addresses


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether ``address`` is one machine on the public internet, whatever it is wrapped in."""
    if isinstance(address, IPv6Address):
        if address.scope_id is not None or address in _LOCAL_NAT64:
            return False
        inner = _inside_of(address)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_loopback or address.is_link_local
    )


def _inside_of(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that a mapped, 6to4, Teredo or NAT64 address leads to."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _refuse_inside(host: str, address: IPv4Address | IPv6Address) -> None:
    if not is_public(address):
        raise _inside(host, str(address))


def _inside(host: str, where: str) -> UsageError:
    return UsageError(
        f"the host {host} is inside this machine's own network ({where})",
        fix="if it is meant, the operator lists it under `hosts` in server.toml",
    )


def _has_proxy(scheme: str, host: str) -> bool:
    proxies = getproxies()
    return bool(proxies.get(scheme) or proxies.get("all")) and not proxy_bypass(host)
