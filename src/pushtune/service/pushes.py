"""Look at pushes, and act on one: what ``ps``, ``show``, ``logs``, ``cancel`` and ``retry`` do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from pushtune.errors import UsageError
from pushtune.ledger import DELIVERED_FOLDER, Ledger, PushRow, StageRow
from pushtune.model.home import Home
from pushtune.model.states import PUSH_ENDS, MailState, PushState, StageName, StageState
from pushtune.service.locks import is_free

_NEWEST = 20


def missing_server(home: Home, ledger: Ledger) -> str:
    """Return a line where pushes wait and no server, nor a command for a single stage, is there for them."""
    waiting = [row for row in ledger.pushes.open() if row.repository is not None]
    if not waiting or not is_free(home.lock):
        return ""
    return f"no server is running; `pushtune serve` goes on with {len(waiting)} of these"


def get_push(ledger: Ledger, number: int) -> PushRow:
    """Return one push. ``UsageError`` if there is none of that number."""
    row = ledger.pushes.get(number)
    if row is None:
        raise UsageError(f"there is no push {number}", fix="`pushtune ps --all` lists them")
    return row


def list_pushes(ledger: Ledger, *, count: int | None, as_json: bool, width: int | None = None) -> str:
    """Return the pushes under way and the newest that are over, the newest first (``count`` of them).

    Lines are cut at ``width`` columns; None: they are whole.
    """
    newest = ledger.pushes.newest(count or _NEWEST)
    rows = {row.id: row for row in (*ledger.pushes.open(), *newest)}
    ordered = [rows[number] for number in sorted(rows, reverse=True)]
    stages = ledger.pushes.running_stages([row.id for row in ordered if row.state not in PUSH_ENDS])
    names = ledger.repositories.names()
    facts = [_facts(row, stages.get(row.id), names) for row in ordered]
    if as_json:
        return json.dumps(facts, indent=1)
    if not facts:
        return "no push yet"
    return "\n".join(line[:width] for line in (_HEAD, *map(_line, facts)))


def _facts(row: PushRow, stage: StageName | None, names: dict[int, str]) -> dict[str, Any]:
    return {
        "push": row.id,
        "state": row.state.value,
        "stage": None if stage is None else stage.value,
        "repository": None if row.repository is None else names.get(row.repository),
        "branch": row.branch,
        "commit": row.commit,
        "author": None if row.author is None else row.author.name,
        "subject": row.subject,
        "baseline": row.baseline,
        "best": row.best,
        "created": row.created,
        "ended": row.ended,
        "reason": row.reason,
        "trouble": row.trouble,
        "study": row.study,
    }


_HEAD = (
    f"{'PUSH':>6}  {'STATE':<10} {'REPOSITORY@BRANCH':<28} {'COMMIT':<10}  "
    f"{'PUSHED':<11}  {'FIRST → BEST':<17} WHAT"
)


def _line(fact: dict[str, Any]) -> str:
    state = fact["stage"] or fact["state"]
    values = f"{_number(fact['baseline'])} → {_number(fact['best'])}" if fact["best"] is not None else ""
    what = fact["trouble"] or fact["reason"] or fact["subject"] or ""
    where = f"{fact['repository'] or '-'}@{fact['branch'] or '-'}"
    commit = (fact["commit"] or "")[:10]
    when = datetime.fromtimestamp(fact["created"]).strftime("%m-%d %H:%M")
    line = f"{fact['push']:>6}  {state:<10} {where:<28} {commit:<10}  {when}  {values:<17} {what}"
    return printable(line).rstrip()


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def printable(text: str) -> str:
    """Return one line that a terminal shows as it is: commits and scripts are strangers' words."""
    return "".join(char if char.isprintable() else "�" for char in text)[:400]


def show_push(ledger: Ledger, home: Home, number: int, *, as_json: bool) -> str:
    """Return how far a push came, stage by stage, and what it came to."""
    row = get_push(ledger, number)
    stages = ledger.pushes.stages_of(number)
    letters = ledger.outbox.of_push(number)
    delivered = _delivered(ledger, home, row)
    if as_json:
        return json.dumps(
            {
                **_facts(row, None, ledger.repositories.names()),
                "stages": [_stage_facts(stage) for stage in stages.values()],
                "mail": [
                    {"to": letter.recipients, "state": letter.state.value, "error": letter.error}
                    for letter in letters
                ],
                "folder": str(home.push(number)),
                "delivered": None if delivered is None else str(delivered),
            },
            indent=1,
        )
    lines = [_line(_facts(row, None, ledger.repositories.names())), ""]
    lines += [_stage_line(stage) for stage in stages.values()]
    lines += [_mail_line(letter.recipients, letter.state, letter.error) for letter in letters]
    if row.trouble:
        again = "" if row.retry_at is None else f" (again at {datetime.fromtimestamp(row.retry_at):%H:%M:%S})"
        lines.append(printable(f"  waits: {row.trouble}{again}"))
    lines.append(f"  logs: pushtune logs {number}    files: {delivered or home.push(number)}")
    return "\n".join(lines)


