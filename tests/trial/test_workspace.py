"""The folder that an attempt runs in: like the author's in all that a script sees, and never the author's."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from trial_cases import Project

from pushtune.errors import MachineError
from pushtune.model.analysis import Candidate, Script, ScriptFile
from pushtune.process import run
from pushtune.trial import (
    TrialFolder,
    author_files,
    changed_links,
    make_attempt,
    read_candidate,
    write_candidate,
)
from pushtune.trial.workspace import build_workspace, levels_up
from pushtune_probe import wire
from pushtune_probe.wire import Plan

MIB = 1024 * 1024


def _run(project: Project, code: str, **changes: object) -> str:
    """Make an attempt of a script that is ``code``, run the script itself in it, return what it prints."""
    project.write("train.py", code)
    spec = make_attempt(project.request(**changes))
    return run([sys.executable, *spec.command[5:]], cwd=spec.workdir).stdout


def test_a_script_sees_its_files_and_changes_only_copies(
    project: Project, untouched: Callable[[], None]
) -> None:
    project.in_git("out/\ndata/\n")
    for path in ("data/train.csv", "deep/er/notes.txt", "out/old.h5"):
        project.write(path, "author's")
    project.write("train.py", "")
    code = (
        "import os, shutil\n"
        "for path in ('data/train.csv', 'deep/er/notes.txt', 'out/old.h5', 'train.py', 'new.txt'):\n"
        "    open(path, 'a').write('mine')\n"
        "shutil.rmtree('out'); os.makedirs('out'); os.remove('deep/er/notes.txt')\n"
        "print(sorted(os.listdir('.')))"
    )
    project.write("train.py", code)
    untouched()
    assert _run_again(project) == "['.gitignore', 'data', 'deep', 'new.txt', 'out', 'train.py']\n"


def _run_again(project: Project, **changes: object) -> str:
    spec = make_attempt(project.request(**changes))
    return run([sys.executable, *spec.command[5:]], cwd=spec.workdir).stdout


def test_what_no_script_reads_is_left_out(project: Project) -> None:
    for path in (".git/HEAD", ".pushtune/studies/x/trials/1", "__pycache__/a.pyc", "env/pyvenv.cfg",
                 "env/lib/x.py", "conda/conda-meta/x", "node_modules/x.js"):  # fmt: skip
        project.write(path)
    project.write("package/a.py")
    assert _run(project, "import os; print(sorted(os.listdir()))") == "['package', 'train.py']\n"


def test_the_studys_own_folder_is_left_out_wherever_it_is(project: Project) -> None:
    study = project.root / "results"
    assert _run(project, "import os; print(os.listdir())", study=str(study)) == "['train.py']\n"


def test_what_is_too_large_to_copy_is_linked_and_a_change_is_noticed(project: Project) -> None:
    large = project.write("large.bin", b"x" * 2000)
    project.write("small.bin", b"x" * 10)
    request = project.request()
    attempt = request.folder.attempt(1)
    attempt.mkdir(parents=True)
    workspace = build_workspace(attempt, request.script, request.candidate, budget=1000)
    assert (workspace.root / "large.bin").readlink() == large
    assert not (workspace.root / "small.bin").is_symlink()
    assert [link.path for link in workspace.links] == [str(large)]


def test_large_ignored_data_is_linked_and_a_change_is_reported(project: Project) -> None:
    project.in_git("data/\n")
    data = project.write("data/big.bin")
    os.truncate(data, 17 * MIB)
    spec = make_attempt(project.request())
    attempt = Path(spec.folder)
    assert (Path(spec.workdir) / "data" / "big.bin").readlink() == data
    assert changed_links(attempt) == ()
    with (Path(spec.workdir) / "data" / "big.bin").open("r+b") as stream:
        stream.write(b"changed by the script")
    assert changed_links(attempt) == (str(data),)


def test_a_folder_of_very_many_files_is_linked_whole(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(author_files, "MOST_IN_FOLDER", 50)
    folder = project.root / "images" / "cats"
    folder.mkdir(parents=True)
    for number in range(51):
        (folder / f"{number}.png").touch()
    spec = make_attempt(project.request())
    assert (Path(spec.workdir) / "images").readlink() == project.root / "images"
    assert changed_links(Path(spec.folder)) == ()
    (folder / "0.png").write_text("changed")
    assert changed_links(Path(spec.folder)) == (str(project.root / "images"),)


def test_a_candidate_is_laid_over_even_where_its_folder_is_linked(
    project: Project, untouched: Callable[[], None]
) -> None:
    outside = project.root.parent / "shared"
    outside.mkdir()
    (outside / "net.py").write_text("UNITS = 8")
    (outside / "other.py").write_text("X = 1")
    (project.root / "package").symlink_to(outside)
    project.write("train.py", "import package.net, package.other; print(package.net.UNITS)")
    untouched()
    request = project.request()
    files = (*request.candidate.files, ScriptFile("package/net.py", b"UNITS = 64"))
    assert _run_again(project, candidate=Candidate(files, (), "")) == "64\n"
    assert (outside / "net.py").read_text() == "UNITS = 8"


def test_links_keep_their_meaning(project: Project, untouched: Callable[[], None]) -> None:
    (project.root.parent / "outside.txt").write_text("outside")
    project.write("data/real.txt", "inside")
    (project.root / "inside").symlink_to("data/real.txt")
    (project.root / "up").symlink_to("../outside.txt")
    (project.root / "absolute").symlink_to(project.root.parent / "outside.txt")
    (project.root / "dangling").symlink_to("nothing")
    code = "print(*[open(name).read() for name in ('inside', 'up', 'absolute')])"
    project.write("train.py", code + "\nopen('inside', 'w').write('mine')")
    untouched()
    assert _run_again(project) == "inside outside outside\n"


@pytest.mark.parametrize(
    "code",
    [
        "print(open('../data/x.txt').read())",
        "import os; print(open(os.path.join(os.pardir, 'data', 'x.txt')).read())",
        "from pathlib import Path as P; print((P(__file__).parent.parent / 'data/x.txt').read_text())",
        "import os, sys; os.chdir('..'); print(open('../home/data/x.txt').read())  # '../..'",
        "import os; print(open('../project/../data/x.txt').read())",
    ],
)
def test_relative_paths_that_lead_outside_keep_working(project: Project, code: str) -> None:
    (project.root.parent / "data").mkdir()
    (project.root.parent / "data" / "x.txt").write_text("outside")
    assert _run(project, code) == "outside\n"


def test_neighbours_are_linked_only_where_the_script_may_look_for_them() -> None:
    def levels(text: str, *args: str, root: str = "/home/a/project") -> int:
        return levels_up(Script(root, "t.py", (ScriptFile("t.py", text.encode()),), args))

    assert levels("print('hello...')") == 0
    assert levels("open('../x')") == 2
    assert levels("open('../../../x')") == 3
    assert levels("", "--data", "../x") == 2
    assert levels("", "--data", "..") == 2
    assert levels("open('../../../../../../x')", root="/project") == 1


def test_a_mentioned_neighbour_that_changes_is_reported(project: Project) -> None:
    data = project.root.parent / "data"
    data.mkdir()
    project.write("train.py", "open('../data/x.txt')")
    spec = make_attempt(project.request())
    (data / "x.txt").write_text("1")
    assert changed_links(Path(spec.folder)) == (str(data),)


def test_it_starts_in_the_authors_folder_below_the_root(project: Project) -> None:
    project.write("code/train.py", "import sys, os; print(sys.argv, os.path.basename(os.getcwd()))")
    script = project.request("code/train.py").script
    for workdir, name in (("code", "train.py"), (".", "code/train.py"), ("empty", "../code/train.py")):
        spec = make_attempt(project.request("code/train.py", script=replace(script, workdir=workdir)))
        assert spec.command[4:] == ("--", name)
        assert Path(spec.workdir).is_dir()


def test_it_starts_with_the_candidates_arguments(project: Project) -> None:
    project.write("train.py", "import sys; print(sys.argv[1:])")
    request = project.request()
    request = replace(request, script=replace(request.script, args=("--lr", "0.1", "a b")))
    candidate = replace(request.candidate, args=("--lr", "0.3", "a b"))
    spec = make_attempt(replace(request, candidate=candidate))
    assert spec.command[4:] == ("--", "train.py", "--lr", "0.3", "a b")


def test_pipes_and_sockets_do_not_hold_it_up(project: Project) -> None:
    os.mkfifo(project.root / "pipe")
    assert _run(project, "import os; print(os.path.exists('pipe'))") == "False\n"


def test_the_plan_says_what_was_asked(project: Project) -> None:
    spec = make_attempt(project.request(metric="accuracy", pause_at=3, finish_at=9, record=False))
    plan = Plan.from_json((Path(spec.folder) / wire.PLAN).read_text())
    assert (plan.trial, plan.attempt, plan.seed, plan.threads) == (3, 1, 7, 1)
    assert (plan.metric, plan.pause_at, plan.finish_at, plan.record) == ("accuracy", 3, 9, False)
    assert (plan.workspace, plan.script, plan.checkpoints) == (spec.workdir, "train.py", ())
    assert spec.label == plan.label == "a-label"


def _checkpoint(folder: TrialFolder, attempt: int, number: int, **files: str) -> Path:
    path = folder.attempt(attempt) / wire.CHECKPOINTS / f"{number:06d}"
    (path / wire.CHECKPOINT_FILES / "out").mkdir(parents=True)
    for name, text in files.items():
        (path / wire.CHECKPOINT_FILES / "out" / name).write_text(text)
    wire.write_manifest(str(path), number)
    return path


def test_it_resumes_from_the_newest_whole_checkpoint_of_lower_attempts(project: Project) -> None:
    folder = project.request().folder
    _checkpoint(folder, 1, 1, log="one")
    newest = _checkpoint(folder, 1, 2, log="one two")
    torn = _checkpoint(folder, 2, 3, log="one two three")
    (torn / wire.CHECKPOINT_FILES / "out" / "log").write_text("torn")
    spec = make_attempt(project.request(attempt=3))
    plan = json.loads((Path(spec.folder) / wire.PLAN).read_text())
    assert plan["checkpoints"][0] == str(newest)
    assert len(plan["checkpoints"]) == 2
    assert (Path(spec.workdir) / "out" / "log").read_text() == "one two"


def test_an_attempt_made_again_is_made_anew(project: Project) -> None:
    spec = make_attempt(project.request())
    (Path(spec.folder) / wire.EVENTS).write_text("half")
    make_attempt(project.request())
    assert not (Path(spec.folder) / wire.EVENTS).exists()


def test_a_candidate_is_written_with_its_diff(project: Project) -> None:
    folder = project.request().folder
    for text in (b"x = 1\r\n", b"x = 2\r\n"):
        write_candidate(folder, Candidate((ScriptFile("deep/train.py", text),), (), "the diff\r\n"))
    assert (folder.candidate / "deep" / "train.py").read_bytes() == b"x = 2\r\n"
    assert (folder.candidate / "candidate.patch").read_bytes() == b"the diff\r\n"


def test_what_is_run_is_what_was_written_of_a_candidate(project: Project) -> None:
    project.write("train.py", "x = 1")
    request = project.request()
    file = ScriptFile("train.py", b"x = 2")
    args = ("--rate=0.3", "a b", "", "'\"", "line\nend", "\udcff", "größe")
    write_candidate(request.folder, Candidate((file,), (), "", args))
    assert read_candidate(request.folder, request.script) == Candidate((file,), (), "", args)


def test_a_candidate_written_before_it_had_arguments_has_the_scripts(project: Project) -> None:
    project.write("train.py", "x = 1")
    request = project.request()
    write_candidate(request.folder, request.candidate)
    (request.folder.candidate / "candidate.args").unlink()
    script = replace(request.script, args=("--x", "1"))
    assert read_candidate(request.folder, script).args == ("--x", "1")


ON_A_BAD_DISK = """
import sys
sys.path[:0] = [sys.argv[2]]
from pathlib import Path
from trial_cases import Project
from pushtune.errors import MachineError
from pushtune.trial import make_attempt
project = Project(Path(sys.argv[1]) / "author")
project.write("big.bin", b"x" * 2**21)
request = project.request(study=sys.argv[1] + "/disk/study")
try:
    make_attempt(request)
