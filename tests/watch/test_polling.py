"""Polling of real repositories: what moved is told, once it is seen; who does not answer holds up nobody."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some
from repositories import Pair, eventually, git, pair

from pushtune.errors import MachineError
from pushtune.git import Heads, check_address, list_heads
from pushtune.watch import polling as polling_module
from pushtune.watch.announcement import Announcement
from pushtune.watch.polling import LANES, MOST_OF_A_HOST, TRUSTED_PICTURES, Passed, Polling, news

A, B = "a1" * 20, "b2" * 20


@dataclass(frozen=True)
class Watched:
    id: int
    folder: Path = Path("/nowhere")
    branches: tuple[str, ...] = ()
    poll: float | None = 60.0
    host: str = ""

    @property
    def address(self) -> str:
        return f"https://{self.host}/team/{self.id}" if self.host else str(self.folder)


@dataclass
class Desk:
    """Polling with the heads kept as a ledger keeps them, and a clock of its own."""

    known: dict[int, dict[str, str]] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    now: float = 0.0

    def list_heads(self, repository: Watched) -> Heads:
        self.asked.append(repository.id)
        return list_heads(check_address(str(repository.folder), allow_local=True))

    def round(self, polling: Polling[Watched]) -> list[Announcement]:
        """Let all be looked at once, and take over what was told."""
        told = []
        for _ in range(2):
            eventually(lambda: (told.extend(polling.turn(self.now)), not polling.looking())[1])
        for each in told:
            assert each.repository is not None
            heads = self.known.setdefault(each.repository, {})
            heads.pop(each.branch, None) if each.deleted else heads.update({each.branch: str(each.commit)})
        self.now += 200.0
        return told


@contextmanager
def opened(desk: Desk, *repositories: Watched, pictures: bool = False) -> Iterator[Polling[Watched]]:
    polling = Polling(
        desk.list_heads, lambda number: desk.known.get(number, {}),
        folder=lambda repository: repository.folder if pictures else None,
    )  # fmt: skip
    polling.watch(repositories, desk.now)
    yield polling
    polling.close()


@pytest.fixture(params=[False, True], ids=["asking git", "by pictures"])
def pictures(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def two(tmp_path: Path) -> Pair:
    return pair(tmp_path)


def said(told: list[Announcement]) -> list[tuple[int | None, str, str | None, bool]]:
    return [(each.repository, each.branch, each.commit, each.deleted) for each in told]


def test_a_push_is_told_once(two: Pair, pictures: bool) -> None:
    desk = Desk()
    first = two.push()
    with opened(desk, Watched(1, two.bare), pictures=pictures) as polling:
        assert said(desk.round(polling)) == [(1, "main", first, False)]
        assert desk.round(polling) == []
        second = two.push()
        (told,) = desk.round(polling)
        assert (told.commit, told.told_by) == (second, "poll")
        assert desk.round(polling) == []


def test_a_push_that_was_not_written_down_is_told_again(two: Pair, pictures: bool) -> None:
    desk = Desk()
    two.push()
    with opened(desk, Watched(1, two.bare), pictures=pictures) as polling:
        desk.round(polling)
        desk.known.clear()
        assert len(desk.round(polling)) == 1


def test_a_branch_that_goes_back_is_told(two: Pair, pictures: bool) -> None:
    desk = Desk()
    first, second = two.push(), two.push()
    with opened(desk, Watched(1, two.bare), pictures=pictures) as polling:
        assert [each.commit for each in desk.round(polling)] == [second]
        git(two.work, "push", "--quiet", "--force", "origin", f"{first}:main")
        assert [each.commit for each in desk.round(polling)] == [first]


def test_only_watched_branches_count(two: Pair, pictures: bool) -> None:
    desk = Desk()
    commit = two.push("x", "origin", "HEAD:main", "HEAD:feature/one", "HEAD:other", "HEAD:pushtune/train")
    watched = Watched(1, two.bare, branches=("feature/*", "pushtune/*", "nothing"))
    with opened(desk, watched, Watched(2, two.bare), pictures=pictures) as polling:
        told = said(desk.round(polling))
        assert sorted(told) == [(1, "feature/one", commit, False), (2, "main", commit, False)]


def test_a_push_that_nobody_watches_is_told_as_passed_over_once(two: Pair, pictures: bool) -> None:
    desk = Desk()
    two.push("x", "origin", "HEAD:main", "HEAD:other")
    with opened(desk, Watched(1, two.bare), pictures=pictures) as polling:
        desk.round(polling)
        assert polling.passed() == [], "what was there when it was first looked at is no push"
        two.push("y", "origin", "HEAD:main", "HEAD:idea", "HEAD:other", "HEAD:pushtune/train")
        desk.round(polling)
        assert polling.passed() == [Passed(1, ("idea", "other"), "main")]
        desk.round(polling)
        assert polling.passed() == []


def test_a_deleted_branch_is_told_and_may_come_back(two: Pair, pictures: bool) -> None:
    desk = Desk()
    commit = two.push("x", "origin", "HEAD:main", "HEAD:idea")
    with opened(desk, Watched(1, two.bare, branches=("*",)), pictures=pictures) as polling:
        desk.round(polling)
        git(two.work, "push", "--quiet", "origin", ":idea")
        assert said(desk.round(polling)) == [(1, "idea", None, True)]
        assert desk.round(polling) == []
        git(two.work, "push", "--quiet", "origin", f"{commit}:refs/heads/idea")
        assert said(desk.round(polling)) == [(1, "idea", commit, False)]


def test_an_empty_repository_is_no_news_until_it_has_some(two: Pair, pictures: bool) -> None:
    desk = Desk()
    with opened(desk, Watched(1, two.bare), pictures=pictures) as polling:
        assert desk.round(polling) == []
        commit = two.push()
        assert said(desk.round(polling)) == [(1, "main", commit, False)]


def test_another_default_branch_is_news(two: Pair, pictures: bool) -> None:
    desk = Desk()
    commit = two.push("x", "origin", "HEAD:main", "HEAD:trunk")
    with opened(desk, Watched(1, two.bare), pictures=pictures) as polling:
        desk.round(polling)
        git(two.bare, "symbolic-ref", "HEAD", "refs/heads/trunk")
        assert said(desk.round(polling)) == [(1, "trunk", commit, False)]


def test_where_nothing_moves_git_is_asked_only_now_and_then(two: Pair) -> None:
    desk = Desk()
    two.push()
    with opened(desk, Watched(1, two.bare), pictures=True) as polling:
        for _ in range(TRUSTED_PICTURES + 2):
            desk.round(polling)
    assert desk.asked == [1, 1]


def test_who_does_not_answer_is_known_and_comes_back(two: Pair, tmp_path: Path) -> None:
    desk = Desk()
    gone = two.bare.rename(tmp_path / "away.git")
    with opened(desk, Watched(1, two.bare)) as polling:
        desk.round(polling)
        assert "is not there" in polling.troubles()[1]
        gone.rename(two.bare)
        commit = two.push()
        desk.now += 1000.0
        assert said(desk.round(polling)) == [(1, "main", commit, False)]
        assert polling.troubles() == {}


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is slow is so after a moment."""
    monkeypatch.setattr(polling_module, "SLOW", 0.05)