def _delivered(ledger: Ledger, home: Home, row: PushRow) -> Path | None:
    """Return the folder that was delivered, where it was written down: repositories change their names."""
    study = None if row.study is None else ledger.studies.get(row.study)
    written = None if study is None else study.facts.get(DELIVERED_FOLDER)
    if not written:
        return None
    # The second one: the home was moved since.
    places = (Path(written), home.delivered(Path(written).parent.name, row.id))
    return next((place for place in places if place.is_dir()), None)


def _stage_facts(stage: StageRow) -> dict[str, Any]:
    facts = asdict(stage)
    return {**facts, "name": stage.name.value, "state": stage.state.value}


def _stage_line(stage: StageRow, *, cancelled: bool = False) -> str:
    seconds = "" if stage.started is None or stage.ended is None else f"{stage.ended - stage.started:.1f} s"
    # A stage that was at work when its push was cancelled has not failed.
    state = "ended" if cancelled and stage.state is StageState.FAILED else stage.state.value
    return printable(f"  {stage.name.value:<8} {state:<8} {seconds:>9}  {stage.message}").rstrip()


def _mail_line(recipients: tuple[str, ...], state: MailState, error: str) -> str:
    why = f" ({error})" if error else ""
    return printable(f"  mail     {state.value:<8} {'':>9}  {', '.join(recipients)}{why}")


def cancel_push(ledger: Ledger, number: int, *, now: float) -> None:
    """End a push. Its trials end as soon as a server, or the next one, sees it."""
    row = get_push(ledger, number)
    if row.state in PUSH_ENDS:
        raise UsageError(f"push {number} is over: {row.state.value}", fix="`pushtune retry` runs it again")
    ledger.pushes.end(number, PushState.CANCELLED, now=now, reason="cancelled by hand")


def retry_push(ledger: Ledger, number: int, stage: StageName | None, *, now: float) -> StageName:
    """Let a push that is over run again, from ``stage`` or from where it failed; return that stage."""
    row = get_push(ledger, number)
    if row.state not in PUSH_ENDS:
        raise UsageError(f"push {number} is not over", fix=f"`pushtune cancel {number}` first")
    if row.repository is None:
        raise UsageError(f"push {number} came from `pushtune tune`", fix="run the same command again")
    stages = ledger.pushes.stages_of(number)
    undone = StageName.PULL if row.study is None else _undone(row, stages)
    start = StageName.PULL if row.study is None else stage or undone
    names = list(StageName)
    if row.state is not PushState.DONE and names.index(undone) < names.index(start):
        raise UsageError(
            f"push {number} did not come to {start.value}: {undone.value} is still to be done",
            fix=f"pushtune retry {number} --from {undone.value}",
        )
    ledger.pushes.begin_round(number, start, now=now)
    return start


def _undone(row: PushRow, stages: dict[StageName, StageRow]) -> StageName:
    """Return the stage that a push has to go on from. Skipped ones before it were not needed."""
    failed = [name for name, stage in stages.items() if stage.state is StageState.FAILED]
    left = [name for name, stage in stages.items() if stage.state is not StageState.DONE]
    if row.state is PushState.DONE:
        return StageName.PULL
    return (failed or left or [StageName.PULL])[0]


def log_files(home: Home, number: int) -> list[Path]:
    """Return the logs of a push, in the order of its stages."""
    return [path for path in (home.log(number, name) for name in StageName) if path.is_file()]


def follow_logs(
    home: Home, ledger: Ledger, number: int, *, follow: bool, sleep: Callable[[], None]
) -> Iterator[str]:
    """Yield the lines of a push's logs, each with its stage; with ``follow`` until the push is over."""
    get_push(ledger, number)
    places: dict[Path, int] = {}
    while True:
        over = get_push(ledger, number).state in PUSH_ENDS
        for path in log_files(home, number):
            with path.open("rb") as stream:
                stream.seek(places.get(path, 0))
                for line in stream:
                    if not line.endswith(b"\n"):
                        break  # it is being written
                    places[path] = places.get(path, 0) + len(line)
                    yield f"{path.stem:<8} {printable(line.decode('utf-8', 'replace').rstrip())}"
        if over or not follow:
            return
        sleep()
