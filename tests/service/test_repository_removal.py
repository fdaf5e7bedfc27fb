"""A repository that is watched no more is told of no more."""

from __future__ import annotations

import shutil
from pathlib import Path

from pushtune.model.states import PushState, StageState
from pushtune.process import run
from pushtune.service.credentials import Keys
from pushtune.service.home import Opened, opened
from pushtune.service.repositories import Removed, add_repository, hook_repository, remove_repository


def watch(home: Opened, origin: Path) -> Path:
    add_repository(
        home, str(origin), name="model", branches=(), poll=None, keys=Keys(None, "", None, None),
        train_now=False,
    )  # fmt: skip
    (hook,) = hook_repository(home, "model", remove=False)
    return hook


def test_its_hook_goes_with_it(tmp_path: Path) -> None:
    origin = tmp_path / "origin.git"
    run(["git", "init", "--bare", str(origin)])
    with opened(tmp_path / "home", {"local": True}, {}, make=True) as home:
        hook = watch(home, origin)
        assert hook.exists()
        remove_repository(home, "model")
        assert not hook.exists()
        assert home.ledger.repositories.all() == []


def test_one_that_is_gone_can_be_removed(tmp_path: Path) -> None:
    origin = tmp_path / "origin.git"
    run(["git", "init", "--bare", str(origin)])
    with opened(tmp_path / "home", {"local": True}, {}, make=True) as home:
        watch(home, origin)
        shutil.rmtree(origin)
        remove_repository(home, "model")
        assert home.ledger.repositories.all() == []


def push(home: Opened, commit: str, *, branch: str = "main") -> int:
    (row,) = home.ledger.repositories.all()
    number = home.ledger.repositories.seen(row.id, branch, commit * 40, told_by="poll", now=1.0)
    assert number is not None
    return number


def test_what_nobody_had_begun_is_cancelled_and_says_why(tmp_path: Path) -> None:
    origin = tmp_path / "origin.git"
    run(["git", "init", "--bare", str(origin)])
    with opened(tmp_path / "home", {"local": True}, {}, make=True) as home:
        watch(home, origin)
        begun = push(home, "a")
        assert home.ledger.pushes.take_up(begun)
        waiting = push(home, "b", branch="other")
        assert remove_repository(home, "model") == Removed(cancelled=(waiting,), running=(begun,))
        row = home.ledger.pushes.get(waiting)
        assert row is not None
        assert (row.state, row.reason) == (PushState.CANCELLED, "model is not watched any more")
        assert {stage.state for stage in home.ledger.pushes.stages_of(waiting).values()} == {
            StageState.SKIPPED
        }
        assert [push.id for push in home.ledger.pushes.open()] == [begun]


def test_a_look_that_was_under_way_makes_no_push_any_more(tmp_path: Path) -> None:
    origin = tmp_path / "origin.git"
    run(["git", "init", "--bare", str(origin)])
    with opened(tmp_path / "home", {"local": True}, {}, make=True) as home:
        watch(home, origin)
        (row,) = home.ledger.repositories.all()
        remove_repository(home, "model")
        assert home.ledger.repositories.seen(row.id, "main", "a" * 40, told_by="poll", now=1.0) is None
