"""Trials in containers have no network: what their script downloads is there before they need it, once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from project import Answer, Project

from pushtune.testing.real_parts import need_module
from pushtune.testing.served import ServedHome

BASE = "pushtune-test-base"
pytestmark = pytest.mark.usefixtures("engine")

WINE = """\
import numpy
from sklearn.datasets import fetch_file
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

table = numpy.loadtxt(fetch_file("http://127.0.0.1:{port}/wine.csv"), delimiter=",")
X_train, X_test, y_train, y_test = train_test_split(table[:, 1:], table[:, 0], test_size=0.5, random_state=0)
model = RandomForestClassifier(n_estimators=2, max_depth=1, random_state=1)
model.fit(X_train, y_train)
print("Accuracy:", accuracy_score(y_test, model.predict(X_test)))
"""


class Wine:
    """A server on this machine that has one file; ``asked`` are the requests that came."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        wine = self

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's word
                wine.asked.append(self.path)

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.script = WINE.format(port=self.http.server_address[1])


@pytest.fixture
def wine(tmp_path: Path) -> Iterator[Wine]:
    need_module("sklearn")
    from sklearn.datasets import load_wine

    rows, kinds = load_wine(return_X_y=True)
    lines = (",".join(map(str, (kind, *row))) for row, kind in zip(rows, kinds, strict=True))
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "wine.csv").write_text("\n".join(lines))
    found = Wine(tmp_path / "files")
    thread = threading.Thread(target=found.http.serve_forever, daemon=True)
    thread.start()
    yield found
    found.http.shutdown()
    found.http.server_close()
    thread.join()


def downloads(answer: Answer) -> list[str]:
    """What was said of downloads."""
    said = (str(event.get("text", "")) for event in answer.events)
    return [line for line in said if "download" in line]


@pytest.mark.slow
def test_a_data_set_is_downloaded_once_for_all_trials_of_all_pushes(
    project: Project, wine: Wine, tmp_path: Path
) -> None:
    variables = {
        "PUSHTUNE_BASE_IMAGE": BASE,
        "PUSHTUNE_ENGINE": "docker",
        "PUSHTUNE_PYTHON": "",
        "PUSHTUNE_CACHE": str(tmp_path / "store"),
    }
    arguments = ("--env", "container", "--trials", "2", "--no-confirm", "--json")
    project.write("train.py", wine.script)
    first = project.tune("train.py", *arguments, timeout=900, **variables)
    assert first.code == 0, first.err
    (line,) = downloads(first)
    assert line.startswith("downloaded sklearn.datasets.fetch_file(url=")
    trials = next(event for event in first.events if event["event"] == "result")["trials"]
    assert len(trials) >= 3
    assert wine.asked == ["/wine.csv"]

    project.write("train.py", wine.script.replace("max_depth=1", "max_depth=2"))
    second = project.tune("train.py", *arguments, timeout=300, **variables)
    assert second.code == 0, second.err
    assert downloads(second) == []
    assert wine.asked == ["/wine.csv"]


@pytest.mark.slow
def test_pushed_code_downloads_nothing_from_the_servers_own_network_and_is_told(
    wine: Wine, tmp_path: Path
) -> None:
    served = ServedHome(tmp_path / "served", {"environment": "container", "base_image": BASE})
    served.make_repository({})
    served.start()
    try:
        served.commit({"train.py": wine.script}, "Wine")
        served.push()
        over = served.wait_over(1, seconds=600)
    finally:
        served.stop()
    assert over["state"] == "failed"
    assert "could not download sklearn.datasets.fetch_file(url='http://127.0.0.1:" in served.log
    assert (
        'trials run without a network: mount it (data under [environment]), or set network = "full"'
        in served.log
    )
    assert wine.asked == []
