"""Patches come right after the script's own import, once, and never break it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from tests.probe.running import Attempt

import pushtune_probe
from pushtune_probe.workspace_files import WorkspaceFiles

PROBE_FILES = sorted(Path(pushtune_probe.__file__).parent.glob("*.py"))

CV2 = """
    def imshow(*a): raise RuntimeError("no display")
    namedWindow = destroyAllWindows = destroyWindow = imshow
    def waitKey(delay=0): raise RuntimeError("no display")
"""


def test_a_window_of_opencv_does_nothing(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, "from cv2 import imshow, waitKey\nimshow('a', 1)\nprint(waitKey(0))")
    attempt.file("cv2.py", CV2)

    assert attempt.run().output == "-1\n"


def test_matplotlib_never_opens_a_window(tmp_path: Path) -> None:
    source = """
        import os
        print(os.environ["MPLBACKEND"])
        import matplotlib
        matplotlib.use("TkAgg")
        from matplotlib import pyplot as plt
        plt.show(block=True)
        print(matplotlib.chosen)
    """
    attempt = Attempt(tmp_path, source)
    attempt.file(
        "matplotlib/__init__.py", "def use(backend, *, force=True):\n    global chosen\n    chosen = backend"
    )
    attempt.file("matplotlib/pyplot.py", "def show(block=None): raise RuntimeError\npause = show")
    ran = attempt.run()

    assert ran.output == "Agg\nAgg\n"
    assert ran.all("warning") == []


def test_a_patch_that_fails_is_a_warning(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, "import cv2\nprint(cv2.__name__, type(cv2.__loader__).__name__)")
    attempt.file("cv2.py", "")
    ran = attempt.run()

    assert ran.output == "cv2 SourceFileLoader\n"
    assert ran.one("warning")["code"] == "probe"


def test_an_import_that_fails_can_be_tried_again(tmp_path: Path) -> None:
    source = """
        import sys, importlib.util
        assert importlib.util.find_spec("cv2")
        try:
            import cv2
        except ImportError:
            sys.ready = True
        import cv2
        print(cv2.waitKey())
    """
    attempt = Attempt(tmp_path, source)
    attempt.file(
        "cv2.py",
        "import sys\nif not hasattr(sys, 'ready'): raise ImportError('not yet')\n"
        + CV2.replace("\n    ", "\n"),
    )

    assert attempt.run().output == "-1\n"


def test_the_probe_imports_no_framework_by_itself(tmp_path: Path) -> None:
    source = (
        "import sys; print([m for m in ('numpy', 'sklearn', 'keras', 'torch', 'csv') if m in sys.modules])"
    )

    assert Attempt(tmp_path, source).run().output == "[]\n"


@pytest.mark.parametrize("path", PROBE_FILES, ids=lambda path: path.name)
def test_the_probe_is_written_for_python_3_9(path: Path) -> None:
    ast.parse(path.read_text(), feature_version=(3, 9))


def test_the_script_s_files_are_told_from_those_it_was_given(tmp_path: Path) -> None:
    for name in ("data.csv", "old.txt"):
        (tmp_path / name).write_text("1")
    files = WorkspaceFiles(str(tmp_path))
    (tmp_path / "old.txt").write_text("22")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "new.txt").write_text("333")
    (tmp_path / "logs" / "link").symlink_to(tmp_path / "data.csv")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "x.pyc").write_text("")

    assert files.changed() == ["logs/new.txt", "old.txt"]


def test_a_snapshot_copies_them_up_to_its_limit(tmp_path: Path) -> None:
    work, copies = tmp_path / "work", tmp_path / "copies"
    work.mkdir()
    files = WorkspaceFiles(str(work))
    (work / "big.bin").write_bytes(b"x" * 100)
    (work / "small.txt").write_text("abc")

    assert files.snapshot(str(copies), limit_bytes=50) == ["big.bin"]
    assert [path.name for path in copies.iterdir()] == ["small.txt"]


def test_files_that_came_back_with_a_checkpoint_stay_the_scripts(tmp_path: Path) -> None:
    work, checkpoint = tmp_path / "work", tmp_path / "000002"
    for folder in (work, checkpoint / "files"):
        folder.mkdir(parents=True)
        (folder / "log.csv").write_text("epoch\n1\n")
    (work / "data.csv").write_text("1")

    assert WorkspaceFiles(str(work), [str(checkpoint)]).changed() == ["log.csv"]
