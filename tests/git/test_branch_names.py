"""What outsiders may call branches, commits and files."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pushtune.errors import UsageError
from pushtune.git import check_branch, check_commit, check_path, is_branch, is_ours
from pushtune.git.names import LONGEST_BRANCH


@pytest.mark.parametrize("name", ["main", "feature/wider", "ünïcode", "a-b", "x@y", "pushtune/train", "v1.0"])
def test_a_plain_name_is_a_branch(name: str) -> None:
    assert check_branch(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            "-",
            "-x",
            "--upload-pack=touch x",
            "a b",
            "a\nb",
            "a\0b",
            "a..b",
            "a~1",
            "a^",
            "a:b",
            "a?",
            "a*",
        ),
        *("[a", "a\\b", "/a", "a/", "a//b", "a.", ".a", "a/.b", "a.lock", "a.lock/b", "@", "a@{b", "HEAD"),
        *("x" * (LONGEST_BRANCH + 1), "ü" * LONGEST_BRANCH, "a\u202eb", "a\u2028b", "a\x7f", "\udcff"),
    ],
)
def test_what_is_no_branch_is_refused_in_one_printable_line(name: str) -> None:
    with pytest.raises(UsageError) as raised:
        check_branch(name)
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 200
    assert raised.value.fix


@settings(max_examples=60, deadline=None)
@given(st.text("ab/.-@{}~^:?*[\\ \t\u202eü", min_size=1, max_size=8) | st.text(min_size=1, max_size=8))
def test_git_takes_every_name_that_is_taken_here(name: str) -> None:
    if is_branch(name):
        subprocess.run(["git", "check-ref-format", "--branch", name], check=True, capture_output=True)


def test_our_own_branches_are_known_by_how_they_begin() -> None:
    assert is_ours("pushtune/train")
    assert not is_ours("pushtune")
    assert not is_ours("main/pushtune/train")


@pytest.mark.parametrize(
    "text", ["", "abc", "A" * 40, "a" * 39, "a" * 41, "-" + "a" * 39, "a" * 40 + "\n", "HEAD"]
)
def test_only_a_full_hash_is_a_commit(text: str) -> None:
    with pytest.raises(UsageError, match="no full commit hash"):
        check_commit(text)


def test_both_kinds_of_hashes_are_commits() -> None:
    assert check_commit("a" * 40) == "a" * 40
    assert check_commit("0" * 64) == "0" * 64


@pytest.mark.parametrize(
    "path", ["train.py", "a/b.py", ".github/x.yml", ".gitignore", "gitx", "a b", "ü", "a\nb"]
)
def test_a_path_below_the_folder_is_taken(path: str) -> None:
    assert check_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        *("", "/etc/passwd", "..", "../a", "a/../../b", "a/..", "./a", "a//b", "a/", "a\0b"),
        *(".git", ".git/config", ".GIT/hooks/x", "a/.git/config", "a/.Git", "git~1/config", "GIT~1"),
        *(".g\u200cit/config", ".git./config", ".git /config", ".git::$INDEX_ALLOCATION/config"),
        *("x" * 256, "a/" + "ü" * 128),
    ],
)
def test_a_path_that_leaves_or_is_gits_own_is_refused(path: str) -> None:
    with pytest.raises(UsageError) as raised:
        check_path(path)
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 200
