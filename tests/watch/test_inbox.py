"""The inbox: each file is taken once, by whoever comes first; what is no news is thrown away."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from pushtune.errors import UsageError
from pushtune.watch.announcement import Announcement
from pushtune.watch.inbox import check_name, read

A = "a1" * 20


def text(*lines: str, name: str = "model", hook: str = "post-receive") -> str:
    return "\n".join(["pushtune-news 1", f"name {name}", f"hook {hook}", *lines, "end", ""])


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def test_a_file_is_read_and_gone(inbox: Path) -> None:
    (inbox / "1-1.push").write_text(text(f"ref {A} refs/heads/main", "ref " + "0" * 40 + " refs/heads/old"))
    assert read(inbox) == [
        Announcement(None, None, "main", A, "hook", name="model"),
        Announcement(None, None, "old", None, "hook", deleted=True, name="model"),
    ]
    assert list(inbox.iterdir()) == []
    assert read(inbox) == []


def test_the_oldest_comes_first(inbox: Path) -> None:
    for age, branch in enumerate(["third", "second", "first"]):
        path = inbox / f"1-{age}.push"
        path.write_text(text(f"ref {A} refs/heads/{branch}"))
        os.utime(path, (1000 - age, 1000 - age))
    assert [news.branch for news in read(inbox)] == ["first", "second", "third"]


def test_an_inbox_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert read(tmp_path / "nothing") == []
    (tmp_path / "file").write_text("")
    assert read(tmp_path / "file") == []


def test_files_being_written_are_left_for_an_hour(inbox: Path) -> None:
    fresh, old = inbox / ".1-1.part", inbox / ".1-2.part"
    for path in (fresh, old):
        path.write_text(text(f"ref {A} refs/heads/main"))
    os.utime(old, (1000, 1000))
    assert read(inbox) == []
    assert list(inbox.iterdir()) == [fresh]


def test_two_readers_take_each_file_once(inbox: Path) -> None:
    for number in range(300):
        (inbox / f"1-{number}.push").write_text(text(f"ref {A} refs/heads/b{number}"))
    taken: list[str] = []
    readers = [
        threading.Thread(target=lambda: taken.extend(news.branch for news in read(inbox))) for _ in range(4)
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert sorted(taken) == sorted(f"b{number}" for number in range(300))


GOOD = f"ref {A} refs/heads/main"
NO_FILES = [
    *("", "\n", "end\n", "pushtune-news 1\nend\n", "\x00" * 100),
    *(text(GOOD)[:-5], text(GOOD) + "x", text(GOOD).replace(" 1\n", " 2\n", 1), text(GOOD) * 20_000),
    *(text(GOOD, name=name) for name in ("", "-x", "a\x1b[2J", "x" * 101)),
]
NO_BRANCHES = ["main", "refs/tags/v1", "refs/heads/-u", "refs/heads/a..b", "refs/heads/", "refs/heads/a b"]
NO_LINES = [
    *("", "ref", f"ref {A[:39]} refs/heads/main", f"ref {A.upper()} refs/heads/main"),
    *(f"ref {A} {branch}" for branch in [*NO_BRANCHES, "refs/heads/" + "x" * 300]),
]


@pytest.mark.parametrize("content", [*NO_FILES, *map(text, NO_LINES)])
def test_what_is_no_news_is_thrown_away(inbox: Path, content: str) -> None:
    (inbox / "1-1.push").write_text(content)
    assert read(inbox) == []
    assert list(inbox.iterdir()) == []


def test_one_line_that_is_none_does_not_hide_the_others(inbox: Path) -> None:
    (inbox / "1-1.push").write_text(text(f"ref {A} refs/heads/-u", GOOD, "nonsense"))
    assert [news.branch for news in read(inbox)] == ["main"]


def test_a_file_that_tells_of_too_much_is_cut(inbox: Path) -> None:
    (inbox / "1-1.push").write_text(text(*(f"ref {A} refs/heads/b{number}" for number in range(2000))))
    assert len(read(inbox)) == 1000


def test_links_pipes_and_strange_names_are_thrown_away_and_folders_left(inbox: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text(text(GOOD))
    (inbox / "1-1.push").symlink_to(elsewhere)
    (inbox / "1-2.push").symlink_to("/dev/zero")
    os.mkfifo(inbox / "1-3.push")
    (inbox / "notes.txt").write_text(text(GOOD))
    (inbox / "\udcff-1.push").write_text(text(GOOD))
    (inbox / "1-4.push").mkdir()
    (inbox / "1-5.push").write_bytes(b"\xff" * 100)
    assert read(inbox) == []
    assert [path.name for path in inbox.iterdir()] == ["1-4.push"]
    assert elsewhere.read_text() == text(GOOD)


def test_a_flood_is_taken_in_portions(inbox: Path) -> None:
    for number in range(1500):
        (inbox / f"1-{number}.push").write_text(text(GOOD))
    (inbox / "1-9999.push").mkdir()
    assert [len(read(inbox)) for _ in range(3)] == [1000, 500, 0]


@given(
    some.binary(max_size=300)
    | some.text(max_size=200).map(lambda line: text(line).encode("utf-8", "replace"))
)
def test_no_content_makes_it_stumble(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    inbox = tmp_path_factory.mktemp("inbox")
    (inbox / "1-1.push").write_bytes(content)
    assert all(news.told_by == "hook" for news in read(inbox))
    assert list(inbox.iterdir()) == []


@pytest.mark.parametrize("name", ["", " ", "-x", "a\nb", "a\u202eb", "x" * 101])
def test_names_that_no_repository_has(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name"):
        check_name(name)
