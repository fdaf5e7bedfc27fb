"""The unit of systemd: it is one, and it does to trials only what they survive."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pushtune.testing.real_parts import need

ROOT = Path(__file__).resolve().parents[2]
UNIT = ROOT / "integrations" / "systemd" / "pushtune.service"
INSTALLED = "/opt/pushtune/bin/pushtune"


def _settings() -> dict[str, str]:
    """The unit's settings, by their names."""
    lines = re.findall(r"^(\w+)=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(dict(lines)) == len(lines), "a setting stands there twice"
    return dict(lines)


def _verified(unit: Path, text: str) -> str:
    """Return what systemd has to say against a unit."""
    unit.write_text(text, encoding="utf-8")
    command = ["systemd-analyze", "verify", "--man=no", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr or str(done.returncode or "")


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    need(shutil.which("systemd-analyze") is not None, "systemd-analyze")
    here = str(Path(sys.executable).parent / "pushtune")
    text = UNIT.read_text(encoding="utf-8").replace(INSTALLED, here)
    assert _verified(tmp_path / "pushtune.service", text) == ""
    assert "KilMode" in _verified(tmp_path / "slip.service", text.replace("KillMode", "KilMode"))


def test_systemd_takes_what_the_how_to_adds(tmp_path: Path) -> None:
    need(shutil.which("systemd-analyze") is not None, "systemd-analyze")
    page = (ROOT / "docs" / "how-to" / "systemd.md").read_text(encoding="utf-8")
    added = re.findall(r"```ini\n(.*?)```", page, re.DOTALL)
    assert len(added) == 4
    here = str(Path(sys.executable).parent / "pushtune")
    text = UNIT.read_text(encoding="utf-8").replace(INSTALLED, here)
    for number, drop_in in enumerate(added):
        assert _verified(tmp_path / f"pushtune{number}.service", text + drop_in) == ""


def test_trials_outlive_a_restart_of_the_server() -> None:
    settings = _settings()
    assert settings["KillMode"] == "process"
    assert settings["Restart"] == "always"
    # A restart would empty /tmp under them.
    assert "PrivateTmp" not in settings


def test_a_trial_that_runs_out_of_memory_does_not_take_the_service_with_it() -> None:
    assert _settings()["OOMPolicy"] == "continue"


@pytest.mark.parametrize("breaks", ["PrivateDevices", "MemoryDenyWriteExecute", "ProcSubset", "ProtectProc"])
def test_what_breaks_training_is_not_set_and_the_unit_says_why(breaks: str) -> None:
    assert breaks not in _settings()
    assert re.search(rf"^# .*\b{breaks}\b", UNIT.read_text(encoding="utf-8"), re.MULTILINE)


def test_no_secret_stands_in_the_unit() -> None:
    assert not re.search(r"PASSWORD|SECRET", UNIT.read_text(encoding="utf-8"))
