"""Hooks in real repositories, run by real pushes: they tell, and nothing that goes wrong holds up a push."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

import psutil
import pytest
from repositories import Pair, eventually, git, pair

from pushtune.errors import MachineError, UsageError
from pushtune.watch.announcement import Announcement
from pushtune.watch.hook import install_hook, remove_hook
from pushtune.watch.inbox import read


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "it's home"


@pytest.fixture
def two(tmp_path: Path) -> Pair:
    return pair(tmp_path / "git")


def come(home: Path, count: int = 1) -> list[Announcement]:
    """Wait for so much news."""
    found: list[Announcement] = []
    eventually(lambda: (found.extend(read(home / "inbox")), len(found) >= count)[1])
    return found


def settled(home: Path) -> list[Announcement]:
    """Return what is there once nobody writes any more: hooks and writers run in folders of the test."""
    eventually(lambda: not any(_runs_in(process, home.parent) for process in psutil.process_iter()))
    return read(home / "inbox")


def _runs_in(process: psutil.Process, folder: Path) -> bool:
    with contextlib.suppress(psutil.Error):
        return process.pid != os.getpid() and Path(process.cwd()).is_relative_to(folder)
    return False


def hook(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)


# What is told


def test_a_push_is_told(two: Pair, home: Path) -> None:
    assert install_hook(two.bare, home, "my model") == (two.bare / "hooks" / "post-receive",)
    commit = two.push()
    assert come(home) == [Announcement(None, None, "main", commit, "hook", name="my model")]


def test_all_branches_of_a_push_are_told_and_no_tags(two: Pair, home: Path) -> None:
    install_hook(two.bare, home, "model")
    commit = two.push("x", "origin", "HEAD:main", "HEAD:a/b", "HEAD:refs/tags/v1")
    assert sorted((each.branch, each.commit) for each in come(home, 2)) == [("a/b", commit), ("main", commit)]
    git(two.work, "push", "--quiet", "origin", ":a/b")
    assert [(each.branch, each.deleted) for each in come(home)] == [("a/b", True)]
    git(two.work, "push", "--quiet", "origin", "HEAD:refs/tags/v2")
    assert settled(home) == []


def test_a_push_of_very_many_branches_is_told_within_bounds(two: Pair, home: Path) -> None:
    install_hook(two.bare, home, "model")
    commit = two.commit()
    lines = "".join(f"create refs/heads/b{number:04} {commit}\n" for number in range(3000))
    subprocess.run(["git", "update-ref", "--stdin"], cwd=two.work, input=lines, text=True, check=True)
    git(two.work, "push", "--quiet", "origin", "refs/heads/*:refs/heads/*")
    assert len(come(home)) == 1000


def test_commits_merges_and_rebases_in_a_work_tree_are_told(two: Pair, home: Path) -> None:
    first = two.commit()
    install_hook(two.work, home, "model")
    second = two.commit()
    assert [(each.branch, each.commit) for each in come(home)] == [("main", second)]
    git(two.work, "checkout", "--quiet", "-b", "side", first)
    side = two.commit("side")
    assert [(each.branch, each.commit) for each in come(home)] == [("side", side)]
    git(two.work, "rebase", "--quiet", "main")
    told = [*come(home), *settled(home)]
    assert (told[-1].branch, told[-1].commit) == ("side", git(two.work, "rev-parse", "side"))
    git(two.work, "checkout", "--quiet", "main")
    git(two.work, "merge", "--quiet", "side")
    assert [(each.branch, each.commit) for each in come(home)] == [
        ("main", git(two.work, "rev-parse", "side"))
    ]


def test_a_commit_in_a_linked_work_tree_is_told(two: Pair, home: Path, tmp_path: Path) -> None:
    two.commit()
    install_hook(two.work, home, "model")
    git(two.work, "worktree", "add", "--quiet", "-b", "beside", str(tmp_path / "beside"))
    commit = Pair(two.bare, tmp_path / "beside").commit()
    assert [(each.branch, each.commit) for each in come(home)] == [("beside", commit)]


def test_a_commit_on_no_branch_is_not_told(two: Pair, home: Path) -> None:
    two.commit()
    install_hook(two.work, home, "model")
    git(two.work, "checkout", "--quiet", "--detach")
    two.commit()
    assert settled(home) == []


def test_several_servers_are_told(two: Pair, home: Path, tmp_path: Path) -> None:
    install_hook(two.bare, home, "model")
    install_hook(two.bare, tmp_path / "other", "theirs")
    two.push()
    assert [each.name for each in come(home)] == ["model"]
    assert [each.name for each in come(tmp_path / "other")] == ["theirs"]
    remove_hook(two.bare, home, "model")
    two.push()
    assert [each.name for each in come(tmp_path / "other")] == ["theirs"]
    assert settled(home) == []


# Nothing holds up a push, and nothing fails it


def test_the_push_returns_while_the_writer_still_waits(two: Pair, home: Path, tmp_path: Path) -> None:
    install_hook(two.bare, home, "model")
    # A disk that hangs: `mv` waits for a pipe that nobody writes to.
    gate, slow = tmp_path / "gate", tmp_path / "bin"
    os.mkfifo(gate)
    hook(slow / "mv", f"read -r line < '{gate}'\nexec {shutil.which('mv')} \"$@\"\n")
    commit = two.push(PATH=f"{slow}:{os.environ['PATH']}")
    # The push is over. Only now the disk goes on.
    eventually(lambda: any((home / "inbox").glob(".*.part")))
    assert read(home / "inbox") == []
    gate.write_text("go on\n")
    assert [each.commit for each in come(home)] == [commit]


@pytest.mark.parametrize("harm", ["gone", "a file", "a pipe", "no programs"])
def test_whatever_is_wrong_the_push_is_fine(two: Pair, home: Path, tmp_path: Path, harm: str) -> None:
    install_hook(two.bare, home, "model")
    inbox, path = home / "inbox", os.environ["PATH"]
    if harm in ("gone", "a file", "a pipe"):
        shutil.rmtree(home)
    if harm == "a file":
        home.write_text("")
    elif harm == "a pipe":
        home.mkdir()
        os.mkfifo(inbox)
    elif harm == "no programs":
        path = str(tmp_path / "bin")
        Path(path).mkdir()
        for name in ("git", "git-receive-pack", "git-pack-objects"):
            Path(path, name).symlink_to(shutil.which(name) or shutil.which("git") or "")
    push = two.pushed(PATH=path)
    assert push.stderr == ""
    assert git(two.bare, "rev-parse", "main") == git(two.work, "rev-parse", "HEAD")
    assert settled(home) == []


def test_on_a_full_disk_nothing_torn_is_left(two: Pair, home: Path, tmp_path: Path) -> None:
    install_hook(two.bare, home, "model")
    full = tmp_path / "bin"
    # The limit of a file's size stands in for a disk that has no room: writing fails in the middle.
    hook(full / "setsid", 'ulimit -f 0; trap "" XFSZ; exec "$@"\n')
    tried = tmp_path / "tried"
    hook(full / "rm", f'[ -e "$2" ] && touch "{tried}"; exec /bin/rm "$@"\n')
    two.push(PATH=f"{full}:{os.environ['PATH']}")
    assert settled(home) == []
    assert list((home / "inbox").iterdir()) == []
    assert tried.exists()


def test_nothing_is_written_through_what_lies_in_the_way(two: Pair, home: Path, tmp_path: Path) -> None:
    install_hook(two.bare, home, "model")
    victim, fixed = tmp_path / "victim", tmp_path / "bin"
    victim.write_text("mine")
    # The name of the file is known beforehand, and a link lies there.
    hook(fixed / "date", 'ln -s "$VICTIM" ".7-$PPID.part"; touch "$VICTIM.seen"; echo 7\n')
    two.push(PATH=f"{fixed}:{os.environ['PATH']}", VICTIM=str(victim))
    assert settled(home) == []
    assert (tmp_path / "victim.seen").exists()
    assert victim.read_text() == "mine"


# The hooks that the user has


def test_the_users_hook_goes_on_with_all_that_git_gives_it(two: Pair, home: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    hook(
        two.bare / "hooks" / "post-receive",
        f'{{ echo "$GIT_DIR"; cat; }} > "{seen}"; echo from the hook >&2; exit 3\n',
    )
    before = git(two.work, "ls-remote", "origin")
    install_hook(two.bare, home, "model")
    install_hook(two.bare, home, "model")
    commit = two.commit()
    command = ["git", "push", "origin", "HEAD:main"]
    push = subprocess.run(command, cwd=two.work, capture_output=True, text=True, check=True)
    assert "from the hook" in push.stderr
    assert before == ""
    assert seen.read_text() == f".\n{'0' * 40} {commit} refs/heads/main\n"
    assert len(come(home)) == 1


def test_a_users_hook_that_reads_nothing_does_no_harm(two: Pair, home: Path, tmp_path: Path) -> None:
    hook(two.bare / "hooks" / "post-receive", f'touch "{tmp_path}/ran"\n')
    install_hook(two.bare, home, "model")
    two.push()
    assert (tmp_path / "ran").exists()
    assert len(come(home)) == 1


def test_a_users_hook_after_a_commit_goes_on(two: Pair, home: Path, tmp_path: Path) -> None:
    hook(two.work / ".git" / "hooks" / "post-commit", f'echo "$#" > "{tmp_path}/ran"\n')
    hook(two.work / ".git" / "hooks" / "post-rewrite", f'{{ echo "$1"; cat; }} > "{tmp_path}/rewritten"\n')
    install_hook(two.work, home, "model")
    old = two.commit()
    git(two.work, "commit", "--quiet", "--amend", "--allow-empty", "-m", "better")
    new = git(two.work, "rev-parse", "HEAD")
    assert (tmp_path / "ran").read_text() == "0\n"
    assert (tmp_path / "rewritten").read_text() == f"amend\n{old} {new}\n"


def test_a_hook_that_was_switched_off_stays_off(two: Pair, home: Path, tmp_path: Path) -> None:
    users = two.bare / "hooks" / "post-receive"
    hook(users, f'touch "{tmp_path}/ran"\n')
    users.chmod(0o644)
    install_hook(two.bare, home, "model")
    two.push()
    assert len(come(home)) == 1
    assert not (tmp_path / "ran").exists()


def test_removing_brings_back_what_was(two: Pair, home: Path) -> None:
    path = two.bare / "hooks" / "post-receive"
    hook(path, "exit 0\n")
    before, names = path.read_bytes(), set(os.listdir(path.parent))
    install_hook(two.bare, home, "model")
    assert remove_hook(two.bare, home, "another") == ()
    assert remove_hook(two.bare, home, "model") == (path,)
    assert remove_hook(two.bare, home, "model") == ()
    assert (path.read_bytes(), set(os.listdir(path.parent))) == (before, names)


def test_installing_twice_changes_nothing(two: Pair, home: Path) -> None:
    (path,) = install_hook(two.bare, home, "model")
    before = path.read_bytes(), sorted(os.listdir(path.parent))
    install_hook(two.bare, home, "model")
    assert (path.read_bytes(), sorted(os.listdir(path.parent))) == before
    assert path.stat().st_mode & 0o777 == 0o755


def test_a_link_to_a_hook_is_kept_as_it_is(two: Pair, home: Path, tmp_path: Path) -> None:
    hook(tmp_path / "shared", f'touch "{tmp_path}/ran"\n')
    path = two.bare / "hooks" / "post-receive"
    path.symlink_to(tmp_path / "shared")
    install_hook(two.bare, home, "model")
    assert "pushtune" not in (tmp_path / "shared").read_text()
    two.push()
    assert (tmp_path / "ran").exists()
    remove_hook(two.bare, home, "model")
    assert path.readlink() == tmp_path / "shared"


def test_a_second_hook_of_the_user_is_not_thrown_away(two: Pair, home: Path) -> None:
    path = two.bare / "hooks" / "post-receive"
    hook(path, "echo one\n")
    install_hook(two.bare, home, "model")
    hook(path, "echo two\n")
    with pytest.raises(UsageError, match="two hooks of yours"):
        install_hook(two.bare, home, "model")
    assert "echo two" in path.read_text()
    assert "echo one" in (path.parent / "post-receive.before-pushtune").read_text()


def test_an_install_that_was_interrupted_is_finished(two: Pair, home: Path) -> None:
    path = two.bare / "hooks" / "post-receive"
    hook(path, "exit 0\n")
    os.link(path, path.with_name("post-receive.before-pushtune"))
    install_hook(two.bare, home, "model")
    two.push()
    assert len(come(home)) == 1


# Where hooks are


def test_a_folder_of_hooks_in_the_repository_is_used(two: Pair, home: Path) -> None:
    git(two.work, "config", "core.hooksPath", ".githooks")
    (two.work / "deep").mkdir()
    assert {path.parent for path in install_hook(two.work / "deep", home, "model")} == {
        two.work / ".githooks"
    }
    commit = two.commit()
    assert [each.commit for each in come(home)] == [commit]


def test_in_a_folder_of_hooks_that_repositories_share_only_the_named_one_tells(
    two: Pair, home: Path, tmp_path: Path
) -> None:
    other = pair(tmp_path / "other")
    for each in (two, other):
        git(each.bare, "config", "core.hooksPath", str(tmp_path / "shared hooks"))
    assert install_hook(two.bare, home, "model") == (tmp_path / "shared hooks" / "post-receive",)
    other.push()
    two.push()
    assert [each.name for each in come(home)] == ["model"]
    install_hook(other.bare, home, "other")
    other.push()
    assert [each.name for each in [*come(home), *settled(home)]] == ["other"]


def test_hooks_that_are_switched_off_are_said_to_be(two: Pair, home: Path) -> None:
    git(two.bare, "config", "core.hooksPath", "/dev/null")
    with pytest.raises(UsageError, match="hooks are switched off"):
        install_hook(two.bare, home, "model")


def test_a_template_without_a_folder_of_hooks(tmp_path: Path, home: Path) -> None:
    two = pair(tmp_path / "git", "--template=")
    install_hook(two.bare, home, "model")
    two.push()
    assert len(come(home)) == 1


def test_what_is_no_repository_is_refused(tmp_path: Path, home: Path) -> None:
    with pytest.raises(UsageError, match="not a git repository"):
        install_hook(tmp_path, home, "model")
    with pytest.raises(MachineError, match="is not there"):
        install_hook(tmp_path / "nothing", home, "model")
    assert not home.exists()


@pytest.mark.parametrize("name", ["", "-x", "a\nb", "$(touch x)\x07"])
def test_names_that_a_hook_cannot_hold_are_refused(two: Pair, home: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name"):
        install_hook(two.bare, home, name)


@pytest.mark.parametrize(
    "name", ["$(touch x)", "`touch x`", "a'; touch x; '", 'a"$HOME"', "%s%n", "\\n", "tell 'x'"]
)
def test_names_are_names_and_nothing_else(two: Pair, home: Path, name: str) -> None:
    install_hook(two.bare, home, name)
    install_hook(two.bare, home, name)
    two.push()
    assert [each.name for each in come(home)] == [name]
    assert not (two.bare / "x").exists()
    assert not (home / "inbox" / "x").exists()


def test_a_path_that_a_hook_cannot_hold_is_refused(two: Pair, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot hold the path"):
        install_hook(two.bare, tmp_path / "a\nb", "model")