@dataclass
class Hanging(Desk):
    """One host takes long over each look, until it is let go."""

    ever: threading.Event = field(default_factory=threading.Event)
    patience: float = 0.1

    def list_heads(self, repository: Watched) -> Heads:
        if repository.host == "hangs.example" and not self.ever.wait(self.patience):
            raise MachineError("it took half a minute")
        return super().list_heads(repository)


def test_a_host_that_hangs_holds_up_nobody_else(two: Pair) -> None:
    commit = two.push()
    desk = Hanging(patience=3600.0)
    hang = [Watched(number, two.bare, host="hangs.example") for number in range(50)]
    others = [Watched(number, two.bare, host="quick.example") for number in range(50, 100)]
    with opened(desk, *hang, *others) as polling:
        told: list[Announcement] = []
        eventually(lambda: (told.extend(polling.turn(desk.now)), len(told) == 50)[1])
        assert {(each.commit, (each.repository or 0) >= 50) for each in told} == {(commit, True)}
        assert polling.looking() == MOST_OF_A_HOST
        desk.ever.set()
        eventually(lambda: (told.extend(polling.turn(desk.now)), len(told) == 100)[1])


def test_who_is_slow_waits_in_a_lane_of_its_own_until_it_is_quick(two: Pair, short: None) -> None:
    two.push()
    desk = Hanging()
    hang = [Watched(number, two.bare, host="hangs.example") for number in range(20)]
    with opened(desk, *hang) as polling:
        eventually(lambda: (polling.turn(desk.now), len(polling.troubles()) > MOST_OF_A_HOST)[1])
        assert polling.looking() <= MOST_OF_A_HOST + LANES["slow"]
        desk.patience = 3600.0
        eventually(lambda: (polling.turn(desk.now), polling.looking() == LANES["slow"])[1])
        desk.ever.set()
        desk.now += 1000.0
        told: list[Announcement] = []
        eventually(
            lambda: (told.extend(polling.turn(desk.now)), len({each.repository for each in told}) == 20)[1]
        )
        assert polling.troubles() == {}


