"""Code that is not the user's own, as a plain process: what it sees, who it is, and what it can write."""

from __future__ import annotations

import ctypes
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pushtune.environment import ProcessEnvironment
from pushtune.environment.ownership import check_reach, find_user, take_folder
from pushtune.environment.process_runtime import ProcessRuntime
from pushtune.errors import MachineError, UsageError
from pushtune.model.needs import Needs
from pushtune.model.ports import AttemptSpec, Limits
from pushtune.testing.real_parts import need
from pushtune.testing.runtime_conformance import MIB, RealRuntimeConformance, wait_for_exit

PYTHON = "/usr/bin/python3"
NOBODY = (65534, 65534)
SECRET = "the-server-s-own-secret"


@pytest.fixture
def root() -> None:
    need(os.geteuid() == 0 and Path(PYTHON).exists(), "starting processes as another user takes root")


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder that every user can pass through to, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as path:
        Path(path).chmod(0o711)
        yield Path(path)


@pytest.fixture
def reachable(tmp_path: Path) -> Path:
    """A study's folder with one attempt's folder in it."""
    attempt = tmp_path / "attempts" / "1"
    attempt.mkdir(parents=True)
    return attempt


@pytest.fixture(autouse=True)
def visible_again() -> Iterator[None]:
    yield
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)


def run_as(
    runtime: ProcessRuntime, attempt: Path, code: str, limits: Limits | None = None, **variables: str
) -> str:
    """Run ``code`` to its end in the attempt's folder; return what it printed."""
    environment = {**ProcessEnvironment(PYTHON, isolated=True).variables(1, 0), **variables}
    limits = limits or Limits()
    label, folder = f"isolation-{os.getpid()}-{attempt}", str(attempt)
    spec = AttemptSpec(label, (PYTHON, "-c", code), folder, folder, environment, limits)
    wait_for_exit(runtime, runtime.start(spec), str(attempt), limits)
    return (attempt / "stdout.log").read_text()


@pytest.mark.usefixtures("root")
class TestConfinedRuntime(RealRuntimeConformance):
    """A runtime whose attempts run as another user keeps every promise of a runtime."""

    @pytest.fixture
    def runtime(self) -> ProcessRuntime:
        return ProcessRuntime(user=NOBODY)

    def python(self, code: str) -> tuple[str, ...]:
        return (PYTHON, "-c", code)

    def spec(self, folder: Path, command: tuple[str, ...], limits: Limits | None = None) -> AttemptSpec:
        spec = super().spec(folder, command, limits)
        environment = ProcessEnvironment(PYTHON, isolated=True).variables(1, 0)
        return AttemptSpec(spec.label, command, spec.workdir, spec.folder, environment, spec.limits)


def test_a_trial_is_told_nothing_of_the_server_s_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUSHTUNE_MAIL_PASSWORD", SECRET)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("https_proxy", f"http://user:{SECRET}@proxy")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    told = ProcessEnvironment(PYTHON, isolated=True, home=Path("/h")).variables(1, 7)
    assert SECRET not in str(told)
    assert (told["HOME"], told["CUDA_VISIBLE_DEVICES"], told["no_proxy"]) == ("/h", "1", "*")
    assert told["PATH"].split(":")[0] == "/usr/bin"
    assert {"LANG", "TZ", "OMP_NUM_THREADS", "PYTHONHASHSEED"} <= set(told)


DUMP = """
import json, os
def read(path):
    try:
        return open(path, 'rb').read().decode(errors='replace')
    except OSError as error:
        return error.strerror
parent = os.getppid()
print(json.dumps({
    'own': dict(os.environ), 'parent': read(f'/proc/{parent}/environ'), 'memory': read(f'/proc/{parent}/mem'),
    'ids': [os.getuid(), os.geteuid(), os.getgid(), os.getgroups()],
    'status': [line for line in open('/proc/self/status') if line.startswith(('NoNewPrivs', 'CapEff'))],
    'umask': oct(os.umask(0)), 'descriptors': sorted(os.listdir('/proc/self/fd'))[:-1],
}))
"""


