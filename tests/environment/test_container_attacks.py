"""Hostile trials in real containers: what they use up is bounded, and there is no way out."""

from __future__ import annotations

import http.server
import json
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from container_cases import MIB, Yard, container_id, wait_for

from pushtune.model.containers import Mount
from pushtune.model.ports import Limits
from pushtune.testing.runtime_conformance import wait_for_exit

NEIGHBOUR = """
import time
for epoch in range(30):
    sum(number * number for number in range(20_000))
    open("epochs", "a").write("x")
    time.sleep(0.05)
"""

FORK_BOMB = """
import os, time
failed = 0
while failed < 200:
    try:
        if os.fork() == 0:
            while True:
                try: os.fork()
                except OSError: time.sleep(0.05)
    except OSError:
        failed += 1
open("bounded", "w").write("yes")
"""

THREADS = """
import threading, time
held = []
try:
    while len(held) < 5000:
        thread = threading.Thread(target=time.sleep, args=(600,), daemon=True)
        thread.start()
        held.append(thread)
except RuntimeError:
    open("threads", "w").write(str(len(held)))
import os; os._exit(0)
"""

MEMORY_HOG = """
held = []
while True: held.append(bytearray(b"x" * 2**20))
"""

CPU_HOG = """
import os, time
began = time.monotonic()
children = [os.fork() for _ in range(3)]
while time.monotonic() - began < 2: pass
if all(children):
    for child in children: os.waitpid(child, 0)
    used = sum(os.times()[:4])
    open("share", "w").write(str(used / (time.monotonic() - began)))
"""


@pytest.mark.parametrize(
    ("attack", "limits", "settings"),
    [
        pytest.param(FORK_BOMB, Limits(), {"pids": 100}, id="fork bomb"),
        pytest.param(THREADS, Limits(), {"pids": 300}, id="thousands of threads"),
        pytest.param(MEMORY_HOG, Limits(memory=100 * MIB), {}, id="memory hog"),
        pytest.param(CPU_HOG, Limits(), {"cpus": 0.5}, id="CPU hog"),
    ],
)
def test_what_a_trial_uses_up_is_bounded_and_its_neighbour_trains_on(
    yard: Yard, tmp_path: Path, attack: str, limits: Limits, settings: dict[str, float]
) -> None:
    runtime = yard.runtime()
    neighbour = runtime.start(yard.spec(tmp_path / "neighbour", NEIGHBOUR))
    hostile = runtime.start(yard.spec(tmp_path / "hostile", attack, limits, **settings))
    ended = wait_for_exit(runtime, hostile, str(tmp_path / "hostile"), limits)
    assert wait_for_exit(runtime, neighbour, str(tmp_path / "neighbour")).code == 0
    assert len((tmp_path / "neighbour" / "epochs").read_text()) == 30
    if limits.memory:
        assert (ended.code, ended.killed_for) == (-9, "memory")
        assert ended.peak_memory >= 100 * MIB
    else:
        assert (ended.code, ended.killed_for) == (0, "")


def test_threads_and_cores_are_what_was_set(yard: Yard, tmp_path: Path) -> None:
    yard.run(tmp_path / "threads", THREADS, pids=300)
    assert int((tmp_path / "threads" / "threads").read_text()) < 300
    yard.run(tmp_path / "cores", CPU_HOG, cpus=0.5)
    assert float((tmp_path / "cores" / "share").read_text()) < 0.8


FILLERS = {
    "one file": "stream = open('big', 'wb')\nwhile True: stream.write(b'x' * 2**20); time.sleep(0.01)",
    "many files": (
        "for number in range(10**9):\n"
        "    open(str(number), 'wb').write(b'x' * 2**18); time.sleep(0.002)"
    ),
    "deleted files": (
        "held = []\n"
        "while True:\n"
        "    held.append(open('gone', 'wb', buffering=0)); os.unlink('gone')\n"
        "    held[-1].write(b'x' * 2**20); time.sleep(0.01)"
    ),
}  # fmt: skip


@pytest.mark.parametrize("filler", FILLERS)
def test_a_disk_filler_is_stopped_soon_after_it_has_written_what_it_may(
    yard: Yard, tmp_path: Path, filler: str
) -> None:
    """It writes at most 130 MB a second, so that two seconds too long show as 260 MB too much."""
    code = f"import os, sys, time\n{FILLERS[filler]}"
    ended = yard.run(tmp_path / "attempt", code, Limits(disk=20 * MIB))
    assert ended.killed_for == "disk"
    written = sum(path.stat().st_size for path in (tmp_path / "attempt").iterdir())
    assert written < (20 + 260) * MIB


