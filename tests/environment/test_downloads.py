"""Data sets are downloaded once, in containers of real engines, for trials that have no network."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from container_cases import BASE, PYTHON, Yard
from file_server import FileServer, file_server

from pushtune.environment import downloads as module
from pushtune.environment.container_caches import HOME_INSIDE, cache_mounts
from pushtune.environment.downloads import Downloads, unfinished
from pushtune.environment.holdings import folder_holdings, prune_folder
from pushtune.environment.markers import Markers
from pushtune.model.containers import ContainerSpec
from pushtune.model.needs import Loader

NOBODY = (65534, 65534)
DATA = f"{HOME_INSIDE}/data.csv"


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server({"data.csv": b"1,2\n"}) as served:
        yield served


@pytest.fixture
def downloads(yard: Yard, tmp_path: Path) -> Downloads:
    """Those of a person's own runs, without anything of theirs in the cache."""
    return Downloads(
        engine=yard.engine,
        home=yard.home,
        store=tmp_path / "store",
        cache=tmp_path / "cache",
        target=HOME_INSIDE,
        container=ContainerSpec(BASE, mounts=tuple(cache_mounts(tmp_path / "cache", NOBODY, None))),
        variables={"HOME": HOME_INSIDE, "PATH": "/usr/bin:/bin", "no_proxy": "*"},
        own=True,
        public=False,
    )


def loader(name: str, **arguments: object) -> Loader:
    """A call that needs nothing but the base image's Python."""
    return Loader("train.py", 3, name, tuple((key, repr(value)) for key, value in arguments.items()))


def retrieve(url: str, place: str = DATA) -> Loader:
    return loader("urllib.request.urlretrieve", url=url, filename=place)


def test_what_was_downloaded_once_is_read_by_trials_without_a_network(
    downloads: Downloads, yard: Yard, server: FileServer, tmp_path: Path
) -> None:
    call = retrieve(server.url("data.csv"))
    assert downloads.fetch([call], PYTHON) == [(call, "")]
    assert downloads.fetch([call], PYTHON) == []
    assert server.asked == ["/data.csv"]
    for trial in ("1", "2"):
        read = f"assert open({DATA!r}).read() == '1,2\\n'; open({HOME_INSIDE + '/' + trial!r}, 'w')"
        assert yard.run(tmp_path / trial, read, mounts=downloads.container.mounts).code == 0
    assert list((tmp_path / "store" / "downloads").iterdir()) == [tmp_path / "store" / "downloads" / "locks"]


def test_what_cannot_be_downloaded_is_told_and_tried_again(downloads: Downloads, server: FileServer) -> None:
    gone, there = retrieve(server.url("gone.csv"), f"{HOME_INSIDE}/gone"), retrieve(server.url("data.csv"))
    assert downloads.fetch([gone, there], PYTHON) == [
        (gone, "HTTPError: HTTP Error 404: Not Found"),
        (there, ""),
    ]
    assert downloads.fetch([gone, there], PYTHON) == [(gone, "HTTPError: HTTP Error 404: Not Found")]
    assert server.asked.count("/data.csv") == 1


def test_what_a_trial_left_in_the_cache_never_meets_the_network(
    downloads: Downloads, yard: Yard, server: FileServer, tmp_path: Path
) -> None:
    """As a pickle that a loader reads from its cache: code of the trial's."""
    ask = f"import urllib.request; urllib.request.urlopen({server.url('data.csv')!r})"
    plant = (
        f"import os; os.makedirs({HOME_INSIDE + '/.local/lib/python3.11/site-packages'!r});"
        f"open({HOME_INSIDE + '/.local/lib/python3.11/site-packages/a.pth'!r}, 'w').write({ask!r});"
        f"open({HOME_INSIDE + '/cached.py'!r}, 'w').write({ask!r})"
    )
    assert yard.run(tmp_path / "trial", plant, mounts=downloads.container.mounts).code == 0
    ((_, error),) = downloads.fetch([loader("runpy.run_path", path_name=f"{HOME_INSIDE}/cached.py")], PYTHON)
    assert "No such file" in error
    assert server.asked == []


def test_a_link_that_a_trial_left_in_the_cache_leads_nowhere_else(
    downloads: Downloads, server: FileServer, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o777)
    (tmp_path / "cache" / "deep").symlink_to(outside)
    ((_, error),) = downloads.fetch(
        [retrieve(server.url("data.csv"), f"{HOME_INSIDE}/deep/data.csv")], PYTHON
    )
    assert error
    assert list(outside.iterdir()) == []


def test_what_a_persons_own_libraries_hold_is_not_downloaded(downloads: Downloads, tmp_path: Path) -> None:
    own = tmp_path / "home" / "scikit_learn_data"
    own.mkdir(parents=True)
    (own / "data.csv").write_text("1,2\n")
    for folder in (tmp_path / "home", own):
        folder.chmod(0o755)
    mounts = tuple(cache_mounts(tmp_path / "cache", NOBODY, tmp_path / "home"))
    mounted = replace(downloads, container=replace(downloads.container, mounts=mounts))
    call = loader("os.stat", path=f"{HOME_INSIDE}/scikit_learn_data/data.csv")
    assert mounted.fetch([call], PYTHON) == []
    assert mounted.missing([call]) == []
    # It is looked at again where the person's folder has changed.
    (own / "more").touch()
    assert mounted.missing([call]) == [call]


def test_two_that_need_the_same_data_download_it_once(downloads: Downloads, server: FileServer) -> None:
    call = retrieve(server.url("data.csv"))
    threads = [threading.Thread(target=downloads.fetch, args=([call], PYTHON)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert downloads.missing([call]) == []
    assert server.asked == ["/data.csv"]


def test_a_download_has_limits(downloads: Downloads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMITS", replace(module.LIMITS, disk=2**20))
    filler = loader("subprocess.run", args=["sh", "-c", "yes > ~/big; sleep 60"])
    ((_, error),) = downloads.fetch([filler], PYTHON)
    assert error == "it was ended: more disk than it may have"
    monkeypatch.setattr(module, "SECONDS", 1.0)
    ((_, error),) = downloads.fetch([loader("subprocess.run", args=["sleep", "60"])], PYTHON)
    assert error.startswith("it took longer than")
    assert unfinished(tmp_path / "store") == []


def test_what_a_killed_download_has_left_is_listed_and_one_under_way_is_not(tmp_path: Path) -> None:
    left = tmp_path / "downloads" / "0123"
    (left / "online" / "home").mkdir(parents=True)
    assert [(item.kind, item.id) for item in folder_holdings(tmp_path)] == [("download", str(left))]
    with Markers(tmp_path / "downloads").locked("0123"):
        assert folder_holdings(tmp_path) == []
    prune_folder(tmp_path, folder_holdings(tmp_path)[0])
    assert not left.exists()


def test_for_pushed_code_no_machine_of_ones_own_network_is_asked(
    downloads: Downloads, server: FileServer
) -> None:
    pushed = replace(downloads, own=False, public=True)
    ((_, error),) = pushed.fetch([retrieve(server.url("data.csv"))], PYTHON)
    assert "refused" in error or "cannot start a container" in error
    assert server.asked == []
