"""What the forges send: bodies as their documentation shows them, headers, signatures computed apart."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SECRET = "a secret that nobody guesses"
SIGNING_TOKEN = "whsec_" + base64.b64encode(bytes(range(32))).decode()
ADDRESS = "https://forge.example/team/model.git"
A, B = "a1" * 20, "b2" * 20
NO_COMMIT = "0" * 40
NOW = 1_800_000_000.0

Headers = dict[str, str]


def hexadecimal(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def github(body: bytes, *, secret: str = SECRET, event: str = "push", delivery: str = "d-1") -> Headers:
    return {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": "sha256=" + hexadecimal(body, secret),
    }


def gitea(body: bytes, *, secret: str = SECRET, event: str = "push", delivery: str = "d-1") -> Headers:
    return {
        "X-Gitea-Event": event,
        "X-Gitea-Delivery": delivery,
        "X-Gitea-Signature": hexadecimal(body, secret),
        # It also speaks as GitHub does; which is not what it is asked for here.
        "X-GitHub-Event": event,
    }


def forgejo(body: bytes, *, secret: str = SECRET, event: str = "push", delivery: str = "d-1") -> Headers:
    names = gitea(body, secret=secret, event=event, delivery=delivery)
    return names | {name.replace("Gitea", "Forgejo"): value for name, value in names.items()}


def bitbucket_cloud(
    body: bytes, *, secret: str = SECRET, event: str = "repo:push", delivery: str = "d-1"
) -> Headers:
    return {
        "X-Event-Key": event,
        "X-Request-UUID": delivery,
        "X-Hub-Signature": "sha256=" + hexadecimal(body, secret),
    }


def bitbucket_server(
    body: bytes, *, secret: str = SECRET, event: str = "repo:refs_changed", delivery: str = "d-1"
) -> Headers:
    return {
        "X-Event-Key": event,
        "X-Request-Id": delivery,
        "X-Hub-Signature": "sha256=" + hexadecimal(body, secret),
    }


def gitlab(body: bytes, *, secret: str = SECRET, event: str = "Push Hook", delivery: str = "d-1") -> Headers:
    return {"X-Gitlab-Event": event, "X-Gitlab-Token": secret, "Idempotency-Key": delivery}


def gitlab_signed(
    body: bytes,
    *,
    secret: str = SIGNING_TOKEN,
    event: str = "Push Hook",
    delivery: str = "d-1",
    at: float = NOW,
) -> Headers:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{delivery}.{int(at)}.".encode() + body
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {
        "X-Gitlab-Event": event,
        "webhook-id": delivery,
        "webhook-timestamp": str(int(at)),
        "webhook-signature": "v1," + signature,
    }


def push_of_github(reference: str = "refs/heads/main", after: str = B, address: str = ADDRESS) -> Any:
    return {
        "ref": reference,
        "before": A,
        "after": after,
        "deleted": after == NO_COMMIT,
        "repository": {
            "full_name": "team/model",
            "html_url": address.removesuffix(".git"),
            "clone_url": address,
            "ssh_url": "git@forge.example:team/model.git",
            "pushed_at": 1_800_000_000,
        },
        "pusher": {"name": "ada", "email": "ada@example.org"},
    }


def push_of_gitea(reference: str = "refs/heads/main", after: str = B, address: str = ADDRESS) -> Any:
    return {
        "ref": reference,
        "before": A,
        "after": after,
        "repository": {
            "full_name": "team/model",
            "html_url": address.removesuffix(".git"),
            "ssh_url": "ssh://git@forge.example:2222/team/model.git",
            "clone_url": address,
            "updated_at": "2027-01-15T08:00:00Z",
        },
    }


def push_of_gitlab(reference: str = "refs/heads/main", after: str = B, address: str = ADDRESS) -> Any:
    return {
        "object_kind": "push",
        "event_name": "push",
        "before": A,
        "after": after,
        "ref": reference,
        "checkout_sha": None if after == NO_COMMIT else after,
        "project": {
            "web_url": address.removesuffix(".git"),
            "git_ssh_url": "git@forge.example:team/model.git",
            "git_http_url": address,
        },
    }


def push_of_bitbucket_cloud(
    reference: str = "refs/heads/main", after: str = B, address: str = ADDRESS
) -> Any:
    kind = "branch" if reference.startswith("refs/heads/") else "tag"
    name = reference.split("/", 2)[2]
    at = {"name": name, "type": kind, "target": {"hash": after}}
    gone = after == NO_COMMIT
    change = {"old": {**at, "target": {"hash": A}}, "new": None if gone else at, "closed": gone}
    links = {"html": {"href": address.removesuffix(".git")}}
    return {"push": {"changes": [change]}, "repository": {"full_name": "team/model", "links": links}}


def push_of_bitbucket_server(
    reference: str = "refs/heads/main", after: str = B, address: str = ADDRESS
) -> Any:
    kind = "DELETE" if after == NO_COMMIT else "UPDATE"
    change = {"ref": {"id": reference}, "refId": reference, "fromHash": A, "toHash": after, "type": kind}
    clone = [{"href": "ssh://git@forge.example:7999/team/model.git", "name": "ssh"}, {"href": address}]
    return {
        "eventKey": "repo:refs_changed",
        "date": "2027-01-15T08:00:00+0000",
        "changes": [change],
        "repository": {"slug": "model", "links": {"clone": clone}},
    }


@dataclass(frozen=True)
class Sender:
    """One forge: where it sends to, how it signs, what a push looks like."""

    path: str
    headers: Any
    push: Any
    secret: str = SECRET


SENDERS = {
    "github": Sender("/hooks/github", github, push_of_github),
    "gitea": Sender("/hooks/gitea", gitea, push_of_gitea),
    "forgejo": Sender("/hooks/forgejo", forgejo, push_of_gitea),
    "bitbucket cloud": Sender("/hooks/bitbucket", bitbucket_cloud, push_of_bitbucket_cloud),
    "bitbucket server": Sender("/hooks/bitbucket", bitbucket_server, push_of_bitbucket_server),
    "gitlab": Sender("/hooks/gitlab", gitlab, push_of_gitlab),
    "gitlab, signed": Sender("/hooks/gitlab", gitlab_signed, push_of_gitlab, SIGNING_TOKEN),
}


@dataclass(frozen=True)
class Reply:
    """What came back over the socket."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def same(self) -> tuple[int, bytes, dict[str, str]]:
        """All that a client can compare."""
        return self.status, self.body, {name: text for name, text in self.headers.items() if name != "date"}


