"""Trials that mean harm, or are broken: each a real process. The server stays small, quick and right."""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile import FOLDER, HONEST, Hostile, Memory, can_be_root, ended_well

from pushtune.errors import MachineError
from pushtune.model.ports import Limits
from pushtune.model.states import TrialState
from pushtune.testing.real_parts import need
from pushtune.trial import read_trial
from pushtune_probe import wire

MIB = 1024 * 1024
EVENTS = "events = os.path.join(attempt, 'events.jsonl')\n"
STAY = "import time\ntime.sleep(600)\n"


@pytest.fixture(autouse=True)
def visible_again() -> None:
    """Confined trials hide this process; the next test must be able to look into it."""
    yield  # type: ignore[misc]
    import ctypes

    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A folder that every user can pass through to."""
    with tempfile.TemporaryDirectory() as path:
        Path(path).chmod(0o711)
        yield Path(path)


# Events.


def test_ten_million_forged_lines_cost_little_and_the_true_end_is_read(tmp_path: Path) -> None:
    flood = """
line = b'{"event":"metric","name":"loss","value":1}\\n'
with open(events, 'ab') as stream:
    for _ in range(100):
        stream.write(line * 100_000)
"""
    hostile = Hostile(tmp_path, FOLDER + EVENTS + flood + HONEST)
    with Memory(150 * MIB):
        assert ended_well(hostile.run())
    assert "events-skipped" in [warning.code for warning in read_trial(hostile.folder).warnings]


def test_a_line_of_a_gigabyte_is_passed_over(tmp_path: Path) -> None:
    flood = """
with open(events, 'ab') as stream:
    stream.write(b'{"event":"')
    stream.truncate(2**30)
    stream.seek(2**30)
    stream.write(b'\\n')
"""
    hostile = Hostile(tmp_path, FOLDER + EVENTS + flood + HONEST)
    with Memory(100 * MIB):
        assert ended_well(hostile.run())


@pytest.mark.parametrize(
    "value", ["NaN", "Infinity", "-Infinity", "1e999", "1" + "0" * 400, '"0.99"', "true"]
)
def test_a_value_that_is_no_finite_number_never_counts(tmp_path: Path, value: str) -> None:
    forged = f"""
with open(events, 'a') as stream:
    stream.write('{{"event":"metric","name":"accuracy","split":"test","source":"x","value":{value}}}\\n')
    stream.write('{{"event":"epoch","epoch":1,"metrics":{{"accuracy":{{"value":{value},"split":"validation"}}}}}}\\n')
    stream.write('{{"event":"finished","epochs":1}}\\n')
os._exit(0)
"""
    row = Hostile(tmp_path, FOLDER + EVENTS + forged).run()
    assert row.state is TrialState.FINISHED
    assert (row.value, row.report) == (None, None)
    assert all(math.isfinite(one) for one in row.curve)
    assert "accuracy" in row.message, "and it is said that there is none"


def test_a_forged_end_ends_the_trial_and_nothing_of_it_lives_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pushtune.reconcile.reconciler.LINGER_SECONDS", 0.3)
    forged = """
with open(events, 'a') as stream:
    stream.write('{"event":"finished","epochs":1,"t":1e300}\\n')
