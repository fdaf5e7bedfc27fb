"""Virtual environments that are ready: one for each set of requirements, made once, shared, tried."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pushtune.environment.image_errors import fetch_error, last_lines
from pushtune.environment.image_recipes import ImageRecipe
from pushtune.environment.markers import Markers
from pushtune.environment.process import trial_variables
from pushtune.errors import BuildError
from pushtune.process import run

INSTALL_TIMEOUT = 3600.0

_IMPORT = "import importlib, sys\nfor name in sys.argv[1:]:\n    importlib.import_module(name)\n"
_PLACE = "import sysconfig; print(sysconfig.get_path('purelib'))"


@dataclass(frozen=True)
class VirtualenvRecipe:
    """``python`` is the interpreter that it is made of, at ``version``.

    ``requirements`` are lines as pip reads them; ``startup`` a module that every Python in it loads.
    ``modules`` must be importable in it. ``builds`` allows packages that run code to be installed; ``origin``
    says where the requirements were declared.
    """

    python: str
    version: tuple[int, int, int]
    requirements: tuple[str, ...]
    modules: tuple[str, ...] = ()
    startup: Path | None = None
    builds: bool = False
    origin: ImageRecipe | None = None

    @cached_property
    def key(self) -> str:
        """The hash of all that it is made from."""
        startup = "" if self.startup is None else hashlib.sha256(self.startup.read_bytes()).hexdigest()
        body = [os.path.realpath(self.python), self.version, sorted(self.requirements), startup]
        return hashlib.sha256(json.dumps(body).encode()).hexdigest()[:24]


class Virtualenvs:
    """The virtual environments below ``folder``. Safe between threads and processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.markers = Markers(folder)

    def ensure(self, recipe: VirtualenvRecipe) -> str:
        """Return the path of the Python in the environment, made if need be. Raises ``BuildError``."""
        if not self._is_ready(recipe.key):
            with self.markers.locked(recipe.key):
                if not self._is_ready(recipe.key):
                    self._make(recipe)
        self.markers.touch(recipe.key)
        return str(self.python(recipe.key))

    def python(self, key: str) -> Path:
        """Return where its Python is."""
        return self.folder / key / "bin" / "python"

    def size(self, key: str) -> int:
        """Return the bytes that it takes."""
        files = (Path(base) / name for base, _, names in os.walk(self.folder / key) for name in names)
        return sum(path.lstat().st_blocks * 512 for path in files)

    def remove(self, key: str) -> None:
        """Remove one; its marker first, so that nobody takes half of it for a whole."""
        with self.markers.locked(key):
            self.markers.remove(key)
            shutil.rmtree(self.folder / key, ignore_errors=True)

    def leftovers(self) -> list[str]:
        """Return the folders that no marker stands for: making them was broken off."""
        if not self.folder.is_dir():
            return []
        known = {*self.markers.all(), "locks"}
        return sorted(path.name for path in self.folder.iterdir() if path.is_dir() and path.name not in known)

    def _is_ready(self, key: str) -> bool:
        return self.markers.read(key) is not None and os.access(self.python(key), os.X_OK)

    def _make(self, recipe: VirtualenvRecipe) -> None:
        folder = self.folder / recipe.key
        shutil.rmtree(folder, ignore_errors=True)
        try:
            self._fill(folder, recipe)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        body = {"python": recipe.python, "version": recipe.version, "requirements": recipe.requirements}
        self.markers.write(recipe.key, {**body, "kind": recipe.origin.kind if recipe.origin else ""})

    def _fill(self, folder: Path, recipe: VirtualenvRecipe) -> None:
        answer = run([recipe.python, "-m", "venv", str(folder)], env=_clean(), timeout=300, check=False)
        if answer.code != 0:
            raise BuildError(
                f"{recipe.python} cannot make virtual environments: {answer.last_words}",
                fix="install its venv module (Debian: apt install python3-venv)",
                details=last_lines(f"{answer.stdout}\n{answer.stderr}"),
            )
        python = str(folder / "bin" / "python")
        if recipe.requirements:
            _install(python, folder, recipe)
        if recipe.startup is not None:
            place = Path(run([python, "-c", _PLACE], env=_clean()).stdout.strip())
            shutil.copy(recipe.startup, place)
            name = recipe.startup.stem
            (place / f"{name}.pth").write_text(f"import {name}\n", encoding="utf-8")
        _try_imports(python, recipe.modules)


def _install(python: str, folder: Path, recipe: VirtualenvRecipe) -> None:
    listed = folder / "requirements.txt"
    listed.write_text("\n".join(recipe.requirements) + "\n", encoding="utf-8")
    binary = [] if recipe.builds else ["--only-binary=:all:"]
    command = [python, "-m", "pip", "install", "--no-input", "--disable-pip-version-check", *binary]
    answer = run([*command, "-r", str(listed)], env=_clean(), timeout=INSTALL_TIMEOUT, check=False)
    if answer.code != 0:
        raise fetch_error(recipe.origin or ImageRecipe("virtual environment", (), ""), answer)


def _try_imports(python: str, modules: Sequence[str]) -> None:
    if not modules:
        return
    answer = run(
        [python, "-c", _IMPORT, *modules], env=trial_variables(os.environ, 1, 0), timeout=300, check=False
    )
    if answer.code != 0:
        raise BuildError(
            f"the virtual environment is not fit: importing {', '.join(modules)} fails: {answer.last_words}",
            details=last_lines(answer.stderr),
        )


def _clean() -> dict[str, str]:
    """Return our environment without what would lead another Python to our packages."""
    dropped = (
        "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX", "PIP_USER",
        "PIP_REQUIRE_VIRTUALENV",
    )  # fmt: skip
    return {name: value for name, value in os.environ.items() if name not in dropped}
