"""A repository that is watched no more is told of no more."""

from __future__ import annotations

import shutil
from pathlib import Path

from pushtune.process import run
from pushtune.service.credentials import Keys
from pushtune.service.home import Opened, opened
from pushtune.service.repositories import add_repository, hook_repository, remove_repository


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
