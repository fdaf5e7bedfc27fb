"""A letter says how to reproduce what was won in a clone of one's own: not in the server's folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from watched import Watched

from pushtune.ledger import StudyRow
from pushtune.pipeline import Desk
from pushtune.pipeline.deliver import BRANCH, FOLDER, PUBLISHED
from pushtune.pipeline.errands import AtOnce
from pushtune.pipeline.letter import facts_of
from pushtune.pipeline.results import PATCH, SUMMARY

ARM = {"name": "winner", "mean": 0.9, "std": None, "values": [0.9], "data": "test set"}
SUMMARY_OF_A_WINNER: dict[str, Any] = {
    "metric": {"name": "accuracy", "direction": "max", "chosen_on": "", "looks": 1},
    "target": None, "baseline": ARM, "winner": ARM, "controls": [], "confirmed": False, "why_stopped": "",
    "changes": [], "reproduce": ["cd /srv/pushtune/pushes/1/checkout", "python train.py"], "trials": [],
    "warnings": [], "seconds": 1.0,
}  # fmt: skip


class Won:
    """A push that was won, with what the stage deliver wrote of it."""

    def __init__(self, path: Path) -> None:
        self.watched = watched = Watched(path)
        self.study = StudyRow(
            "push-1", "k", str(path), "src/train.py", "src", ("--units", "4"), None, None, "auto", 0, 1.0
        )
        watched.ledger.studies.create(self.study, watched.push)
        self.folder = watched.home.study("push-1")
        self.folder.mkdir(parents=True)
        (self.folder / SUMMARY).write_text(json.dumps(SUMMARY_OF_A_WINNER))
        (self.folder / PATCH).write_text("a patch\n")

    def delivered(self, **facts: Any) -> tuple[str, ...]:
        self.watched.ledger.studies.set_facts("push-1", {"winner_args": ["--units", "8"], **facts})
        desk = Desk(self.watched.ledger, self.watched.push, server=self.watched.server, errands=AtOnce())
        return facts_of(desk).reproduce

    def settings(self, text: str) -> None:
        checkout = self.watched.home.checkout(self.watched.push)
        checkout.mkdir(parents=True)
        (checkout / "pushtune.toml").write_text(text)

    @property
    def commit(self) -> str:
        return (self.watched.row().commit or "")[:12]


@pytest.fixture
def won(tmp_path: Path) -> Won:
    return Won(tmp_path)


START = ("cd src", "python train.py --units 8")


def test_by_the_branch_where_it_was_pushed_back(won: Won) -> None:
    told = won.delivered(**{BRANCH: "pushtune/train", PUBLISHED: True, FOLDER: "/srv/delivered/wine/1"})
    assert told == ("git fetch && git switch pushtune/train", *START)


def test_by_the_delivered_patch_where_it_was_not(won: Won) -> None:
    told = won.delivered(**{BRANCH: "pushtune/train", PUBLISHED: False, FOLDER: "/srv/delivered/wine/1"})
    apply = "git apply /srv/delivered/wine/1/winner.patch  # a file on the server"
    assert told == (f"git fetch && git switch --detach {won.commit}", apply, *START)


def test_by_the_attached_patch_where_there_is_one(won: Won) -> None:
    won.settings('mail_attach = ["patch"]\n')
    told = won.delivered(**{BRANCH: "pushtune/train", FOLDER: "/srv/delivered/wine/1"})
    assert told[1] == "git apply winner.patch  # attached to this letter"


def test_an_attached_patch_that_is_too_large_to_be_is_not_named(won: Won) -> None:
    won.settings('mail_attach = ["patch"]\n')
    (won.folder / PATCH).write_bytes(b"x" * (1 << 21))
    assert "on the server" in won.delivered(**{FOLDER: "/srv/delivered/wine/1"})[1]


def test_where_nothing_is_changed_nothing_is_applied(won: Won) -> None:
    (won.folder / PATCH).write_text("")
    assert won.delivered() == (f"git fetch && git switch --detach {won.commit}", *START)
