"""What a push leaves for good: copied as bytes, whole or not at all, never through a link."""

from __future__ import annotations

import os
import pickle
import socket
from pathlib import Path

import pytest

from pushtune.deliver import FileLimits, deliver_files, point_latest
from pushtune.errors import UsageError


@pytest.fixture
def study(tmp_path: Path) -> Path:
    study = tmp_path / "studies" / "s"
    (study / "logs" / "deep").mkdir(parents=True)
    (study / "model.keras").write_bytes(b"model")
    (study / "report.html").write_text("<p>report</p>")
    (study / "logs" / "train.log").write_text("trained")
    (study / "logs" / "deep" / "tune.log").write_text("tuned")
    return study


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "delivered" / "digits" / "7"


def _contents(folder: Path) -> dict[str, bytes]:
    assert not any(path.is_symlink() for path in folder.rglob("*"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_files_and_folders_are_copied_under_the_names_they_are_given(study: Path, folder: Path) -> None:
    sources = {
        "best.keras": study / "model.keras",
        "report.html": study / "report.html",
        "logs": study / "logs",
        "winner.patch": study / "gone.patch",
    }
    delivered = deliver_files(sources, folder)
    assert _contents(folder) == {
        "best.keras": b"model",
        "report.html": b"<p>report</p>",
        "logs/train.log": b"trained",
        "logs/deep/tune.log": b"tuned",
    }
    assert delivered.files == tuple(sorted(path for path in folder.rglob("*") if path.is_file()))
    assert delivered.left_out == ()
    assert os.listdir(folder.parent) == ["7"]


def test_delivering_again_replaces_the_folder_as_a_whole(study: Path, folder: Path) -> None:
    deliver_files({"model": study / "model.keras", "report.html": study / "report.html"}, folder)
    (study / "model.keras").write_bytes(b"better")
    deliver_files({"model": study / "model.keras"}, folder)
    assert _contents(folder) == {"model": b"better"}
    assert os.listdir(folder.parent) == ["7"]


def test_what_a_kill_left_is_removed(study: Path, folder: Path) -> None:
    (folder.parent / ".7.0badcafe" / "new").mkdir(parents=True)
    deliver_files({"model": study / "model.keras"}, folder)
    assert os.listdir(folder.parent) == ["7"]


def test_links_and_what_is_no_file_are_never_opened(study: Path, folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("secret")
    logs = study / "logs"
    (logs / "link").symlink_to(secret / "key")
    (logs / "folder").symlink_to(secret)
    os.mkfifo(logs / "pipe")
    (study / "model.h5").symlink_to(secret / "key")
    (study / "linked").symlink_to(secret)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(logs / "socket"))
        sources = {name: study / name for name in ("logs", "model.h5", "linked")}
        delivered = deliver_files(sources, folder)
    assert set(_contents(folder)) == {"logs/train.log", "logs/deep/tune.log"}
    assert {(item.name, item.why) for item in delivered.left_out} == {
        ("logs/link", "a link"),
        ("logs/folder", "a link"),
        ("logs/pipe", "not a file"),
        ("logs/socket", "not to be read"),
        ("model.h5", "a link"),
        ("linked", "a link"),
    }


def test_too_much_is_left_out_and_told(study: Path, folder: Path) -> None:
    with (study / "model.keras").open("wb") as model:
        model.truncate(10 << 20)
    sources = {"model": study / "model.keras", "report.html": study / "report.html"}
    delivered = deliver_files(sources, folder, FileLimits(bytes=1 << 20))
    assert set(_contents(folder)) == {"report.html"}
    assert [(item.name, item.why) for item in delivered.left_out] == [("model", "too large")]
    few = deliver_files({"logs": study / "logs"}, folder, FileLimits(files=1))
    assert len(few.files) == 1
    assert [item.why for item in few.left_out] == ["too many files"]


def test_names_that_cannot_be_shown_are_left_out(study: Path, folder: Path) -> None:
    for name in ("a\nb", "\x1b[31m", os.fsdecode(b"\xff"), "x" * 250, "a\u202eb"):
        (study / "logs" / name).touch()
    deep = study / "logs"
    for _ in range(6):
        deep = deep / ("d" * 190)
        deep.mkdir()
    (deep / "file").touch()
    delivered = deliver_files({"logs": study / "logs"}, folder)
    assert set(_contents(folder)) == {"logs/train.log", "logs/deep/tune.log"}
    assert len(delivered.left_out) == 6
    assert all(item.name.isprintable() and len(item.name) < 1000 for item in delivered.left_out)


def test_a_model_that_would_run_code_is_bytes(study: Path, folder: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "ran",))

    (study / "model.pkl").write_bytes(pickle.dumps(Evil()))
    deliver_files({"model.pkl": study / "model.pkl"}, folder)
    assert (folder / "model.pkl").read_bytes() == (study / "model.pkl").read_bytes()
    assert not os.access(folder / "model.pkl", os.X_OK)
    assert not (tmp_path / "ran").exists()
    # The trap does work.
    pickle.loads((folder / "model.pkl").read_bytes())
    assert (tmp_path / "ran").exists()


def test_latest_leads_to_the_newest_push_also_when_an_older_one_ends_later(study: Path, folder: Path) -> None:
    latest = folder.parent / "latest"
    for number, moved in ((7, True), (12, True), (9, False), (12, True)):
        push = folder.with_name(str(number))
        deliver_files({"model": study / "model.keras"}, push)
        assert point_latest(push) is moved
        assert latest.resolve() == folder.with_name(str(max(number, 12) if number != 7 else 7)).resolve()
    assert (latest / "model").read_bytes() == b"model"
    assert sorted(os.listdir(folder.parent)) == ["12", "7", "9", "latest"]


def test_latest_that_leads_nowhere_is_set_right(study: Path, folder: Path) -> None:
    deliver_files({"model": study / "model.keras"}, folder)
    (folder.parent / "latest").symlink_to("99")
    assert point_latest(folder)
    assert (folder.parent / "latest" / "model").exists()


def test_only_a_push_has_a_latest(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        point_latest(tmp_path / "latest")
