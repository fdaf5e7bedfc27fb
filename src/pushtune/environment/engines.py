"""Docker and Podman behind one small interface: their command-line clients, which are nearly the same.

The clients and not a library: one code path serves both, no service of Podman's is needed, and contexts,
credentials and ``DOCKER_HOST`` hold as the user has set them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pushtune.environment.engine_fixes import fix_for
from pushtune.errors import MachineError, UsageError
from pushtune.process import Completed, find_program, run

EngineName = Literal["docker", "podman"]

ENGINES: tuple[EngineName, ...] = ("docker", "podman")
"""In the order in which they are tried."""

QUICK = 60.0
"""Seconds that an engine may take to answer a question."""

_GONE = ("no such container", "no such object", "no container with name or id", "no such volume")


class EngineAwayError(MachineError):
    """The engine does not answer: it is stopped, starting, or not to be reached by this user."""


@dataclass(frozen=True)
class Container:
    """One container as its engine sees it. ``pid`` is this machine's, 0 where it does not run.

    ``status`` is the engine's word (``created``, ``running``, ``paused``, ``exited``, ``dead``…);
    ``started`` the engine's time stamp, as it writes it. ``exit_code`` is 128 more for a signal, and 255
    also where the engine was not there to see the end.
    """

    id: str
    name: str
    labels: Mapping[str, str]
    status: str
    pid: int
    exit_code: int
    oom_killed: bool
    started: str
    error: str = ""

    @property
    def runs(self) -> bool:
        """Whether the engine takes it to be alive."""
        return self.status in ("running", "paused", "restarting", "stopping", "removing")


@dataclass(frozen=True)
class Engine:
    """A container engine that answered. ``program`` is its client's absolute path.

    ``rootless``: it runs as this user, who is root in its containers. ``cgroups`` is 1 or 2.
    ``variables`` are added to our environment when the client is called (such as ``DOCKER_HOST``).
    """

    name: EngineName
    program: str
    version: str
    rootless: bool = False
    cgroups: int = 2
    variables: Mapping[str, str] = field(default_factory=dict)

    def call(
        self,
        *arguments: str,
        input: str | None = None,  # noqa: A002 - the word of subprocess.run
        timeout: float | None = QUICK,
        check: bool = True,
        environment: Mapping[str, str] | None = None,
    ) -> Completed:
        """Run the client with ``arguments`` to its end. ``environment`` is the client's, complete.

        Raises ``EngineAwayError`` if the engine does not answer, ``MachineError`` if, with ``check``, it
        refuses.
        """
        return call(
            self.program,
            *arguments,
            variables=self.variables,
            input=input,
            timeout=timeout,
            check=check,
            base=environment,
        )

    def containers(self, *labels: str) -> list[Container]:
        """Return the containers, running or not, with every one of ``labels`` (``name``, ``name=value``)."""
        filters = [f"--filter=label={label}" for label in labels]
        ids = self.call("ps", "--all", "--no-trunc", "--quiet", *filters).stdout.split()
        return self.inspect(ids)

    def inspect(self, ids: Sequence[str]) -> list[Container]:
        """Return those among ``ids`` (or names) that exist."""
        if not ids:
            return []
        answer = self.call("container", "inspect", *ids, check=False)
        if answer.code != 0 and not _is_gone(answer.stderr):
            raise _refusal(self.program, ("inspect",), answer)
        return [_container(item) for item in json.loads(answer.stdout or "[]")]

    def remove(self, ids: Iterable[str]) -> None:
        """Kill and remove containers with their anonymous volumes; one that is gone already is no error."""
        wanted = list(ids)
        # Podman gives up the first time on one whose monitor has died, and then knows that it is dead.
        for last in (False, True):
            if not wanted:
                return
            answer = self.call("rm", "--force", "--volumes", *wanted, check=False)
            wanted = [] if answer.code == 0 else [each.id for each in self.inspect(wanted)]
            if wanted and last:
                raise _refusal(self.program, ("rm",), answer)

    def images(self, *labels: str) -> list[str]:
        """Return the ids of the images that carry every one of ``labels``."""
        filters = [f"--filter=label={label}" for label in labels]
        return list(dict.fromkeys(self.call("images", "--no-trunc", "--quiet", *filters).stdout.split()))

    def has_image(self, image: str) -> bool:
        """Whether the engine holds ``image``."""
        return self.call("image", "inspect", image, check=False).code == 0


def call(
    program: str,
    *arguments: str,
    variables: Mapping[str, str],
    input: str | None = None,  # noqa: A002 - the word of subprocess.run
    timeout: float | None = QUICK,
    check: bool = True,
    base: Mapping[str, str] | None = None,
) -> Completed:
    """Run a client; see ``Engine.call``."""
    environment = {**(os.environ if base is None else base), **variables}
    answer = run([program, *arguments], env=environment, input=input, timeout=timeout, check=False)
    if answer.code != 0 and (why := fix_for(program, answer.stderr)) is not None:
        raise EngineAwayError(why.what, fix=why.fix)
    if check and answer.code != 0:
        raise _refusal(program, arguments, answer)
    return answer


def find_engine(wanted: str | None = None, variables: Mapping[str, str] | None = None) -> Engine:
    """Return the engine called ``wanted``, or the first one that answers (None: Docker, then Podman).

    Raises ``UsageError`` for a name that is none, ``MachineError`` with the fix where none answers.
    """
    if wanted is not None and wanted not in ENGINES:
        raise UsageError(f"there is no container engine {wanted!r}", fix=f"use one of {', '.join(ENGINES)}")
    errors: list[MachineError] = []
    for name in ENGINES:
        if wanted in (None, name):
            try:
                return look_at_engine(name, variables or {})
            except MachineError as error:
                errors.append(error)
    # One that is installed and does not answer says more than one that is not there.
    errors.sort(key=lambda error: not isinstance(error, EngineAwayError))
    raise errors[0]


def look_at_engine(name: EngineName, variables: Mapping[str, str]) -> Engine:
    """Return the engine ``name`` if it answers. Raises ``MachineError`` that says why it does not."""
    program = find_program(name)
    if program is None:
        why = fix_for(name, None)
        assert why is not None
        raise MachineError(why.what, fix=why.fix)
    answer = call(program, "info", "--format", "{{json .}}", variables=variables)
    try:
        body = json.loads(answer.stdout)
        return _podman(program, body, variables) if "host" in body else _docker(program, body, variables)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise MachineError(f"{program} info says what pushtune does not understand") from error


def _docker(program: str, body: Mapping[str, Any], variables: Mapping[str, str]) -> Engine:
    rootless = any("name=rootless" in option for option in body.get("SecurityOptions") or ())
    cgroups = 1 if body.get("CgroupVersion") == "1" else 2
    return Engine("docker", program, body["ServerVersion"], rootless, cgroups, variables)


def _podman(program: str, body: Mapping[str, Any], variables: Mapping[str, str]) -> Engine:
    host = body["host"]
    cgroups = 1 if host.get("cgroupVersion") == "v1" else 2
    version = body["version"]["Version"]
    return Engine("podman", program, version, bool(host["security"]["rootless"]), cgroups, variables)


def _container(item: Mapping[str, Any]) -> Container:
    state = item["State"]
    status = str(state.get("Status") or "")
    return Container(
        id=str(item["Id"]),
        name=str(item.get("Name") or "").lstrip("/"),
        labels=dict((item.get("Config") or {}).get("Labels") or {}),
        status=status,
        pid=int(state.get("Pid") or 0),
        exit_code=int(state.get("ExitCode") or 0),
        oom_killed=bool(state.get("OOMKilled")),
        started=str(state.get("StartedAt") or ""),
        error=str(state.get("Error") or ""),
    )


def _is_gone(said: str) -> bool:
    return any(words in said.lower() for words in _GONE)


def _refusal(program: str, arguments: Sequence[str], answer: Completed) -> MachineError:
    name = Path(program).name
    return MachineError(f"{name} {' '.join(arguments[:1])} failed: {answer.last_words}")