"""
    hostile = Hostile(tmp_path, FOLDER + EVENTS + forged + STAY)
    row = hostile.run()
    assert (row.state, row.value) == (TrialState.FINISHED, None)


@pytest.mark.parametrize(
    "epoch",
    ['{"event":"started","resumed_from":1000000000000}', '{"event":"epoch","epoch":99999,"metrics":{}}',
     '{"event":"paused","epoch":7,"order":99999999999999999999999}', "[" * 100_000,
     '{"event":"epoch","epoch":-1}'],
)  # fmt: skip
def test_events_beyond_all_measure_are_survived(tmp_path: Path, epoch: str) -> None:
    forged = f"open(events, 'a').write({epoch!r} + '\\n')\n"
    hostile = Hostile(tmp_path, FOLDER + EVENTS + forged + HONEST)
    with Memory(100 * MIB):
        assert hostile.run().state is TrialState.FINISHED


# What stands in the place of files.


@pytest.mark.parametrize(
    "name", ["events.jsonl", "stdout.log", "heartbeat", "order.json", "checkpoints", "artifacts"]
)
@pytest.mark.parametrize(
    "trap",
    ["os.mkfifo(path)", "os.symlink(outside, path)", "os.mkdir(path)", "os.symlink(path, path)",
     "os.symlink('/dev/zero', path)", "os.link(outside, path)"],
    ids=["pipe", "link", "folder", "loop", "device", "hard-link"],
)  # fmt: skip
def test_what_is_put_in_the_place_of_a_file_is_not_waited_for_nor_followed(
    tmp_path: Path, name: str, trap: str
) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("ours\n")
    before = outside.stat()
    source = f"""
import shutil
path, outside = os.path.join(attempt, {name!r}), {str(outside)!r}
shutil.rmtree(path) if os.path.isdir(path) else os.path.lexists(path) and os.remove(path)
{trap}
print('x' * 100_000)
"""
    hostile = Hostile(tmp_path, FOLDER + source + HONEST, limits=Limits(log=10_000, disk=10**9))
    row = hostile.run()
    assert row.over
    assert outside.read_text() == "ours\n"
    assert outside.stat().st_mode == before.st_mode
    assert outside.stat().st_uid == before.st_uid
    # Who removed their own events has told nothing; all others end as they would.
    assert name == "events.jsonl" or ended_well(row)


@pytest.mark.parametrize(
    "path",
    ["../../../../outside.txt", "/etc/passwd", "loop", "loop/x", "link", "pipe", "a\0b", "hard", "x" * 1500,
     "n" * 250 + "/" + "n" * 250, ".", "", "workspace/../plan.json",
     "workspace/line\nbreak", "workspace/-rf"],
)  # fmt: skip
def test_a_model_is_kept_only_if_it_is_a_plain_file_of_the_attempt(tmp_path: Path, path: str) -> None:
    (tmp_path / "outside.txt").write_text("ours")
    source = f"""
for name, target in (('loop', 'loop'), ('link', '/etc/passwd')):
    os.symlink(target, os.path.join(attempt, name))
os.mkfifo(os.path.join(attempt, 'pipe'))
os.link({str(tmp_path / "outside.txt")!r}, os.path.join(attempt, 'hard'))
open('line\\nbreak', 'w').write('model'); open('-rf', 'w').write('model')
event = dict(event="artifact", kind="model", path={path!r}, origin="script")
with open(os.path.join(attempt, 'events.jsonl'), 'a') as stream:
    stream.write(json.dumps(event) + '\\n')
"""
    hostile = Hostile(tmp_path, FOLDER + source + HONEST)
    assert ended_well(hostile.run())
    artifacts = hostile.folder.artifacts
    kept = sorted(one.name for one in artifacts.iterdir()) if artifacts.exists() else []
    allowed = {"workspace/line\nbreak": ["line_break"], "workspace/-rf": ["_rf"]}
    assert kept == allowed.get(path, [])


def test_a_zip_bomb_is_bytes_and_nothing_more(tmp_path: Path) -> None:
    source = """
import zipfile
with zipfile.ZipFile('model.keras', 'w', zipfile.ZIP_DEFLATED) as bomb:
    for number in range(5):
        bomb.writestr(f'{number}', bytes(50 * 2**20))
"""
    hostile = Hostile(tmp_path, FOLDER + source + HONEST)
    with Memory(50 * MIB):
        assert ended_well(hostile.run())
    (kept,) = hostile.folder.artifacts.iterdir()
    assert (kept.name, kept.stat().st_size < MIB) == ("model.keras", True)


def test_a_model_of_a_terabyte_is_not_kept_and_that_is_said(tmp_path: Path) -> None:
    source = """
