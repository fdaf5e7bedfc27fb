"""Look at studies, and apply a winner: what ``show``, ``diff``, ``apply`` and ``studies`` do."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pushtune.errors import UsageError
from pushtune.git import apply_patch
from pushtune.ledger import Ledger, StudyRow, TrialRow
from pushtune.model.space import Assignment
from pushtune.model.states import Purpose, PushState
from pushtune.pipeline.results import PATCH, SUMMARY, TEXT
from pushtune.service.places import LEDGER, find_home, study_folder

_NO_STUDY = "`pushtune tune SCRIPT` makes one"


@dataclass(frozen=True)
class Found:
    """A study that exists, with its folder and its ledger, open."""

    ledger: Ledger
    study: StudyRow
    folder: Path


@contextmanager
def open_study(start: Path, name: str | None) -> Iterator[Found]:
    """Open a study of the project at or above ``start``.

    It is the one whose name begins with ``name``, or the newest.
    Raises ``UsageError`` if there is none, or if several fit.
    """
    home = _home(start)
    ledger = Ledger(home / LEDGER)
    try:
        study = _chosen(ledger.studies.all(), name)
        yield Found(ledger, study, study_folder(home, study.id))
    finally:
        ledger.close()


def _home(start: Path) -> Path:
    home = find_home(start)
    if home is None:
        raise UsageError(f"there is no study in {start} or above it", fix=_NO_STUDY)
    return home


def _chosen(studies: list[StudyRow], name: str | None) -> StudyRow:
    if not studies:
        raise UsageError("there is no study yet", fix=_NO_STUDY)
    if name is None:
        return studies[-1]
    exact = [study for study in studies if study.id == name]
    fitting = exact or [study for study in studies if study.id.startswith(name)]
    if not fitting:
        raise UsageError(f"there is no study called {name!r}", fix="`pushtune studies` lists them")
    if len(fitting) > 1:
        raise UsageError(f"{name!r} fits {len(fitting)} studies", fix="`pushtune studies` lists them")
    return fitting[0]


def show_study(found: Found, *, as_json: bool) -> str:
    """Return a study's summary, or how far it has come where it has none yet."""
    push = found.ledger.pushes.of_study(found.study.id)
    text = found.folder / TEXT
    done = push.state is PushState.DONE and text.is_file()
    if as_json:
        return json.dumps(_json(found, done=done), indent=1)
    if done:
        return text.read_text(encoding="utf-8")
    rows = found.ledger.trials(found.study.id).all()
    head = f"{found.study.id}: {push.state.value}" + (f": {push.reason}" if push.reason else "")
    return "\n".join([head, *(_line(row) for row in rows)])


def _json(found: Found, *, done: bool) -> dict[str, Any]:
    if done:
        body: dict[str, Any] = json.loads((found.folder / SUMMARY).read_text(encoding="utf-8"))
        return body
    push = found.ledger.pushes.of_study(found.study.id)
    rows = found.ledger.trials(found.study.id).all()
    return {
        "study": found.study.id,
        "state": push.state.value,
        "reason": push.reason,
        "trials": [
            {
                "number": row.number,
                "purpose": row.purpose.value,
                "state": row.state.value,
                "values": row.assignment.as_dict(),
                "source": row.assignment.source,
                "epochs": row.epochs,
                "value": row.value,
                "report": row.report,
                "seconds": row.seconds,
            }
            for row in rows
        ],
    }


def _line(row: TrialRow) -> str:
    value = "" if row.value is None else f"{row.value:.4f}"
    epochs = f"{row.epochs} epochs" if row.epochs else ""
    changes = ", ".join(f"{name}={value}" for name, value in row.assignment.values) or "as it stands"
    return f"{row.number:>6}  {row.state.value:<13} {value:>8}  {epochs:<10} {changes}"


def winner_patch(found: Found) -> str:
    """Return the winner's patch. ``UsageError`` if there is none (yet)."""
    path = found.folder / PATCH
    if not path.is_file():
        raise UsageError(f"{found.study.id} has no winner yet", fix="run its `pushtune tune` to the end")
    return path.read_bytes().decode("utf-8", "surrogateescape")


def winner_arguments(found: Found) -> str | None:
    """Return the arguments that the winner is started with, where they are others than the author's."""
    args = found.study.facts.get("winner_args")
    return None if args is None or tuple(args) == tuple(found.study.args) else shlex.join(args)


def apply_winner(found: Found) -> list[str]:
    """Apply the winner's patch to the author's files; return their paths.

    None where the winner changes nothing but its arguments. Raises ``UsageError``, with nothing changed,
    if there is nothing to apply or the patch does not fit any more.
    """
    patch = winner_patch(found)
    if not patch and winner_arguments(found) is not None:
        return []
    if not patch:
        raise UsageError(f"{found.study.id} found nothing better than your script: there is nothing to apply")
    try:
        return apply_patch(Path(found.study.root), found.folder / PATCH)
    except UsageError as error:
        raise UsageError(
            f"the winner's patch does not fit {found.study.entry} as it is now ({error})",
            fix=f"the winner's whole source is in {found.folder / 'winner'}",
        ) from None


def list_studies(start: Path, *, as_json: bool) -> str:
    """Return all studies of the project, oldest first."""
    home = _home(start)
    ledger = Ledger(home / LEDGER)
    try:
        rows = [_study_facts(ledger, study) for study in ledger.studies.all()]
    finally:
        ledger.close()
    if as_json:
        return json.dumps(rows, indent=1)
    return "\n".join(
        f"{row['study']:<32} {row['state']:<8} {row['target'] or '-':<18} {row['trials']:>4} trials  "
        f"{datetime.fromtimestamp(row['created']):%Y-%m-%d %H:%M}  {row['reason']}"
        for row in rows
    )


def _study_facts(ledger: Ledger, study: StudyRow) -> dict[str, Any]:
    push = ledger.pushes.of_study(study.id)
    winner = study.facts.get("winner")
    trials = ledger.trials(study.id).all()
    return {
        "study": study.id,
        "script": study.entry,
        "state": push.state.value,
        "target": study.target,
        "created": study.created,
        "trials": sum(1 for row in trials if row.purpose is Purpose.SEARCH),
        "winner": None if winner is None else Assignment.from_json(winner).as_dict(),
        "reason": push.reason,
    }
