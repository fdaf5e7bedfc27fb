"""The documentation against the program: what it names must be there, and what is there must be named."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from pushtune.cli.main import COMMANDS
from pushtune.settings import OPTIONS, SERVER_OPTIONS
from pushtune.settings.options import REPOSITORY_OPTIONS
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
    text += (ROOT / "docs/reference/service.md").read_text(encoding="utf-8")
    named = set(re.findall(r"pushtune ((?:[a-z]+\|)*[a-z]+)", text))
    words = {word for names in named for word in names.split("|")}
    assert [name for name in COMMANDS if name not in words] == []


def test_every_setting_of_the_service_is_in_its_reference() -> None:
    text = (ROOT / "docs/reference/service.md").read_text(encoding="utf-8")
    options = (*SERVER_OPTIONS, *REPOSITORY_OPTIONS)
    assert [option.name for option in options if f"| `{option.name}` |" not in text] == []


def test_the_states_are_drawn_as_they_are() -> None:
    specification = importlib.util.spec_from_file_location("drawing", ROOT / "docs" / "drawing.py")
    assert specification is not None
    assert specification.loader is not None
    drawing = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(drawing)
    assert drawing.PAGE.read_text(encoding="utf-8") == drawing.page(), "run: python docs/drawing.py"


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
