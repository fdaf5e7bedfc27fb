"""An attempt's folder belongs to its trial: no link, pipe or name in it leads pushtune anywhere else."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pushtune.model.analysis import Candidate, Script, ScriptFile
from pushtune.trial import Order, TrialFolder, Watcher, beat, order
from pushtune.trial.workspace import build_workspace
from pushtune_probe import wire


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret" / "key"
    path.parent.mkdir()
    path.write_text('{"event": "started", "pid": 1}\n')
    return path


@pytest.fixture
def attempt(tmp_path: Path) -> Path:
    folder = TrialFolder.of(tmp_path / "study", 1).attempt(1)
    folder.mkdir(parents=True)
    return folder


def checkpoint(attempt: Path) -> Path:
    folder = attempt / wire.CHECKPOINTS / "000001"
    folder.mkdir(parents=True)
    (folder / "state").write_text("state")
    return folder


def checkpoints_of(attempt: Path) -> tuple[Path, ...]:
    return TrialFolder(attempt.parent.parent).checkpoints_below(2)


def test_events_are_not_read_through_a_link(attempt: Path, secret: Path) -> None:
    (attempt / wire.EVENTS).symlink_to(secret)
    assert not Watcher(attempt).read().started


def test_a_pipe_in_the_place_of_events_holds_nobody_up(attempt: Path) -> None:
    os.mkfifo(attempt / wire.EVENTS)
    assert not Watcher(attempt).read().started


def test_the_sign_of_life_is_not_given_through_a_link(attempt: Path, secret: Path) -> None:
    before = secret.stat().st_mtime_ns
    (attempt / wire.HEARTBEAT).symlink_to(secret)
    beat(attempt)
    assert secret.stat().st_mtime_ns == before


def test_an_order_is_not_written_through_a_trap(attempt: Path, secret: Path) -> None:
    before = secret.read_text()
    trap = attempt / f"{wire.ORDER}.{os.getpid()}.tmp"
    trap.symlink_to(secret)
    (attempt / wire.ORDER).symlink_to(secret)
    order(attempt, Order(1, None, None))
    assert secret.read_text() == before
    assert Order.from_json((attempt / wire.ORDER).read_text()).number == 1


@pytest.mark.parametrize("name", ["../../../../../../secret/key", "link", "folder/key"])
def test_a_manifest_that_names_files_elsewhere_makes_no_checkpoint(
    attempt: Path, secret: Path, name: str
) -> None:
    folder = checkpoint(attempt)
    (folder / "link").symlink_to(secret)
    (folder / "folder").symlink_to(secret.parent)
    wire.write_manifest(str(folder), 1)
    assert checkpoints_of(attempt) == (folder,)
    body = json.loads((folder / wire.MANIFEST).read_text())
    digest = wire._digest(str(secret))
    body["files"][name] = {"bytes": secret.stat().st_size, "sha256": digest}
    (folder / wire.MANIFEST).write_text(json.dumps(wire.sealed(body)))
    assert checkpoints_of(attempt) == ()


def test_an_endless_device_is_not_read_to_its_end(attempt: Path) -> None:
    folder = checkpoint(attempt)
    (folder / "zeros").symlink_to("/dev/zero")
    body = {"version": 1, "epoch": 1, "files": {"zeros": {"bytes": 0, "sha256": ""}}}
    (folder / wire.MANIFEST).write_text(json.dumps(wire.sealed(body)))
    assert checkpoints_of(attempt) == ()


def test_a_folder_of_checkpoints_that_is_a_link_holds_none(attempt: Path, tmp_path: Path) -> None:
    elsewhere = checkpoint(tmp_path / "elsewhere")
    wire.write_manifest(str(elsewhere), 1)
    (attempt / wire.CHECKPOINTS).symlink_to(elsewhere.parent)
    assert checkpoints_of(attempt) == ()


@pytest.mark.parametrize("where", ["files", "files/folder", "files/key"])
def test_the_next_attempt_is_not_given_what_a_link_leads_to(
    attempt: Path, secret: Path, tmp_path: Path, where: str
) -> None:
    folder = checkpoint(attempt)
    place = folder / where
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(secret if where.endswith("key") else secret.parent)
    (tmp_path / "author").mkdir()
    file = ScriptFile("train.py", b"pass\n")
    (tmp_path / "author" / "train.py").write_bytes(file.data)
    script = Script(str(tmp_path / "author"), "train.py", (file,))
    built = build_workspace(attempt.parent / "2", script, Candidate((file,), (), ""), checkpoint=folder)
    assert [path.name for path in built.root.rglob("key")] == []
