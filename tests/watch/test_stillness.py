"""A picture changes with every branch that moves; where it would not, there is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from repositories import Pair, git, pair

from pushtune.watch.stillness import picture


@pytest.fixture
def two(tmp_path: Path) -> Pair:
    two = pair(tmp_path)
    two.push()
    return two


def test_it_stays_while_nothing_moves(two: Pair) -> None:
    assert picture(two.bare) is not None
    assert picture(two.bare) == picture(two.bare)
    git(two.work, "fetch")
    git(two.bare, "gc", "--quiet", "--prune=now")
    packed = picture(two.bare)
    assert packed is not None
    assert packed == picture(two.bare)


def test_everything_that_moves_a_branch_changes_it(two: Pair) -> None:
    seen = {picture(two.bare)}

    def changed() -> bool:
        before = len(seen)
        seen.add(picture(two.bare))
        return len(seen) > before

    commit = two.push()
    assert changed()
    two.push()
    assert changed()
    git(two.bare, "update-ref", "refs/heads/deep/er/one", commit)
    assert changed()
    git(two.bare, "pack-refs", "--all")
    assert changed()
    git(two.bare, "update-ref", "-d", "refs/heads/deep/er/one")
    assert changed()
    git(two.bare, "symbolic-ref", "HEAD", "refs/heads/other")
    assert changed()
    git(two.bare, "config", "transfer.hideRefs", "refs/heads/x")
    assert changed()


def test_two_pushes_within_a_tick_of_the_clock_differ(two: Pair) -> None:
    branch = two.bare / "refs" / "heads" / "main"
    os.utime(branch, (1, 1))
    before = picture(two.bare)
    text = branch.read_text()
    branch.write_text(text[::-1].strip() + "\n")
    os.utime(branch, (1, 1))
    assert picture(two.bare) != before


def test_the_branches_of_a_work_tree_are_seen_too(two: Pair) -> None:
    before = picture(two.work)
    assert before is not None
    two.commit()
    assert picture(two.work) != before


def test_there_is_none_where_branches_are_kept_elsewhere(two: Pair, tmp_path: Path) -> None:
    git(two.work, "worktree", "add", "--quiet", str(tmp_path / "beside"))
    assert picture(tmp_path / "beside") is None
    (two.bare / "reftable").mkdir()
    assert picture(two.bare) is None


def test_there_is_none_of_what_is_no_repository(tmp_path: Path) -> None:
    assert picture(tmp_path) is None
    assert picture(tmp_path / "nothing") is None


def test_links_pipes_and_floods_are_not_followed(two: Pair, tmp_path: Path) -> None:
    heads = two.bare / "refs" / "heads"
    (tmp_path / "secret").write_text("word")
    (heads / "link").symlink_to(tmp_path / "secret")
    assert picture(two.bare) is None
    (heads / "link").unlink()
    os.mkfifo(heads / "pipe")
    assert picture(two.bare) is None
    (heads / "pipe").unlink()
    assert picture(two.bare) is not None
    for number in range(2001):
        (heads / f"b{number}").write_text("x")
    assert picture(two.bare) is None


def test_a_link_in_place_of_the_references_is_not_followed(two: Pair, tmp_path: Path) -> None:
    (two.bare / "refs").rename(tmp_path / "refs")
    (two.bare / "refs").symlink_to(tmp_path / "refs")
    assert picture(two.bare) is None
