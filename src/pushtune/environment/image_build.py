"""Making one image: fetch the packages, build without secrets, try the imports, and only then name it.

The packages are fetched by the user's own pip configuration in a throw-away container of the parent image.
The build itself gets them from a folder that is served on the loopback interface: it sees no index, no
certificate and no password, and nothing of that can stay in a layer.
"""

from __future__ import annotations

import functools
import json
import os
import re
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from pushtune.environment import image_fetching
from pushtune.environment.engines import Engine
from pushtune.environment.image_errors import build_error, fetch_error
from pushtune.environment.image_kinds import CpuBuilds
from pushtune.environment.image_recipes import ImageRecipe
from pushtune.environment.pip_configuration import read_pip_configuration
from pushtune.environment.process import LOOK
from pushtune.errors import BuildError, MachineError, UsageError
from pushtune.model.containers import LABEL
from pushtune.model.ports import Interpreter
from pushtune.process import Completed

RECIPE_LABEL = "pushtune.recipe"
KIND_LABEL = "pushtune.kind"
BUILD_TIMEOUT = 3600.0
LOOK_TIMEOUT = 900.0

_INSIDE = "/run/pushtune"
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_IMPORT = "import importlib, sys\nfor name in sys.argv[1:]:\n    importlib.import_module(name)\n"


@dataclass(frozen=True)
class BuiltImage:
    """An image that is there: its id, and the Python in it."""

    id: str
    python: str
    version: tuple[int, int, int]


def build_image(
    engine: Engine, recipe: ImageRecipe, base: str, *, builds: bool, cpu: CpuBuilds
) -> BuiltImage:
    """Build ``recipe`` on the image ``base`` (as the engine calls it) and name it once it is tried.

    ``builds`` allows packages that run code while they are made into wheels; ``cpu`` says where builds for
    the CPU are. Raises ``BuildError``.
    """
    with tempfile.TemporaryDirectory(prefix="pushtune-image-") as scratch:
        wheels = Path(scratch) / "wheels"
        wheels.mkdir()
        if recipe.requirements is not None:
            _fetch(engine, recipe, base, Path(scratch), builds=builds, cpu=cpu)
        with _served(wheels) as address:
            arguments = {"BASE": base, "PIP_FIND_LINKS": address, "PIP_NO_INDEX": "1"}
            image = run_build(engine, recipe, arguments, network="host")
    try:
        built = try_image(engine, image, recipe)
    except BaseException:
        engine.call("rmi", image, check=False)
        raise
    name_image(engine, built, recipe)
    return built


def try_image(engine: Engine, image: str, recipe: ImageRecipe) -> BuiltImage:
    """Start the image and import what it is for. Raises ``BuildError`` or ``UsageError`` if that fails."""
    found = look_into(engine, image, ())
    _try_imports(engine, image, found.path, recipe)
    return BuiltImage(image, found.path, found.version)


def name_image(engine: Engine, built: BuiltImage, recipe: ImageRecipe) -> None:
    """Give the image its name; one of ours that had it before is removed, unless something uses it."""
    before = image_label(engine, recipe.name, LABEL)
    engine.call("tag", built.id, recipe.name)
    if before is not None and before[0] != built.id and before[1] == "image":
        engine.call("rmi", before[0], check=False)


def run_build(engine: Engine, recipe: ImageRecipe, arguments: Mapping[str, str], network: str | None) -> str:
    """Write the context, build it and return the image's id; it has no name yet. Raises ``BuildError``.

    ``network`` is the engine's word (None: its default).
    """
    with tempfile.TemporaryDirectory(prefix="pushtune-context-") as scratch:
        context = Path(scratch) / "context"
        for name, data in recipe.files:
            path = context / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        written = Path(scratch) / "id"
        answer = engine.call(
            *_build_command(recipe, context, written, arguments, network),
            # Podman would keep an image of every step.
            *(["--layers=false"] if engine.name == "podman" else []),
            str(context),
            timeout=BUILD_TIMEOUT,
            check=False,
        )
        if answer.code != 0 or not written.is_file():
            _remove_half(engine, answer)
            raise build_error(recipe, answer)
        return _id(written.read_text(encoding="ascii").strip())


def _remove_half(engine: Engine, answer: Completed) -> None:
    """Remove what a failed build has left: the image after its last good step, which has no label yet."""
    steps = re.findall(r"(?m)^ ---> ([0-9a-f]{12})\r?$", answer.stdout)
    found = engine.call("image", "inspect", steps[-1], check=False) if steps else None
    # One with a name is what the build began from.
    if found is not None and found.code == 0 and not json.loads(found.stdout)[0].get("RepoTags"):
        engine.call("rmi", steps[-1], check=False)


def _build_command(
    recipe: ImageRecipe, context: Path, written: Path, arguments: Mapping[str, str], network: str | None
) -> list[str]:
    labels = {LABEL: "image", RECIPE_LABEL: recipe.key, KIND_LABEL: recipe.kind}
    declared = _declared_arguments(dict(recipe.files)[recipe.dockerfile])
    return [
        "build",
        "--force-rm",
        *([] if network is None else [f"--network={network}"]),
        f"--iidfile={written}",
        f"--file={context / recipe.dockerfile}",
        *(f"--label={name}={value}" for name, value in labels.items()),
        *(f"--build-arg={name}={value}" for name, value in arguments.items() if name in declared),
    ]


