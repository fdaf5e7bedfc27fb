"""Images on real engines: made once, tried, verified, and said why not."""

from __future__ import annotations

import json
import multiprocessing
import os
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from container_cases import BASE, engine_or_none
from image_cases import images_of, removed_after, small_kinds

from pushtune.environment.choice import Choice
from pushtune.environment.choice_records import line_of
from pushtune.environment.engines import Engine, find_engine
from pushtune.environment.image_build import RECIPE_LABEL, image_label
from pushtune.environment.image_kinds import read_kinds
from pushtune.environment.images import Images
from pushtune.errors import BuildError, MachineError, UsageError
from pushtune.model.containers import LABEL
from pushtune.settings import EnvironmentRules
from pushtune.testing.real_parts import need


@pytest.fixture(params=["docker", "podman"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    found = engine_or_none(request.param)
    need(found is not None, f"a {request.param} engine that answers, with the base image (.ci/engine start)")
    assert found is not None
    yield found
    for _ in removed_after(found, tmp_path / "store"):
        pass
    assert not [it for it in found.containers(LABEL) if it.name.endswith(f"-{os.getpid()}")]


@pytest.fixture
def mark() -> str:
    return uuid.uuid4().hex


SMALL = Choice("kind", kind="small", modules=("six", "json"))


def test_an_image_is_built_tried_and_named_by_what_it_is_made_of(
    engine: Engine, tmp_path: Path, mark: str
) -> None:
    images = images_of(engine, tmp_path / "store", small_kinds(tmp_path / "kinds", mark))
    assert not images.is_ready(SMALL)
    found = images.ensure(SMALL, tmp_path)
    assert (found.path, found.version[:2], found.missing) == ("/opt/venv/bin/python", (3, 11), ())
    recipe = images.plan(SMALL).recipes[-1]
    assert image_label(engine, recipe.name, RECIPE_LABEL) == (found.image, recipe.key)
    assert images.is_ready(SMALL)
    # Nothing of how it was fetched is in it: no index, no certificate, no address.
    history = engine.call("history", "--no-trunc", "--format={{.CreatedBy}}", recipe.name).stdout
    assert "cert" not in history
    assert "/run/pushtune" not in history


def test_another_requirement_makes_another_image_on_the_same_layers(
    engine: Engine, tmp_path: Path, mark: str
) -> None:
    first = images_of(engine, tmp_path / "store", small_kinds(tmp_path / "a", mark)).plan(SMALL)
    other = images_of(engine, tmp_path / "store", small_kinds(tmp_path / "b", mark, "six==1.16.0\n")).plan(
        SMALL
    )
    assert first.recipes[0].key == other.recipes[0].key
    assert first.recipes[1].name != other.recipes[1].name


def _ensure(engine: str, store: Path, kinds: Path, start: object, answers: object) -> None:
    images = Images(find_engine(engine), store, EnvironmentRules(base=BASE), read_kinds(kinds))
    start.wait()  # type: ignore[attr-defined]
    answers.put(images.ensure(SMALL, store).image)  # type: ignore[attr-defined]


def test_two_processes_that_need_the_same_image_build_it_once(
    engine: Engine, tmp_path: Path, mark: str
) -> None:
    # What is random in the build shows how often it was run.
    more = "RUN head -c 16 /dev/urandom > /random\n"
    small_kinds(tmp_path / "kinds", mark, more=more)
    spawn = multiprocessing.get_context("spawn")
    start, answers = spawn.Barrier(2), spawn.Queue()
    arguments = (engine.name, tmp_path / "store", tmp_path / "kinds", start, answers)
    processes = [spawn.Process(target=_ensure, args=arguments) for _ in range(2)]
    for process in processes:
        process.start()
    ids = {answers.get(timeout=300) for _ in processes}
    for process in processes:
        process.join()
    assert len(ids) == 1


def _half_made(engine: Engine, mark: str) -> list[str]:
    """The images without a name in whose making ``mark`` was written."""
    ids = engine.call("images", "--quiet", "--no-trunc", "--filter=dangling=true").stdout.split()
    return [one for one in ids if mark in engine.call("history", "--no-trunc", one, check=False).stdout]


def test_a_failed_build_says_the_line_and_leaves_no_image_of_that_name(
    engine: Engine, tmp_path: Path, mark: str
) -> None:
    kinds = small_kinds(tmp_path / "kinds", mark, more=f"RUN echo {mark}\nRUN echo about to fail && exit 7\n")
    images = images_of(engine, tmp_path / "store", kinds)
    with pytest.raises(
        BuildError, match=r"image small cannot be built, at Dockerfile:8: RUN echo about"
    ) as raised:
        images.ensure(SMALL, tmp_path)
    assert "about to fail" in raised.value.details
    assert _half_made(engine, mark) == []
    assert len(raised.value.details.splitlines()) <= 20
    assert not engine.has_image(images.plan(SMALL).recipes[-1].name)


def test_an_image_whose_imports_fail_is_not_taken_for_ready(
    engine: Engine, tmp_path: Path, mark: str
) -> None:
    more = 'RUN echo "raise ImportError(\'broken\')" > $(python -c "import six; print(six.__file__)")\n'
    images = images_of(engine, tmp_path / "store", small_kinds(tmp_path / "kinds", mark, more=more))
    with pytest.raises(BuildError, match="broken"):
        images.ensure(SMALL, tmp_path)
    assert not engine.has_image(images.plan(SMALL).recipes[-1].name)


def test_an_image_of_the_same_name_that_was_made_elsewhere_is_not_believed(
    engine: Engine, tmp_path: Path, mark: str
) -> None:
    images = images_of(engine, tmp_path / "store", small_kinds(tmp_path / "kinds", mark))
    recipe = images.plan(SMALL).recipes[-1]
    engine.call("tag", BASE, recipe.name)
    assert not images.is_ready(SMALL)
    found = images.ensure(SMALL, tmp_path)
    assert image_label(engine, recipe.name, RECIPE_LABEL) == (found.image, recipe.key)
    # And one that takes the place of a good one is seen at the next use.
    engine.call("tag", BASE, recipe.name)
    assert not images.is_ready(SMALL)


def test_an_image_that_the_engine_has_from_the_same_recipe_is_tried_and_taken_over(
    engine: Engine, tmp_path: Path, mark: str
) -> None:
    kinds = small_kinds(tmp_path / "kinds", mark, more="RUN head -c 16 /dev/urandom > /random\n")
    first = images_of(engine, tmp_path / "store", kinds).ensure(SMALL, tmp_path)
    assert images_of(engine, tmp_path / "other", kinds).ensure(SMALL, tmp_path).image == first.image


def test_a_repositorys_packages_are_a_layer_of_its_own(engine: Engine, tmp_path: Path, mark: str) -> None:
    images = images_of(engine, tmp_path / "store", small_kinds(tmp_path / "kinds", mark))
    choice = replace(SMALL, packages=("toml==0.10.2",), modules=("toml", "six", "nonesuch"))
    assert images.ensure(choice, tmp_path).missing == ("nonesuch",)


def test_a_package_that_is_not_to_be_had_is_told_with_its_line(
    engine: Engine, tmp_path: Path, mark: str
) -> None:
    images = images_of(engine, tmp_path / "store", small_kinds(tmp_path / "kinds", mark))
    line = replace(line_of("six==0.0.99", "requirements.txt"), line=4)
    choice = replace(SMALL, packages=("six==0.0.99",), lines=(line,))
    with pytest.raises(BuildError, match=r"requirements.txt:4: six==0.0.99: no release"):
        images.ensure(choice, tmp_path)


def test_an_import_that_no_named_package_brings_is_asked_for(
    engine: Engine, tmp_path: Path, mark: str
) -> None:
    images = images_of(engine, tmp_path / "store", small_kinds(tmp_path / "kinds", mark))
    with pytest.raises(UsageError, match="none of the packages that are named brings nonesuch"):
        images.ensure(replace(SMALL, modules=("nonesuch",), unsure=("nonesuch",)), tmp_path)


def test_another_python_than_the_bases_is_said(engine: Engine, tmp_path: Path, mark: str) -> None:
    images = images_of(engine, tmp_path / "store", small_kinds(tmp_path / "kinds", mark))
    with pytest.raises(UsageError, match=r"Python 3.9 is wanted, and the base image .* has 3.11"):
        images.ensure(replace(SMALL, python="3.9"), tmp_path)


def test_a_base_image_that_is_nowhere_is_said_with_the_fix(engine: Engine, tmp_path: Path, mark: str) -> None:
    rules = EnvironmentRules(base="127.0.0.1:9/private/base:1")
    images = Images(engine, tmp_path / "store", rules, small_kinds(tmp_path / "kinds", mark))
    with pytest.raises(
        MachineError, match=r"the base image 127\.0\.0\.1:9/private/base:1 is not there"
    ) as raised:
        images.ensure(SMALL, tmp_path)
    assert "login" in raised.value.fix


def test_an_image_of_ones_own_is_looked_into(engine: Engine, tmp_path: Path) -> None:
    images = Images(
        engine, tmp_path / "store", EnvironmentRules(images=True), small_kinds(tmp_path / "k", "x")
    )
    found = images.ensure(Choice("image", image=BASE, modules=("json", "numpy")), tmp_path)
    assert (found.path, found.missing) == ("/usr/bin/python3", ("numpy",))


def test_a_dockerfile_of_ones_own_is_built_without_links_and_ignored_files(
    engine: Engine, tmp_path: Path, mark: str
) -> None:
    root = tmp_path / "repository"
    root.mkdir()
    (root / "Dockerfile").write_text(f"FROM {BASE}\nCOPY . /own\nRUN ls /own > /listed && echo {mark}\n")
    (root / "note.txt").write_text("hello")
    (root / "stolen").symlink_to("/etc/passwd")
    images = images_of(engine, tmp_path / "store", small_kinds(tmp_path / "kinds", mark))
    choice = Choice("dockerfile", dockerfile="Dockerfile", offline=True)
    found = images.ensure(choice, root)
    listed = engine.call("run", "--rm", "--network=none", "--entrypoint=cat", found.image, "/listed").stdout
    assert listed.split() == ["Dockerfile", "note.txt"]
    assert images.ensure(choice, root).image == found.image


@pytest.mark.parametrize(
    "text",
    [
        "FROM x\nWORKDIR /proc/self/fd/8\n",
        "# syntax=evil.example/frontend\nFROM x\n",
        "FROM x\nCOPY a /proc/1/root/\n",
    ],
)
def test_a_dockerfile_that_only_an_attack_would_write_is_not_built(tmp_path: Path, text: str) -> None:
    from pushtune.environment.image_context import repository_recipe

    (tmp_path / "Dockerfile").write_text(text)
    with pytest.raises(UsageError, match="it is not built"):
        repository_recipe(tmp_path, "Dockerfile")


def test_what_was_made_half_is_made_again(engine: Engine, tmp_path: Path, mark: str) -> None:
    images = images_of(engine, tmp_path / "store", small_kinds(tmp_path / "kinds", mark))
    images.ensure(SMALL, tmp_path)
    key = images.plan(SMALL).recipes[-1].key
    (images.markers.folder / f"{key}.json").write_text(json.dumps({"id": "sha256:gone"})[:-3])
    assert not images.is_ready(SMALL)
    assert images.ensure(SMALL, tmp_path).image