@dataclass
class Client:
    """Speaks HTTP byte by byte, so that what no library would send can be sent."""

    place: tuple[str, int]
    _open: list[socket.socket] = field(default_factory=list)

    def connect(self) -> socket.socket:
        connection = socket.create_connection(self.place, timeout=30)
        self._open.append(connection)
        return connection

    def post(
        self, path: str, body: bytes, headers: Mapping[str, str], kind: str = "application/json"
    ) -> Reply:
        return self.send(path, body, {"Content-Type": kind, "Content-Length": str(len(body)), **headers})

    def send(self, path: str, body: bytes, headers: Mapping[str, str], method: str = "POST") -> Reply:
        connection = self.connect()
        connection.sendall(head(path, headers, method) + body)
        return reply(connection)

    def close(self) -> None:
        for connection in self._open:
            connection.close()


def head(path: str, headers: Mapping[str, str], method: str = "POST") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: h", *(f"{name}: {text}" for name, text in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")


def reply(connection: socket.socket) -> Reply:
    data = b""
    while chunk := connection.recv(65536):
        data += chunk
    top, _, body = data.partition(b"\r\n\r\n")
    lines = top.decode().split("\r\n")
    pairs = (line.split(": ", 1) for line in lines[1:])
    return Reply(int(lines[0].split()[1]), {name.lower(): text for name, text in pairs}, body)


def written(body: Any) -> bytes:
    return json.dumps(body, indent=1).encode()