def test_a_mistake_in_a_look_is_that_repositorys_trouble(two: Pair) -> None:
    class Clumsy(Desk):
        def list_heads(self, repository: Watched) -> Heads:
            raise ZeroDivisionError(f"repository {repository.id}")

    desk = Clumsy()
    with opened(desk, Watched(1, two.bare)) as polling:
        assert desk.round(polling) == []
        assert polling.troubles() == {1: "ZeroDivisionError: repository 1"}


def test_news_from_elsewhere_is_looked_for_at_once(two: Pair) -> None:
    desk = Desk()
    woken = threading.Event()
    two.push()
    polling = Polling(desk.list_heads, lambda number: desk.known.get(number, {}), wake=woken.set)
    polling.watch([Watched(1, two.bare, poll=None)], 0.0)
    desk.round(polling)
    commit = two.push()
    assert polling.next_due() is None
    woken.clear()
    polling.hurry(1, desk.now)
    assert polling.turn(desk.now) == []
    assert woken.wait(60)
    assert said(polling.turn(desk.now)) == [(1, "main", commit, False)]
    polling.close()


def test_what_was_found_of_a_repository_that_was_removed_meanwhile_is_dropped(two: Pair) -> None:
    desk = Desk()
    two.push()
    with opened(desk, Watched(1, two.bare)) as polling:
        polling.turn(0.0)
        polling.watch([], 0.0)
        assert desk.round(polling) == []
        polling.watch([Watched(1, two.bare)], desk.now)
        assert len(desk.round(polling)) == 1


names = some.sampled_from(["main", "next", "a/b", "-x", "a..b", "pushtune/x", "x y", "\u202e", "HEAD"])
places = some.dictionaries(names, some.sampled_from([A, B]), max_size=5)


@given(places, places, some.sampled_from([(), ("*",), ("a/*", "next")]), names | some.none())
def test_after_news_are_taken_over_there_are_none(
    heads: dict[str, str], known: dict[str, str], patterns: tuple[str, ...], default: str | None
) -> None:
    known = {branch: commit for branch, commit in known.items() if branch in ("main", "next", "a/b")}
    repository, seen = Watched(1, branches=patterns), Heads(default, heads)
    for each in news(repository, seen, known):
        assert (each.commit is None) == each.deleted
        known.pop(each.branch, None) if each.deleted else known.update({each.branch: str(each.commit)})
    assert news(repository, seen, known) == []
