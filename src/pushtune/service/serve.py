"""``pushtune serve``: put the server together, hold its home, and run its loop until it is told to stop."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from pushtune.errors import SettingsError, StudyBusyError
from pushtune.pipeline import Server
from pushtune.service.home import Opened, opened, sole
from pushtune.service.intake import Intake
from pushtune.service.mail import mail_channel, mail_password
from pushtune.service.post import Post
from pushtune.service.server import CONTAINER, environment_kind, make_server, secrets_of
from pushtune.service.serving import Serving
from pushtune.service.settings_changes import SettingsWatch, note_settings, settings_print
from pushtune.service.sweeping import answering, sweep
from pushtune.watch.http_server import HttpServer
from pushtune.watch.webhooks import Webhooks

STANDBY_SECONDS = 1.0
"""How often a server that stands by looks whether the other one is gone."""


class Stop:
    """A request to stop. ``end_trials``: somebody is at the terminal and wants all of it to stop."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.end_trials = False
        self.at_last = False

    def __call__(self) -> bool:
        """Whether it was asked for."""
        return self.event.is_set()

    def ask(self, number: int, frame: FrameType | None) -> None:
        """Take a signal: Ctrl-C ends the trials too, a service manager's request leaves them running."""
        if self.at_last:
            raise KeyboardInterrupt  # All is let go of but errands: whoever asks again waits for none.
        self.end_trials = self.end_trials or number == signal.SIGINT
        self.event.set()


def serve(
    path: Path,
    flags: Mapping[str, Any],
    *,
    standby: bool,
    environ: Mapping[str, str],
    tell: Callable[[str], None],
) -> None:
    """Serve a home until a signal asks to stop. For a program's main thread.

    Raises ``StudyBusyError`` if another server has it (with ``standby``: waits for that one's end), and
    ``UsageError`` for settings that cannot be served.
    """
    stop = Stop()
    with _signals(stop), opened(path, flags, environ, make=True) as home, ExitStack() as stack:
        read = settings_print(home.home)
        environment_kind(home.settings)
        _hold(stack, home, stop, tell, standby=standby)
        if not stop():
            note_settings(home.home, read)
            _run(home, stack, stop, environ, tell, SettingsWatch(home.home, read, tell, time.monotonic))


def _hold(stack: ExitStack, home: Opened, stop: Stop, tell: Callable[[str], None], *, standby: bool) -> None:
    said = False
    while not stop():
        try:
            stack.enter_context(sole(home.home))
            return
        except StudyBusyError:
            if not standby:
                raise
        if not said:
            tell("another server has this home; standing by")
            said = True
        stop.event.wait(STANDBY_SECONDS)


def _run(
    home: Opened,
    stack: ExitStack,
    stop: Stop,
    environ: Mapping[str, str],
    tell: Callable[[str], None],
    settings_watch: SettingsWatch,
) -> None:
    settings = home.settings
    password = mail_password(settings, environ)
    server = make_server(home.home, settings, tell=tell, secrets=secrets_of(environ, password))
    intake = Intake(home.ledger, server)
    stack.callback(intake.close)
    post = Post(home.ledger, mail_channel(settings, password), server.clock, tell)
    stack.callback(post.close)
    if settings.listen is not None:
        _listen(stack, home, intake, server, environ)
    if environment_kind(settings) == CONTAINER:
        sweep(home.home.path, home.ledger, answering(), tell)
    serving = Serving(home.ledger, server, intake, post, sleep=_sleeper(stop), also=settings_watch.look)
    tell(f"serving {home.home.path}: {_what(home)}")
    serving.run(stop)
    tell("stopping" + ("" if stop.end_trials else "; what trains goes on, and the next server finds it"))
    serving.close(end_trials=stop.end_trials)
    stop.at_last = True
    serving.wait()


def _what(home: Opened) -> str:
    count = len(home.ledger.repositories.all())
    mail = home.settings.mail_server or "none"
    return (
        f"{count} {'repository' if count == 1 else 'repositories'}, "
        f"trials in {environment_kind(home.settings)} mode, mail server: {mail}"
    )


def _sleeper(stop: Stop) -> Callable[[float], None]:
    def sleep(seconds: float) -> None:
        stop.event.wait(seconds)

    return sleep


def _listen(
    stack: ExitStack, home: Opened, intake: Intake, server: Server, environ: Mapping[str, str]
) -> None:
    host, _, port = (home.settings.listen or "").rpartition(":")
    if not host or not port.isdigit():
        raise SettingsError(f"listen must be HOST:PORT, not {home.settings.listen!r}")
    webhooks = Webhooks(
        secrets=webhook_secrets(environ),
        known=intake.known,
        take_delivery=lambda forge, name: home.ledger.repositories.take_delivery(
            forge, name, now=server.clock()
        ),
        tell=intake.tell,
        note=server.tell,
        clock=server.clock,
    )
    http = HttpServer(webhooks.admit, webhooks.answer, note=server.tell)
    where = http.start(host.strip("[]"), int(port))
    stack.callback(http.close)
    server.tell(f"listening for webhooks on {where[0]}:{where[1]}")


def webhook_secrets(environ: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the forges' secrets: ``PUSHTUNE_WEBHOOK_SECRET_GITHUB`` and so on, two with a comma between."""
    prefix = "PUSHTUNE_WEBHOOK_SECRET_"
    return {
        name.removeprefix(prefix).lower(): [part for part in value.split(",") if part]
        for name, value in environ.items()
        if name.startswith(prefix) and value
    }


@contextmanager
def _signals(stop: Stop) -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, stop.ask) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
