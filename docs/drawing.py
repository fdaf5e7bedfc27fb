"""Draws the state machines from the code: ``python docs/drawing.py`` writes ``docs/reference/states.md``.

A test holds the page against the code.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from pushtune.model import states

PAGE = Path(__file__).parent / "reference" / "states.md"

MACHINES: tuple[tuple[str, str, type[Enum], Mapping[Enum, frozenset[Enum]]], ...] = (
    ("A push", "One commit, or one `pushtune tune`, on its way through the stages.", states.PushState,
     states.PUSH_TRANSITIONS),
    ("A stage", "pull, inspect, prepare, train, tune, confirm, deliver, notify.", states.StageState,
     states.STAGE_TRANSITIONS),
    ("A trial", "One candidate being trained.", states.TrialState, states.TRIAL_TRANSITIONS),
    ("An attempt", "One start of a trial's process or container.", states.AttemptState,
     states.ATTEMPT_TRANSITIONS),
    ("A letter", "In the outbox.", states.MailState, states.MAIL_TRANSITIONS),
)  # fmt: skip

HEAD = """# The states

Drawn from [`model/states.py`](../../src/pushtune/model/states.py) by `python docs/drawing.py`. Nothing else
can be written: the ledger moves a row only from a state that leads to the new one, and losing such a race is
normal.
"""


def page() -> str:
    """Return the whole page."""
    return HEAD + "".join(_section(*machine) for machine in MACHINES)


def _section(title: str, what: str, enum: type[Enum], moves: Mapping[Enum, frozenset[Enum]]) -> str:
    order = list(enum)
    lines = [f"    [*] --> {_name(order[0])}"]
    for state in order:
        targets = sorted(moves.get(state, frozenset()), key=order.index)
        lines += [f"    {_name(state)} --> {_name(target)}" for target in targets]
    drawn = "\n".join(lines)
    return f"\n## {title}\n\n{what}\n\n```mermaid\nstateDiagram-v2\n{drawn}\n```\n"


def _name(state: Enum) -> str:
    return str(state.value).replace(" ", "_")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