with open('huge.bin', 'wb') as stream:
    stream.truncate(2**40)
event = dict(event="artifact", kind="model", path="workspace/huge.bin", origin="script")
with open(os.path.join(attempt, 'events.jsonl'), 'a') as stream:
    stream.write(json.dumps(event) + '\\n')
"""
    hostile = Hostile(tmp_path, FOLDER + source + HONEST)
    assert ended_well(hostile.run())
    assert list(hostile.folder.artifacts.iterdir()) == []
    assert hostile.said == ["trial 0: the model huge.bin is larger than 16 GiB and was not kept"]


def test_a_folder_deeper_than_any_path_is_removed(tmp_path: Path) -> None:
    source = """
for depth in range(3000):
    os.mkdir('d' * 20); os.chdir('d' * 20)
open('bottom', 'w').close()
os.chdir(os.path.join(attempt, 'workspace'))
os.mkdir('closed'); open('closed/file', 'w').close(); os.chmod('closed', 0)
"""
    hostile = Hostile(tmp_path, FOLDER + source + HONEST, limits=Limits(disk=10**9))
    assert ended_well(hostile.run())
    assert not hostile.folder.has_workspaces


def test_a_workspace_that_became_a_link_is_removed_and_not_what_it_points_to(tmp_path: Path) -> None:
    outside = tmp_path / "precious"
    outside.mkdir(mode=0o755)
    (outside / "file").write_text("ours")
    source = f"""
os.rename(os.path.join(attempt, 'workspace'), os.path.join(attempt, 'moved'))
os.symlink({str(outside)!r}, os.path.join(attempt, 'workspace'))
"""
    hostile = Hostile(tmp_path, FOLDER + source + HONEST)
    assert hostile.run().over
    assert (outside / "file").read_text() == "ours"
    assert outside.stat().st_mode & 0o777 == 0o755


def test_a_printed_line_of_a_gigabyte_leaves_a_small_log(tmp_path: Path) -> None:
    source = "import sys\nfor _ in range(1024): sys.stdout.buffer.write(b'x' * 2**20)\nprint()\n"
    hostile = Hostile(tmp_path, source + HONEST, limits=Limits(log=MIB))
    with Memory(100 * MIB):
        assert ended_well(hostile.run())
    assert (hostile.folder.attempt(1) / wire.STDOUT).stat().st_size <= MIB


# Checkpoints.

LOOP = """
for epoch in range(4):
    state = {"epoch": epoch}
    print(f"epoch {epoch} accuracy: 0.{epoch}")
"""


def _poisoned(entry: str) -> str:
    return f"""
import hashlib, signal
base = os.path.join(attempt, 'checkpoints')
folder = os.path.join(base, '000001')
manifest = os.path.join(folder, 'manifest.json')
def note(files, epoch=1):
    body = dict(version=1, epoch=epoch, files=files)
    seal = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    with open(manifest, 'w') as stream:
        json.dump(dict(body, seal=seal), stream)
if attempt.endswith('/1'):
    os.makedirs(os.path.join(folder, 'files'))
    {entry}
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(
    "entry",
    ["open(manifest, 'w').write('[' * 10**6)",
     "os.mkfifo(manifest)",
     "os.symlink('/dev/zero', manifest)",
     "note({'/etc/passwd': {'bytes': 1, 'sha256': ''}})",
     "os.mkfifo(folder + '/p'); note({'p': {'bytes': 0, 'sha256': ''}})",
     "note({}, 10**30); os.mkfifo(folder + '/files/p'); os.symlink('/etc/passwd', folder + '/files/stolen')",
     "note({}); os.makedirs(folder + '/files/train.py/x'); open(folder + '/files/train.py/x/y', 'w')",
     "note({}); open(folder + '/files/sparse', 'w').truncate(2**40)",
     "os.makedirs(base + '/\\u00b2'); os.symlink('/', base + '/7')"],
    ids=["nested", "pipe", "device", "outside", "named-pipe", "files", "file-or-folder", "sparse", "names"],
)  # fmt: skip
def test_a_poisoned_checkpoint_harms_nobody(tmp_path: Path, entry: str) -> None:
    steal = "print(open('stolen').read()) if os.path.exists('stolen') else None\n"
    hostile = Hostile(tmp_path, FOLDER + _poisoned(entry) + steal + HONEST)
    row = hostile.run()
    assert ended_well(row), row.message
    log = (hostile.folder.attempt(2) / wire.STDOUT).read_text()
    assert "root:" not in log


