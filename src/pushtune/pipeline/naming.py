"""What makes a study, and what it is called."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from pushtune.ledger import StudyRow
from pushtune.model.analysis import Script
from pushtune.settings import Settings


def study_key(script: Script, settings: Settings) -> str:
    """Return what makes a study: sources, arguments, target, metric, strategy and what steers the search.

    The budget is not part of it: a larger one extends the study.
    """
    body = {
        **_identity(script),
        "target": settings.target,
        "metric": settings.metric,
        "strategy": settings.strategy,
        "program": settings.program,
        "seed": settings.seed,
        "rungs": settings.rungs,
        "max_epochs": settings.max_epochs,
    }
    return _digest(body)


def push_fingerprint(script: Script, settings: Settings, data: Iterable[tuple[str, str]]) -> str:
    """Return what two pushes have in common that need not both be trained: script, settings, data.

    ``data`` are the paths and hashes of the commit's files that are neither source nor documents.
    """
    return _digest({**_identity(script), "settings": asdict(settings), "data": sorted(data)})


def _identity(script: Script) -> dict[str, object]:
    sources = [(file.path, hashlib.sha256(file.data).hexdigest()) for file in script.files]
    return {
        "entry": script.entry,
        "workdir": script.workdir,
        "args": script.args,
        "sources": sorted(sources),
    }


def _digest(body: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def new_study(script: Script, settings: Settings, identifier: str, *, now: float) -> StudyRow:
    """Return a study of ``script`` as it is now; nothing is written."""
    return StudyRow(
        id=identifier,
        key=study_key(script, settings),
        root=script.root,
        entry=script.entry,
        workdir=script.workdir,
        args=script.args,
        target=settings.target,
        metric=settings.metric,
        strategy=settings.strategy,
        seed=settings.seed,
        created=now,
    )


def study_name(script: Script, key: str, number: int) -> str:
    """Return a study's name: the script's, the key's head, and a number from the second fresh one on."""
    return f"{script_name(script)}-{key[:8]}" + (f"-{number}" if number > 1 else "")


def script_name(script: Script) -> str:
    """Return what a person calls the script: its file's name, or its folder's where that says nothing."""
    entry = Path(script.entry)
    stem = (
        entry.stem if entry.stem not in ("train", "main", "run") or len(entry.parts) < 2 else entry.parts[-2]
    )
    return re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-")[:40] or "script"
