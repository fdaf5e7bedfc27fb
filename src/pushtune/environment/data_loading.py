"""Runs in a container of the image that trials run in: makes a script's loader calls, and nothing else of it.

    python -I data_loading.py FOLDER

FOLDER/calls.json says which: ``{"calls": [[key, dotted name, {keyword: constant as text}], …]}``. With
``"public"`` no address is connected to that is not a public one. With ``"taken"``, what an earlier run has
put into that folder is first taken over into the home folder. FOLDER/answers gets a line of JSON for each
call: its key, and what went wrong ("" for nothing); the key of taking over is "". What was loaded is noted in
the home folder, so that it is not loaded again. Standard library only, Python 3.9: pushtune is not there.
"""

import ast
import functools
import importlib
import ipaddress
import json
import os
import pathlib
import shutil
import socket
import sys
import tempfile
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any

NOTES = ".pushtune/loaded"
"""Below the home folder: one file for each call that needs not be made again."""

PATIENCE = 60.0
"""Seconds that a server may say nothing."""

_LONGEST = 400


def main(folder: str) -> int:
    """Do what ``FOLDER/calls.json`` says."""
    place = pathlib.Path(folder)
    order = json.loads((place / "calls.json").read_text(encoding="utf-8"))
    home = pathlib.Path(os.environ["HOME"])
    socket.setdefaulttimeout(PATIENCE)
    if order.get("public"):
        only_public()
    with (place / "answers").open("w", encoding="utf-8") as answers:
        if order.get("taken"):
            answers.write(
                json.dumps(["", _tried(functools.partial(take, pathlib.Path(order["taken"]), home))]) + "\n"
            )
        for key, name, arguments in order["calls"]:
            print(f"{name}:", flush=True)
            error = _tried(functools.partial(load, home, key, name, arguments))
            answers.write(json.dumps([key, error]) + "\n")
            answers.flush()
    return 0


def load(home: pathlib.Path, key: str, name: str, arguments: "dict[str, str]") -> None:
    """Call the loader ``name``, and note that it came to its end."""
    constants = {keyword: ast.literal_eval(text) for keyword, text in arguments.items()}
    if find(name)(**constants) is False:
        raise OSError("it says that it failed")
    note = home / NOTES / key
    note.parent.mkdir(parents=True, exist_ok=True)
    note.touch()


def find(name: str) -> "Callable[..., Any]":
    """Return what a dotted name stands for. Raises ``ImportError``, ``AttributeError``."""
    parts = name.split(".")
    # The longest that is a module; the rest are attributes: ``tensorflow.keras`` is one.
    for length in range(len(parts) - 1, 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError as error:
            if length > 1 and (error.name or "") and ".".join(parts[:length]).startswith(str(error.name)):
                continue
            raise
        for part in parts[length:]:
            found = getattr(found, part)
        return found  # type: ignore[no-any-return]
    raise ImportError(name)


def take(folder: pathlib.Path, home: pathlib.Path) -> None:
    """Copy all below ``folder`` into ``home``, each file whole or not at all, the notes last."""
    paths = sorted(_files(folder), key=lambda path: path.relative_to(folder).parts[0] == NOTES.split("/")[0])
    for path in paths:
        place = home / path.relative_to(folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.mkdtemp(dir=place.parent, prefix=".taken-")
        try:
            copy = pathlib.Path(scratch) / "file"
            shutil.copy2(path, copy, follow_symlinks=False)
            copy.replace(place)
        finally:
            shutil.rmtree(scratch)


def _files(folder: pathlib.Path) -> "Iterator[pathlib.Path]":
    """Yield files and links, and folders that are empty are left out."""
    for base, folders, names in os.walk(folder):
        for name in (*names, *(name for name in folders if (pathlib.Path(base) / name).is_symlink())):
            yield pathlib.Path(base) / name


def only_public() -> None:
    """Refuse to connect to what is not on the internet: a network's own machines are nobody's to ask."""
    proxies = set(_proxies())
    plain = socket.socket.connect, socket.socket.connect_ex

    def resolved(sock: socket.socket, address: Any) -> Any:
        if sock.family not in (socket.AF_INET, socket.AF_INET6):
            raise OSError(f"{address} is not on the internet: refused")
        found = socket.getaddrinfo(address[0], address[1], sock.family, sock.type)[0][4]
        ip = ipaddress.ip_address(str(found[0]).partition("%")[0])
        ip = getattr(ip, "ipv4_mapped", None) or ip
        if not ip.is_global and tuple(found[:2]) not in proxies:
            raise OSError(f"{address[0]} is no address on the internet: refused")
        return found

    def connect(sock: socket.socket, address: Any) -> None:
        plain[0](sock, resolved(sock, address))

    def connect_ex(sock: socket.socket, address: Any) -> int:
        return plain[1](sock, resolved(sock, address))

    socket.socket.connect = connect  # type: ignore[method-assign,assignment]
    socket.socket.connect_ex = connect_ex  # type: ignore[method-assign,assignment]


def _proxies() -> "Iterator[tuple[str, int]]":
    for name in ("http_proxy", "https_proxy"):
        url = urllib.parse.urlsplit(os.environ.get(name, ""))
        if url.hostname and url.port:
            for found in socket.getaddrinfo(url.hostname, url.port, type=socket.SOCK_STREAM):
                yield str(found[4][0]), int(found[4][1])


def _tried(work: "Callable[[], None]") -> str:
    """Return what went wrong, in one line; "" for nothing."""
    try:
        work()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a library raises; the next call is made
        print(f"{type(error).__name__}: {error}", flush=True)
        return " ".join(f"{type(error).__name__}: {error}".split())[:_LONGEST]
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
