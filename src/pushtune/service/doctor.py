"""What a machine has and lacks, with the fix for each."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil

from pushtune.environment import ENVIRONMENTS, EnvironmentRequest
from pushtune.errors import PushtuneError
from pushtune.model.needs import Needs
from pushtune.process import find_program
from pushtune.service.doctor_engines import engine_findings
from pushtune.service.findings import Finding

_FRAMEWORKS = {
    "keras": "keras",
    "tensorflow": "tensorflow",
    "sklearn": "scikit-learn",
    "numpy": "numpy",
}
_ENOUGH_MEMORY = 2 * 1024**3
_ENOUGH_DISK = 2 * 1024**3


def examine(python: str | None, folder: Path, environ: Mapping[str, str]) -> list[Finding]:
    """Look at the machine as a run started in ``folder`` would find it. Changes nothing."""
    return [
        Finding("pushtune's Python", sys.version.split()[0], good=True),
        *_trial_python(python),
        *engine_findings(),
        _git(),
        _cores(),
        _memory(),
        _disk(folder),
        Finding("SQLite", sqlite3.sqlite_version, good=sqlite3.sqlite_version_info >= (3, 7), needed=True),
    ]


def _trial_python(python: str | None) -> list[Finding]:
    try:
        found = ENVIRONMENTS["process"](EnvironmentRequest(python)).prepare(Needs.of_modules(_FRAMEWORKS))
    except PushtuneError as error:
        return [Finding("trials' Python", str(error), good=False, needed=True, fix=error.fix)]
    version = ".".join(str(part) for part in found.version)
    findings = [Finding("trials' Python", f"{version} at {found.path}", good=True)]
    for module, distribution in _FRAMEWORKS.items():
        there = module not in found.missing
        fix = "" if there else f"if your script needs it: {found.path} -m pip install {distribution}"
        findings.append(Finding(module, "is there" if there else "is not there", good=there, fix=fix))
    return findings


def _git() -> Finding:
    path = find_program("git")
    return Finding("git", path or "not found", good=path is not None, fix="" if path else "apt install git")


def _cores() -> Finding:
    count = len(os.sched_getaffinity(0))
    return Finding("cores", f"{count}: that many trials run side by side", good=True)


def _memory() -> Finding:
    free = psutil.virtual_memory().available
    good = free >= _ENOUGH_MEMORY
    return Finding("memory", f"{free / 1024**3:.1f} GB free", good, fix="" if good else "use --jobs 1")


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    good = free >= _ENOUGH_DISK
    return Finding("disk", f"{free / 1024**3:.1f} GB free", good, fix="" if good else "free some room")
