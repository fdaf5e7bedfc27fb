"""Making an attempt: its folder, its workspace, its plan, and the command that starts it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pushtune.model.analysis import Candidate, Script, Span
from pushtune.model.containers import ContainerSpec
from pushtune.model.ports import AttemptSpec, Limits
from pushtune.trial.folder import TrialFolder, disk_errors
from pushtune.trial.links import write_links
from pushtune.trial.workspace import Workspace, build_workspace
from pushtune_probe import wire
from pushtune_probe.wire import Plan

PROBE = Path(wire.__file__).absolute().parent
"""The probe's own folder. Python runs it as a program by its path, so it is never installed anywhere."""


@dataclass(frozen=True)
class AttemptRequest:
    """All that an attempt is made from. It is started with the candidate's arguments, not the script's.

    ``study`` is the study's folder; ``label`` is unique to the attempt; ``python`` the interpreter's path;
    ``variables`` the complete environment. The rest is as in ``wire.Plan``: epochs count from 1 over the
    whole trial, ``patience`` is in seconds.
    """

    study: str
    script: Script
    candidate: Candidate
    trial: int
    attempt: int
    label: str
    python: str
    variables: Mapping[str, str]
    seed: int
    threads: int
    metric: str | None = None
    pause_at: int | None = None
    finish_at: int | None = None
    record: bool = True
    max_parameters: int | None = None
    patience: float = 60.0
    loops: tuple[tuple[str, int], ...] = ()
    watch: tuple[Span, ...] = ()
    limits: Limits = field(default_factory=Limits)
    container: ContainerSpec | None = None

    @property
    def folder(self) -> TrialFolder:
        """The folder of the trial."""
        return TrialFolder.of(self.study, self.trial)


def make_attempt(request: AttemptRequest) -> AttemptSpec:
    """Build the attempt's folder anew and return what a runtime needs to start it.

    It resumes from the newest whole checkpoint of the trial's lower attempts, if there is one. The caller
    has seen to it that no process of this attempt lives. Raises ``MachineError`` where the disk is full
    or the folder cannot be written; then nothing half-made is left.
    """
    attempt = request.folder.attempt(request.attempt)
    try:
        with disk_errors(attempt):
            shutil.rmtree(attempt, ignore_errors=True)
            attempt.mkdir(parents=True)
            checkpoints = request.folder.checkpoints_below(request.attempt)
            workspace = _prepare(request, attempt, checkpoints)
    except BaseException:
        # Also on Ctrl-C: a folder that is there is a whole one.
        shutil.rmtree(attempt, ignore_errors=True)
        raise
    return AttemptSpec(
        label=request.label,
        command=_command(request, attempt),
        workdir=str(workspace.root / request.script.workdir),
        folder=str(attempt),
        environment=dict(request.variables),
        limits=request.limits,
        reads=(str(PROBE), *map(str, checkpoints)),
        links=tuple(link.path for link in workspace.links),
        container=_container(request),
    )


def _container(request: AttemptRequest) -> ContainerSpec | None:
    """Return how the container is set up: data below the script's own folder may always be linked."""
    spec = request.container
    return None if spec is None else replace(spec, reach=(request.script.root, *spec.reach))


def _prepare(request: AttemptRequest, attempt: Path, checkpoints: tuple[Path, ...]) -> Workspace:
    workspace = build_workspace(
        attempt,
        request.script,
        request.candidate,
        checkpoint=checkpoints[0] if checkpoints else None,
        without=Path(request.study),
    )
    write_links(attempt, workspace.links)
    plan = _plan(request, workspace, checkpoints)
    wire.write_atomically(str(attempt / wire.PLAN), plan.to_json().encode())
    (attempt / wire.HEARTBEAT).touch()
    return workspace


def _plan(request: AttemptRequest, workspace: Workspace, checkpoints: tuple[Path, ...]) -> Plan:
    return Plan(
        label=request.label,
        trial=request.trial,
        attempt=request.attempt,
        seed=request.seed,
        threads=request.threads,
        workspace=str(workspace.root),
        script=request.script.entry,
        metric=request.metric,
        pause_at=request.pause_at,
        finish_at=request.finish_at,
        record=request.record,
        checkpoints=tuple(str(folder) for folder in checkpoints),
        patience=request.patience,
        max_parameters=request.max_parameters,
        loops=request.loops,
        watch=tuple((span.file, *span.as_list()) for span in request.watch),  # type: ignore[misc]
    )


def _command(request: AttemptRequest, attempt: Path) -> tuple[str, ...]:
    """Return the command line. The script is named as its author would name it in the working folder."""
    script = os.path.relpath(request.script.entry, request.script.workdir)
    return (request.python, str(PROBE), "--attempt", str(attempt), "--", script, *request.candidate.args)