def test_one_file_cannot_grow_for_ever_while_nobody_watches(yard: Yard, tmp_path: Path) -> None:
    code = "stream = open('big', 'wb')\nwhile True: stream.write(b'x' * 2**22)"
    runtime = yard.runtime()
    handle = runtime.start(yard.spec(tmp_path / "attempt", code, Limits(disk=10 * MIB)))
    yard.engine.call("wait", container_id(handle))
    assert (tmp_path / "attempt" / "big").stat().st_size <= 84 * MIB
    assert wait_for_exit(runtime, handle, str(tmp_path / "attempt")).code == 1


def test_a_line_of_a_gigabyte_leaves_a_log_of_its_size(yard: Yard, tmp_path: Path) -> None:
    code = "import sys\nfor _ in range(1024): sys.stdout.write('x' * 2**20)\nprint('end')"
    assert yard.run(tmp_path / "attempt", code, Limits(log=MIB)).code == 0
    log = (tmp_path / "attempt" / "stdout.log").read_text()
    assert len(log) <= MIB
    assert log.endswith("xend\n")


REACH = """
import json, os, socket, sys
def reach(family, address):
    connection = socket.socket(family, socket.SOCK_STREAM)
    connection.settimeout(2)
    try:
        connection.connect(address)
        return True
    except OSError:
        return False
interfaces = [line.split(":")[0].strip() for line in open("/proc/net/dev").readlines()[2:]]
told = json.loads(sys.argv[1])
said = {
    "interfaces": interfaces,
    "routes": len(open("/proc/net/route").readlines()) - 1,
    "sockets": [path for path in told["sockets"] if os.path.exists(path)],
    "files": [path for path in told["files"] if os.path.exists(path)],
}
# Only from here, where there is no way out: nothing is sent.
if interfaces == ["lo"] and not said["routes"]:
    said["reached"] = [address for address in told["addresses"] if reach(socket.AF_INET, tuple(address))]
open("said", "w").write(json.dumps(said))
"""


@pytest.fixture
def api() -> Iterator[tuple[str, int]]:
    """A server of this machine, as pushtune's own API is one."""
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield ("127.0.0.1", server.server_port)
    server.shutdown()
    server.server_close()


def test_there_is_no_way_to_the_server_the_engine_the_metadata_or_the_network(
    yard: Yard, tmp_path: Path, api: tuple[str, int]
) -> None:
    with socket.create_connection(api):
        pass  # from here there is a way
    secret = tmp_path / "server.toml"
    secret.write_text("password = 'x'")
    told = {
        "addresses": [api, ("169.254.169.254", 80), ("192.0.2.1", 80)],
        "sockets": ["/var/run/docker.sock", "/run/docker.sock", "/run/podman/podman.sock"],
        "files": [str(secret), str(tmp_path / "ledger.db"), "/root/.ssh", os.path.expanduser("~/.cache")],
    }
    spec = yard.spec(tmp_path / "attempt", REACH)
    spec = replace(spec, command=(*spec.command, json.dumps(told)))
    runtime = yard.runtime()
    assert wait_for_exit(runtime, runtime.start(spec), spec.folder).code == 0
    said = json.loads((tmp_path / "attempt" / "said").read_text())
    assert said == {"interfaces": ["lo"], "routes": 0, "sockets": [], "files": [], "reached": []}


STATUS = """
import json, os
facts = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
def fails(deed):
    try: deed()
    except OSError: return True
    return False
def write(path): open(path, "w").write("x")
said = {
    "capabilities": [facts[name].strip() for name in ("CapEff", "CapPrm", "CapBnd")],
    "no new privileges": facts["NoNewPrivs"].strip(),
    "system calls filtered": facts["Seccomp"].strip(),
    "root": os.getuid() == 0 or os.getgid() == 0 or 0 in os.getgroups(),
    "writes": [path for path in ("/x", "/etc/passwd", "/usr/x", "/var/x", "/proc/sys/kernel/hostname",
               "/sys/fs/cgroup/x", "/run/x", "/dev/x", "/var/tmp/x") if not fails(lambda: write(path))],
    "environment": sorted(os.environ),
    "others": [pid for pid in os.listdir("/proc") if pid.isdigit() and int(pid) not in (1, os.getpid())],
}
open("said", "w").write(json.dumps(said))
"""


