"""What a machine has and lacks for trials in containers."""

from __future__ import annotations

from pushtune.environment.engine_fixes import install_line
from pushtune.environment.engines import ENGINES, Engine, look_at_engine
from pushtune.errors import MachineError
from pushtune.process import find_program
from pushtune.service.findings import Finding

OLDEST: dict[str, tuple[int, ...]] = {"docker": (20, 10), "podman": (4, 0)}
"""The oldest versions that are tried."""


def engine_findings() -> list[Finding]:
    """Look for Docker and Podman. One of them is enough; where neither answers, both say why."""
    answers = [(name, _look(name)) for name in ENGINES]
    engines = [answer for _, answer in answers if isinstance(answer, Engine)]
    if engines:
        return [*(_good(engine) for engine in engines), *_gpu()]
    return [
        Finding(name, f"containers need it: {answer}", good=False, fix=answer.fix)
        for name, answer in answers
        if isinstance(answer, MachineError)
    ]


def _look(name: str) -> Engine | MachineError:
    try:
        return look_at_engine("docker" if name == "docker" else "podman", {})
    except MachineError as error:
        return error


def _good(engine: Engine) -> Finding:
    what = f"{engine.version} at {engine.program}{', rootless' if engine.rootless else ''}"
    fresh = _version(engine.version) >= OLDEST[engine.name]
    fix = "" if fresh else install_line(engine.name)
    return Finding(engine.name, what if fresh else f"{what} is older than what is tried", good=fresh, fix=fix)


def _gpu() -> list[Finding]:
    """Where there is a GPU, containers see it only through a toolkit of its maker's."""
    if find_program("nvidia-smi") is None:
        return []
    there = any(find_program(name) for name in ("nvidia-ctk", "nvidia-container-runtime"))
    fix = "" if there else "install nvidia-container-toolkit, then: sudo nvidia-ctk runtime configure"
    return [Finding("GPU in containers", "toolkit found" if there else "no toolkit", good=there, fix=fix)]


def _version(text: str) -> tuple[int, ...]:
    """Return the leading numbers of a version: ``20.10.24+dfsg1`` is (20, 10)."""
    numbers = []
    for part in text.split(".")[:2]:
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)
