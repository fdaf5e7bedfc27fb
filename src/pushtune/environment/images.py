"""Images that are ready: made once, whoever asks first, tried, and verified before each use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pushtune.environment.choice import Choice
from pushtune.environment.engines import Engine
from pushtune.environment.image_build import (
    RECIPE_LABEL,
    BuiltImage,
    build_image,
    image_label,
    look_into,
    name_image,
    run_build,
    try_image,
)
from pushtune.environment.image_context import repository_recipe
from pushtune.environment.image_kinds import CpuBuilds, Kinds
from pushtune.environment.image_recipes import ImageRecipe, kind_recipe, packages_recipe
from pushtune.environment.markers import Markers
from pushtune.errors import BuildError, MachineError, UsageError
from pushtune.model.ports import Interpreter
from pushtune.settings.environment import EnvironmentRules

PULL_TIMEOUT = 3600.0

Make = Callable[[], BuiltImage]


@dataclass(frozen=True)
class Plan:
    """Every image that is made for a choice, the lowest first, and the image that they stand on."""

    base: str
    recipes: tuple[ImageRecipe, ...]


class Images:
    """The images of one engine. ``store`` is the user's folder for what all studies share.

    Safe between threads and processes: two that need the same image make it once.
    """

    def __init__(self, engine: Engine, store: Path, rules: EnvironmentRules, kinds: Kinds) -> None:
        self._engine = engine
        self._rules = rules
        self._kinds = kinds
        self.markers = Markers(store / "images" / engine.name)

    def ensure(self, choice: Choice, root: Path) -> Interpreter:
        """Return the Python in the image for ``choice``, made if need be; ``image`` is the image's id.

        Raises ``BuildError`` if it cannot be made, ``UsageError`` where what is asked for is not to be had.
        """
        if choice.source == "image":
            found = self._own(choice.image)
        elif choice.source == "dockerfile":
            found = self._of_dockerfile(choice, root)
        else:
            found = self._of_kind(choice)
        return self._looked_at(choice, found)

    def plan(self, choice: Choice) -> Plan:
        """Return what would be made. The base image is pulled if it is not there."""
        name = self._rules.base.replace("{python}", choice.python)
        base = self._base(name)
        key = base
        recipes: list[ImageRecipe] = []
        for_gpus = self._kinds.for_gpus if choice.gpus else None
        for kind in self._kinds.chain(choice.kind):
            recipes.append(kind_recipe(kind, key, for_gpus))
            key = recipes[-1].key
        if choice.packages:
            recipes.append(packages_recipe(choice, key, for_gpus))
        return Plan(name, tuple(recipes))

    def is_ready(self, choice: Choice) -> bool:
        """Whether the image of ours for a choice is there, tried, and what its name says. Fetches nothing."""
        name = self._rules.base.replace("{python}", choice.python)
        if choice.source != "kind" or image_label(self._engine, name, RECIPE_LABEL) is None:
            return False
        return self._ready(self.plan(choice).recipes[-1]) is not None

    # The three sources.

    def _of_kind(self, choice: Choice) -> BuiltImage:
        plan = self.plan(choice)
        ready = self._ready(plan.recipes[-1]) or self._adopted(plan.recipes[-1])
        if ready is not None:
            return ready
        base = plan.base
        for recipe in plan.recipes:
            ready = self._made(recipe, self._maker(recipe, base, choice))
            base = recipe.name
        assert ready is not None
        return ready

    def _maker(self, recipe: ImageRecipe, base: str, choice: Choice) -> Make:
        # What we name ourselves has wheels; only what a repository asks for may need to be compiled.
        builds = self._rules.builds and not choice.offline and recipe.kind not in self._kinds.kinds
        cpu = CpuBuilds() if choice.gpus else self._kinds.cpu_builds
        return lambda: build_image(self._engine, recipe, base, builds=builds, cpu=cpu)

    def _of_dockerfile(self, choice: Choice, root: Path) -> BuiltImage:
        recipe = repository_recipe(root, choice.dockerfile)

        def make() -> BuiltImage:
            image = run_build(self._engine, recipe, {}, network="none" if choice.offline else None)
            built = try_image(self._engine, image, recipe)
            name_image(self._engine, built, recipe)
            return built

        return self._made(recipe, make)

    def _own(self, image: str) -> BuiltImage:
        found = image_label(self._engine, image, RECIPE_LABEL)
        if found is None:
            self._pull(image, f"the image {image} is not there and cannot be fetched")
            found = image_label(self._engine, image, RECIPE_LABEL)
            assert found is not None
        key = found[0].removeprefix("sha256:")
        body = self.markers.read(key)
        if body is None:
            looked = look_into(self._engine, found[0], ())
            built = BuiltImage(found[0], looked.path, looked.version)
            self._mark(key, image, image, built)
            return built
        return _built(body)

    # Making once.

    def _made(self, recipe: ImageRecipe, make: Make) -> BuiltImage:
        ready = self._ready(recipe)
        if ready is not None:
            return ready
        with self.markers.locked(recipe.key):
            ready = self._ready(recipe) or self._adopted(recipe)
            if ready is None:
                ready = make()
                self._mark(recipe.key, recipe.name, recipe.kind, ready)
            return ready

    def _adopted(self, recipe: ImageRecipe) -> BuiltImage | None:
        """Take over an image that the engine has from the same recipe, made by another, if it works."""
        found = image_label(self._engine, recipe.name, RECIPE_LABEL)
        if found is None or found[1] != recipe.key:
            return None
        try:
            built = try_image(self._engine, found[0], recipe)
        except (BuildError, UsageError):
            return None
        self._mark(recipe.key, recipe.name, recipe.kind, built)
        return built

    def _ready(self, recipe: ImageRecipe) -> BuiltImage | None:
        """Return the image if its marker stands and the engine's image of that name is the one marked."""
        body = self.markers.read(recipe.key)
        if body is None or image_label(self._engine, recipe.name, RECIPE_LABEL) != (body["id"], recipe.key):
            return None
        self.markers.touch(recipe.key)
        return _built(body)

    def _mark(self, key: str, name: str, kind: str, built: BuiltImage) -> None:
        body = {"id": built.id, "name": name, "kind": kind, "python": built.python, "version": built.version}
        self.markers.write(key, body)

    def _base(self, name: str) -> str:
        """Return the id of the image that ours stand on; fetched if it is not there."""
        found = image_label(self._engine, name, RECIPE_LABEL)
        if found is None:
            self._pull(name, f"the base image {name} is not there and cannot be fetched")
            found = image_label(self._engine, name, RECIPE_LABEL)
            assert found is not None
        return found[0]

    def _pull(self, image: str, what: str) -> None:
        answer = self._engine.call("pull", "--quiet", image, timeout=PULL_TIMEOUT, check=False)
        if answer.code != 0:
            raise MachineError(
                f"{what}: {answer.last_words}",
                fix=f"log in to its registry ({self._engine.name} login), or build or import it on this "
                "machine; PUSHTUNE_BASE_IMAGE names another base",
            )

    # What is in it.

    def _looked_at(self, choice: Choice, built: BuiltImage) -> Interpreter:
        missing = self._missing(built, choice.modules)
        unknown = [name for name in choice.unsure if name.partition(".")[0] in missing]
        if unknown and choice.source == "kind":
            raise UsageError(
                f"none of the packages that are named brings {', '.join(unknown)}",
                fix='name the one that does: packages = ["…"] under [environment] in pushtune.toml',
            )
        wanted = tuple(int(part) for part in choice.python.split("."))
        if choice.source == "kind" and built.version[:2] != wanted:
            have = ".".join(map(str, built.version[:2]))
            raise UsageError(
                f"Python {choice.python} is wanted, and the base image {self._rules.base} has {have}",
                fix=f"name a base image with Python {choice.python} (PUSHTUNE_BASE_IMAGE), "
                f'or say python = "{have}" under [environment]',
            )
        return Interpreter(built.python, built.version, tuple(missing), built.id)

    def _missing(self, built: BuiltImage, modules: tuple[str, ...]) -> list[str]:
        """Return which of ``modules`` the image lacks: what was found once is kept with its marker."""
        names = list(dict.fromkeys(name.partition(".")[0] for name in modules))
        key = f"has-{built.id.removeprefix('sha256:')}"
        has = self.markers.read(key) or {}
        new = tuple(name for name in names if name not in has)
        if new:
            missing = look_into(self._engine, built.id, new).missing
            has = {**has, **{name: name not in missing for name in new}}
            self.markers.write(key, has)
        return [name for name in names if not has[name]]


def _built(body: dict[str, object]) -> BuiltImage:
    version = body["version"]
    assert isinstance(version, (list, tuple))
    return BuiltImage(
        str(body["id"]), str(body["python"]), (int(version[0]), int(version[1]), int(version[2]))
    )
