"""What trials see of this machine's data: what is missing or not allowed is said before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from pushtune.environment.container_data import data_mounts
from pushtune.errors import UsageError
from pushtune.model.containers import Mount
from pushtune.settings import EnvironmentRules
from pushtune.settings.environment import read_mount


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "repository" / "cats").mkdir(parents=True)
    (tmp_path / "srv" / "dogs").mkdir(parents=True)
    return tmp_path / "repository"


def mounted(text: str, root: Path, rules: EnvironmentRules) -> list[Mount]:
    return list(data_mounts([read_mount("data", text)], root, rules))


def test_the_repositorys_own_data_is_mounted_to_be_read(root: Path) -> None:
    assert mounted("cats:/data/cats", root, EnvironmentRules()) == [Mount(str(root / "cats"), "/data/cats")]


def test_a_data_set_of_the_operators_is_known_by_its_name(root: Path) -> None:
    rules = EnvironmentRules(data_sets={"dogs": str(root.parent / "srv" / "dogs")})
    assert mounted("dogs:/data/dogs", root, rules)[0].source == str(root.parent / "srv" / "dogs")


@pytest.mark.parametrize("source", ["dogs", "cats"])
def test_a_pushed_repository_writes_no_data(root: Path, source: str) -> None:
    rules = EnvironmentRules(data_sets={"dogs": str(root.parent / "srv" / "dogs")})
    with pytest.raises(UsageError, match="not the repository's to write"):
        mounted(f"{source}:/data/x:rw", root, rules)
    assert not mounted("cats:/data/x:rw", root, EnvironmentRules(data=None))[0].read_only


def test_data_outside_is_mounted_only_below_what_the_operator_allows(root: Path) -> None:
    outside = root.parent / "srv" / "dogs"
    with pytest.raises(UsageError, match="outside what the operator allows"):
        mounted(f"{outside}:/data/dogs", root, EnvironmentRules())
    assert mounted(f"{outside}:/data/dogs", root, EnvironmentRules(data=(str(root.parent / "srv"),)))
    assert mounted(f"{outside}:/data/dogs", root, EnvironmentRules(data=None))


@pytest.mark.parametrize("source", ["../srv/dogs", "cats/../../srv/dogs", "/etc", "link"])
def test_neither_dots_nor_links_lead_out(root: Path, source: str) -> None:
    (root / "link").symlink_to(root.parent / "srv" / "dogs")
    with pytest.raises(UsageError, match="outside what the operator allows"):
        mounted(f"{source}:/data/x", root, EnvironmentRules(data=(str(root),)))


def test_data_that_is_missing_is_said_with_its_place(root: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no .*/repository/birds"):
        mounted("birds:/data/birds", root, EnvironmentRules())
