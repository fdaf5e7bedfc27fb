"""How requests are sent, over real sockets: too much, too slowly, cut, garbled; the server goes on."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace
from typing import Any

import pytest
from deliveries import (
    SENDERS,
    Client,
    github,
    head,
    push_of_github,
    reply,
    written,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from webhook_house import House, delivered

from pushtune.errors import MachineError
from pushtune.watch.http_server import Answer, HttpServer


def test_only_these_places_answer(house: House, client: Client) -> None:
    assert client.send("/healthz", b"", {}, "GET").body == b"ok\n"
    for path in (
        "/",
        "/hooks",
        "/hooks/",
        "/hooks/svn",
        "/github",
        "/healthz/",
        "/hooks/github/",
        "//hooks/github",
    ):
        assert client.send(path, b"", {}, "GET").status == 404
        assert client.post(path, b"{}", {}).status == 404
    assert client.send("/hooks/github", b"", {}, "GET").headers["allow"] == "POST"
    assert client.post("/healthz", b"{}", {}).status == 405
    assert client.send("/healthz", b"", {}, "HEAD").status == 405
    assert client.send("/hooks/github", b"", {}, "DELETE").status == 405


@pytest.mark.parametrize("kind", ["text/plain", "", "multipart/form-data", "application/jsonp"])
def test_another_content_type_is_refused(house: House, client: Client, kind: str) -> None:
    body = written(push_of_github())
    assert client.post("/hooks/github", body, github(body), kind).status == 415


def test_a_content_type_may_name_its_characters(house: House, client: Client) -> None:
    body = written(push_of_github())
    assert client.post("/hooks/github", body, github(body), "Application/JSON; charset=utf-8").status == 202


def test_a_stated_gigabyte_is_refused_before_it_is_sent(house: House, client: Client) -> None:
    headers = {**github(b""), "Content-Type": "application/json", "Content-Length": str(1 << 30)}
    connection = client.connect()
    connection.sendall(head("/hooks/github", headers))
    assert reply(connection).status == 413


def test_a_gigabyte_in_chunks_is_refused_while_it_is_sent(house: House, client: Client) -> None:
    headers = {**github(b""), "Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    connection = client.connect()
    connection.sendall(head("/hooks/github", headers))
    chunk, sent = b"10000\r\n" + b" " * 65536 + b"\r\n", 0
    # The connection ends while it is being sent, by the other side.
    with contextlib.suppress(OSError):
        while sent < 1 << 30:
            connection.sendall(chunk)
            sent += 65536
    assert sent < 1 << 25
    assert not house.told


def test_a_body_one_byte_too_long(house: House) -> None:
    body = written(push_of_github())
    house.limits = replace(house.limits, body=len(body))
    client = house.open()
    for chunked in (False, True):
        assert sent(client, body + b" ", chunked=chunked) == 413
    assert not house.told
    assert sent(client, body, chunked=True) == 202


def sent(client: Client, body: bytes, *, chunked: bool) -> int:
    length = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(len(body))}
    headers = {**github(body), "Content-Type": "application/json", **length}
    cut = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    return client.send("/hooks/github", cut if chunked else body, headers).status


def test_a_client_that_asks_first_is_told_to_go_on(house: House, client: Client) -> None:
    body = written(push_of_github())
    headers = {**github(body), "Content-Type": "application/json", "Content-Length": str(len(body))}
    connection = client.connect()
    connection.sendall(head("/hooks/github", {**headers, "Expect": "100-continue"}))
    assert connection.recv(1000) == b"HTTP/1.1 100 \r\n\r\n"
    connection.sendall(body)
    assert reply(connection).status == 202


@pytest.mark.parametrize(
    ("request_", "status"),
    [(b"nonsense\r\n\r\n", 400), (b"GET / HTTP/1.1\r\n\r\n", 400), (b"\x16\x03\x01\x02\x00\x01", 400),
     (b"POST /hooks/github HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", 400),
     (b"POST /hooks/github HTTP/1.1\r\nHost: h\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
     (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
     (b"GET /healthz HTTP/1.1\r\nHost: h\r\n" + b"X: y\r\n" * 10_000, 431),
     (b"GET /" + b"a" * 100_000, 431)],
)  # fmt: skip
def test_what_is_no_request_is_refused(house: House, client: Client, request_: bytes, status: int) -> None:
    connection = client.connect()
    connection.sendall(request_)
    connection.shutdown(1)
    assert reply(connection).status == status


pieces = [
    *(
        b"POST ",
        b"GET ",
        b"/hooks/github",
        b" HTTP/1.1",
        b"\r\n",
        b"\r\n\r\n",
        b"Host: h",
        b"Content-Length: 3",
    ),
    *(
        b"Transfer-Encoding: chunked",
        b"Content-Type: application/json",
        b"5\r\n",
        b"\x00",
        b"\xff",
        b": ",
        b"abc",
    ),
]
requests = some.lists(some.sampled_from(pieces) | some.binary(max_size=10), max_size=15).map(b"".join)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(requests)
def test_no_bytes_make_the_server_stumble(house: House, client: Client, sent: bytes) -> None:
    with client.connect() as connection, contextlib.suppress(ConnectionError):
        connection.sendall(sent)
        connection.shutdown(1)
        answer = connection.recv(1000)
        assert answer[:9] in (b"", b"HTTP/1.1 ")
    assert client.send("/healthz", b"", {}, "GET").status == 200
    assert not house.told


def test_a_second_request_in_one_connection_is_not_read(house: House, client: Client) -> None:
    body = written(push_of_github())
    headers = {**github(body), "Content-Type": "application/json", "Content-Length": str(len(body))}
    connection = client.connect()
    connection.sendall((head("/hooks/github", headers) + body) * 3)
    assert reply(connection).headers["connection"] == "close"
    assert len(house.told) == 1


def test_slow_clients_do_not_keep_the_others_out(house: House) -> None:
    house.limits = replace(house.limits, connections=4, seconds=60.0)
    client = house.open()
    slow = [client.connect() for _ in range(20)]
    for connection in slow:
        connection.sendall(b"POST /hooks/github HTTP/1.1\r\nX-Slow: ")
    assert client.send("/healthz", b"", {}, "GET").status == 200
    assert delivered(client, SENDERS["github"], push_of_github()) == 202


def test_clients_that_stay_after_their_answer_do_not_keep_the_others_out(house: House) -> None:
    house.limits = replace(house.limits, connections=4, linger=60.0)
    client = house.open()
    for _ in range(20):
        connection = client.connect()
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    assert delivered(client, SENDERS["github"], push_of_github()) == 202


def test_a_client_that_never_ends_is_answered_and_dropped(house: House) -> None:
    house.limits = replace(house.limits, seconds=0.2)
    client = house.open()
    connection = client.connect()
    connection.sendall(b"POST /hooks/github HTTP/1.1\r\n")
    assert reply(connection).status == 408


def test_what_fails_behind_it_is_said_to_come_again(house: House, client: Client) -> None:
    class Full(dict[Any, Any]):
        def add(self, item: object) -> None:
            raise MachineError("the disk is full")

    house.taken = Full()  # type: ignore[assignment]
    assert delivered(client, SENDERS["github"], push_of_github()) == 503
    assert house.notes == ["webhook not taken: the disk is full"]
    house.taken = set()
    assert delivered(client, SENDERS["github"], push_of_github()) == 202


def test_a_mistake_of_ours_does_not_end_the_server(house: House) -> None:
    notes: list[str] = []
    answers = iter([1 / 2])
    house.server = HttpServer(
        lambda request: None, lambda request: Answer(int(next(answers)) + 200), note=notes.append
    )
    client = Client(house.server.start("127.0.0.1", 0))
    assert client.send("/", b"", {}, "GET").status == 200
    assert client.send("/", b"", {}, "GET").status == 500
    assert client.send("/", b"", {}, "GET").status == 500
    assert notes[0].startswith("webhook not taken: StopIteration")


def test_it_ends_while_clients_are_connected(house: House) -> None:
    client = house.open()
    connections = [client.connect() for _ in range(5)]
    connections[0].sendall(b"POST ")
    house.server.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("webhook")]
    with pytest.raises(OSError, match="refused"):
        client.connect()


def test_a_port_that_is_taken_is_said(house: House, client: Client) -> None:
    with pytest.raises(MachineError, match=r"cannot listen on 127\.0\.0\.1"):
        HttpServer(lambda request: None, lambda request: Answer(200), note=print).start(*client.place)
