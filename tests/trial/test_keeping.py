"""The model is kept, the rest of an ended trial is not, and nothing outside is ever read or removed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from trial_cases import Project, emit

from pushtune.trial import TrialFolder, beat, collect_model, finish_attempt, finish_trial, make_attempt, order
from pushtune_probe import wire
from pushtune_probe.wire import Order


@pytest.fixture
def folder(tmp_path: Path) -> TrialFolder:
    return TrialFolder(tmp_path / "trials" / "0003")


def _model(folder: TrialFolder, attempt: int, path: str, text: str, origin: str = "script") -> None:
    target = folder.attempt(attempt) / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    emit(folder.attempt(attempt), "artifact", kind="model", path=path, bytes=len(text), origin=origin)


def test_the_model_that_the_script_saved_last_is_kept(folder: TrialFolder) -> None:
    _model(folder, 1, "workspace/model.h5", "older attempt")
    _model(folder, 2, "workspace/first.h5", "first")
    _model(folder, 2, "workspace/model.h5", "second")
    _model(folder, 2, "artifacts/model.keras", "the probe's", origin="probe")
    assert collect_model(folder) == folder.artifacts / "model.h5"
    assert (folder.artifacts / "model.h5").read_text() == "second"


def test_else_the_one_that_the_probe_saved(folder: TrialFolder) -> None:
    _model(folder, 1, "artifacts/model.keras", "the probe's", origin="probe")
    assert collect_model(folder) == folder.artifacts / "model.keras"
    assert collect_model(folder) == folder.artifacts / "model.keras"


def test_without_a_model_there_is_none(folder: TrialFolder) -> None:
    emit(folder.attempt(1), "artifact", kind="file", path="workspace/accuracy.txt", bytes=1, origin="script")
    emit(folder.attempt(1), "artifact", kind="model", path="workspace/gone.h5", bytes=1, origin="script")
    assert collect_model(folder) is None


def test_a_model_may_be_a_folder_and_links_in_it_are_not_followed(
    folder: TrialFolder, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("secret")
    _model(folder, 1, "workspace/saved/variables/data", "weights")
    (folder.attempt(1) / "workspace/saved/link").symlink_to(tmp_path / "secret")
    emit(folder.attempt(1), "artifact", kind="model", path="workspace/saved", bytes=1, origin="script")
    kept = collect_model(folder)
    assert kept == folder.artifacts / "saved"
    assert [str(path.relative_to(kept)) for path in sorted(kept.rglob("*"))] == [
        "variables",
        "variables/data",
    ]


@pytest.mark.parametrize("path", ["../../../secret", "/etc/hostname", "link", "linked/secret", "."])
def test_nothing_outside_the_attempt_is_taken_for_a_model(
    folder: TrialFolder, tmp_path: Path, path: str
) -> None:
    (tmp_path / "secret").write_text("secret")
    attempt = folder.attempt(1)
    attempt.mkdir(parents=True)
    (attempt / "link").symlink_to(tmp_path / "secret")
    (attempt / "linked").symlink_to(tmp_path)
    emit(attempt, "artifact", kind="model", path=path, bytes=1, origin="script")
    assert collect_model(folder) is None


def test_an_ended_trial_gives_its_space_back_and_the_authors_data_stays(project: Project) -> None:
    project.in_git("data/\n")
    data = project.write("data/big.bin")
    os.truncate(data, 17 * 1024 * 1024)
    request = project.request()
    spec = make_attempt(request)
    workspace = Path(spec.workdir)
    assert (workspace / "data" / "big.bin").is_symlink()
    (workspace / "locked").mkdir()
    (workspace / "locked" / "file").write_text("1")
    (workspace / "locked").chmod(0o500)
    (Path(spec.folder) / wire.CHECKPOINTS / "000001").mkdir(parents=True)
    (Path(spec.folder) / wire.STDOUT).write_text("said")
    finish_attempt(Path(spec.folder), keep_checkpoints=True)
    assert not workspace.exists()
    assert (Path(spec.folder) / wire.CHECKPOINTS / "000001").exists()
    finish_trial(request.folder)
    assert not (Path(spec.folder) / wire.CHECKPOINTS).exists()
    assert (Path(spec.folder) / wire.STDOUT).read_text() == "said"
    assert data.stat().st_size == 17 * 1024 * 1024


def test_orders_and_heartbeats_are_written_where_the_probe_looks(tmp_path: Path) -> None:
    order(tmp_path, Order(1, 3, None))
    order(tmp_path, Order(2, 9, 27))
    assert Order.from_json((tmp_path / wire.ORDER).read_text()) == Order(2, 9, 27)
    beat(tmp_path)
    os.utime(tmp_path / wire.HEARTBEAT, (0, 0))
    beat(tmp_path)
    assert (tmp_path / wire.HEARTBEAT).stat().st_mtime > 0