def look_into(engine: Engine, image: str, modules: tuple[str, ...]) -> Interpreter:
    """Start the image once and return its Python, and which of ``modules`` it lacks (none is imported).

    Raises ``UsageError`` if there is no Python in it that trials run on.
    """
    names = list(dict.fromkeys(module.partition(".")[0] for module in modules))
    for program in ("python", "python3", "/opt/venv/bin/python"):
        answer = _started(engine, image, program, LOOK, names)
        if answer.code == 0:
            break
    else:
        raise UsageError(
            f"there is no Python in the image {image}: {answer.last_words}",
            fix="name an image with Python 3.9+",
        )
    try:
        said = json.loads(answer.stdout.splitlines()[-1])
        major, minor, micro = said["version"]
        return Interpreter(str(said["path"]), (major, minor, micro), tuple(said["missing"]), image)
    except (ValueError, LookupError, TypeError) as error:
        raise UsageError(f"what the image {image} calls python is none") from error


def image_label(engine: Engine, image: str, label: str) -> tuple[str, str] | None:
    """Return an image's id and the value of one of its labels; None where there is no such image."""
    answer = engine.call("image", "inspect", image, check=False)
    if answer.code != 0:
        return None
    found = json.loads(answer.stdout)[0]
    labels = (found.get("Config") or {}).get("Labels") or found.get("Labels") or {}
    return _id(str(found["Id"])), str(labels.get(label, ""))


def _id(text: str) -> str:
    return text if text.startswith("sha256:") else f"sha256:{text}"


def _declared_arguments(dockerfile: bytes) -> set[str]:
    words = (line.split() for line in dockerfile.decode("utf-8", "replace").splitlines())
    return {word[1].partition("=")[0] for word in words if len(word) > 1 and word[0].upper() == "ARG"}


def _try_imports(engine: Engine, image: str, python: str, recipe: ImageRecipe) -> None:
    if not recipe.modules:
        return
    answer = _started(engine, image, python, _IMPORT, recipe.modules)
    if answer.code != 0:
        raise BuildError(
            f"the image {recipe.kind} is not fit: importing {', '.join(recipe.modules)} fails: "
            f"{answer.last_words}",
            details=answer.stderr[-4000:],
        )


def _started(engine: Engine, image: str, program: str, code: str, words: Sequence[str]) -> Completed:
    name = f"pushtune-look-{threading.get_ident()}-{os.getpid()}"
    options = ["--rm", f"--name={name}", f"--label={LABEL}=look", "--network=none", "--cap-drop=ALL",
               "--security-opt=no-new-privileges", "--read-only", "--tmpfs=/tmp", "--pids-limit=512",
               "--user=65534:65534", "--env=HOME=/tmp", "--workdir=/", f"--entrypoint={program}"]  # fmt: skip
    try:
        return engine.call("run", *options, image, "-c", code, *words, timeout=LOOK_TIMEOUT, check=False)
    finally:
        engine.call("rm", "--force", name, check=False)


# Fetching.


def _fetch(
    engine: Engine, recipe: ImageRecipe, base: str, scratch: Path, *, builds: bool, cpu: CpuBuilds
) -> None:
    wheels = scratch / "wheels"
    (wheels / "requirements.txt").write_text(recipe.requirements or "", encoding="utf-8")
    name = f"pushtune-fetch-{recipe.key[:12]}-{os.getpid()}"
    words = ["/wheels", str(int(recipe.hashes)), str(int(builds)), cpu.index, *cpu.packages]
    options = ["--rm", f"--name={name}", f"--label={LABEL}=fetch", "--network=host", "--cap-drop=ALL",
               "--security-opt=no-new-privileges", "--env=HOME=/tmp", "--workdir=/wheels",
               "--entrypoint=python", f"--volume={wheels}:/wheels"]  # fmt: skip
    if not engine.rootless:
        options.append(f"--user={os.getuid()}:{os.getgid()}")
    program = Path(image_fetching.__file__).absolute()
    options += [f"--volume={program}:{_INSIDE}/fetch.py:ro", *_pip_options(scratch)]
    try:
        answer = engine.call(
            "run", *options, base, f"{_INSIDE}/fetch.py", *words, timeout=BUILD_TIMEOUT, check=False
        )
    finally:
        engine.call("rm", "--force", name, check=False)
    if answer.code != 0:
        raise fetch_error(recipe, answer)


def _pip_options(scratch: Path) -> Iterator[str]:
    """Yield what lets pip in a container find packages as the user's own does; no password is in it."""
    own = read_pip_configuration(os.environ, Path.home())
    written = scratch / "pip.conf"
    written.touch(mode=0o600)
    written.write_text(own.text, encoding="utf-8")
    yield f"--volume={written}:{_INSIDE}/pip.conf:ro"
    yield f"--env=PIP_CONFIG_FILE={_INSIDE}/pip.conf"
    for path in own.paths:
        yield f"--volume={os.path.realpath(path)}:{path}:ro"
    if own.netrc is not None:
        yield f"--volume={os.path.realpath(own.netrc)}:{_INSIDE}/netrc:ro"
        yield f"--env=NETRC={_INSIDE}/netrc"
    # Only named: the client takes the values from its environment, so that no list of processes shows them.
    yield from (f"--env={name}" for name in _PROXIES if os.environ.get(name))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the word of the base class
        """Say nothing: the build's own output is what is shown."""


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """Serve ``folder`` on the loopback interface while the build runs."""
    try:
        server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    except OSError as error:
        raise MachineError(f"nothing can be served on 127.0.0.1: {error.strerror}") from error
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
