"""A script cannot tell that it does not run alone: paths, arguments, pickling, child processes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from tests.probe.running import PROBE, PYTHON, Attempt

from pushtune.testing.real_parts import need_module

FACTS = """
    import json, os, sys
    main = sys.modules["__main__"]
    keys = ["PYTHONPATH", "PYTHONHASHSEED"]
    json.dump({
        "path": sys.path, "argv": sys.argv, "file": __file__, "name": __name__, "spec": __spec__,
        "main": main.__dict__ is globals(), "package": __package__, "doc": __doc__,
        "known": sorted(name for name in globals() if name.startswith("__")),
        "environment": {key: os.environ.get(key) for key in keys}, "cwd": os.getcwd(),
        "loader": type(__loader__).__name__, "builtins": __builtins__.__name__,
    }, open("facts.json", "w"))
"""


@pytest.mark.parametrize(
    ("as_module", "options"),
    [
        (True, ()),
        (True, ("-X", "utf8")),
        (False, ()),
        (False, ("-X", "dev")),
        (False, ("-W", "error")),
        (False, ("-E",)),
        (False, ("-I",)),
    ],
)
def test_paths_and_names_are_those_of_a_bare_run(
    tmp_path: Path, as_module: bool, options: tuple[str, ...]
) -> None:
    attempt = Attempt(tmp_path, FACTS)
    bare = [PYTHON, *options, "train.py", "--lr", "0.1"]
    subprocess.run(bare, cwd=attempt.workspace, env=attempt.environment(), check=True)
    alone = json.loads((attempt.workspace / "facts.json").read_text())

    ran = attempt.run("--lr", "0.1", options=options, as_module=as_module)

    assert ran.code == 0, ran.output
    if as_module:
        # Where pushtune is installed from its sources, its folder is on every path; the probe takes it away.
        alone["path"] = [path for path in alone["path"] if path != str(PROBE.parent)]
    assert json.loads((attempt.workspace / "facts.json").read_text()) == alone


def test_the_authors_python_path_stays(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, FACTS)
    ran = attempt.run(as_module=True, PYTHONPATH=f"/somewhere:{PROBE.parent}")

    facts = json.loads((attempt.workspace / "facts.json").read_text())
    assert ran.code == 0
    assert facts["environment"]["PYTHONPATH"] == "/somewhere"
    assert "/somewhere" in facts["path"]
    assert str(PROBE.parent) not in facts["path"]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_child_processes_work_and_stay_silent(tmp_path: Path, method: str) -> None:
    source = f"""
        import multiprocessing

        class Net:
            def __init__(self, width): self.width = width

        def work(net):
            print("Accuracy: 0.11")
            return Net(net.width * 2)

        if __name__ == "__main__":
            with multiprocessing.get_context({method!r}).Pool(2) as pool:
                print(sorted(net.width for net in pool.map(work, [Net(1), Net(2)])))
            print("Accuracy: 0.9")
    """
    ran = Attempt(tmp_path, source).run()

    assert "[2, 4]" in ran.output
    assert ran.code == 0
    assert ran.metrics() == [("accuracy", 0.9, "unknown")]
    assert len(ran.all("finished")) == 1


@pytest.mark.parametrize("end", ["os._exit(3)", "raise ValueError('child')", "sys.exit(0)"])
def test_a_forked_child_ends_in_silence(tmp_path: Path, end: str) -> None:
    source = f"""
        import os, sys
        child = os.fork()
        if not child:
            print("Accuracy: 0.11")
            {end}
        os.waitpid(child, 0)
        print("Accuracy: 0.9")
    """
    ran = Attempt(tmp_path, source).run()

    assert ran.metrics() == [("accuracy", 0.9, "unknown")]
    assert [body["event"] for body in ran.events] == ["started", "metric", "finished"]


def test_classes_of_the_script_can_be_pickled_and_read_elsewhere(tmp_path: Path) -> None:
    source = """
        import pickle
        class Net:
            width = 3
        if __name__ == "__main__":
            pickle.dump(Net(), open("net.bin", "wb"))
            assert pickle.load(open("net.bin", "rb")).width == 3
    """
    attempt = Attempt(tmp_path, source)
    assert attempt.run().code == 0

    read = "import pickle; from train import Net; import __main__; __main__.Net = Net; "
    read += "print(pickle.load(open('net.bin', 'rb')).width)"
    done = subprocess.run([PYTHON, "-c", read], cwd=attempt.workspace, capture_output=True, check=True)
    assert done.stdout == b"3\n"


def test_a_script_may_change_directory_and_close_all_files(tmp_path: Path) -> None:
    source = """
        import os
        os.makedirs("elsewhere"); os.chdir("elsewhere")
        os.closerange(3, 200)
        open("accuracy.txt", "w").write("0.97")
    """
    ran = Attempt(tmp_path, source).run()

    assert ran.events[-1]["event"] == "finished"
    assert ran.sources() == ["file:elsewhere/accuracy.txt"]


def test_the_seed_is_the_trials_until_the_script_seeds(tmp_path: Path) -> None:
    source = "import random; print(random.random()); random.seed(1); print(random.random())"
    first = Attempt(tmp_path / "a", source, seed=5).run().output.split()
    again = Attempt(tmp_path / "b", source, seed=5).run().output.split()
    other = Attempt(tmp_path / "c", source, seed=6).run().output.split()

    assert first == again
    assert first[0] != other[0]
    assert first[1] == other[1]


def test_source_need_not_be_utf8(tmp_path: Path) -> None:
    source = "# -*- coding: latin-1 -*-\nprint('Präzision'.encode('utf-8').hex())\n".encode("latin-1")

    assert Attempt(tmp_path, source).run().output == "5072c3a47a6973696f6e\n"


def test_numpy_is_seeded_when_it_is_imported_and_the_scripts_seed_wins(tmp_path: Path) -> None:
    need_module("numpy")
    source = "import numpy as np; print(np.random.rand()); np.random.seed(3); print(np.random.rand())"
    first = Attempt(tmp_path / "a", source, seed=5).run().output.split()
    other = Attempt(tmp_path / "b", source, seed=6).run().output.split()

    assert Attempt(tmp_path / "c", source, seed=5).run().output.split() == first
    assert first[0] != other[0]
    assert first[1] == other[1]
