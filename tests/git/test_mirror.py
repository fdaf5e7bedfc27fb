"""A mirror: brought up to date, asked, damaged, made anew. Commits that somebody worked on stay."""

from __future__ import annotations

import os
import random
import shutil
import socket
import threading
from pathlib import Path

import pytest

from pushtune.errors import MachineError, UsageError
from pushtune.git import ABSENT, Address, Mirror, Person, TreeFile, check_address, copying
from pushtune.testing.git_origins import Origin, mirrored, trap
from pushtune.testing.real_parts import need

ADA = Person("Ada Example", "ada@example.org")
BO = Person("Bo Example", "bo@example.org")


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    origin = Origin(tmp_path / "origin")
    origin.write("train.py", "print('accuracy: 0.9')\n")
    origin.write("run.sh", "python train.py\n").chmod(0o755)
    origin.commit()
    return origin


@pytest.fixture
def mirror(origin: Origin, tmp_path: Path) -> Mirror:
    return mirrored(origin, tmp_path / "repositories" / "1.git")


def _own_refs(mirror: Mirror) -> list[str]:
    return sorted(
        str(path.relative_to(mirror.path)) for path in (mirror.path / "refs").rglob("*") if path.is_file()
    )


def test_branches_follow_the_origin_forced_and_deleted_ones_too(origin: Origin, mirror: Mirror) -> None:
    first = mirror.resolve("main")
    assert first == origin.git("rev-parse", "HEAD")
    origin.git("branch", "dev")
    second = origin.commit("More")
    mirror.fetch(origin.address)
    assert (mirror.resolve("main"), mirror.resolve("dev")) == (second, first)

    origin.git("reset", "--quiet", "--hard", first)
    forced = origin.commit("Otherwise")
    origin.git("branch", "--delete", "--force", "dev")
    mirror.fetch(origin.address)
    assert (mirror.resolve("main"), mirror.resolve("dev")) == (forced, None)
    # What was overwritten while it was worked on is still here.
    assert mirror.has(second)


def test_a_branch_may_become_a_folder_of_branches(origin: Origin, mirror: Mirror) -> None:
    origin.git("branch", "dev")
    mirror.fetch(origin.address)
    origin.git("branch", "--delete", "dev")
    origin.git("branch", "dev/wider")
    mirror.fetch(origin.address)
    assert mirror.resolve("dev/wider") == mirror.resolve("main")


def test_no_tag_note_or_other_ref_comes_along(origin: Origin, mirror: Mirror) -> None:
    origin.git("tag", "-m", "One", "v1")
    origin.git("update-ref", "refs/replace/" + "a" * 40, "HEAD")
    mirror.fetch(origin.address)
    assert _own_refs(mirror) == ["refs/remotes/origin/main"]


def test_a_commit_is_told_with_its_people_and_its_message(origin: Origin, mirror: Mirror) -> None:
    sha = origin.commit("Train longer\n\nBecause it helps.\n")
    mirror.fetch(origin.address)
    commit = mirror.commit(sha)
    assert (commit.author, commit.committer, commit.time) == (ADA, BO, 1700000000)
    assert commit.subject == "Train longer"
    assert commit.message == "Train longer\n\nBecause it helps."


def test_the_files_of_a_commit(origin: Origin, mirror: Mirror) -> None:
    sha = origin.git("rev-parse", "HEAD")
    content = origin.git("hash-object", "train.py")
    run, train = mirror.files(sha)
    assert train == TreeFile("train.py", "100644", 23, content)
    assert (run.path, run.mode, run.is_file) == ("run.sh", "100755", True)


def test_a_file_is_read_as_it_was_written_and_bounded(origin: Origin, mirror: Mirror) -> None:
    content = bytes(range(256))
    origin.write("a/data*.bin", content)
    origin.write("a/dataX.bin", "other")
    sha = origin.commit()
    mirror.fetch(origin.address)
    assert mirror.read(sha, "a/data*.bin", 256) == content
    assert mirror.read(sha, "a", 256) is None
    assert mirror.read(sha, "gone", 256) is None
    assert mirror.read(sha, ":(glob)**", 256) is None
    with pytest.raises(UsageError, match="more than 255 bytes"):
        mirror.read(sha, "a/data*.bin", 255)
    with pytest.raises(UsageError, match="stay in its folder"):
        mirror.read(sha, "../origin/train.py", 255)


