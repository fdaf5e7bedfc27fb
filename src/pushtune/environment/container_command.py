"""The command line that starts an attempt's container: everything shut that need not be open."""

from __future__ import annotations

import hashlib
import os
import re
import resource
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pushtune.environment.container_mounts import mount_options, mounts_of
from pushtune.environment.engines import Engine
from pushtune.environment.process_table import LABEL_VARIABLE
from pushtune.model.containers import HOME_LABEL, LABEL
from pushtune.model.ports import AttemptSpec

ATTEMPT_LABEL = "pushtune.attempt"
"""The attempt's label, as the ledger has it."""

TRIAL_LABEL = "pushtune.trial"
"""The attempt's label without its number: what all attempts of a trial share."""

NOBODY = "65534:65534"
"""Who trials are where we are root."""

ENDED = "ended"
"""Below the attempt's folder: written by the container's first process when the trial has ended."""

ROOM = 64 * 1024 * 1024
"""Bytes by which one file may be larger than twice what an attempt may write."""

MOST_FILES = 65536
"""Open files of one process in a container."""

MOST_PROCESSES = 16384
"""Of one user in all containers of Podman. It bounds nothing that ``pids`` does not bound better."""

_NETWORKS = {"none": "none", "full": "bridge", "host": "host"}
"""What we call them, and what the clients do."""

# The container's first process. It waits for the trial and notes how that ended and how many processes the
# kernel killed for want of memory: both are gone with the container, or unknown to an engine that was
# restarted meanwhile. It reaps what the trial leaves behind, and when it ends the kernel ends all the rest.
# Built-in commands only: the trial may have used up its processes. The log is written through the mount, so
# that no engine has to live for it.
WRAPPER = """\
folder=$1
shift
trap 'exit 143' TERM
"$@" >>"$folder/stdout.log" 2>&1 </dev/null &
wait $!
code=$?
kills=0
for file in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
  if [ -r "$file" ]; then
    while read -r name value; do
      if [ "$name" = oom_kill ]; then kills=$value; fi
    done <"$file"
  fi
done
echo "$code $kills end" >"$folder/ended"
exit "$code"
"""


@dataclass(frozen=True)
class RunCommand:
    """Arguments for an engine's client, and what it reads from standard input and its own environment."""

    arguments: tuple[str, ...]
    input: str
    variables: Mapping[str, str]


def run_command(engine: Engine, home: str, spec: AttemptSpec) -> RunCommand:
    """Return how to start the attempt's container. Raises ``UsageError`` for a mount that cannot be."""
    assert spec.container is not None
    simple = {name: value for name, value in _variables(spec).items() if "\n" not in value}
    # A file of variables has no way to write a line break: these few are handed over by the client's own.
    others = {name: value for name, value in _variables(spec).items() if name not in simple}
    arguments = (
        *("run", "--detach", "--pull=never", "--restart=no"),
        f"--name={container_name(home, spec.label)}",
        *_labels(home, spec.label),
        *_shut(engine),
        *_limits(spec),
        *_gpus(engine, spec.container.gpus),
        *_user(engine, spec.container.user),
        *mount_options(mounts_of(spec)),
        "--env-file=/dev/stdin",
        *(f"--env={name}" for name in others),
        f"--workdir={spec.workdir}",
        f"--network={_NETWORKS[spec.container.network]}",
        "--entrypoint=/bin/sh",
        spec.container.image,
        *("-c", WRAPPER, "pushtune", spec.folder, *spec.command),
    )
    text = "".join(f"{name}={value}\n" for name, value in simple.items())
    return RunCommand(arguments, text, others)


def container_name(home: str, label: str) -> str:
    """Return the name of an attempt's container: readable, and no other home's or attempt's."""
    readable = re.sub(r"[^a-zA-Z0-9]+", "-", label)[-60:].strip("-")
    digest = hashlib.sha256(f"{home}\0{label}".encode()).hexdigest()[:10]
    return f"pushtune-{digest}-{readable}"


def trial_of(label: str) -> str:
    """Return what all attempts of the same trial share of their labels: all but the number."""
    return label.rpartition("/")[0] or label


