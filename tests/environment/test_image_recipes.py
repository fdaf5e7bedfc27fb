"""What images are made from: builds for the CPU, or what GPUs need where trials get them."""

from __future__ import annotations

import pytest

from pushtune.environment.choice import Choice
from pushtune.environment.image_kinds import load_kinds
from pushtune.environment.image_recipes import kind_recipe, packages_recipe, with_gpus

KINDS = load_kinds()


@pytest.mark.parametrize(
    ("kind", "for_cpu", "for_gpus"),
    [
        ("torch", "torch==2.13.0+cpu", "torch==2.13.0"),
        ("keras", "tensorflow-cpu==2.21.0", "tensorflow[and-cuda]==2.21.0"),
        ("boosting", "xgboost-cpu==3.2.0", "xgboost==3.2.0"),
    ],
)
def test_a_kind_is_for_the_cpu_unless_trials_get_gpus(kind: str, for_cpu: str, for_gpus: str) -> None:
    usual = kind_recipe(KINDS.kinds[kind], "base")
    other = kind_recipe(KINDS.kinds[kind], "base", KINDS.for_gpus)
    assert for_cpu in (usual.requirements or "").splitlines()
    assert for_gpus in (other.requirements or "").splitlines()
    assert usual.name != other.name


def test_what_is_the_same_for_both_is_one_image() -> None:
    sklearn = KINDS.kinds["sklearn"]
    assert kind_recipe(sklearn, "base").name == kind_recipe(sklearn, "base", KINDS.for_gpus).name


def test_a_repositorys_own_packages_too() -> None:
    choice = Choice("kind", kind="torch", packages=("torchvision==0.28.0+cpu", "six", "xgboost-cpu<3"))
    recipe = packages_recipe(choice, "base", KINDS.for_gpus)
    assert recipe.requirements == "six\ntorchvision==0.28.0\nxgboost<3\n"


def test_any_requirement_can_be_asked() -> None:
    assert with_gpus("six", KINDS.for_gpus) == "six"
    assert with_gpus("tensorflow-cpu", KINDS.for_gpus) == "tensorflow[and-cuda]"
