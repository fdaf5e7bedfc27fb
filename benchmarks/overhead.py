"""What Pushtune costs: a study's wall time against the same sources run bare, one after the other.

Three studies of ``examples/digits_cnn`` are made in a temporary folder, confirmation off. The sources that
each study trains (its baseline and its candidates) are run by ``python train.py`` in turn, without Pushtune,
each in an empty folder of its own. For that the study is stopped as it stands, and its clock with it, as soon
as a new source is there: a shared machine is half as fast a quarter of an hour later, and so both sides see
the same of it.

* ``sequential_ratio``  rungs off, ``--jobs 1``: what Pushtune itself costs;
* ``parallel_ratio``    rungs off, ``--jobs auto``: what running side by side saves;
* ``rungs_ratio``       rungs on, ``--jobs 1``, the script with twice its epochs and no trial longer: what
  early stopping saves against training the same configurations in full. (With the example's own 20
  epochs starting a process takes as long as training, and nothing can be saved of that.)

A ratio is the study's wall time, its start and its report included, divided by the bare runs' sum.
Everything runs with this Python; nothing else should be running.

Usage: ``python benchmarks/overhead.py [--json FILE] [--trials N] [--only FIGURE]``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
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

_MOMENT = 0.2
"""Seconds between two looks at what a study trains."""


@dataclass(frozen=True)
class Sides:
    """What one study took and what its sources took run bare, in seconds; and how many sources there were."""

    study: float
    bare: float
    sources: int

    @property
    def ratio(self) -> float:
        """The study's time in units of the bare runs'."""
        return self.study / self.bare


@dataclass
class Bare:
    """Runs sources without Pushtune, each once, and remembers how long each took, in seconds."""

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


@contextmanager
def frozen(study: psutil.Process) -> Iterator[None]:
    """Stop a study and all its trials as they stand, and let them go on afterwards."""
    stopped = [study]
    study.suspend()
    while fresh := [child for child in study.children(recursive=True) if child not in stopped]:
        for child in fresh:
            stopped.append(child)
            with suppress(psutil.NoSuchProcess):
                child.suspend()
    try:
        yield
    finally:
        for process in reversed(stopped):
            with suppress(psutil.NoSuchProcess):
                process.resume()


def tune(folder: Path, trials: int, flags: tuple[str, ...]) -> Sides:
    """Run one study of the example in ``folder``, and what it trains in its pauses.

    Raises ``SystemExit`` with the study's last words if it fails.
    """
    bare = Bare(folder / "bare")
    (folder / "study").mkdir(parents=True)
    script = folder / "study" / EXAMPLE.name
    source = EXAMPLE.read_text(encoding="utf-8")
    if "--rungs" in flags:
        source = source.replace(f"epochs={EPOCHS}", f"epochs={MORE_EPOCHS}")
    script.write_text(source, encoding="utf-8")
    command = [sys.executable, "-m", "pushtune", "tune", str(script), "--json", "--no-confirm", *flags]
    # The patience of a whole budget: the study must not end before its trials are used.
    command += ["--trials", str(trials), "--patience", str(trials), "--python", sys.executable]
    with (folder / "out").open("w") as out, (folder / "err").open("w") as err:
        began = time.perf_counter()
        study = psutil.Popen(command, cwd=script.parent, stdout=out, stderr=err)
        paused = 0.0
        while not ended(study):
            text = unknown(script.parent, bare)
            if text is not None:
                stopped = time.perf_counter()
                with frozen(study):
                    bare.seconds(text)
                paused += time.perf_counter() - stopped
        seconds = time.perf_counter() - began - paused
    if study.returncode != 0:
        raise SystemExit(
            f"pushtune tune ended with {study.returncode}: {(folder / 'err').read_text()[-2000:]}"
        )
    sources = trained_sources(json.loads((folder / "out").read_text().splitlines()[-1]))
    return Sides(seconds, sum(bare.seconds(text) for text in sources), len(sources))


def ended(study: psutil.Popen) -> bool:
    """Whether the study ends within a moment."""
    try:
        study.wait(timeout=_MOMENT)
    except psutil.TimeoutExpired:
        return False
    return True


def unknown(folder: Path, bare: Bare) -> str | None:
    """Return the first source of a trial that was not run bare yet, if there is one."""
    for path in sorted(folder.glob(f".pushtune/studies/*/trials/*/candidate/{EXAMPLE.name}")):
        text = path.read_text(encoding="utf-8")
        # A file that is being written is looked at again.
        if text.endswith("\n") and text not in bare.taken:
            return text
    return None


def trained_sources(result: dict[str, Any]) -> tuple[str, ...]:
    """Return the source of every trial that a study started, from its trials' folders."""
    folder = Path(result["folder"]) / "trials"
    numbers = [row["number"] for row in result["trials"] if row["purpose"] in ("baseline", "search")]
    paths = [folder / f"{number:04d}" / "candidate" / EXAMPLE.name for number in numbers]
    return tuple(path.read_text(encoding="utf-8") for path in paths)


def measure(trials: int, names: list[str], scratch: Path) -> dict[str, float]:
    """Return the ratios, with both sides' seconds and the number of sources beside each."""
    warm_up(scratch / "warm-up")
    figures: dict[str, float] = {}
    for name in names:
        sides = tune(scratch / name, trials, STUDIES[name])
        figures[name] = sides.ratio
        figures[f"{name}.study_seconds"] = sides.study
        figures[f"{name}.bare_seconds"] = sides.bare
        figures[f"{name}.sources"] = float(sides.sources)
        print(f"{name}: {sides.ratio:.3f} ({sides.study:.0f} s against {sides.bare:.0f} s)", flush=True)
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
