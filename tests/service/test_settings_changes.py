"""Settings that are changed while the server runs are not silently without effect."""

from __future__ import annotations

from pathlib import Path

import pytest

from pushtune.model.home import Home
from pushtune.service.home import sole, without_server
from pushtune.service.settings_changes import SettingsWatch, note_settings, settings_print, unread_settings


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "server.toml").write_text("pushes = 2\n")
    return Home(tmp_path)


class Log:
    """What the server's log says, look by look."""

    def __init__(self, home: Home) -> None:
        self.lines: list[str] = []
        self.now = 0.0
        self.watch = SettingsWatch(home, settings_print(home), self.lines.append, lambda: self.now)

    def looked(self) -> list[str]:
        self.now += 10
        self.watch.look()
        lines, self.lines[:] = list(self.lines), []
        return lines


def write(home: Home, text: str) -> None:
    (home.path / "server.toml").write_text(text)


def test_the_log_tells_each_change_once(home: Home) -> None:
    log = Log(home)
    assert log.looked() == []
    write(home, "pushes = 3\n")
    (line,) = log.looked()
    assert line.endswith("server.toml was changed; that counts from the server's next start: restart it")
    assert log.looked() == []
    write(home, "pushes = 4 # four\n")
    assert len(log.looked()) == 1


def test_a_comment_is_no_change(home: Home) -> None:
    log = Log(home)
    write(home, "# two at a time\npushes = 2\n")
    assert log.looked() == []


def test_a_file_with_which_the_server_would_not_start_is_told_before_it_is_needed(home: Home) -> None:
    log = Log(home)
    write(home, "pushs = 3\n")
    (line,) = log.looked()
    assert "It would not start: " in line
    assert "there is no setting called 'pushs'" in line


def test_no_slip_in_the_file_ends_the_server(home: Home) -> None:
    log = Log(home)
    for slip in ('target = "accuracy>=high"\n', "pushes = [\n", 'pushes = "\ud800"\n'):
        (home.path / "server.toml").write_bytes(slip.encode("utf-8", "surrogatepass"))
        assert "It would not start: " in log.looked()[0]


def test_a_command_says_so_while_a_server_runs(home: Home) -> None:
    with sole(home):
        note_settings(home, settings_print(home))
        assert unread_settings(home) == ""
        write(home, "pushes = 3\n")
        assert "restart it" in unread_settings(home)
    assert unread_settings(home) == ""
    with without_server(home):
        assert unread_settings(home) == "", "a command for a single stage is no server"
