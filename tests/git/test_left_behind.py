"""A fetch does not outlive whoever asked for it: the next server fetches into the same mirror."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from pushtune.process import find_program

ASKING = """
import sys
from pushtune.git import Mirror, check_address
address = check_address(sys.argv[1], allowed_hosts=["127.0.0.1"])
from pathlib import Path
Mirror(Path(sys.argv[2])).fetch(address)
"""


@contextmanager
def silent_forge() -> Iterator[tuple[socket.socket, int]]:
    """A host that takes a connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        yield server, server.getsockname()[1]


@pytest.mark.skipif(
    find_program("setpriv") is None, reason="only util-linux ties a process to another's life"
)
def test_killed_in_the_middle_of_a_fetch_it_leaves_nothing_of_git(tmp_path: os.PathLike[str]) -> None:
    with silent_forge() as (server, port):
        asking = subprocess.Popen(
            [sys.executable, "-c", ASKING, f"http://127.0.0.1:{port}/model.git", f"{tmp_path}/mirror.git"]
        )
        connection, _ = server.accept()
        with connection:
            left = psutil.Process(asking.pid).children(recursive=True)
            assert any("remote-http" in " ".join(one.cmdline()) for one in left)
            asking.send_signal(signal.SIGKILL)
            asking.wait()
            # Much sooner than git would give the silence up.
            _, alive = psutil.wait_procs(left, timeout=15)
            assert alive == []
