"""Values as they are shown again: as one would type them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pushtune.settings import OPTIONS
from pushtune.settings.options import typed
from pushtune.settings.repository import load_push_settings
from pushtune.settings.server import load_server_settings


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("time", "6h"),
        ("time", "90s"),
        ("time", "30m"),
        ("memory", "8G"),
        ("memory", "500M"),
        ("trials", "40"),
    ],
)
def test_what_was_read_is_shown_as_it_was_typed(name: str, text: str) -> None:
    (option,) = [option for option in OPTIONS if option.name == name]
    assert typed(option, option.read(name, text)) == text


def test_what_a_repository_may_not_have_is_said_with_its_unit(tmp_path: Path) -> None:
    (tmp_path / "pushtune.toml").write_text('time = "8h"\nmemory = "64G"\n')
    server = load_server_settings(tmp_path, {"most_time": "3m", "most_memory": "8G"}, environ={})
    assert load_push_settings(tmp_path, server).notes == (
        "pushtune.toml: time is more than this server allows; it is 3m",
        "pushtune.toml: memory is more than this server allows; it is 8G",
    )