@pytest.mark.usefixtures("root")
def test_a_trial_that_looks_for_secrets_finds_none(reachable: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVER_TOKEN", SECRET)
    ctypes.CDLL(None).setenv(b"SERVER_TOKEN", SECRET.encode(), 1)
    found = json.loads(run_as(ProcessRuntime(user=NOBODY), reachable, DUMP))
    assert SECRET not in json.dumps(found)
    assert found["parent"] == found["memory"] == "Permission denied"
    assert found["ids"] == [NOBODY[0], NOBODY[0], NOBODY[1], []]
    assert [line.split()[1] for line in found["status"]] == ["0" * 16, "1"]
    assert (found["umask"], found["descriptors"]) == ("0o77", ["0", "1", "2"])


def test_without_another_user_the_server_cannot_be_looked_into_either(tmp_path: Path) -> None:
    """As root every file opens; whether another process of the user may look is told by who owns it."""
    ProcessRuntime(confined=True)
    assert ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) == 0
    assert Path("/proc/self/environ").stat().st_uid == 0
    told = run_as(ProcessRuntime(confined=True), tmp_path, "print(open('/proc/self/status').read())")
    assert "NoNewPrivs:\t1" in told


WRITE = """
import os, sys
def can(action):
    try:
        action()
        return 'yes'
    except OSError as error:
        return error.strerror
study = sys.argv[1] if len(sys.argv) > 1 else os.environ['STUDY']
for name in ('ledger.db', 'trials/0001/candidate/train.py', 'attempts/2/plan.json', 'checkout/train.py'):
    print(name, can(lambda: open(os.path.join(study, name), 'ab').close()))
print('new', can(lambda: open(os.path.join(study, 'new'), 'w').close()))
print('moved', can(lambda: os.rename(os.path.join(study, 'attempts/1'), os.path.join(study, 'attempts/9'))))
print('own', can(lambda: open('own', 'w').close()), can(lambda: os.mkdir('checkpoints')))
os.symlink(os.path.join(study, 'ledger.db'), 'link')
"""


@pytest.mark.usefixtures("root")
def test_a_trial_can_write_nothing_but_its_own_attempt(reachable: Path) -> None:
    study = reachable.parents[1]
    for name in ("ledger.db", "trials/0001/candidate/train.py", "attempts/2/plan.json", "checkout/train.py"):
        (study / name).parent.mkdir(parents=True, exist_ok=True)
        (study / name).write_text("ours")
    said = run_as(ProcessRuntime(user=NOBODY), reachable, WRITE, STUDY=str(study))
    assert said.splitlines() == [
        "ledger.db Permission denied",
        "trials/0001/candidate/train.py Permission denied",
        "attempts/2/plan.json Permission denied",
        "checkout/train.py Permission denied",
        "new Permission denied",
        "moved Permission denied",
        "own yes yes",
    ]
    assert (study / "ledger.db").stat().st_uid == 0, "no link is followed when the folder is taken back"


@pytest.mark.usefixtures("root")
def test_what_an_ended_attempt_wrote_can_be_read_by_the_next_and_changed_by_nobody(reachable: Path) -> None:
    run_as(ProcessRuntime(user=NOBODY), reachable, "open('checkpoint', 'w').write('state')")
    assert (reachable / "checkpoint").stat().st_uid == 0
    later = reachable.parent / "2"
    later.mkdir()
    code = f"""
print(open({str(reachable / "checkpoint")!r}).read())
for path in ({str(reachable / "checkpoint")!r}, {str(reachable / "other")!r}):
    try:
        open(path, 'w')
    except OSError as error:
        print(error.strerror)
"""
    said = run_as(ProcessRuntime(user=NOBODY), later, code)
    assert said.splitlines() == ["state", "Permission denied", "Permission denied"]


@pytest.mark.usefixtures("root")
def test_a_folder_of_hostile_names_and_kinds_is_taken_back(reachable: Path) -> None:
    code = """
import os
os.mkfifo('fifo'); os.symlink('/etc/shadow', 'link'); os.mkdir('locked'); open('locked/in', 'w')
os.chmod('locked', 0)
open('a\\nb' * 50, 'w'); open(os.fsencode('x') + bytes([255]), 'w')
for depth in range(300):
    os.mkdir('d'); os.chdir('d')
"""
    run_as(ProcessRuntime(user=NOBODY), reachable, code)
    assert (reachable / "locked" / "in").stat().st_uid == 0
    assert Path("/etc/shadow").stat().st_mode & 0o777 in (0o640, 0o600)
    take_folder(str(reachable))  # again is no error


