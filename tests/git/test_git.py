"""What is asked of git, of real repositories; and that nothing of a repository runs while it is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from pushtune import git
from pushtune.process import find_program, run


def _git(root: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    return run(["git", *identity, *arguments], cwd=root).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    _git(root, "init", "--quiet")
    (root / "train.py").write_text("print(1)")
    (root / ".gitignore").write_text("data/\n")
    _git(root, "add", ".")
    _git(root, "commit", "--quiet", "-m", "First")
    return root


def test_the_root_is_found_from_below(repository: Path, tmp_path: Path) -> None:
    (repository / "deep").mkdir()
    assert git.top_level(repository / "deep") == repository
    assert git.is_repository(repository)
    assert git.top_level(tmp_path) is None
    assert not git.is_repository(tmp_path / "gone")


def test_the_commit_is_named_once_there_is_one(repository: Path, tmp_path: Path) -> None:
    assert git.head(repository) == _git(repository, "rev-parse", "HEAD")
    _git(tmp_path, "init", "--quiet", "empty")
    assert git.head(tmp_path / "empty") is None


def test_files_that_git_ignores_are_not_named(repository: Path) -> None:
    (repository / "data").mkdir()
    (repository / "data" / "big.csv").write_text("1")
    (repository / "näme with\nnewline.txt").write_text("1")
    assert git.tracked_and_unignored(repository) == [".gitignore", "näme with\nnewline.txt", "train.py"]


def test_below_a_folder_names_are_relative_to_it(repository: Path) -> None:
    (repository / "deep").mkdir()
    (repository / "deep" / "new.py").write_text("1")
    assert git.tracked_and_unignored(repository / "deep") == ["new.py"]


def test_outside_a_repository_there_is_no_list(tmp_path: Path) -> None:
    assert git.tracked_and_unignored(tmp_path) is None


def test_without_git_a_folder_is_in_no_repository(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert find_program("git") is None
    assert git.top_level(repository) is None
    assert git.head(repository) is None
    assert git.tracked_and_unignored(repository) is None


def test_a_hook_that_set_git_dir_does_not_lead_astray(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _git(tmp_path, "init", "--quiet", "other")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "other"))
    assert git.top_level(repository) == repository


def test_the_repositorys_own_settings_start_no_program_and_its_index_is_not_touched(repository: Path) -> None:
    monitor = repository.parent / "monitor"
    monitor.write_text(f"#!/bin/sh\ntouch {repository.parent}/ran\n")
    monitor.chmod(0o755)
    _git(repository, "config", "core.fsmonitor", str(monitor))
    before = (repository / ".git" / "index").stat()
    assert git.tracked_and_unignored(repository)
    assert not (repository.parent / "ran").exists()
    after = (repository / ".git" / "index").stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)
