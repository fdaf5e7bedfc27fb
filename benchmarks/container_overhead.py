"""What a container costs: an attempt in a container against the same attempt as a plain process.

An attempt of a script that does nothing is made and run by the real probe to its end, in turn as a process
and as a container, ``--runs`` times each. Its wall time is that from asking the runtime to start it until
the runtime tells its end, polled as the reconciler does. The figures are medians in seconds:

* ``process_seconds`` and ``container_seconds``;
* ``overhead_seconds``  the median difference of one after the other;
* ``start_seconds``     what starting the container takes before the runtime returns;
* ``poll_seconds``      one look at a container that lives.

The image holds another build of Python than this machine, which is part of the difference.

Usage: ``python benchmarks/container_overhead.py [--json FILE] [--runs N] [--engine NAME] [--image NAME]``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from figures import report

from pushtune.environment.container_runtime import ContainerRuntime
from pushtune.environment.engines import Engine, find_engine
from pushtune.environment.process import trial_variables
from pushtune.environment.process_runtime import ProcessRuntime
from pushtune.model.analysis import Candidate, Script, ScriptFile
from pushtune.model.containers import ContainerSpec
from pushtune.model.ports import AttemptSpec, Limits, Runtime
from pushtune.trial import AttemptRequest, make_attempt

IMAGE = "pushtune-test-base"
LIMIT = 1.0
"""Seconds that a container may cost."""

PAUSE = 0.05
"""Seconds between two polls: the reconciler's."""

LIMITS = Limits(memory=1024**3, disk=1024**3)

SCRIPT = ScriptFile("train.py", b"print('Accuracy: 0.5')\n")
SLEEPER = ScriptFile("train.py", b"import time\ntime.sleep(600)\n")


@dataclass(frozen=True)
class Taken:
    """Seconds that one attempt took: its start alone, and all of it."""

    start: float
    whole: float


class Bench:
    """Makes attempts below ``folder``, each with a number of its own."""

    def __init__(self, folder: Path, image: str) -> None:
        self._folder = folder
        self._image = image
        self._trial = 0
        (folder / "author").mkdir()

    def process(self) -> AttemptSpec:
        """Return an attempt as a process of this Python."""
        return make_attempt(self._request(sys.executable, SCRIPT))

    def container(self, file: ScriptFile = SCRIPT) -> AttemptSpec:
        """Return an attempt in a container, with all its limits."""
        request = self._request("python3", file)
        return make_attempt(replace(request, container=ContainerSpec(self._image)))

    def _request(self, python: str, file: ScriptFile) -> AttemptRequest:
        self._trial += 1
        (self._folder / "author" / file.path).write_bytes(file.data)
        return AttemptRequest(
            study=str(self._folder / "study"),
            script=Script(str(self._folder / "author"), file.path, (file,)),
            candidate=Candidate((file,), (), ""),
            trial=self._trial,
            attempt=1,
            label=f"benchmark-{os.getpid()}/{self._trial}/1",
            python=python,
            variables=trial_variables({"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp"}, 1, 0),
            seed=0,
            threads=1,
            limits=LIMITS,
        )


def run(runtime: Runtime, spec: AttemptSpec) -> Taken:
    """Run one attempt to its end; ``SystemExit`` if that is not a good one."""
    began = time.perf_counter()
    handle = runtime.start(spec)
    started = time.perf_counter()
    while (ended := runtime.poll(handle, LIMITS, spec.folder)) is None:
        time.sleep(PAUSE)
    whole = time.perf_counter() - began
    if ended.code != 0:
        raise SystemExit(f"{spec.label}: {ended}\n{Path(spec.folder, 'stdout.log').read_text()}")
    return Taken(started - began, whole)


def poll_seconds(runtime: Runtime, spec: AttemptSpec, times: int = 200) -> float:
    """Return the median seconds of one look at an attempt that lives."""
    handle = runtime.start(spec)
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        runtime.poll(handle, LIMITS, spec.folder)
        taken.append(time.perf_counter() - began)
        time.sleep(PAUSE / 5)
    runtime.kill(handle)
    return median(taken)


def measure(engine: Engine, image: str, runs: int) -> dict[str, float]:
    """Return the figures of ``runs`` attempts on each side."""
    with tempfile.TemporaryDirectory(prefix="pushtune-overhead-") as folder:
        bench = Bench(Path(folder), image)
        processes, containers = ProcessRuntime(), ContainerRuntime(engine, folder)
        run(processes, bench.process())  # once each unmeasured: files are read from disk then
        run(containers, bench.container())
        pairs = [(run(processes, bench.process()), run(containers, bench.container())) for _ in range(runs)]
        poll = poll_seconds(containers, bench.container(SLEEPER))
    return {
        "process_seconds": round(median(process.whole for process, _ in pairs), 3),
        "container_seconds": round(median(container.whole for _, container in pairs), 3),
        "overhead_seconds": round(median(other.whole - process.whole for process, other in pairs), 3),
        "start_seconds": round(median(container.start for _, container in pairs), 3),
        "poll_seconds": round(poll, 6),
    }


def main() -> None:
    """Print the figures; the exit status is 1 if a container costs more than it may."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--engine", choices=("docker", "podman"))
    parser.add_argument("--image", default=IMAGE)
    options = parser.parse_args()
    engine = find_engine(options.engine)
    figures = measure(engine, options.image, options.runs)
    for name, value in figures.items():
        print(f"{engine.name} {engine.version}  {name:18} {value:g}")
    if options.json is not None:
        body = report("container_overhead", figures)
        options.json.write_text(json.dumps({**body, "engine": f"{engine.name} {engine.version}"}, indent=1))
    raise SystemExit(0 if figures["overhead_seconds"] < LIMIT else 1)


if __name__ == "__main__":
    main()