@pytest.mark.usefixtures("root")
def test_the_kernel_s_limits_hold(reachable: Path) -> None:
    code = """
import resource
for name in ('CORE', 'FSIZE', 'NOFILE', 'NPROC'):
    print(name, *resource.getrlimit(getattr(resource, 'RLIMIT_' + name)))
try:
    open('big', 'wb').write(b'x' * 5 * 2**20)
except OSError as error:
    print(error.strerror)
"""
    limits = Limits(disk=2 * MIB, files=300, processes=500)
    said = run_as(ProcessRuntime(user=NOBODY), reachable, code, limits)
    assert said.splitlines() == [
        "CORE 0 0", f"FSIZE {4 * MIB} {4 * MIB}", "NOFILE 300 300", "NPROC 500 500", "File too large",
    ]  # fmt: skip


@pytest.mark.usefixtures("root")
def test_a_fork_bomb_of_another_user_is_contained(reachable: Path) -> None:
    code = """
import os, time
count = 0
while True:
    try:
        if os.fork() == 0:
            time.sleep(600)
        count += 1
    except BlockingIOError:
        print(count < 100)
        break
"""
    user = (61999, 61999)  # runs nothing else
    assert run_as(ProcessRuntime(user=user), reachable, code, Limits(processes=50)) == "True\n"


@pytest.mark.usefixtures("root")
def test_a_home_is_made_for_the_trials(reachable: Path) -> None:
    home = reachable.parents[1] / "homes" / "one"
    code = (
        "import os; open(os.path.expanduser('~/data'), 'w').write('1'); print(os.listdir(os.environ['HOME']))"
    )
    assert run_as(ProcessRuntime(user=NOBODY), reachable, code, HOME=str(home)) == "['data']\n"
    assert home.stat().st_uid == NOBODY[0]


@pytest.mark.usefixtures("root")
def test_a_way_that_is_closed_to_the_user_is_said(reachable: Path) -> None:
    closed = reachable.parents[1]
    closed.chmod(0o700)
    with pytest.raises(MachineError, match=f"{closed} is closed") as raised:
        check_reach(str(reachable), NOBODY)
    assert raised.value.fix == f"open it for passing through with: chmod o+x {closed}"


@pytest.mark.usefixtures("root")
def test_an_interpreter_that_the_user_cannot_start_is_said_before_any_trial(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "bin").mkdir(parents=True)
    (closed / "bin" / "python").symlink_to(PYTHON)
    closed.chmod(0o700)
    environment = ProcessEnvironment(str(closed), user="nobody")
    with pytest.raises(UsageError, match="Permission denied"):
        environment.prepare(Needs.of_modules([]))
    found = ProcessEnvironment(PYTHON, user="nobody").prepare(Needs.of_modules(["json", "nonesuch"]))
    assert found.missing == ("nonesuch",)


@pytest.mark.usefixtures("root")
def test_a_trial_that_cannot_be_confined_is_not_started(reachable: Path) -> None:
    reachable.parents[1].chmod(0o700)
    spec = AttemptSpec("isolation-x", (PYTHON, "-c", ""), str(reachable), str(reachable), {})
    with pytest.raises(MachineError, match="is closed"):
        ProcessRuntime(user=NOBODY).start(spec)
    assert ProcessRuntime().find(["isolation-x"]) == {}


def test_a_program_that_is_not_there_is_said(tmp_path: Path) -> None:
    spec = AttemptSpec("isolation-x", ("/no/such/python",), str(tmp_path), str(tmp_path), {})
    with pytest.raises(MachineError, match="/no/such/python"):
        ProcessRuntime(confined=True).start(spec)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no-such-user-here", "there is no user"),
        ("root", "must not run as root"),
        ("0:5", "must not run as root"),
    ],
)
def test_who_trials_must_not_run_as(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        find_user(name)


def test_users_may_be_numbers() -> None:
    need(os.geteuid() == 0, "only root may choose")
    assert (find_user("61999"), find_user("61999:5")) == ((61999, 61999), (61999, 5))
