"""Which build of a package is fetched: the one for the CPU, wherever it is, before anything is resolved."""

from __future__ import annotations

import functools
import os
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pushtune.environment import image_fetching
from pushtune.process import Completed, run


def write_wheel(folder: Path, name: str, version: str, needs: str = "") -> None:
    """Write the smallest wheel that pip takes."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    requires = f"Requires-Dist: {needs}\n" if needs else ""
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", "")
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}"
        )
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def cpu_index(tmp_path: Path) -> Iterator[str]:
    """An index with a build for the CPU of `network`, release 1.5."""
    write_wheel(tmp_path / "index" / "network", "network", "1.5+cpu")
    handler = functools.partial(Quiet, directory=str(tmp_path / "index"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """What the user's own pip finds: `network` 1.5 as it is on the public index, with all that GPUs need."""
    folder = tmp_path / "own"
    write_wheel(folder, "network", "1.5", "gpu_libraries")
    write_wheel(folder, "gpu_libraries", "13.0")
    return folder


def fetched(
    folder: Path, own: Path, wanted: str, index: str, settings: str = ""
) -> tuple[Completed, set[str]]:
    """Fetch ``wanted`` as in the container; return what pip said and the wheels."""
    wheels = folder / "wheels"
    wheels.mkdir()
    (wheels / "requirements.txt").write_text(f"{wanted}\n")
    configuration = f"[global]\nfind-links = {own}\nretries = 0\n{settings}"
    (folder / "pip.conf").write_text(configuration)
    # Nothing answers on port 9: what is found is in the folder or on the test's own index.
    away = {"https_proxy": "http://127.0.0.1:9", "no_proxy": "127.0.0.1"}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    command = [sys.executable, image_fetching.__file__, str(wheels), "0", "0", index, "network"]
    variables = {**clean, **away, "PIP_CONFIG_FILE": str(folder / "pip.conf")}
    answer = run(command, env=variables, timeout=120, check=False)
    return answer, {path.name.split("-py3")[0] for path in wheels.glob("*.whl")}


NO_INDEX = "no-index = true\n"
OTHER_INDEX = "index-url = http://127.0.0.1:9/simple\n"


def test_it_comes_from_where_the_users_own_pip_finds_it(tmp_path: Path, own: Path) -> None:
    write_wheel(own, "network", "1.5+cpu")
    answer, wheels = fetched(tmp_path, own, "network==1.5+cpu", "http://127.0.0.1:9/", NO_INDEX)
    assert (answer.code, wheels) == (0, {"network-1.5+cpu"}), answer.stderr


def test_it_comes_from_the_index_that_has_them_and_brings_nothing_for_gpus(
    tmp_path: Path, own: Path, cpu_index: str
) -> None:
    answer, wheels = fetched(tmp_path, own, "network==1.5+cpu", cpu_index)
    assert (answer.code, wheels) == (0, {"network-1.5+cpu"}), answer.stderr


@pytest.mark.parametrize("settings", [NO_INDEX, OTHER_INDEX])
def test_an_index_of_ones_own_is_the_only_one_that_is_asked(
    tmp_path: Path, own: Path, cpu_index: str, settings: str
) -> None:
    answer, wheels = fetched(tmp_path, own, "network==1.5+cpu", cpu_index, settings)
    assert (answer.code, wheels) == (1, set())
    assert "No matching distribution found for network==1.5+cpu" in answer.stderr


def test_what_a_repository_asks_for_is_the_plain_build_where_there_is_no_other(
    tmp_path: Path, own: Path
) -> None:
    answer, wheels = fetched(tmp_path, own, "network==1.5", "http://127.0.0.1:9/", NO_INDEX)
    assert (answer.code, wheels) == (0, {"network-1.5", "gpu_libraries-13.0"}), answer.stderr
