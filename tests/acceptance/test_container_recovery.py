"""Containers, servers and engines that die at any moment: training goes on from the last finished epoch."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from container_study import BASE, EPOCHS, ContainerStudy
from project import wait_for as wait_until

from pushtune.environment.engines import Engine, find_engine
from pushtune.errors import MachineError
from pushtune.model.ports import Limits
from pushtune.model.states import TrialState
from pushtune.testing.real_parts import need

MIB = 2**20

FILLER = """\
import time
stream = open("big", "wb")
while True:
    stream.write(b"x" * 2**20)
    time.sleep(0.01)
"""

MakeStudy = Callable[..., ContainerStudy]


def engine_or_none(name: str) -> Engine | None:
    try:
        engine = find_engine(name)
        return engine if engine.has_image(BASE) else None
    except MachineError:
        return None


@pytest.fixture(params=["docker", "podman"])
def engine(request: pytest.FixtureRequest) -> Engine:
    found = engine_or_none(request.param)
    need(found is not None, f"a {request.param} engine that answers, with the base image (.ci/engine start)")
    assert found is not None
    return found


@pytest.fixture
def make_study(tmp_path: Path) -> Iterator[MakeStudy]:
    made: list[ContainerStudy] = []

    def make(engine: Engine, name: str = "home", *rest: object, **settings: object) -> ContainerStudy:
        made.append(ContainerStudy(tmp_path / name, engine, *rest, **settings))  # type: ignore[arg-type]
        return made[-1]

    yield make
    assert [study.left() for study in made] == [[] for _ in made]


def value_of(study: ContainerStudy, number: int) -> float:
    row = study.trial(number)
    assert row.value is not None, row
    return row.value


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> float:
    """What the training comes to where nothing dies."""
    engine = next((one for name in ("docker", "podman") if (one := engine_or_none(name))), None)
    need(engine is not None, "a container engine that answers, with the base image (.ci/engine start)")
    assert engine is not None
    study = ContainerStudy(tmp_path_factory.mktemp("undisturbed") / "home", engine, pace=0)
    study.want(1)
    study.run()
    assert study.left() == []
    return value_of(study, 1)


@pytest.mark.slow
def test_a_container_killed_ten_times_comes_to_the_same_and_trains_no_finished_epoch_again(
    engine: Engine, make_study: MakeStudy, undisturbed: float
) -> None:
    study = make_study(engine, pace=0.25)
    study.want(1)
    chance = random.Random(3)
    for _ in range(10):
        done = study.epochs_done(1)
        # Each attempt comes a little further: with no progress at all the trial would be given up.
        study.run(lambda done=done: study.epochs_done(1) > done and study.container(1))  # type: ignore[misc]
        time.sleep(0.3 * chance.random())
        engine.call("kill", study.container(1) or "")
        study.run(lambda: study.trials.attempts(1)[-1].ended)
    study.pace(0)
    study.run()
    assert len(study.trials.attempts(1)) == 11
    assert study.trial(1).state is TrialState.FINISHED
    assert value_of(study, 1) == undisturbed
    assert study.repeated(1) == []
    assert (
        f"lines {2 * EPOCHS}"
        in (study.folder(1).attempt(study.folder(1).attempts()[-1]) / "stdout.log").read_text()
    )


def test_a_server_killed_while_containers_train_adopts_them(
    engine: Engine, make_study: MakeStudy, undisturbed: float
) -> None:
    study = make_study(engine)
    study.want(1)
    study.want(2)
    command = [sys.executable, str(Path(__file__).parent / "container_study.py"), study.home, engine.name]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    wait_until(lambda: study.epochs_done(1) >= 2 and study.epochs_done(2) >= 1)
    server.kill()
    server.wait()
    containers = [study.container(1), study.container(2)]
    assert None not in containers
    study.reborn()
    assert study.adopted == 2
    assert [study.container(1), study.container(2)] == containers
    study.pace(0)
    study.run()
    assert [value_of(study, 1), value_of(study, 2)] == [undisturbed, undisturbed]
    assert [row.number for row in study.trials.attempts()] == [1, 1]


def test_containers_that_ended_while_no_server_was_there_are_taken_as_they_ended(
    engine: Engine, make_study: MakeStudy, undisturbed: float
) -> None:
    study = make_study(engine, limits=Limits(memory=100 * MIB))
    study.want(1)
    study.want(2, "print('start')\nheld = bytearray(b'x' * 2**28)\n")
    study.run(lambda: study.epochs_done(1) >= 1 and study.trials.attempts(2))
    study.pace(0)
    for container in engine.containers(f"pushtune.home={study.home}"):
        engine.call("wait", container.id, check=False)
    study.reborn()
    study.run()
    assert (study.trial(1).state, study.trial(1).value) == (TrialState.FINISHED, undisturbed)
    assert study.trial(2).state is TrialState.OUT_OF_MEMORY
    assert len(study.trials.attempts()) == 2


def test_a_memory_hog_is_killed_at_its_limit_and_its_neighbour_trains_on(
    engine: Engine, make_study: MakeStudy, undisturbed: float
) -> None:
    study = make_study(engine, limits=Limits(memory=100 * MIB), pace=0.02)
    study.want(1)
    study.want(2, "held = []\nwhile True: held.append(bytearray(b'x' * 2**20))\n")
    study.run()
    assert study.trial(2).state is TrialState.OUT_OF_MEMORY
    assert "limit 100" in study.trial(2).message
    assert (study.trial(1).state, study.trial(1).value) == (TrialState.FINISHED, undisturbed)
    assert [row.number for row in study.trials.attempts()] == [1, 1]


def test_a_disk_filler_is_stopped_and_its_neighbour_trains_on(
    engine: Engine, make_study: MakeStudy, undisturbed: float
) -> None:
    study = make_study(engine, limits=Limits(disk=30 * MIB), pace=0.02)
    study.want(1)
    study.want(2, FILLER)
    study.run()
    assert study.trial(2).state is TrialState.FAILED
    assert "wrote more than it may" in study.trial(2).message
    assert (study.trial(1).state, study.trial(1).value) == (TrialState.FINISHED, undisturbed)


class OwnDocker:
    """A Docker of this test's own, which can be killed: others may use the machine's."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder, self.options = folder, options
        self.variables = {"DOCKER_HOST": f"unix://{folder}/docker.sock"}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Engine:
        """Start the daemon and wait until it answers."""
        (self.folder / "docker.pid").unlink(missing_ok=True)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    "dockerd",
                    f"--host={self.variables['DOCKER_HOST']}",
                    f"--data-root={self.folder}/data",
                    f"--exec-root={self.folder}/run",
                    f"--pidfile={self.folder}/docker.pid",
                    *("--bridge=none", "--iptables=false", "--ip6tables=false"),
                    *self.options,
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self._answers)
        return find_engine("docker", self.variables)

    def kill(self) -> None:
        """Kill the daemon and its containerd, as a crash would; containers' monitors are left."""
        containerd = int((self.folder / "run" / "containerd" / "containerd.pid").read_text())
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(ProcessLookupError):  # it dies with its parent
            os.kill(containerd, signal.SIGKILL)
        wait_until(lambda: not Path(f"/proc/{containerd}").exists())

    def stop(self) -> None:
        """End the daemon as a service manager does."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(timeout=60)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
        try:
            find_engine("docker", self.variables)
            return True
        except MachineError:
            return False


@pytest.fixture(scope="module", params=[(), ("--live-restore",)], ids=["plain", "live-restore"])
def docker(request: pytest.FixtureRequest) -> Iterator[OwnDocker]:
    common = engine_or_none("docker")
    need(
        common is not None and os.geteuid() == 0 and shutil.which("dockerd") is not None,
        "a Docker engine that may be killed: dockerd, root, and the base image (.ci/engine start)",
    )
    assert common is not None
    # Not below the test's own folder: a socket's path may have 107 characters at most.
    folder = Path(tempfile.mkdtemp(prefix="pushtune-docker-"))
    common.call("save", "--output", str(folder / "base.tar"), BASE)
    docker = OwnDocker(folder, *request.param)
    try:
        docker.start().call("load", "--input", str(folder / "base.tar"))
        yield docker
    finally:
        docker.kill()
        # The daemon makes its folder a mount, which outlives a killed one.
        subprocess.run(["umount", "--lazy", str(folder / "data")], stderr=subprocess.DEVNULL)
        shutil.rmtree(folder)


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_when_the_engine_is_restarted_everything_unfinished_goes_on(
    docker: OwnDocker, make_study: MakeStudy, undisturbed: float, how: str
) -> None:
    study = make_study(find_engine("docker", docker.variables))
    study.want(1)
    study.want(2)
    study.run(lambda: study.epochs_done(1) >= 2 and study.epochs_done(2) >= 2)
    getattr(docker, how)()
    for _ in range(10):
        study.step()  # the server lives on, and waits
        time.sleep(0.05)
    study.want(3)
    study.step()
    docker.start()
    study.pace(0)
    study.run()
    assert [value_of(study, number) for number in (1, 2, 3)] == [undisturbed] * 3
    assert [*study.repeated(1), *study.repeated(2)] == []
    if docker.options == ("--live-restore",):
        assert [study.folder(number).attempts() for number in (1, 2)] == [(1,), (1,)]


def test_a_server_that_starts_while_the_engine_is_away_says_so_and_goes_on_later(
    docker: OwnDocker, make_study: MakeStudy, undisturbed: float
) -> None:
    study = make_study(find_engine("docker", docker.variables))
    study.want(1)
    study.run(lambda: study.epochs_done(1) >= 2)
    docker.kill()
    with pytest.raises(MachineError, match="Docker does not run"):
        study.reborn()
    docker.start()
    study.reborn()
    study.pace(0)
    study.run()
    assert value_of(study, 1) == undisturbed
