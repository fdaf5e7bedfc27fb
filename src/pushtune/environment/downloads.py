"""Data sets are downloaded once, before trials that have no network: by the script's own loader calls.

Each call is made in a container of the trials' image, as the trials' user, within limits; nothing of the
repository is in there but the constants of its calls. What trials have written is kept from the network: a
loader may run what it finds in its cache. So a call is first tried on the cache without a network; then with
one, on an empty home folder; and what that holds afterwards is taken over into the cache, again without one.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from pushtune.environment import data_loading
from pushtune.environment.container_runtime import ContainerRuntime
from pushtune.environment.engines import Engine, EngineAwayError
from pushtune.environment.markers import Markers
from pushtune.errors import MachineError
from pushtune.model.containers import ContainerSpec, Mount
from pushtune.model.needs import Loader
from pushtune.model.ports import AttemptSpec, Exit, Limits

SECONDS = 1800.0
"""For all downloads of one script together."""

LIMITS = Limits(disk=20 * 1024**3, log=1024 * 1024)
"""What may be downloaded for one script in one go."""

TAKEN = "/home/taken"
"""Where the container that takes over sees what was downloaded."""

_LOOK_SECONDS = 0.1
_LONGEST = 400
_MOST_ANSWERS = 256 * 1024
_PROGRAM = str(Path(data_loading.__file__).absolute())
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_CERTIFICATES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}

Errors = dict[str, str]
"""What went wrong with each call, by its key; "" for nothing."""


@dataclass(frozen=True)
class Downloads:
    """The downloads of one repository. Safe between threads and processes: two wait for each other.

    ``container`` is that of its trials without their data; its first mount is ``cache``, which they have as
    their home folder, at ``target``. ``variables`` is their environment. ``own``: the code is the user's own,
    and is downloaded for as they would themselves. ``public``: only from the internet, and from no machine of
    the network that we are in. ``home`` and ``store`` as in ``EnvironmentRequest``.
    """

    engine: Engine
    home: str
    store: Path
    cache: Path
    target: str
    container: ContainerSpec
    variables: Mapping[str, str]
    memory: int | None = None
    own: bool = False
    public: bool = True

    def missing(self, loaders: Iterable[Loader]) -> list[Loader]:
        """Return the calls that have not come to their end yet."""
        notes = self.cache / data_loading.NOTES
        return [each for each in loaders if not _is_there(notes / self.key(each))]

    def key(self, loader: Loader) -> str:
        """Return what a call is noted by.

        Another image may keep the same data in another form, and what is mounted into the cache may change.
        """
        mounted = [(each.target, _changed(each.source)) for each in self.container.mounts[1:]]
        body = json.dumps([loader.name, loader.arguments, self.container.image, mounted])
        return hashlib.sha256(body.encode()).hexdigest()[:32]

    def fetch(self, loaders: Sequence[Loader], python: str) -> list[tuple[Loader, str]]:
        """Make the calls that have not come to their end yet; return those that needed a network.

        Each with its error, "" where the data is there for every trial now. ``python`` is the image's. Raises
        ``EngineAwayError`` if the engine stops answering.
        """
        if not self.missing(loaders):
            return []
        markers = Markers(self.store / "downloads")
        with markers.locked(self._name):
            wanted = self.missing(loaders)
            try:
                errors = self._fetched(wanted, python)
            finally:
                shutil.rmtree(self._folder, ignore_errors=True)
        return [(each, errors[self.key(each)]) for each in wanted if self.key(each) in errors]

    @property
    def _name(self) -> str:
        return hashlib.sha256(str(self.cache).encode("utf-8", "surrogateescape")).hexdigest()[:16]

    @property
    def _folder(self) -> Path:
        return (self.store / "downloads" / self._name).absolute()

    def _fetched(self, wanted: Sequence[Loader], python: str) -> Errors:
        """Make the calls; return the errors of those that needed the network."""
        offline = self._offline(wanted, python)
        wanted = [each for each in wanted if offline[self.key(each)]]
        if not wanted:
            return {}
        empty = Mount(str(self._folder / "online" / "home"), self.target, read_only=False)
        variables, reads = _way_out(os.environ, own=self.own)
        step = _Step("online", variables, reads, {"public": self.public})
        container = replace(self.container, mounts=(empty,), network="host" if self.own else "full")
        errors = self._run(step, python, wanted, container)
        return errors if all(errors.values()) else self._taken(errors, python, empty)

    def _offline(self, wanted: Sequence[Loader], python: str) -> Errors:
        """Try the calls as a trial would make them: what they need may be there."""
        container = replace(self.container, network="none")
        if len(container.mounts) == 1 and _is_empty(self.cache):
            return dict.fromkeys((self.key(each) for each in wanted), "nothing is there yet")
        return self._run(_Step("offline", _OFFLINE), python, wanted, container)

    def _taken(self, errors: Errors, python: str, empty: Mount) -> Errors:
        """Take over into the cache what was downloaded into a home folder that was empty."""
        mounts = (self.container.mounts[0], replace(empty, target=TAKEN, read_only=True))
        container = replace(self.container, mounts=mounts, network="none")
        failed = self._run(_Step("taking", order={"taken": TAKEN}), python, (), container)
        return {key: error or failed[""] for key, error in errors.items()}

    def _run(self, step: _Step, python: str, calls: Sequence[Loader], container: ContainerSpec) -> Errors:
        """Run the program in a container to its end, and return what it answers."""
        folder = self._folder / step.name
        shutil.rmtree(folder, ignore_errors=True)
        _write_order(folder, step.order, {self.key(each): each for each in calls})
        spec = AttemptSpec(
            label=f"downloads/{self._name}.{step.name}/1",
            command=(python, "-I", _PROGRAM, str(folder)),
            workdir=str(folder),
            folder=str(folder),
            environment={**self.variables, **step.variables},
            limits=replace(LIMITS, memory=self.memory),
            reads=(_PROGRAM, *step.reads),
            container=container,
        )
        try:
            ended = _to_the_end(ContainerRuntime(self.engine, self.home), spec)
            why = _why(ended)
        except EngineAwayError:
            raise
        except MachineError as error:
            why = str(error)
        answers = _answers(folder)
        return {key: answers.get(key, why) for key in ([self.key(each) for each in calls] or [""])}


@dataclass(frozen=True)
class _Step:
    """One container: its name, what is added to its environment, what it reads, what its program is told."""

    name: str
    variables: Mapping[str, str] = field(default_factory=dict)
    reads: tuple[str, ...] = ()
    order: Mapping[str, object] = field(default_factory=dict)


def unfinished(store: Path) -> list[Path]:
    """Return the folders of downloads that nobody is at any more: somebody was killed there."""
    markers = Markers(store / "downloads")
    folders = sorted(markers.folder.iterdir()) if markers.folder.is_dir() else []
    return [path for path in folders if path.name != "locks" and not markers.is_locked(path.name)]


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False  # a trial has closed the folder


def _is_empty(folder: Path) -> bool:
    try:
        return not any(folder.iterdir())
    except OSError:
        return False


def _changed(path: str) -> int:
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return 0


def _write_order(folder: Path, order: Mapping[str, object], calls: Mapping[str, Loader]) -> None:
    rows = [[key, call.name, dict(call.arguments)] for key, call in calls.items()]
    try:
        (folder / "home").mkdir(parents=True)
        (folder / "calls.json").write_text(json.dumps({**order, "calls": rows}), encoding="utf-8")
    except OSError as error:
        raise MachineError(f"cannot write {folder}: {error.strerror}") from error


def _to_the_end(runtime: ContainerRuntime, spec: AttemptSpec) -> Exit | None:
    """Run an attempt to its end and return how that was; None where it took too long."""
    give_up = time.monotonic() + SECONDS
    handle = runtime.start(spec)
    try:
        while time.monotonic() < give_up:
            ended = runtime.poll(handle, spec.limits, spec.folder)
            if ended is not None:
                return ended
            time.sleep(_LOOK_SECONDS)
        return None
    finally:
        # Also on Ctrl-C. Where the engine is away, the next one of the same name removes it.
        with suppress(MachineError):
            runtime.kill(handle)


def _why(ended: Exit | None) -> str:
    """Return why a call has no answer."""
    if ended is None:
        return f"it took longer than {SECONDS / 60:.0f} minutes"
    if ended.killed_for:
        return f"it was ended: more {ended.killed_for} than it may have"
    return f"its process ended with status {ended.code}"


def _answers(folder: Path) -> Errors:
    """Read what the program answered. It may be anything: what it loads has run in its process."""
    found: Errors = {}
    for line in _read(folder / "answers").splitlines():
        with suppress(ValueError):
            body = json.loads(line)
            if isinstance(body, list) and len(body) == 2 and all(isinstance(item, str) for item in body):
                found[body[0]] = "".join(c if c.isprintable() else " " for c in body[1][:_LONGEST])
    return found


def _read(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        plain = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return os.read(descriptor, _MOST_ANSWERS).decode("utf-8", "replace") if plain else ""
    finally:
        os.close(descriptor)


def _way_out(environ: Mapping[str, str], *, own: bool) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return how this machine reaches the internet: proxies, and the certificates that they are known by.

    A server's password for its proxy is not for what others push.
    """
    given = {name: environ[name] for name in _PROXIES if environ.get(name)}
    proxies = {name: value for name, value in given.items() if own or "@" not in value}
    files = {name: environ[name] for name in _CERTIFICATES if Path(environ.get(name, "")).is_file()}
    real = {name: os.path.realpath(path) for name, path in files.items()}
    return {**proxies, **real}, tuple(sorted(set(real.values())))
