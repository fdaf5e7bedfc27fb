"""A commit's files as a plain folder: exactly what was committed, once, within limits."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from pushtune.errors import MachineError, UsageError
from pushtune.git import Limits, Mirror, export
from pushtune.process import run
from pushtune.testing.git_origins import Origin, mirrored
from pushtune.testing.real_parts import need


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path / "origin")


def _contents(folder: Path) -> dict[str, bytes]:
    assert not any(path.is_symlink() for path in folder.rglob("*"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_byte_is_as_it_was_committed(origin: Origin, tmp_path: Path) -> None:
    files = {
        "train.py": b"print('\xc3\xa4')\r\nprint(1)\n",
        "deep/er/näme with\nnewline.txt": b"1",
        "empty": b"",
        "binary": bytes(range(256)),
        "id.txt": b"$Id$ $Format:%H$\n",
        "sixteen.txt": "x\n".encode("utf-16"),
    }
    for name, content in files.items():
        origin.write(name, content)
    attributes = (
        "* ident export-subst\n*.py text eol=crlf\n"
        "sixteen.txt working-tree-encoding=UTF-16\nempty export-ignore\n"
    )
    origin.git("config", "core.autocrlf", "false")
    origin.commit()
    # Only now, so that they change nothing on the way in.
    files[".gitattributes"] = attributes.encode()
    origin.write(".gitattributes", attributes)
    origin.git("-c", "core.attributesFile=/dev/null", "add", ".gitattributes")
    sha = origin.git("commit-tree", origin.git("write-tree"), "-m", "x")
    origin.git("update-ref", "refs/heads/main", sha)
    mirrored(origin, tmp_path / "mirror.git").export(sha, tmp_path / "out")
    assert _contents(tmp_path / "out") == files


def test_programs_stay_programs_and_a_link_becomes_the_text_of_its_target(
    origin: Origin, tmp_path: Path
) -> None:
    origin.write("run.sh", "true\n").chmod(0o755)
    origin.write("train.py", "print(1)\n")
    for name, target in (("passwd", "/etc/passwd"), ("up", "../.."), ("self", "train.py")):
        (origin.root / name).symlink_to(target)
    sha = origin.commit()
    mirrored(origin, tmp_path / "mirror.git").export(sha, tmp_path / "out")
    assert _contents(tmp_path / "out") == {
        "run.sh": b"true\n",
        "train.py": b"print(1)\n",
        "passwd": b"/etc/passwd",
        "up": b"../..",
        "self": b"train.py",
    }
    assert os.access(tmp_path / "out/run.sh", os.X_OK)
    assert not os.access(tmp_path / "out/train.py", os.X_OK)


def test_names_that_are_not_utf8_survive(origin: Origin, tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\xfe.txt")
    origin.write(name, "there")
    sha = origin.commit()
    mirrored(origin, tmp_path / "mirror.git").export(sha, tmp_path / "out")
    assert (tmp_path / "out" / name).read_text() == "there"


def test_a_commit_without_files_is_an_empty_folder(origin: Origin, tmp_path: Path) -> None:
    sha = origin.commit("Nothing yet")
    mirrored(origin, tmp_path / "mirror.git").export(sha, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.fixture
def mirror(origin: Origin, tmp_path: Path) -> Mirror:
    for number in range(4):
        origin.write(f"a/{number}.txt", "x" * 100)
    origin.commit()
    return mirrored(origin, tmp_path / "mirror.git")


def test_the_second_time_nothing_is_written(origin: Origin, mirror: Mirror, tmp_path: Path) -> None:
    sha = origin.git("rev-parse", "HEAD")
    mirror.export(sha, tmp_path / "pushes/1/checkout")
    (tmp_path / "pushes/1/checkout/by-hand").touch()
    mirror.export(sha, tmp_path / "pushes/1/checkout")
    assert (tmp_path / "pushes/1/checkout/by-hand").exists()


def test_a_folder_of_another_commit_is_replaced_as_a_whole(
    origin: Origin, mirror: Mirror, tmp_path: Path
) -> None:
    first = origin.git("rev-parse", "HEAD")
    origin.git("rm", "--quiet", "a/0.txt")
    second = origin.commit()
    mirror.fetch(origin.address)
    mirror.export(first, tmp_path / "out")
    mirror.export(second, tmp_path / "out")
    assert sorted(_contents(tmp_path / "out")) == ["a/1.txt", "a/2.txt", "a/3.txt"]


def test_what_a_kill_left_half_made_is_removed(origin: Origin, mirror: Mirror, tmp_path: Path) -> None:
    half = tmp_path / "pushes" / ".checkout.0badcafe.making" / "tree"
    half.mkdir(parents=True)
    (half / "half.txt").touch()
    # And a folder that nobody vouches for.
    (tmp_path / "pushes" / "checkout").mkdir()
    mirror.export(origin.git("rev-parse", "HEAD"), tmp_path / "pushes" / "checkout")
    assert len(_contents(tmp_path / "pushes" / "checkout")) == 4
    assert not half.exists()


@pytest.mark.parametrize(
    ("limits", "why"), [(Limits(files=3), "4 files, more than 3"), (Limits(bytes=399), "more than")]
)
def test_too_much_is_refused_in_one_line_and_leaves_nothing(
    origin: Origin, mirror: Mirror, tmp_path: Path, limits: Limits, why: str
) -> None:
    with pytest.raises(UsageError, match=why) as raised:
        mirror.export(origin.git("rev-parse", "HEAD"), tmp_path / "pushes" / "checkout", limits)
    assert raised.value.fix
    assert not (tmp_path / "pushes").exists()


def test_a_large_file_is_written_without_being_held(origin: Origin, tmp_path: Path) -> None:
    origin.write("data.bin", b"\0" * (40 << 20))
    sha = origin.commit()
    mirrored(origin, tmp_path / "mirror.git").export(sha, tmp_path / "out")
    assert (tmp_path / "out/data.bin").stat().st_size == 40 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(disk)]
    need(run(mount, check=False).code == 0, "the right to mount a small disk")
    yield disk
    run(["umount", "-l", str(disk)])


def test_a_full_disk_is_told_and_nothing_half_made_is_left(
    origin: Origin, tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.write("data.bin", random.Random(1).randbytes(3 << 20))
    origin.write("train.py", "print(1)\n")
    sha = origin.commit()
    mirror = mirrored(origin, tmp_path / "mirror.git")
    with pytest.raises(MachineError, match="the disk is full"):
        mirror.export(sha, small_disk / "pushes/1/checkout")
    # Nor where others fill it in the meantime.
    monkeypatch.setattr(export, "_BLOCK", -(3 << 20))
    with pytest.raises(MachineError, match="the disk is full"):
        mirror.export(sha, small_disk / "pushes/1/checkout")
    assert list((small_disk / "pushes/1").iterdir()) == []
    assert mirror.has(sha)

    cramped = Mirror(small_disk / "1.git")
    with pytest.raises(MachineError, match="the disk is full"):
        cramped.fetch(origin.address)
    assert not cramped.path.exists()
    run(["mount", "-o", "remount,size=40m", str(small_disk)])
    cramped.fetch(origin.address)
    cramped.export(sha, small_disk / "pushes/1/checkout")
    assert (small_disk / "pushes/1/checkout/data.bin").stat().st_size == 3 << 20


def test_a_disk_that_fills_up_later_leaves_the_mirror_whole(origin: Origin, small_disk: Path) -> None:
    origin.write("train.py", "print(1)\n")
    first = origin.commit()
    mirror = mirrored(origin, small_disk / "1.git")
    origin.write("data.bin", random.Random(1).randbytes(3 << 20))
    second = origin.commit()
    with pytest.raises(MachineError, match="the disk is full"):
        mirror.fetch(origin.address)
    assert mirror.has(first)
    assert mirror.resolve("main") == first
    run(["mount", "-o", "remount,size=40m", str(small_disk)])
    mirror.fetch(origin.address)
    assert mirror.resolve("main") == second
