"""Trials as processes in virtual environments that pushtune makes: one for each set of requirements."""

from __future__ import annotations

import os
from dataclasses import replace

from pushtune.environment.choice import Choice, choose
from pushtune.environment.container import told
from pushtune.environment.declared import read_declared
from pushtune.environment.image_kinds import Kinds, images_folder, load_kinds
from pushtune.environment.image_recipes import ImageRecipe
from pushtune.environment.process import OLDEST_PYTHON, find_python, look, trial_variables
from pushtune.environment.process_runtime import ProcessRuntime
from pushtune.environment.request import EnvironmentRequest
from pushtune.environment.virtualenv_store import VirtualenvRecipe, Virtualenvs
from pushtune.errors import UsageError
from pushtune.model.needs import Needs
from pushtune.model.ports import Interpreter

PINNED_FROM = (3, 11)
"""The oldest Python that the versions in ``images/`` are for; an older one gets what it can have."""


class VirtualenvEnvironment:
    """What the image of a script would hold, installed by the user's own pip beside no container."""

    name = "virtualenv"

    def __init__(self, request: EnvironmentRequest) -> None:
        self._request = request
        self.store = Virtualenvs(request.store / "virtualenvs")

    def choose(self, needs: Needs) -> Choice:
        """Return what is installed for a script, and why. Installs nothing."""
        root = needs.root or self._request.root
        settings = replace(self._request.settings, image=None, dockerfile=None)
        declared = read_declared(root, needs.entry, settings.python or Choice("").python)
        rules = replace(self._request.rules, found_dockerfiles=False)
        return choose(needs, declared, settings, rules, load_kinds())

    def prepare(self, needs: Needs) -> Interpreter:
        """Choose the packages and make the environment ready; it raises what ``Virtualenvs.ensure`` does."""
        choice = self.choose(needs)
        recipe = self._recipe(choice)
        python = self.store.ensure(recipe)
        names = list(dict.fromkeys(module.partition(".")[0] for module in choice.modules))
        found = look(python, names)
        unknown = [name for name in choice.unsure if name.partition(".")[0] in found.missing]
        if unknown:
            raise UsageError(
                f"none of the packages that are named brings {', '.join(unknown)}",
                fix='name the one that does: packages = ["…"] under [environment] in pushtune.toml',
            )
        return replace(found, why=(f"virtual environment {recipe.key[:12]}: {choice.name}", *told(choice)))

    def variables(self, threads: int, seed: int) -> dict[str, str]:
        """Return today's environment, with ``threads`` and ``seed`` told to all that listens."""
        dropped = ("PYTHONPATH", "VIRTUAL_ENV", "CONDA_PREFIX")
        kept = {name: value for name, value in os.environ.items() if name not in dropped}
        return trial_variables(kept, threads, seed)

    def runtime(self) -> ProcessRuntime:
        """Return a new runtime; raises ``MachineError`` off Linux."""
        return ProcessRuntime()

    def container(self, image: str, root: str) -> None:
        """Return None: attempts are plain processes."""

    def _recipe(self, choice: Choice) -> VirtualenvRecipe:
        base = self._base(choice)
        kinds = load_kinds()
        pinned = base.version >= PINNED_FROM
        chain = kinds.chain(choice.kind)
        own = sorted(text.partition("+")[0] for text in choice.packages)
        requirements = (*_pins(choice, kinds, pinned=pinned), *own)
        startup = images_folder() / "keras2" / "keras_of_its_time.py" if choice.kind == "keras2" else None
        modules = tuple(name for kind in chain for name in kind.modules)
        files = (("requirements.txt", "\n".join(requirements).encode()),)
        origin = ImageRecipe(choice.kind, files, "", lines=choice.lines)
        builds = self._request.rules.builds and not choice.offline
        return VirtualenvRecipe(base.path, base.version, requirements, modules, startup, builds, origin)

    def _base(self, choice: Choice) -> Interpreter:
        """Return the Python that environments are made of. Raises ``UsageError`` if it is not fit."""
        wanted = self._request.python
        if wanted is None and self._request.settings.python is not None:
            wanted = f"python{self._request.settings.python}"
        found = look(find_python(wanted, os.environ), [])
        have = ".".join(map(str, found.version[:2]))
        if found.version[:2] < OLDEST_PYTHON:
            raise UsageError(
                f"{found.path} is Python {have}; trials need 3.9 or newer", fix="use --python PATH"
            )
        if choice.kind == "keras2" and found.version[:2] != (3, 11):
            raise UsageError(
                f"scripts of the years of Keras 2 need Python 3.11; {found.path} is {have}",
                fix="name one with --python PATH, or use --env container",
            )
        return found


def _pins(choice: Choice, kinds: Kinds, *, pinned: bool) -> tuple[str, ...]:
    """Return what the image of the choice would hold already, without what a repository wants otherwise.

    Which build of a version it is, for the CPU or not, is the user's pip's to say.
    """
    own = {_name(line) for line in choice.packages}
    brings = kinds.kinds[choice.kind].brings
    wanted = {name: version.partition("+")[0] for name, version in brings.items() if name not in own}
    return tuple(f"{name}=={version}" if pinned else name for name, version in wanted.items())


def _name(requirement: str) -> str:
    # Declared and imported names are canonical already.
    for mark in "[<>=!~; ":
        requirement = requirement.partition(mark)[0]
    return requirement
