"""What Pushtune costs: a study's wall time against the same sources run bare, one after the other.

Three studies of ``examples/digits_cnn`` are made in a temporary folder, confirmation off. The sources that
each study trained (its baseline and its candidates) are then run by ``python train.py`` in turn, without
Pushtune, each in an empty folder of its own:

* ``sequential_ratio``  rungs off, ``--jobs 1``: what Pushtune itself costs;
* ``parallel_ratio``    rungs off, ``--jobs auto``: what running side by side saves;
* ``rungs_ratio``       rungs on, ``--jobs 1``, the script with twice its epochs and no trial longer: what
  early stopping saves against training the same configurations in full. (With the example's own 20
  epochs starting a process takes as long as training, and nothing can be saved of that.)

A ratio is the study's wall time, its start and its report included, divided by the bare runs' sum. A source
that two studies trained is run bare once. Everything runs with this Python; nothing else should be running.

Usage: ``python benchmarks/overhead.py [--json FILE] [--trials N] [--only FIGURE]``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from figures import report

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "digits_cnn" / "train.py"
EPOCHS = 20
"""The example's own epochs."""

MORE_EPOCHS = 2 * EPOCHS
"""The script's epochs in the study with rungs, which end there: both sides mean the same by *in full*."""

STUDIES: dict[str, tuple[str, ...]] = {
    "sequential_ratio": ("--no-rungs", "--jobs", "1"),
    "parallel_ratio": ("--no-rungs", "--jobs", "auto"),
    "rungs_ratio": ("--rungs", "--jobs", "1", "--max-epochs", str(MORE_EPOCHS)),
}
"""Each figure's study."""


@dataclass(frozen=True)
class Study:
    """A finished study: its wall time in seconds, and the sources that it trained."""

    seconds: float
    sources: tuple[str, ...]


@dataclass
class Bare:
    """Runs sources without Pushtune and remembers how long each took, in seconds."""

    folder: Path
    taken: dict[str, float] = field(default_factory=dict)

    def seconds(self, source: str) -> float:
        """Return how long ``python train.py`` takes. A source that fails takes what it took."""
        if source not in self.taken:
            self.taken[source] = self._run(source)
        return self.taken[source]

    def _run(self, source: str) -> float:
        folder = self.folder / f"{len(self.taken):03d}"
        folder.mkdir(parents=True)
        (folder / EXAMPLE.name).write_text(source, encoding="utf-8")
        began = time.perf_counter()
        subprocess.run([sys.executable, EXAMPLE.name], cwd=folder, capture_output=True, check=False)
        return time.perf_counter() - began


def tune(folder: Path, trials: int, flags: tuple[str, ...]) -> Study:
    """Run one study of the example in ``folder``; ``SystemExit`` with its last words if it fails."""
    folder.mkdir(parents=True)
    script = folder / EXAMPLE.name
    source = EXAMPLE.read_text(encoding="utf-8")
    if "--rungs" in flags:
        source = source.replace(f"epochs={EPOCHS}", f"epochs={MORE_EPOCHS}")
    script.write_text(source, encoding="utf-8")
    command = [sys.executable, "-m", "pushtune", "tune", str(script), "--json", "--no-confirm", *flags]
    # The patience of a whole budget: the study must not end before its trials are used.
    command += ["--trials", str(trials), "--patience", str(trials), "--python", sys.executable]
    began = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode != 0:
        raise SystemExit(f"pushtune tune ended with {done.returncode}: {done.stderr[-2000:]}")
    return Study(seconds, trained_sources(json.loads(done.stdout.splitlines()[-1])))


def trained_sources(result: dict[str, Any]) -> tuple[str, ...]:
    """Return the source of every trial that a study started, from its trials' folders."""
    folder = Path(result["folder"]) / "trials"
    numbers = [row["number"] for row in result["trials"] if row["purpose"] in ("baseline", "search")]
    paths = [folder / f"{number:04d}" / "candidate" / EXAMPLE.name for number in numbers]
    return tuple(path.read_text(encoding="utf-8") for path in paths)


def measure(trials: int, names: list[str], scratch: Path) -> dict[str, float]:
    """Return the ratios, with both sides' seconds and the number of sources beside each."""
    bare = Bare(scratch / "bare")
    warm_up(scratch / "warm-up")
    figures: dict[str, float] = {}
    for name in names:
        study = tune(scratch / name, trials, STUDIES[name])
        alone = sum(bare.seconds(source) for source in study.sources)
        figures[name] = study.seconds / alone
        figures[f"{name}.study_seconds"] = study.seconds
        figures[f"{name}.bare_seconds"] = alone
        figures[f"{name}.sources"] = float(len(study.sources))
        print(f"{name}: {figures[name]:.3f} ({study.seconds:.0f} s against {alone:.0f} s)", flush=True)
    return figures


def warm_up(folder: Path) -> None:
    """Run the example once, so that neither side pays for reading TensorFlow from the disk."""
    Bare(folder).seconds(EXAMPLE.read_text(encoding="utf-8"))


def main() -> None:
    """Measure, print, and write the figures where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    parser.add_argument("--trials", type=int, default=20, metavar="N", help="candidates a study (20)")
    parser.add_argument("--only", choices=list(STUDIES), help="measure this figure alone")
    chosen = parser.parse_args()
    names = [chosen.only] if chosen.only else list(STUDIES)
    with tempfile.TemporaryDirectory(prefix="pushtune-overhead-") as scratch:
        figures = measure(chosen.trials, names, Path(scratch))
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(report("overhead", figures), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
