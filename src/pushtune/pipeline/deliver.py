"""Stage deliver: a branch with the winner's source, and the files in their lasting place."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pushtune.deliver import (
    Delivered,
    DeliveredFiles,
    Delivery,
    Reached,
    Told,
    deliver_branch,
    deliver_files,
    point_latest,
    push_branch,
)
from pushtune.git import Mirror
from pushtune.ledger import DELIVERED_FOLDER, PushRow, RepositoryRow
from pushtune.model.states import StageName
from pushtune.pipeline.desk import Desk
from pushtune.pipeline.results import PATCH, REPORT, SUMMARY, TEXT, WINNER
from pushtune.pipeline.stage import Done, Step, Waiting

BRANCH = "delivered_branch"
FOLDER = DELIVERED_FOLDER
FILES = "delivered_files"
PUBLISHED = "delivered_published"
"""The study's facts that say what was delivered."""


class Deliver:
    """Hands back what the study came to. Doing it twice gives the same branch and the same files."""

    name = StageName.DELIVER

    def step(self, desk: Desk) -> Step:
        """Commit, copy, and, where it is wished and allowed, push the branch back; all beside others."""
        done = desk.errands.run("deliver", _HandingOver.of(desk).do)
        if done is None:
            return Waiting()
        delivered, kept, published = done.value
        for left in kept.left_out:
            desk.say(f"not delivered: {left.name} ({left.why})")
        files = [path.as_posix() for path in kept.files]
        folder = str(kept.folder)
        desk.bench.fix(**{BRANCH: delivered.branch, PUBLISHED: published, FOLDER: folder, FILES: files})
        note = delivered.note + (f", pushed to {desk.repository.name}" if published else "")
        desk.say(note)
        return Done(note)


@dataclass(frozen=True)
class _HandingOver:
    """What is done in a thread: it touches the mirror, the delivered files, and the origin. Nothing else."""

    mirror: Mirror
    delivery: Delivery
    sources: Mapping[str, Path]
    goal: Path
    publish: Callable[[str], bool] | None

    @classmethod
    def of(cls, desk: Desk) -> _HandingOver:
        folder = desk.server.home.study(desk.bench.study_id)
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        sources = {name: folder / name for name in (REPORT, TEXT, SUMMARY, PATCH, WINNER)}
        sources |= {path.name: path for path in sorted(folder.glob("model*"))}
        sources["logs"] = desk.server.home.push(desk.push) / "logs"
        goal = desk.server.home.delivered(desk.repository.name, desk.push)
        publish = _publisher(desk) if desk.settings.publish else None
        return cls(desk.mirror, _delivery(desk, folder, summary), sources, goal, publish)

    def do(self) -> tuple[Delivered, DeliveredFiles, bool]:
        delivered = deliver_branch(self.mirror, self.delivery)
        branch = delivered.branch
        published = branch is not None and self.publish is not None and self.publish(branch)
        kept = deliver_files(self.sources, self.goal)
        point_latest(self.goal)
        return delivered, kept, published


def _publisher(desk: Desk) -> Callable[[str], bool]:
    repository, mirror = desk.repository, desk.mirror
    address, credentials = desk.server.address(repository), desk.server.credentials(repository)
    return lambda branch: push_branch(mirror, address, branch, credentials)


def _delivery(desk: Desk, folder: Path, summary: Mapping[str, Any]) -> Delivery:
    row = desk.row
    assert row.commit is not None
    return Delivery(
        commit=row.commit,
        files={} if summary["winner"] is None else _winner_files(folder / WINNER),
        told=_told(row, summary, _command(desk)),
        time=int(row.created),
        beside=_is_beside(desk.repository, row),
    )


def _is_beside(repository: RepositoryRow, row: PushRow) -> bool:
    """Whether the push came to another branch than the first one that the operator named."""
    return bool(repository.branches) and repository.branches[0] != row.branch


def _winner_files(folder: Path) -> dict[str, bytes]:
    """Return the winner's source as the study wrote it: our own files, not a trial's."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def _command(desk: Desk) -> str:
    """Return the arguments that the winner is started with, where they are not the author's."""
    study = desk.bench.study
    arguments = study.facts.get("winner_args")
    return "" if arguments is None or tuple(arguments) == study.args else shlex.join(arguments)


def _told(row: PushRow, summary: Mapping[str, Any], command: str) -> Told:
    winner, baseline = summary["winner"] or summary["baseline"], summary["baseline"]
    return Told(
        push=row.id,
        study=summary["study"],
        script=summary["script"],
        metric=summary["metric"]["name"],
        winner=_reached(winner),
        baseline=None if baseline is None else _reached(baseline),
        data=winner["data"],
        target=summary["target"] or "",
        target_met=summary["target_met"],
        command=command,
        branch=row.branch or "",
    )


def _reached(arm: Mapping[str, Any]) -> Reached:
    return Reached(arm["mean"], arm["std"], len(arm["values"]))
