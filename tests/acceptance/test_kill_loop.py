"""The monkey, for a short while: server and trials killed at random, and nothing is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "kill_loop.py"


def test_killed_eight_times_every_push_ends_right_with_one_letter(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    command = [sys.executable, str(BENCHMARK), "--kills", "8", "--seed", "5", "--json", str(figures)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("seed 5\n")
    told = json.loads(figures.read_text())["figures"]
    assert told["kills"] == 8
    assert {name: told[name] for name in ("lost", "doubled", "orphans", "thrice_mailed")} == {
        "lost": 0,
        "doubled": 0,
        "orphans": 0,
        "thrice_mailed": 0,
    }
