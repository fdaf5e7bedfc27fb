"""Which Python trials run with, what it lacks, and the environment it gets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pushtune.environment import ENVIRONMENTS, EnvironmentRequest, ProcessEnvironment
from pushtune.environment.process import find_python, trial_variables
from pushtune.errors import UsageError
from pushtune.model.needs import Needs


def _python_in(folder: Path, name: str = "python") -> str:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / name).symlink_to(sys.executable)
    return str(folder / "bin" / name)


def test_the_one_that_is_named_wins(tmp_path: Path) -> None:
    named, active = _python_in(tmp_path / "named"), _python_in(tmp_path / "active")
    variables = {"VIRTUAL_ENV": str(tmp_path / "active")}
    assert find_python(named, variables) == named
    assert find_python(str(tmp_path / "named"), variables) == named
    assert find_python(None, variables) == active


def test_a_conda_environment_counts_and_one_that_was_removed_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conda = _python_in(tmp_path / "conda", "python3")
    monkeypatch.setenv("PATH", "/nowhere")
    gone = str(tmp_path / "gone")
    assert find_python(None, {"VIRTUAL_ENV": gone, "CONDA_PREFIX": str(tmp_path / "conda")}) == conda
    with pytest.raises(UsageError, match="no Python on PATH") as raised:
        find_python(None, {"VIRTUAL_ENV": gone})
    assert "--python" in raised.value.fix


def test_else_the_first_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = _python_in(tmp_path / "first")
    monkeypatch.setenv("PATH", str(tmp_path / "first" / "bin"))
    assert find_python(None, {}) == first
    assert find_python("python", {}) == first


@pytest.mark.parametrize("wanted", ["/no/such/python", "nonesuch", "/etc"])
def test_one_that_is_not_there_is_said(wanted: str) -> None:
    with pytest.raises(UsageError, match="there is no Python at"):
        find_python(wanted, {})


@pytest.mark.parametrize("program", ["/bin/true", "/bin/false"])
def test_what_is_no_python_is_said(program: str) -> None:
    with pytest.raises(UsageError, match=r"is not a Python|does not work as a Python"):
        ProcessEnvironment(program).prepare(Needs.of_modules([]))


def test_it_says_what_is_missing_without_importing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "loud.py").write_text("raise SystemExit('imported')")
    (tmp_path / "local.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "."))
    found = ENVIRONMENTS["process"](EnvironmentRequest(sys.executable)).prepare(
        Needs.of_modules(["json", "loud", "nonesuch.part", "nonesuch"])
    )
    assert found.missing == ("nonesuch",)
    assert found.version == sys.version_info[:3]
    assert Path(found.path).samefile(sys.executable)


def test_a_module_beside_us_is_not_taken_for_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "local.py").write_text("")
    monkeypatch.chdir(tmp_path)
    assert ProcessEnvironment(sys.executable).prepare(Needs.of_modules(["local"])).missing == ("local",)


def test_a_python_too_old_is_refused(tmp_path: Path) -> None:
    old = tmp_path / "python"
    old.write_text('#!/bin/sh\necho \'{"path": "/old", "version": [3, 8, 10], "missing": []}\'\n')
    old.chmod(0o755)
    with pytest.raises(UsageError, match=r"is Python 3\.8\.10; trials need 3\.9"):
        ProcessEnvironment(str(old)).prepare(Needs.of_modules([]))


def test_the_environment_is_the_authors_with_threads_seed_and_no_windows() -> None:
    base = {"HOME": "/home/a", "API_KEY": "k", "DISPLAY": ":0", "WAYLAND_DISPLAY": "w", "PUSHTUNE_LABEL": "x"}
    told = trial_variables(base, threads=1, seed=7)
    assert (told["HOME"], told["API_KEY"]) == ("/home/a", "k")
    assert not {"DISPLAY", "WAYLAND_DISPLAY", "PUSHTUNE_LABEL"} & set(told)
    assert told["MPLBACKEND"] == "Agg"
    assert told["PYTHONHASHSEED"] == "7"
    assert told["TF_CPP_MIN_LOG_LEVEL"] == "2"
    assert trial_variables({"TF_CPP_MIN_LOG_LEVEL": "0"}, 1, 0)["TF_CPP_MIN_LOG_LEVEL"] == "0"
    for threads in (1, 4):
        told = trial_variables(base, threads, 7)
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
                     "TF_NUM_INTRAOP_THREADS", "LOKY_MAX_CPU_COUNT"):  # fmt: skip
            assert told[name] == str(threads)
    assert trial_variables(base, 1, 7)["TF_NUM_INTEROP_THREADS"] == "1"
    flags = trial_variables({"XLA_FLAGS": "--theirs"}, 1, 7)["XLA_FLAGS"]
    assert flags == "--theirs --xla_cpu_multi_thread_eigen=false"


def test_every_seed_starts_a_python() -> None:
    for seed in (0, 2**31, 2**40):
        variables = trial_variables(os.environ, 1, seed)
        subprocess.run([sys.executable, "-c", ""], env=variables, check=True)


def test_its_runtime_starts_processes(tmp_path: Path) -> None:
    assert ProcessEnvironment().runtime().find(["nobody"]) == {}


def test_our_own_python_serves_where_the_one_on_path_lacks_what_ours_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')  # sees the standard library alone
    bare.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    assert ProcessEnvironment().prepare(Needs.of_modules(["json", "psutil"])).missing == ()
    assert ProcessEnvironment(str(bare)).prepare(Needs.of_modules(["json", "psutil"])).missing == ("psutil",)