def test_the_authors_since_the_last_success(origin: Origin, mirror: Mirror) -> None:
    first = origin.git("rev-parse", "HEAD")
    origin.commit("a", GIT_AUTHOR_NAME="Cy", GIT_AUTHOR_EMAIL="cy@example.org")
    origin.commit("b")
    last = origin.commit("c", GIT_AUTHOR_NAME="Cy", GIT_AUTHOR_EMAIL="cy@example.org")
    mirror.fetch(origin.address)
    cy = Person("Cy", "cy@example.org")
    assert mirror.authors_between(first, last) == [cy, ADA]
    assert mirror.authors_between(first, last, limit=1) == [cy]
    assert mirror.authors_between(None, last) == [cy]
    assert mirror.authors_between("a" * 40, last) == [cy]
    assert mirror.is_ancestor(first, last)
    assert mirror.is_ancestor(last, last)
    assert not mirror.is_ancestor(last, first)


def test_what_is_not_here_is_told_in_one_line(origin: Origin, mirror: Mirror, tmp_path: Path) -> None:
    for ask in (mirror.commit, mirror.files, lambda sha: mirror.export(sha, tmp_path / "out")):
        with pytest.raises(UsageError, match="is not here"):
            ask("a" * 40)
        with pytest.raises(UsageError, match="no full commit hash"):
            ask("--all")
    assert not Mirror(tmp_path / "never fetched.git").has("a" * 40)


def test_the_same_files_make_the_same_commit_with_the_modes_of_the_base(
    origin: Origin, mirror: Mirror
) -> None:
    base = origin.git("rev-parse", "HEAD")
    files = {"train.py": b"print(1)\r\n\xff", "run.sh": b"true\n", "new/notes.txt": b""}

    def commit() -> str:
        return mirror.commit_files(
            base, files, "Better\n\nBy far.", ADA, 1700000000, Person("pushtune", "p@x")
        )

    sha = commit()
    assert commit() == sha
    made = mirror.commit(sha)
    assert (made.author, made.committer.name, made.time, made.subject) == (
        ADA,
        "pushtune",
        1700000000,
        "Better",
    )
    modes = {file.path: file.mode for file in mirror.files(sha)}
    assert modes == {"train.py": "100644", "run.sh": "100755", "new/notes.txt": "100644"}
    assert mirror.read(sha, "train.py", 99) == files["train.py"]
    assert mirror.is_ancestor(base, sha)
    assert _own_refs(mirror) == ["refs/remotes/origin/main"]


@pytest.mark.parametrize(
    "path", ["../x", "/x", ".git/hooks/post-commit", "a\0b", "train.py/x", "link", "link/x"]
)
def test_a_commit_writes_no_file_elsewhere(origin: Origin, mirror: Mirror, path: str) -> None:
    (origin.root / "link").symlink_to("/etc")
    base = origin.commit()
    mirror.fetch(origin.address)
    with pytest.raises(UsageError):
        mirror.commit_files(base, {path: b"x"}, "m", ADA, 0, BO)


def test_our_own_branch_moves_only_from_where_it_is_expected(origin: Origin, mirror: Mirror) -> None:
    base = origin.git("rev-parse", "HEAD")
    other = mirror.commit_files(base, {"train.py": b""}, "m", ADA, 0, BO)
    assert mirror.branch("pushtune/train") is None
    assert not mirror.set_branch("pushtune/train", other, base)
    assert mirror.set_branch("pushtune/train", base, ABSENT)
    assert not mirror.set_branch("pushtune/train", other, ABSENT)
    assert mirror.set_branch("pushtune/train", other, base)
    assert mirror.set_branch("pushtune/train", base)
    assert mirror.branch("pushtune/train") == base
    mirror.fetch(origin.address)
    assert mirror.branch("pushtune/train") == base


@pytest.mark.parametrize(
    "name", ["main", "pushtune", "pushtune/../main", "-pushtune/x", "refs/heads/pushtune/x"]
)
def test_only_our_own_branches_can_be_written(origin: Origin, mirror: Mirror, name: str) -> None:
    sha = origin.git("rev-parse", "HEAD")
    with pytest.raises(UsageError):
        mirror.set_branch(name, sha)
    with pytest.raises(UsageError):
        mirror.push(origin.address, name)


def test_a_push_overwrites_only_what_we_put_there(origin: Origin, mirror: Mirror, tmp_path: Path) -> None:
    base = origin.git("rev-parse", "HEAD")
    ours = [mirror.commit_files(base, {"train.py": text}, "m", ADA, 0, BO) for text in (b"1", b"2")]
    mirror.set_branch("pushtune/train", ours[0])
    mirror.push(origin.address, "pushtune/train")
    assert origin.git("rev-parse", "pushtune/train") == ours[0]
    mirror.push(origin.address, "pushtune/train", expected_old=ours[0])

    mirror.set_branch("pushtune/train", ours[1])
    mirror.push(origin.address, "pushtune/train", expected_old=ours[0])
    assert origin.git("rev-parse", "pushtune/train") == ours[1]

    origin.git("checkout", "--quiet", "pushtune/train")
    theirs = origin.commit("By hand")
    origin.git("checkout", "--quiet", "main")
    mirror.set_branch("pushtune/train", ours[0])
    for expected in (None, ABSENT, ours[1]):
        with pytest.raises(UsageError, match="what pushtune did not put there"):
            mirror.push(origin.address, "pushtune/train", expected_old=expected)
    assert origin.git("rev-parse", "pushtune/train") == theirs


