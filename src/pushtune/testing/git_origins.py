"""Repositories to fetch from: real ones on disk, over HTTP, and ones that no honest git would make."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from pushtune.git import Address, Mirror, check_address

IDENTITY = {
    "GIT_AUTHOR_NAME": "Ada Example",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_AUTHOR_DATE": "@1700000000 +0100",
    "GIT_COMMITTER_NAME": "Bo Example",
    "GIT_COMMITTER_EMAIL": "bo@example.org",
    "GIT_COMMITTER_DATE": "@1700000100 +0100",
}


class Origin:
    """A repository with a work tree, driven by plain git as its developer would."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(
        self, *arguments: str, given: bytes | None = None, variables: Mapping[str, str] | None = None
    ) -> str:
        """Run git in the work tree and return what it said; ``given`` is its input."""
        environment = {"PATH": os.environ["PATH"], "HOME": "/dev/null", **IDENTITY, **(variables or {})}
        command = ["git", "-c", "protocol.file.allow=always", *arguments]
        done = subprocess.run(
            command, cwd=self.root, env=environment, input=given, check=True, capture_output=True
        )
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def write(self, name: str, text: str | bytes) -> Path:
        """Write a file of the work tree."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def commit(self, message: str = "Train", **variables: str) -> str:
        """Commit all that is there and return the hash; ``variables`` are git's, such as the author's."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message, variables=variables)
        return self.git("rev-parse", "HEAD")

    def blob(self, content: bytes) -> str:
        """Write a file's content and return its hash."""
        return self.git("hash-object", "-w", "--stdin", given=content)

    def tree(self, *entries: tuple[str, str, bytes]) -> str:
        """Write a tree of (mode, hash, name) as it stands, however wrong, and return its hash."""
        raw = b"".join(
            mode.encode() + b" " + name + b"\0" + bytes.fromhex(sha) for mode, sha, name in entries
        )
        return self.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", given=raw)

    def commit_tree(self, tree: str, branch: str = "main") -> str:
        """Let a branch be at a commit of the tree as it stands, and return the commit."""
        sha = self.git("commit-tree", tree, "-m", "Train")
        self.git("update-ref", f"refs/heads/{branch}", sha)
        return sha

    @property
    def address(self) -> Address:
        """Where it is fetched from."""
        return check_address(str(self.root), allow_local=True)


def mirrored(origin: Origin, path: Path) -> Mirror:
    """Return a mirror of the repository, just fetched."""
    mirror = Mirror(path)
    mirror.fetch(origin.address)
    return mirror


def trap(folder: Path, name: str) -> tuple[Path, Path]:
    """Return a program that leaves a file where it was run, and that file."""
    program, trace = folder / name, folder / f"{name}.ran"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\ntouch {trace}\ncat\n")
    program.chmod(0o755)
    return program, trace


@dataclass
class HttpServer:
    """`git http-backend` behind a small server, for the repositories below ``root``.

    ``login``: only this user and password are let in. ``redirect_to``: every request is sent elsewhere.
    ``answer``: what is said to every request, again and again where ``endless``. ``seen`` holds the headers
    of every request.
    """

    root: Path
    login: tuple[str, str] | None = None
    redirect_to: str | None = None
    answer: bytes | None = None
    endless: bool = False
    seen: list[dict[str, str]] = field(default_factory=list)
    port: int = 0

    def address(self, repository: str) -> Address:
        """Return where a repository below ``root`` is fetched from."""
        return check_address(f"http://127.0.0.1:{self.port}/{repository}", allowed_hosts={"127.0.0.1"})


@contextmanager
def serving(server: HttpServer) -> Iterator[HttpServer]:
    """Let it listen on a free port of this machine."""

    class Handler(_Handler):
        settings = server

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.port = listener.server_address[1]
    thread = threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    settings: HttpServer

    def do_GET(self) -> None:
        settings = self.settings
        settings.seen.append({name.lower(): value for name, value in self.headers.items()})
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if settings.redirect_to is not None:
            self.send_response(302)
            self.send_header("Location", settings.redirect_to + self.path)
            self.end_headers()
        elif settings.answer is not None:
            self.send_response(200)
            self.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
            self.end_headers()
            self._say(settings.answer)
        elif settings.login is not None and self.headers.get("Authorization") != _basic(settings.login):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
        else:
            self._backend(body)

    do_POST = do_GET  # noqa: N815 - the name that http.server looks for

    def _say(self, answer: bytes) -> None:
        with suppress(OSError):
            self.wfile.write(answer)
            while self.settings.endless:
                self.wfile.write(answer)

    def _backend(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.settings.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "HTTP_GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_USER": "someone" if self.settings.login else "",
        }
        done = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _basic(login: tuple[str, str]) -> str:
    return "Basic " + base64.b64encode(":".join(login).encode()).decode()
