"""What one image is made from, and the name that follows from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from pushtune.environment.choice import Choice
from pushtune.environment.choice_records import split_requirement
from pushtune.environment.declared_lines import Line
from pushtune.environment.image_kinds import PACKAGES_KIND, Kind, Kinds, images_folder

REQUIREMENTS = "requirements.txt"
CPU = "+cpu"
"""The mark of a build for the CPU, at the end of its version."""

FORMAT = 1
"""Goes into every key: a change of how images are made makes others."""


@dataclass(frozen=True)
class ImageRecipe:
    """``files`` are the build's whole context, the Dockerfile among them, by their names.

    ``base`` is the key of the image that it stands on, or the id of one that is not ours. ``modules`` must be
    importable in it. ``lines`` say where a requirement was declared; ``hashes``: pip checks theirs.
    """

    kind: str
    files: tuple[tuple[str, bytes], ...]
    base: str
    modules: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    hashes: bool = False
    dockerfile: str = "Dockerfile"

    @cached_property
    def key(self) -> str:
        """The hash of all that it is made from: 64 hexadecimal digits."""
        body = {
            "format": FORMAT,
            "base": self.base,
            "files": [(name, hashlib.sha256(data).hexdigest()) for name, data in sorted(self.files)],
        }
        return hashlib.sha256(json.dumps(body).encode()).hexdigest()

    @property
    def name(self) -> str:
        """What the image is called."""
        return f"pushtune/{self.kind}:{self.key[:16]}"

    @property
    def requirements(self) -> str | None:
        """What pip installs in it, as it reads it; None for nothing."""
        data = dict(self.files).get(REQUIREMENTS)
        return None if data is None else data.decode()


def kind_recipe(kind: Kind, base: str, for_gpus: Mapping[str, str] | None = None) -> ImageRecipe:
    """Return the recipe of a kind's own layers on ``base``.

    ``for_gpus`` is what ``Kinds`` says takes the place of builds for the CPU; None keeps those.
    """
    files = {path.name: path.read_bytes() for path in sorted(kind.folder.iterdir()) if path.is_file()}
    if for_gpus is not None and REQUIREMENTS in files:
        lines = files[REQUIREMENTS].decode().splitlines()
        files[REQUIREMENTS] = _text(with_gpus(line, for_gpus) for line in lines)
    return ImageRecipe(kind.name, tuple(files.items()), base, kind.modules)


def with_gpus(requirement: str, for_gpus: Mapping[str, str]) -> str:
    """Return a requirement as it is where trials get GPUs: the plain build, under the name that has it."""
    name, versions = split_requirement(requirement)
    plain = requirement.removesuffix(CPU)
    return f"{for_gpus[name]}{versions}".removesuffix(CPU) if name in for_gpus else plain


def _text(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def packages_recipe(choice: Choice, base: str, for_gpus: Mapping[str, str] | None = None) -> ImageRecipe:
    """Return the recipe of what a repository wants besides its kind."""
    dockerfile = (images_folder() / PACKAGES_KIND / "Dockerfile").read_bytes()
    hashes = {line.requirement: line.hashes for line in choice.lines} if choice.hashes else {}
    lines = [
        " ".join([text, *(f"--hash={value}" for value in hashes.get(text, ()))])
        for text in sorted(choice.packages)
    ]
    if for_gpus is not None and not choice.hashes:
        lines = [with_gpus(text, for_gpus) for text in lines]
    files = (("Dockerfile", dockerfile), (REQUIREMENTS, _text(lines)))
    name = f"{choice.kind}-{PACKAGES_KIND}"
    return ImageRecipe(name, files, base, (), choice.lines, choice.hashes)


def kinds_of(choice: Choice, kinds: Kinds) -> tuple[Kind, ...]:
    """Return the kinds that are made for a choice, the lowest first."""
    return kinds.chain(choice.kind)