def test_an_origin_that_refuses_our_push_says_so(origin: Origin, mirror: Mirror) -> None:
    hook = origin.write(".git/hooks/pre-receive", "#!/bin/sh\necho no robots here >&2\nexit 1\n")
    hook.chmod(0o755)
    mirror.set_branch("pushtune/train", origin.git("rev-parse", "HEAD"))
    with pytest.raises(UsageError, match="pre-receive hook declined"):
        mirror.push(origin.address, "pushtune/train")


@pytest.fixture(params=["half made", "no HEAD", "torn pack", "flipped bit", "empty folder", "a file"])
def damaged(request: pytest.FixtureRequest, origin: Origin, mirror: Mirror) -> Mirror:
    ours = mirror.commit_files(origin.git("rev-parse", "HEAD"), {"train.py": b"1"}, "m", ADA, 0, BO)
    mirror.set_branch("pushtune/train", ours)
    packs = list((mirror.path / "objects/pack").glob("*.pack"))
    assert packs
    for path in packs:
        path.chmod(0o644)
    if request.param == "half made":
        (mirror.path / "pushtune-mirror").unlink()
    elif request.param == "no HEAD":
        (mirror.path / "HEAD").unlink()
    elif request.param == "torn pack":
        packs[0].write_bytes(packs[0].read_bytes()[:40])
    elif request.param == "flipped bit":
        content = bytearray(packs[0].read_bytes())
        content[len(content) // 2] ^= 0xFF
        packs[0].write_bytes(content)
    else:
        shutil.rmtree(mirror.path)
        mirror.path.mkdir() if request.param == "empty folder" else mirror.path.write_text("")
    return mirror


def test_a_damaged_mirror_is_seen_and_made_anew(damaged: Mirror, origin: Origin, tmp_path: Path) -> None:
    sha = origin.git("rev-parse", "HEAD")
    try:
        damaged.fetch(origin.address)
        damaged.export(sha, tmp_path / "out")
    except MachineError:
        # Nothing had to be fetched, so that only reading showed it. The next try mends it.
        assert not damaged.has(sha)
        damaged.fetch(origin.address)
        damaged.export(sha, tmp_path / "out")
    assert (tmp_path / "out" / "train.py").read_text() == "print('accuracy: 0.9')\n"
    damaged.fetch(origin.address)


def test_our_branches_are_carried_into_a_mirror_that_is_made_anew(origin: Origin, mirror: Mirror) -> None:
    ours = mirror.commit_files(origin.git("rev-parse", "HEAD"), {"train.py": b"1"}, "m", ADA, 0, BO)
    mirror.set_branch("pushtune/train", ours)
    (mirror.path / "pushtune-mirror").unlink()
    mirror.fetch(origin.address)
    assert mirror.branch("pushtune/train") == ours
    assert not [path for path in mirror.path.parent.iterdir() if path.name.startswith(".")]


def test_what_a_kill_left_is_in_nobodys_way(origin: Origin, mirror: Mirror) -> None:
    sha = origin.commit("More")
    left = [
        *(mirror.path / name for name in ("packed-refs.lock", "config.lock", "HEAD.lock")),
        mirror.path / "refs/remotes/origin/main.lock",
        mirror.path / "refs/heads/pushtune/train.lock",
        mirror.path / "objects/pack/tmp_pack_x",
        mirror.path.with_name(f".{mirror.path.name}.half"),
    ]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    mirror.fetch(origin.address)
    assert mirror.resolve("main") == sha
    assert mirror.set_branch("pushtune/train", sha, ABSENT)
    assert not any(path.exists() for path in left[:-1])


def test_an_origin_that_is_gone_leaves_the_mirror_as_it_is(
    origin: Origin, mirror: Mirror, tmp_path: Path
) -> None:
    sha = origin.git("rev-parse", "HEAD")
    address = origin.address
    shutil.rmtree(origin.root)
    with pytest.raises(UsageError, match="is not there"):
        mirror.fetch(address)
    assert mirror.has(sha)
    fresh = Mirror(tmp_path / "fresh.git")
    with pytest.raises(UsageError, match="is not there"):
        fresh.fetch(address)
    assert not fresh.path.exists()


def test_a_fetch_that_brings_more_than_is_allowed_is_ended(
    origin: Origin, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha = mirror.resolve("main")
    origin.write("big.bin", random.Random(1).randbytes(3 << 20))
    origin.commit()
    monkeypatch.setattr(copying, "LARGEST_PACK", 1 << 20)
    with pytest.raises(MachineError):
        mirror.fetch(origin.address)
    assert mirror.resolve("main") == sha
    assert mirror.has(sha or "")


def test_many_fetches_leave_few_packs_and_lose_nothing(
    origin: Origin, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "_MOST_PACKS", 3)
    commits = []
    for number in range(8):
        origin.write("train.py", f"print({number})\n")
        commits.append(origin.commit())
        origin.git("reset", "--quiet", "--hard", "HEAD~1")
        origin.git("update-ref", "refs/heads/other", commits[-1])
        mirror.fetch(origin.address)
    assert len(list((mirror.path / "objects/pack").glob("*.pack"))) <= 4
    assert all(mirror.has(sha) for sha in commits)


def test_many_may_fetch_at_once(origin: Origin, tmp_path: Path) -> None:
    mirror = Mirror(tmp_path / "shared.git")
    troubles: list[Exception] = []

    def fetch() -> None:
        try:
            mirror.fetch(origin.address)
        except Exception as error:
            troubles.append(error)

    threads = [threading.Thread(target=fetch) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []
    assert mirror.resolve("main") == origin.git("rev-parse", "HEAD")


def test_a_fetch_that_takes_long_keeps_nobody_from_writing_a_branch(
    origin: Origin, mirror: Mirror, tmp_path: Path
) -> None:
    sha = origin.git("rev-parse", "HEAD")
    # An origin that says nothing, until it is let go.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = check_address(f"git://127.0.0.1:{silent.getsockname()[1]}/x", allowed_hosts={"127.0.0.1"})
        slow = threading.Thread(target=_fetch_in_vain, args=(mirror, address))
        slow.start()
        connection, _ = silent.accept()
        winner = mirror.commit_files(sha, {"train.py": b"1"}, "m", ADA, 0, BO)
        assert mirror.set_branch("pushtune/train", winner, ABSENT)
        assert slow.is_alive()
        connection.close()
    slow.join()


def _fetch_in_vain(mirror: Mirror, address: Address) -> None:
    with pytest.raises(MachineError):
        mirror.fetch(address)


def test_a_shallow_repository_can_be_mirrored(origin: Origin, tmp_path: Path) -> None:
    sha = origin.commit("More")
    origin.git("clone", "--quiet", "--depth=1", f"file://{origin.root}", str(tmp_path / "shallow"))
    mirror = Mirror(tmp_path / "mirror.git")
    mirror.fetch(check_address(str(tmp_path / "shallow"), allow_local=True))
    assert mirror.resolve("main") == sha


def test_a_repository_with_long_hashes_can_be_mirrored_and_delivered_to(
    origin: Origin, tmp_path: Path
) -> None:
    shutil.rmtree(origin.root / ".git")
    origin.git("init", "--quiet", "--initial-branch=main", "--object-format=sha256")
    sha = origin.commit()
    mirror = mirrored(origin, tmp_path / "mirror.git")
    assert mirror.resolve("main") == sha
    assert len(sha) == 64
    mirror.export(sha, tmp_path / "out")
    winner = mirror.commit_files(sha, {"train.py": b"1"}, "m", ADA, 0, BO)
    assert mirror.set_branch("pushtune/train", winner, ABSENT)
    mirror.push(origin.address, "pushtune/train")
    assert origin.git("rev-parse", "pushtune/train") == winner


def test_the_template_of_the_machine_is_not_used(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, trace = trap(tmp_path / "template" / "hooks", "reference-transaction")
    assert program.exists()
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(tmp_path / "template"))
    mirror = mirrored(origin, tmp_path / "mirror.git")
    assert not (mirror.path / "hooks").exists()
    assert not trace.exists()


def test_a_local_repository_of_another_user_is_read_and_never_written_to(
    origin: Origin, tmp_path: Path
) -> None:
    """To write would run its hooks, as us."""
    need(os.geteuid() == 0, "root, to give a folder to another user")
    program, trace = trap(origin.root / ".git" / "hooks", "pre-receive")
    for path in (origin.root, *origin.root.rglob("*")):
        os.chown(path, 12345, 12345, follow_symlinks=False)
    mirror = mirrored(origin, tmp_path / "mirror.git")
    sha = mirror.resolve("main")
    assert sha is not None
    mirror.set_branch("pushtune/train", sha)
    with pytest.raises(UsageError, match="belongs to another user"):
        mirror.push(origin.address, "pushtune/train")
    assert program.exists()
    assert not trace.exists()