except MachineError as error:
    print(error, "|", error.fix, "|", request.folder.attempt(1).exists())
"""


@pytest.mark.parametrize(
    ("options", "problem", "help_given"),
    [("size=1m", "is full", "free some space"), ("ro", "Read-only file system", "make the folder writable")],
)
def test_a_bad_disk_is_said_and_nothing_half_made_is_left(
    tmp_path: Path, options: str, problem: str, help_given: str
) -> None:
    (tmp_path / "disk").mkdir()
    mount = f"mount -t tmpfs -o {options} none {tmp_path}/disk"
    own_mounts = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    if run([*own_mounts, mount], check=False).code != 0:
        assert os.environ.get("PUSHTUNE_CI") != "1", "CI must be able to mount a small file system"
        pytest.skip("no small file system can be mounted here")
    program = [sys.executable, "-c", ON_A_BAD_DISK, str(tmp_path), str(Path(__file__).parent)]
    said = run([*own_mounts, f'{mount} && exec "$0" "$@"', *program])
    message, fix, left = said.stdout.strip().split(" | ")
    assert problem in message
    assert help_given in fix
    assert left == "False"


def test_a_study_folder_that_is_a_file_is_said(project: Project) -> None:
    with pytest.raises(MachineError, match="cannot write below"):
        make_attempt(project.request(study=str(project.root / "train.py")))
    assert (project.root / "train.py").is_file()
