"""Stage deliver: a branch with the winner's source, and the files in their lasting place."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pushtune.deliver import (
    Delivered,
    Delivery,
    Reached,
    Told,
    deliver_branch,
    deliver_files,
    point_latest,
    push_branch,
)
from pushtune.model.states import StageName
from pushtune.pipeline.desk import Desk
from pushtune.pipeline.results import PATCH, REPORT, SUMMARY, TEXT, WINNER
from pushtune.pipeline.stage import Done, Step, Waiting

BRANCH = "delivered_branch"
FOLDER = "delivered_folder"
FILES = "delivered_files"
"""The study's facts that say what was delivered."""


class Deliver:
    """Hands back what the study came to. Doing it twice gives the same branch and the same files."""

    name = StageName.DELIVER

    def step(self, desk: Desk) -> Step:
        """Commit, copy, and, where it is wished and allowed, push the branch back."""
        folder = desk.server.home.study(desk.bench.study_id)
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        delivered = deliver_branch(desk.mirror, _delivery(desk, folder, summary))
        if delivered.branch is not None and desk.settings.publish:
            published = _publish(desk, delivered.branch)
            if published is None:
                return Waiting()
        self._keep(desk, folder, delivered)
        desk.say(delivered.note)
        return Done(delivered.note)

    def _keep(self, desk: Desk, folder: Path, delivered: Delivered) -> None:
        sources = {name: folder / name for name in (REPORT, TEXT, SUMMARY, PATCH, WINNER)}
        sources |= {path.name: path for path in sorted(folder.glob("model*"))}
        sources["logs"] = desk.server.home.push(desk.push) / "logs"
        goal = desk.server.home.delivered(desk.repository.name, desk.push)
        kept = deliver_files(sources, goal)
        for left in kept.left_out:
            desk.say(f"not delivered: {left.name} ({left.why})")
        point_latest(goal)
        files = [path.as_posix() for path in kept.files]
        desk.bench.fix(**{BRANCH: delivered.branch, FOLDER: str(kept.folder), FILES: files})


def _delivery(desk: Desk, folder: Path, summary: Mapping[str, Any]) -> Delivery:
    row = desk.row
    assert row.commit is not None
    return Delivery(
        commit=row.commit,
        files={} if summary["winner"] is None else _winner_files(folder / WINNER),
        told=_told(row.id, summary, _command(desk)),
        time=int(row.created),
    )


def _winner_files(folder: Path) -> dict[str, bytes]:
    """Return the winner's source as the study wrote it: our own files, not a trial's."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def _command(desk: Desk) -> str:
    """Return the arguments that the winner is started with, where they are not the author's."""
    study = desk.bench.study
    arguments = study.facts.get("winner_args")
    return "" if arguments is None or tuple(arguments) == study.args else shlex.join(arguments)


def _told(push: int, summary: Mapping[str, Any], command: str) -> Told:
    winner, baseline = summary["winner"] or summary["baseline"], summary["baseline"]
    return Told(
        push=push,
        study=summary["study"],
        script=summary["script"],
        metric=summary["metric"]["name"],
        winner=_reached(winner),
        baseline=None if baseline is None else _reached(baseline),
        data=winner["data"],
        target=summary["target"] or "",
        target_met=summary["target_met"],
        command=command,
    )


def _reached(arm: Mapping[str, Any]) -> Reached:
    return Reached(arm["mean"], arm["std"], len(arm["values"]))


def _publish(desk: Desk, branch: str) -> bool | None:
    """Push the branch back, beside the other pushes; None while that is under way."""
    repository, mirror = desk.repository, desk.mirror
    address, credentials = desk.server.address(repository), desk.server.credentials(repository)
    done = desk.errands.run("publish", lambda: push_branch(mirror, address, branch, credentials))
    if done is None:
        return None
    desk.say(f"pushed {branch} to {repository.name}" if done.value else f"{repository.name} has {branch}")
    return True