# Who else is there.


def test_an_orphan_that_writes_after_a_newer_attempt_began_is_fenced_off(tmp_path: Path) -> None:
    """It leaves its session and wipes its environment, so that it outlives its attempt."""
    orphan = f"""
import signal, subprocess, sys, time
if attempt.endswith('/1'):
    code = '''
import os, sys, time
os.setsid()
if os.fork(): os._exit(0)
time.sleep(1.0)
with open(sys.argv[1], "a") as stream:
    stream.write('{{"event":"metric","name":"accuracy","value":0.99,"split":"test","source":"x"}}\\\\n')
    stream.write('{{"event":"epoch","epoch":9,"metrics":{{"accuracy":{{"value":0.99,"split":"test"}}}}}}\\\\n')
    stream.write('{{"event":"finished","epochs":9}}\\\\n')
open(sys.argv[2], "w").close()
'''
    null = open('/dev/null', 'r+')
    command = [sys.executable, '-c', code, attempt + '/events.jsonl', {str(tmp_path / "written")!r}]
    subprocess.Popen(command, env={{}}, stdin=null, stdout=null, stderr=null, start_new_session=True)
    time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGKILL)
while not os.path.exists({str(tmp_path / "written")!r}): time.sleep(0.01)
"""
    hostile = Hostile(tmp_path, FOLDER + orphan + HONEST)
    deadline = time.monotonic() + 5
    # Ended as by somebody else, at once: the orphan has not been seen yet.
    row = None
    while time.monotonic() < deadline and len(hostile.trials.attempts(0)) < 2:
        hostile.reconciler.act()
        hostile.reconciler.look()
        time.sleep(0.3)
    if not (tmp_path / "written").exists() and not _waits_for(tmp_path / "written"):
        (tmp_path / "written").touch()  # the runtime was quicker and ended it: nothing to fence off
    row = hostile.run()
    assert (row.report, row.epochs) == (0.5, 0)


def _waits_for(path: Path) -> bool:
    end = time.monotonic() + 3
    while time.monotonic() < end and not path.exists():
        time.sleep(0.02)
    return path.exists()


@pytest.mark.parametrize("user", [None, "nobody"])
def test_the_servers_secrets_are_in_no_trial_s_reach(
    open_path: Path, monkeypatch: pytest.MonkeyPatch, user: str | None
) -> None:
    need(user is None or can_be_root(), "starting processes as another user takes root")
    monkeypatch.setenv("PUSHTUNE_MAIL_PASSWORD", "s3cret-of-the-server")
    source = """
def read(path):
    try:
        return open(path, 'rb').read().decode('utf-8', 'replace')
    except OSError as error:
        return str(error)
print(dict(os.environ), read(f'/proc/{os.getppid()}/environ'))
"""
    hostile = Hostile(open_path, "import os\n" + source + HONEST, user=user)
    assert ended_well(hostile.run())
    log = (hostile.folder.attempt(1) / wire.STDOUT).read_text()
    assert "s3cret" not in log
    if user is not None:
        assert "Permission denied" in log
        assert (hostile.folder.attempt(1) / wire.EVENTS).stat().st_uid == 0


