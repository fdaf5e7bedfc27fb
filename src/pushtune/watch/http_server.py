"""A small HTTP server for requests from strangers: one answer a connection, everything bounded.

The parsing is h11's. What a slow or greedy client could hold is limited here: the bytes of the head and of
the body, the seconds of a whole request, the connections. Where those are all taken, the one that has been
sending for longest makes room, so that many slow clients cannot keep the others out.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType

import h11

from pushtune.errors import MachineError, PushtuneError

_CHUNK = 65536


@dataclass(frozen=True)
class Limits:
    """What one client may use: bytes, seconds for a whole request, connections of all clients together.

    ``even`` is how many seconds after a request was read a refusal is sent, whatever was found; ``linger``
    how many a client may go on sending what nobody reads (four bodies at most), so that it gets to read the
    answer.
    """

    body: int = 1024 * 1024
    head: int = 16 * 1024
    seconds: float = 10.0
    connections: int = 32
    even: float = 0.1
    linger: float = 2.0


@dataclass(frozen=True)
class Request:
    """A request. ``headers`` by lower-case name; one that came twice is left out, whatever it was."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """An answer in plain text. ``even``: sent at a fixed time, so that its delay tells nothing."""

    status: int
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    even: bool = False


class _RefusedError(Exception):
    def __init__(self, answer: Answer) -> None:
        self.answer = answer


class HttpServer:
    """Listens in a thread of its own, from ``start`` to ``close``.

    ``admit`` sees a request without its body, and may answer it before that is read. ``answer`` sees the
    whole request, one at a time, in a thread that is always the same. Where it raises, the client is told
    to come again (503, or 500 for what is no ``PushtuneError``) and ``note`` gets one line.
    """

    def __init__(
        self,
        admit: Callable[[Request], Answer | None],
        answer: Callable[[Request], Answer],
        *,
        note: Callable[[str], None],
        limits: Limits | None = None,
    ) -> None:
        self._admit = admit
        self._answer = answer
        self._note = note
        self._limits = limits or Limits()
        # Oldest first; whether it could make room: it is still sending, or has its answer.
        self._idle: dict[asyncio.Task[None], bool] = {}
        self._loop = asyncio.new_event_loop()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="webhook")
        self._thread = threading.Thread(target=self._loop.run_forever, name="webhooks", daemon=True)
        self._server: asyncio.Server | None = None

    def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen, and return the address and the port (a free one for 0). ``MachineError`` if it is taken."""
        self._thread.start()
        opening = asyncio.start_server(self._connected, host, port, limit=_CHUNK)
        try:
            self._server = asyncio.run_coroutine_threadsafe(opening, self._loop).result()
        # An OverflowError: there are no such ports.
        except (OSError, OverflowError) as error:
            self.close()
            raise MachineError(
                f"cannot listen on {host}:{port}: {error}", fix="set another `listen`"
            ) from error
        name = self._server.sockets[0].getsockname()
        return str(name[0]), int(name[1])

    def close(self) -> None:
        """Stop listening, drop the connections, end the threads. Once more does nothing."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._worker.shutdown()
        self._loop.close()

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
        tasks = list(self._idle)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        room = self._make_room()
        self._idle[task] = True
        try:
            await self._serve(task, reader, writer, room=room)
        # The client went away, or had to make room, or does not read what we say.
        except (OSError, asyncio.TimeoutError, asyncio.CancelledError, h11.ProtocolError):
            writer.transport.abort()
        finally:
            self._idle.pop(task, None)
            writer.close()

    def _make_room(self) -> bool:
        """Return whether one more may come; if need be, let go of the oldest that we do not work for."""
        if len(self._idle) < self._limits.connections:
            return True
        oldest = next((task for task, idle in self._idle.items() if idle), None)
        if oldest is None:
            return False
        del self._idle[oldest]
        oldest.cancel()
        return True

    async def _serve(
        self,
        task: asyncio.Task[None],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        room: bool,
    ) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=self._limits.head)
        if room:
            answer = await self._answer_to(task, connection, reader, writer)
        else:
            answer = Answer(HTTPStatus.SERVICE_UNAVAILABLE, "busy")
        writer.write(_written(connection, answer))
        await asyncio.wait_for(writer.drain(), self._limits.seconds)
        if room:
            # Whoever stays after the answer is the first to make room, too.
            self._idle[task] = True
            await self._linger(reader, writer)

    async def _answer_to(
        self,
        task: asyncio.Task[None],
        connection: h11.Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> Answer:
        try:
            request = await asyncio.wait_for(self._read(connection, reader, writer), self._limits.seconds)
        except _RefusedError as refused:
            return refused.answer
        except asyncio.TimeoutError:
            return Answer(HTTPStatus.REQUEST_TIMEOUT, "too slow")
        except h11.RemoteProtocolError as error:
            return Answer(error.error_status_hint, "not understood")
        self._idle[task] = False
        began = self._loop.time()
        answer = await self._loop.run_in_executor(self._worker, self._considered, request)
        if answer.even:
            await asyncio.sleep(began + self._limits.even - self._loop.time())
        return answer

    def _considered(self, request: Request) -> Answer:
        try:
            return self._answer(request)
        except PushtuneError as error:
            self._note(f"webhook not taken: {error}")
            return Answer(HTTPStatus.SERVICE_UNAVAILABLE, "try again later")
        # The outer boundary of the worker: one request that we cannot answer must not end the server.
        except Exception as error:  # noqa: BLE001
            self._note(f"webhook not taken: {type(error).__name__}: {error}")
            return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, "try again later")

    async def _read(
        self, connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Request:
        head = await _next(connection, reader)
        if not isinstance(head, h11.Request):
            raise ConnectionResetError
        request = _request(head)
        if request.method == "HEAD":
            # Its answer has no body, and nobody here needs one.
            raise _RefusedError(Answer(HTTPStatus.METHOD_NOT_ALLOWED))
        self._check(request)
        if connection.they_are_waiting_for_100_continue:
            writer.write(connection.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
        body = bytearray()
        while isinstance(event := await _next(connection, reader), h11.Data):
            body += event.data
            if len(body) > self._limits.body:
                raise _RefusedError(_too_large(self._limits))
        if not isinstance(event, h11.EndOfMessage):
            raise ConnectionResetError
        return Request(request.method, request.path, request.headers, bytes(body))

    def _check(self, request: Request) -> None:
        """Refuse what need not be read; h11 has seen that a stated length is a number."""
        if "content-length" in request.headers and "transfer-encoding" in request.headers:
            raise _RefusedError(Answer(HTTPStatus.BAD_REQUEST, "two lengths"))
        if int(request.headers.get("content-length", "0")) > self._limits.body:
            raise _RefusedError(_too_large(self._limits))
        early = self._admit(request)
        if early is not None:
            raise _RefusedError(early)

    async def _linger(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read on for a while: closing on a client that still sends would take the answer from it."""
        if writer.can_write_eof():
            writer.write_eof()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(_discard(reader, 4 * self._limits.body), self._limits.linger)


