"""The author's own Python, as plain processes of this machine."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pushtune.environment.confinement import confined
from pushtune.environment.ownership import NO_HOME, User, find_user
from pushtune.environment.process_runtime import ProcessRuntime
from pushtune.errors import MachineError, UsageError
from pushtune.model.needs import Needs
from pushtune.model.ports import Interpreter
from pushtune.process import find_program, run

OLDEST_PYTHON = (3, 9)
"""The oldest Python that the probe runs on."""

START_TIMEOUT = 60.0
"""Seconds that an interpreter may take to start (a cold network disk is slow)."""

# Runs in the author's interpreter: looks for top-level names only, so that nothing of theirs is imported,
# and not in the current folder, so that a local module does not pass for an installed package.
LOOK = """
import importlib.util, json, sys
sys.path[:] = [folder for folder in sys.path if folder]
def is_missing(name):
    try:
        return importlib.util.find_spec(name) is None
    except (ImportError, ValueError, AttributeError):
        return True
missing = [name for name in sys.argv[1:] if name not in sys.modules and is_missing(name)]
print(json.dumps({"path": sys.executable, "version": list(sys.version_info[:3]), "missing": missing}))
"""

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "LOKY_MAX_CPU_COUNT",
    "TF_NUM_INTRAOP_THREADS",
)

# Ours, a display that a trial must not open windows on, and what would change how its Python starts.
_DROPPED = ("DISPLAY", "WAYLAND_DISPLAY", "PYTHONHOME", "PYTHONINSPECT", "PYTHONEXECUTABLE")
_OUR_PREFIX = "PUSHTUNE_"

# What an activated environment sets.
_ACTIVE = ("VIRTUAL_ENV", "CONDA_PREFIX")


class ProcessEnvironment:
    """The Python named by ``--python``, else the active environment's, else the first on PATH.

    Pushtune's own comes last: it may live in an environment of its own. It is taken where the first on
    PATH lacks something that the script imports and its own lacks nothing: pushtune was then installed
    beside the frameworks and called by its path.

    ``isolated`` is for code that is not the user's own: a trial then sees nothing of our environment, has
    ``home`` for its home folder and can gain no rights; ``user`` (see ``ownership.find_user``) is who it runs
    as, which takes root. What that does not shut in: docs/how-to/process-isolation.md.
    """

    name = "process"

    def __init__(
        self,
        python: str | None = None,
        *,
        isolated: bool = False,
        user: str | None = None,
        home: Path | None = None,
    ) -> None:
        self._python = python
        self._isolated = isolated or user is not None
        self._user = None if user is None else find_user(user)
        self._home = home

    def prepare(self, needs: Needs) -> Interpreter:
        """Find the interpreter and look, in one start of it, which of the script's modules it lacks.

        Of a dotted name only the first part is looked for. Nothing is imported. Raises ``UsageError`` if
        there is no usable Python.
        """
        path = find_python(self._python, os.environ)
        names = list(dict.fromkeys(module.partition(".")[0] for module in needs.modules))
        found = self._look(path, names)
        if found.missing and not self._was_chosen():
            own = self._look(sys.executable, names)
            found = found if own.missing else own
        if found.version[:2] < OLDEST_PYTHON:
            raise UsageError(
                f"{path} is Python {'.'.join(map(str, found.version))}; trials need 3.9 or newer",
                fix="name a newer one with --python PATH",
            )
        return found

    def _look(self, path: str, names: Sequence[str]) -> Interpreter:
        if not self._isolated:
            return look(path, names)
        variables = trial_variables(isolated_variables(path, None), threads=1, seed=0)
        return look(path, names, variables, self._user)

    def _was_chosen(self) -> bool:
        """Whether somebody named the interpreter, or activated its environment."""
        return self._python is not None or any(os.environ.get(name) for name in _ACTIVE)

    def variables(self, threads: int, seed: int) -> dict[str, str]:
        """Return today's environment, with ``threads`` and ``seed`` told to all that listens.

        Isolated, it is a short list instead, in which nothing of today's is.
        """
        if not self._isolated:
            return trial_variables(os.environ, threads, seed)
        return trial_variables(
            isolated_variables(find_python(self._python, os.environ), self._home), threads, seed
        )

    def container(self, image: str, root: str) -> None:
        """Return None: attempts are plain processes."""

    def runtime(self) -> ProcessRuntime:
        """Return a new runtime; raises ``MachineError`` off Linux."""
        return ProcessRuntime(confined=self._isolated, user=self._user)


def find_python(wanted: str | None, variables: Mapping[str, str]) -> str:
    """Return the absolute path of the Python that trials run with. Raises ``UsageError`` if there is none.

    ``wanted`` may be a path, a name on PATH, or the folder of a virtual environment.
    """
    if wanted is not None:
        return _named_python(wanted)
    for variable in _ACTIVE:
        found = _python_of_folder(Path(variables[variable])) if variables.get(variable) else None
        if found is not None:
            return found
    for name in ("python", "python3"):
        on_path = find_program(name)
        if on_path is not None:
            return on_path
    raise UsageError(
        "there is no Python on PATH to run the script with",
        fix="activate the script's environment, or name its Python with --python PATH",
    )


def _named_python(wanted: str) -> str:
    path = Path(wanted).expanduser()
    found = _python_of_folder(path) if path.is_dir() else find_program(str(path))
    if found is None:
        raise UsageError(
            f"there is no Python at {wanted!r}", fix="give --python the path of a python program"
        )
    return found


def _python_of_folder(folder: Path) -> str | None:
    # Not resolved: a virtual environment's python is known by the path it was called by.
    for name in ("python", "python3"):
        candidate = folder.absolute() / "bin" / name
        if os.access(candidate, os.X_OK):
            return str(candidate)
    return None


def look(
    path: str, names: Sequence[str], variables: Mapping[str, str] | None = None, user: User | None = None
) -> Interpreter:
    """Start the Python at ``path`` and return what it is, and which of ``names`` it cannot import.

    It is started as ``user`` would be, with ``variables`` (None: as we are). Raises ``UsageError`` if it is
    none.
    """
    fix = "give --python the path of a working python program"
    variables = variables or trial_variables(os.environ, threads=1, seed=0)
    command: Sequence[str] = [path, "-c", LOOK, *names]
    if user is not None:
        command = confined(command, user, {})
    try:
        answer = run(command, env=variables, timeout=START_TIMEOUT)
        said = json.loads(answer.stdout.splitlines()[-1])
        major, minor, micro = said["version"]
        # What it calls itself: a version manager's stand-in chooses anew in every folder.
        return Interpreter(said["path"] or path, (major, minor, micro), tuple(said["missing"]))
    except MachineError as error:
        raise UsageError(f"{path} does not work as a Python: {error}", fix=fix) from error
    except (ValueError, LookupError, TypeError) as error:
        raise UsageError(f"{path} is not a Python", fix=fix) from error


def isolated_variables(python: str, home: Path | None) -> dict[str, str]:
    """Return all that an isolated trial is told of this machine: nothing that is anybody's secret."""
    folders = (os.path.dirname(python), "/usr/local/bin", "/usr/bin", "/bin")  # noqa: PTH120 - not resolved
    gpus = os.environ.get("CUDA_VISIBLE_DEVICES")
    return {
        "PATH": os.pathsep.join(folders),
        "HOME": str(home) if home is not None else NO_HOME,
        "LANG": "C.UTF-8",
        "TZ": os.environ.get("TZ", "UTC"),
        # Whatever a library would read from the system's settings: no proxy, no credentials in its address.
        "no_proxy": "*",
        "NO_PROXY": "*",
        **({} if gpus is None else {"CUDA_VISIBLE_DEVICES": gpus}),
    }


def trial_variables(base: Mapping[str, str], threads: int, seed: int) -> dict[str, str]:
    """Return ``base`` made fit for a trial: no windows, ``threads`` threads, hashes from ``seed``.

    The rest of the author's environment is kept: the script is theirs and may need it.
    """
    kept = {
        name: value
        for name, value in base.items()
        if name not in _DROPPED and not name.startswith(_OUR_PREFIX)
    }
    # XLA (JAX) has no variable of its own; of its flags this one limits the threads on a CPU.
    if threads == 1:
        kept["XLA_FLAGS"] = f"{kept.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip()
    return {
        **kept,
        **dict.fromkeys(_THREAD_VARIABLES, str(threads)),
        # One operation at a time where there is one thread; else TensorFlow may run two side by side.
        "TF_NUM_INTEROP_THREADS": "1" if threads == 1 else "2",
        "TF_CPP_MIN_LOG_LEVEL": kept.get("TF_CPP_MIN_LOG_LEVEL", "2"),
        "MPLBACKEND": "Agg",
        "PYTHONHASHSEED": str(seed % 2**32),
        # What the script prints is read while it runs.
        "PYTHONUNBUFFERED": "1",
    }