def test_as_another_user_it_resumes_from_what_it_may_only_read(open_path: Path) -> None:
    need(can_be_root(), "starting processes as another user takes root")
    source = """
import os, signal
for epoch in range(3):
    accuracy = 0.25 * (epoch + 1)
    print(f"epoch {epoch + 1}: accuracy: {accuracy}")
    if epoch == 1 and os.getcwd().split('/workspace')[0].endswith('/1'):
        os.kill(os.getpid(), signal.SIGKILL)
"""
    hostile = Hostile(open_path, source, user="nobody")
    hostile.recipe = hostile.recipe.__class__(**{**vars(hostile.recipe), "loops": (("train.py", 0),)})
    hostile.reborn()
    row = hostile.run()
    assert row.state is TrialState.FINISHED
    assert [attempt.note.partition(":")[0] for attempt in hostile.trials.attempts(0)] == ["lost", ""]
    events = wire.read_events(str(hostile.folder.attempt(2) / wire.EVENTS))[0]
    assert [body["epoch"] for body in events if body["event"] == "epoch"][:1] != [1], "it went on"


# The disk.


@pytest.fixture
def small_disk(tmp_path: Path):  # type: ignore[no-untyped-def]
    """A disk of 48 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(place)], capture_output=True
        ).returncode
    )
    need(mounted, "a disk of its own takes root")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=False)


FILL = """
try:
    with open('/{place}/fill', 'wb', buffering=0) as stream:
        while True: stream.write(bytes(2**16))
except OSError:
    pass
"""


@pytest.mark.parametrize(
    "what", ["print('x' * 10**6, flush=True)", "open('model.bin', 'wb').write(bytes(10**6))", ""]
)
def test_a_disk_that_is_full_is_the_machine_s_trouble_and_it_goes_on_when_there_is_room(
    small_disk: Path, what: str
) -> None:
    fill = FILL.replace("/{place}", str(small_disk))
    once = f"import os\nif os.getcwd().split('/workspace')[0].endswith('/1'):\n    exec({fill!r})\n{what}\n"
    hostile = Hostile(small_disk, once + HONEST)
    with pytest.raises(MachineError, match="is full"):
        hostile.run()
    assert not hostile.trial.over
    (small_disk / "fill").unlink()
    with contextlib.suppress(MachineError):  # the ledger is on that disk too: only now it can be written
        hostile.run()
    assert ended_well(hostile.run())
    assert hostile.trials.attempts(0)[0].note.startswith("the machine: ")


def test_where_not_even_the_workspace_has_room_nothing_half_made_is_left(small_disk: Path) -> None:
    hostile = Hostile(small_disk, HONEST)
    (small_disk / "author" / "data.bin").write_bytes(bytes(20 * MIB))
    (small_disk / "fill").write_bytes(bytes(15 * MIB))
    with pytest.raises(MachineError, match="is full"):
        hostile.run()
    assert hostile.folder.attempts() == ()
    (small_disk / "fill").unlink()
    assert ended_well(hostile.run())


# The server.


def test_a_server_that_died_finds_the_trial_and_a_lock_of_the_dead_holds_nobody_up(tmp_path: Path) -> None:
    source = FOLDER + "import time\nwhile not os.path.exists(attempt + '/go'): time.sleep(0.01)\n"
    hostile = Hostile(tmp_path, source + HONEST)
    hostile.reconciler.act()
    first = hostile.trials.attempts(0)
    hostile.runtime = hostile.recipe.environment.runtime()
    hostile.reborn()
    (hostile.folder.attempt(1) / "go").touch()
    hostile.run()
    assert [row.label for row in hostile.trials.attempts(0)] == [row.label for row in first]


def test_an_interrupted_trial_s_record_is_whole(tmp_path: Path) -> None:
    hostile = Hostile(tmp_path, "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    row = hostile.run()
    assert (row.state, row.message) == (TrialState.FAILED, f"it crashed ({signal.SIGSEGV.name})")
    assert json.dumps(row.message)
