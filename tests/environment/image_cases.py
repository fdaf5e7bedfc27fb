"""A store of images in a folder of its own, on a real engine, with what was made removed again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from container_cases import BASE

from pushtune.environment.engines import Engine
from pushtune.environment.image_kinds import Kinds, read_kinds
from pushtune.environment.images import Images
from pushtune.settings import EnvironmentRules

KINDS = """
[kinds.python]
modules = []

[kinds.small]
parent = "python"
frameworks = ["sklearn"]
modules = ["six"]

[period]

[stands_for]
"""

PYTHON = "ARG BASE\nFROM ${BASE}\nRUN python3 -m venv /opt/venv\nENV PATH=/opt/venv/bin:$PATH\n"
SMALL = (
    "ARG BASE\nFROM ${BASE}\nARG PIP_FIND_LINKS=\nARG PIP_NO_INDEX=\nCOPY requirements.txt /r.txt\n"
    "RUN python -m pip install --no-cache-dir -r /r.txt\n"
)


def small_kinds(folder: Path, mark: str, requirements: str = "six==1.17.0\n", more: str = "") -> Kinds:
    """Write two kinds of image: the upper is like no other (``mark``), the lower is made once and kept."""
    for name, dockerfile in (("python", PYTHON), ("small", f"{SMALL}{more}# {mark}\n")):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "Dockerfile").write_text(dockerfile)
    (folder / "small" / "requirements.txt").write_text(requirements)
    (folder / "kinds.toml").write_text(KINDS)
    return read_kinds(folder)


def images_of(engine: Engine, store: Path, kinds: Kinds) -> Images:
    return Images(engine, store, EnvironmentRules(base=BASE), kinds)


def removed_after(engine: Engine, store: Path) -> Iterator[None]:
    """Remove what the markers in ``store`` name."""
    yield
    markers = Images(engine, store, EnvironmentRules(), Kinds({})).markers
    found = [markers.read(key) or {} for key in markers.all()]
    names = [str(body["name"]) for body in found if str(body.get("name", "")).startswith("pushtune/")]
    for name in names:
        if "/python:" not in name:
            engine.call("rmi", "--force", name, check=False)
