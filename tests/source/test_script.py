"""Finding a script: its root, its files, where it starts."""

from pathlib import Path

import pytest

from pushtune.errors import UnparsableError, UsageError
from pushtune.source import load_script


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def paths(path: Path) -> list[str]:
    return [file.path for file in load_script(path).files]


def test_the_root_is_the_git_work_tree(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path, jobs__train="import helper\nimport common\n", jobs__helper="", common="", unused="")
    script = load_script(tmp_path / "jobs" / "train.py")
    assert (script.root, script.entry, script.workdir) == (str(tmp_path), "jobs/train.py", "jobs")
    assert [file.path for file in script.files] == ["jobs/train.py", "jobs/helper.py", "common.py"]


def test_without_git_the_root_is_the_folder_of_the_script(tmp_path: Path) -> None:
    write(tmp_path, train="import numpy\n")
    script = load_script(tmp_path / "train.py", args=["--lr", "3"])
    assert (script.root, script.workdir, script.args) == (str(tmp_path), ".", ("--lr", "3"))


def test_local_modules_are_followed_through_packages_and_relative_imports(tmp_path: Path) -> None:
    write(
        tmp_path,
        train="from nets.cnn import build\n",
        nets__cnn="from . import blocks\nfrom .head import top\n",
    )
    write(tmp_path, nets__blocks="import train\n", nets__head="")
    (tmp_path / "nets" / "__init__.py").write_text("")
    expected = ["train.py", "nets/__init__.py", "nets/cnn.py", "nets/blocks.py", "nets/head.py"]
    assert sorted(paths(tmp_path / "train.py")) == sorted(expected)


def test_the_working_folder_is_kept_if_it_lies_below_the_root(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: elsewhere")
    write(tmp_path, src__train="")
    assert load_script(tmp_path / "src" / "train.py", workdir=tmp_path).workdir == "."
    assert load_script(tmp_path / "src" / "train.py", workdir=Path("/")).workdir == "src"


def test_a_broken_helper_is_part_of_the_script_and_no_error(tmp_path: Path) -> None:
    write(tmp_path, train="import helper\n", helper="def (\n")
    assert paths(tmp_path / "train.py") == ["train.py", "helper.py"]


def test_a_broken_entry_file_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, train="x = 1\ndef (\n")
    with pytest.raises(UnparsableError, match=r"train\.py line 2"):
        load_script(tmp_path / "train.py")


@pytest.mark.parametrize(
    ("name", "why"), [("none.py", "no file"), ("", "folder"), ("data.csv", r"not a \.py")]
)
def test_what_is_no_script_is_refused_with_the_fix(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "data.csv").write_text("")
    with pytest.raises(UsageError, match=why) as caught:
        load_script(tmp_path / name)
    assert "train.py" in caught.value.fix