async def _next(connection: h11.Connection, reader: asyncio.StreamReader) -> object:
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(await reader.read(_CHUNK))
    return event


async def _discard(reader: asyncio.StreamReader, most: int) -> None:
    while most > 0 and (data := await reader.read(_CHUNK)):
        most -= len(data)


def _request(head: h11.Request) -> Request:
    # UTF-8 with escapes: a secret in a header keeps its bytes, whatever they are.
    pairs = [(_text(name).lower(), _text(value)) for name, value in head.headers]
    names = [name for name, _ in pairs]
    headers = {name: value for name, value in pairs if names.count(name) == 1}
    return Request(_text(head.method), _text(head.target).partition("?")[0], headers)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _too_large(limits: Limits) -> Answer:
    return Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {limits.body} bytes")


def _written(connection: h11.Connection, answer: Answer) -> bytes:
    body = f"{answer.text}\n".encode() if answer.text else b""
    headers = [("Connection", "close"), ("Cache-Control", "no-store"), *answer.headers.items()]
    if answer.status != HTTPStatus.NO_CONTENT:
        headers += [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
        headers += [("X-Content-Type-Options", "nosniff")]
    events: list[h11.Event] = [h11.Response(status_code=int(answer.status), headers=headers)]
    events += [h11.Data(data=body)] if body else []
    return b"".join(connection.send(event) or b"" for event in [*events, h11.EndOfMessage()])
