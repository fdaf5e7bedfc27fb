"""The program that makes loader calls, run as a process with a home folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from file_server import FileServer, file_server

from pushtune.environment import data_loading
from pushtune.testing.real_parts import need_module

RETRIEVE = "urllib.request.urlretrieve"


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server({"data.csv": b"1,2\n", "more.csv": b"3,4\n"}) as served:
        yield served


def call(folder: Path, home: Path, *calls: list[Any], **order: object) -> dict[str, str]:
    """Run the program; return what it answered."""
    folder.mkdir()
    home.mkdir(exist_ok=True)
    (folder / "calls.json").write_text(json.dumps({"calls": list(calls), **order}))
    command = [sys.executable, "-I", str(Path(data_loading.__file__)), str(folder)]
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "no_proxy": "*"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(line) for line in (folder / "answers").read_text().splitlines())


def retrieve(key: str, url: str, place: Path) -> list[Any]:
    return [key, RETRIEVE, {"url": repr(url), "filename": repr(str(place))}]


def noted(home: Path) -> list[str]:
    notes = home / data_loading.NOTES
    return sorted(path.name for path in notes.iterdir()) if notes.exists() else []


def test_a_call_that_comes_to_its_end_is_noted(tmp_path: Path, server: FileServer) -> None:
    home = tmp_path / "home"
    answers = call(tmp_path / "run", home, retrieve("a", server.url("data.csv"), home / "data.csv"))
    assert answers == {"a": ""}
    assert (home / "data.csv").read_bytes() == b"1,2\n"
    assert noted(home) == ["a"]


def test_what_goes_wrong_with_one_call_is_told_and_the_next_is_made(
    tmp_path: Path, server: FileServer
) -> None:
    home = tmp_path / "home"
    answers = call(
        tmp_path / "run",
        home,
        retrieve("a", server.url("nothing.csv"), home / "a"),
        ["b", "no_such_module.load", {}],
        ["c", "json.no_such_loader", {}],
        ["d", "sys.exit", {"no": "1"}],
        ["e", "bool", {}],
        retrieve("f", server.url("data.csv"), home / "f"),
    )
    assert answers["a"] == "HTTPError: HTTP Error 404: Not Found"
    assert "no_such_module" in answers["b"]
    assert "no_such_loader" in answers["c"]
    assert all(answers[key] for key in "de")
    assert answers["f"] == ""
    assert noted(home) == ["f"]


def test_a_loader_that_is_an_attribute_of_a_module_is_found(tmp_path: Path) -> None:
    need_module("sklearn")
    loader = data_loading.find("sklearn.datasets.fetch_openml")
    assert callable(loader)
    assert data_loading.find("os.path.join")("a", "b") == "a/b"


def test_a_call_that_says_that_it_failed_has_failed(tmp_path: Path) -> None:
    answers = call(tmp_path / "run", tmp_path / "home", ["a", "os.path.exists", {"path": "'/nowhere'"}])
    assert "failed" in answers["a"]
    assert noted(tmp_path / "home") == []


def test_machines_of_ones_own_network_are_not_asked(tmp_path: Path, server: FileServer) -> None:
    home = tmp_path / "home"
    answers = call(
        tmp_path / "run",
        home,
        retrieve("a", server.url("data.csv"), home / "a"),
        retrieve("b", f"http://localhost:{server.port}/data.csv", home / "b"),
        retrieve("c", "http://169.254.169.254/latest", home / "c"),
        retrieve("d", f"http://[::ffff:127.0.0.1]:{server.port}/data.csv", home / "d"),
        public=True,
    )
    assert all("refused" in answers[key] for key in "abcd"), answers
    assert server.asked == []


def test_what_was_downloaded_is_taken_over_with_its_notes(tmp_path: Path, server: FileServer) -> None:
    first, cache = tmp_path / "first", tmp_path / "cache"
    call(tmp_path / "run", first, retrieve("a", server.url("data.csv"), first / "data.csv"))
    (first / "hub" / "blobs").mkdir(parents=True)
    (first / "hub" / "blobs" / "1").write_text("weights")
    (first / "hub" / "model").symlink_to("blobs/1")
    cache.mkdir()
    (cache / "data.csv").write_text("half")
    (cache / "other").write_text("other")
    assert call(tmp_path / "take", cache, taken=str(first)) == {"": ""}
    assert (cache / "data.csv").read_bytes() == b"1,2\n"
    assert ((cache / "hub" / "model").read_text(), (cache / "hub" / "model").is_symlink()) == (
        "weights",
        True,
    )
    assert ((cache / "other").read_text(), noted(cache)) == ("other", ["a"])
    assert list(cache.rglob(".taken-*")) == []


def test_what_cannot_be_taken_over_is_not_noted(tmp_path: Path, server: FileServer) -> None:
    first, cache = tmp_path / "first", tmp_path / "cache"
    call(tmp_path / "run", first, retrieve("a", server.url("data.csv"), first / "data.csv"))
    (cache / "data.csv").mkdir(parents=True)
    (cache / "data.csv" / "in the way").touch()
    assert call(tmp_path / "take", cache, taken=str(first))[""]
    assert noted(cache) == []