def attempt_number(label: str) -> int:
    """Return the number in an attempt's label, 0 if it has none."""
    number = label.rpartition("/")[2]
    return int(number) if number.isdigit() else 0


def owner_of(engine: Engine, user: str | None) -> tuple[int, int] | None:
    """Return whose the attempt's folder must be on this machine, None where it is so already."""
    if engine.rootless or os.geteuid() != 0:
        return None
    uid, _, gid = (user or NOBODY).partition(":")
    return int(uid), int(gid or uid)


def _variables(spec: AttemptSpec) -> dict[str, str]:
    return {**spec.environment, LABEL_VARIABLE: spec.label}


def _labels(home: str, label: str) -> Iterator[str]:
    yield f"--label={LABEL}=attempt"
    yield f"--label={HOME_LABEL}={home}"
    yield f"--label={ATTEMPT_LABEL}={label}"
    yield f"--label={TRIAL_LABEL}={trial_of(label)}"


def _shut(engine: Engine) -> Iterator[str]:
    yield from ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--log-driver=none")
    yield "--hostname=trial"
    if engine.name == "podman":
        # It would lay writable folders without a bound over /run and /var/tmp.
        yield "--read-only-tmpfs=false"
        # It would raise this limit, which even root may not everywhere. Processes are bounded by their group.
        yield f"--ulimit=nproc={_at_most(resource.RLIMIT_NPROC, MOST_PROCESSES)}"
    if Path("/sys/fs/selinux").is_dir():
        # Files would have to be relabelled on this machine, the author's own among them.
        yield "--security-opt=label=disable"


def _limits(spec: AttemptSpec) -> Iterator[str]:
    container, limits = spec.container, spec.limits
    assert container is not None
    if limits.memory is not None:
        yield from (f"--memory={limits.memory}b", f"--memory-swap={limits.memory}b")
    if container.cpus is not None:
        yield f"--cpus={container.cpus:g}"
    yield f"--pids-limit={min(container.pids, limits.processes or container.pids)}"
    # Compiled kernels are loaded from there, so it may be executed.
    yield f"--tmpfs=/tmp:rw,exec,nosuid,nodev,mode=1777,size={container.scratch}"
    yield f"--shm-size={container.shm}b"
    yield from (
        f"--ulimit=nofile={_at_most(resource.RLIMIT_NOFILE, limits.files or MOST_FILES)}",
        "--ulimit=core=0:0",
    )
    if limits.disk is not None:
        # Folders are watched; this bounds what one file can be when nobody does, our own log included.
        largest = 2 * limits.disk + ROOM
        yield f"--ulimit=fsize={largest}:{largest}"
    # When the machine itself runs out of memory, trials go first.
    yield "--oom-score-adj=800"


def _at_most(which: int, most: int) -> str:
    """Return a limit, soft and hard, that is no higher than our own: those cannot be raised everywhere."""
    hard = resource.getrlimit(which)[1]
    number = most if hard == resource.RLIM_INFINITY else min(hard, most)
    return f"{number}:{number}"


def _gpus(engine: Engine, gpus: str) -> Iterator[str]:
    if not gpus:
        return
    if "/" in gpus:  # Names of the Container Device Interface, as nvidia.com/gpu=0.
        yield from (f"--device={name.strip()}" for name in gpus.split(","))
    elif engine.name == "podman":
        yield f"--device=nvidia.com/gpu={gpus.removeprefix('device=')}"
    else:
        yield f"--gpus={gpus}"


def _user(engine: Engine, user: str | None) -> Iterator[str]:
    if engine.rootless and engine.name == "podman":
        # Inside and outside the same number: files below the mounts are ours.
        yield from ("--userns=keep-id", f"--user={os.getuid()}:{os.getgid()}")
    elif engine.rootless:
        # The container's root is nobody but us outside.
        yield "--user=0:0"
    elif os.geteuid() == 0:
        yield f"--user={user or NOBODY}"
    else:
        yield f"--user={user or f'{os.getuid()}:{os.getgid()}'}"
