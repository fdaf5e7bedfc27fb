"""The documentation against the program: what it names must be there, and what is there must be named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pushtune.cli.main import COMMANDS
from pushtune.settings import OPTIONS
from pushtune_probe import wire

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    broken = [t for t in targets if not t.startswith("http") and not (page.parent / t).exists()]
    assert broken == []


def test_every_setting_and_command_is_in_the_reference() -> None:
    text = (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8")
    assert [option.flag for option in OPTIONS if f"`{option.flag}" not in text] == []
    assert [name for name in COMMANDS if f"pushtune {name}" not in text] == []


def test_the_reference_names_no_setting_that_is_not_there() -> None:
    text = (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8")
    known = {option.flag for option in OPTIONS} | {f"--no-{option.flag[2:]}" for option in OPTIONS}
    assert set(re.findall(r"--[a-z][a-z-]+", text)) - known <= {"--fresh", "--json"}


def test_every_event_of_the_probe_is_in_the_reference() -> None:
    text = (ROOT / "docs/reference/events.md").read_text(encoding="utf-8")
    source = Path(wire.__file__).read_text(encoding="utf-8")
    events = re.findall(r"^# ([a-z]+)  +\S", source, re.MULTILINE)
    assert len(events) >= 10
    assert [event for event in events if f"`{event}`" not in text] == []


def test_every_decision_is_in_the_index() -> None:
    index = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")
    pages = [page.name for page in ROOT.glob("docs/decisions/[0-9]*.md")]
    assert [name for name in pages if name not in index] == []