def test_it_is_nobody_may_nothing_and_sees_no_secret(
    yard: Yard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUSHTUNE_SMTP_PASSWORD", "secret")
    assert yard.run(tmp_path / "attempt", STATUS).code == 0
    said = json.loads((tmp_path / "attempt" / "said").read_text())
    environment = set(said.pop("environment"))
    assert said == {
        "capabilities": ["0000000000000000"] * 3,
        "no new privileges": "1",
        "system calls filtered": "2",
        "root": False,
        "writes": [],
        "others": [],
    }
    assert environment <= {"HOME", "PATH", "PYTHONUNBUFFERED", "PUSHTUNE_LABEL", "HOSTNAME", "PWD", "TERM",
                           "container", "SHLVL", "_", "LC_CTYPE", "OLDPWD"}  # fmt: skip


def test_scratch_space_is_bounded_and_counts_as_memory(yard: Yard, tmp_path: Path) -> None:
    code = (
        "written = 0\n"
        "with open('/tmp/big', 'wb', buffering=0) as stream:\n"
        "    try:\n"
        "        while True: written += stream.write(b'x' * 2**20)\n"
        "    except OSError: open('written', 'w').write(str(written))\n"
    )
    assert yard.run(tmp_path / "attempt", code, scratch=8 * MIB).code == 0
    assert int((tmp_path / "attempt" / "written").read_text()) == 8 * MIB
    ended = yard.run(tmp_path / "greedy", code, Limits(memory=64 * MIB), scratch=512 * MIB)
    assert ended.killed_for == "memory"


ESCAPE = """
import os, time
for name in ("stdout.log", "ended"):
    try: os.unlink(name)
    except OSError: pass
    os.symlink({secret!r}, name)
os.symlink({secret!r}, "artifact")
open("ready", "w").write("1")
time.sleep(1)
"""


def test_links_in_its_folder_lead_nowhere(yard: Yard, tmp_path: Path) -> None:
    """The log is cut, the note of the end is read: neither through a link that the trial has laid."""
    secret = tmp_path / "secret"
    secret.write_text("0 9 end" + "x" * 100_000)
    before = secret.stat()
    ended = yard.run(tmp_path / "attempt", ESCAPE.format(secret=str(secret)), Limits(log=1000))
    after = secret.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert (after.st_uid, after.st_mode) == (before.st_uid, before.st_mode)
    assert (ended.code, ended.killed_for) == (0, "")


def test_linked_data_is_seen_and_cannot_be_changed(yard: Yard, tmp_path: Path) -> None:
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    for folder in (data, elsewhere):
        folder.mkdir()
        (folder / "cats").write_text("cats")
        (folder / "cats").chmod(0o666)
        folder.chmod(0o777)
    sock = data / "socket"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(sock))
        code = (
            "import json, os\n"
            f"seen = [os.path.exists(path) for path in ({str(data / 'cats')!r}, {str(elsewhere)!r})]\n"
            f"try: open({str(data / 'cats')!r}, 'w'); seen.append('changed')\n"
            "except OSError as error: seen.append(error.errno)\n"
            "open('seen', 'w').write(json.dumps(seen))\n"
        )
        spec = yard.spec(tmp_path / "attempt", code, reach=(str(data),))
        links = (str(data / "cats"), str(elsewhere), str(sock), "/", "/etc", "/run", str(tmp_path))
        runtime = yard.runtime()
        handle = runtime.start(replace(spec, links=links))
        mounted = yard.engine.call("inspect", container_id(handle), "--format", "{{json .Mounts}}").stdout
        assert wait_for_exit(runtime, handle, spec.folder).code == 0
    assert json.loads((tmp_path / "attempt" / "seen").read_text()) == [True, False, 30]
    assert {item["Source"] for item in json.loads(mounted)} == {str(data / "cats"), spec.folder}


def test_a_data_set_is_mounted_where_the_script_looks_for_it(yard: Yard, tmp_path: Path) -> None:
    (tmp_path / "cats").mkdir()
    (tmp_path / "cats" / "1.png").write_text("png")
    code = "import os; open('seen', 'w').write(' '.join(os.listdir('/data/cats')))"
    mount = Mount(str(tmp_path / "cats"), "/data/cats")
    assert yard.run(tmp_path / "attempt", code, mounts=(mount,)).code == 0
    assert (tmp_path / "attempt" / "seen").read_text() == "1.png"


def test_it_cannot_see_other_trials(yard: Yard, tmp_path: Path) -> None:
    runtime = yard.runtime()
    other = runtime.start(
        yard.spec(tmp_path / "other", "open('x', 'w').write('1'); import time; time.sleep(60)")
    )
    wait_for(tmp_path / "other" / "x")
    code = f"import os; open('seen', 'w').write(str(os.path.exists({str(tmp_path / 'other')!r})))"
    assert yard.run(tmp_path / "attempt", code).code == 0
    assert (tmp_path / "attempt" / "seen").read_text() == "False"
    runtime.kill(other)
