"""A Keras training that is killed and resumed ends with the same bits as one that was left alone."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest
from tests.probe.keras_scripts import DATA_KINDS, IMAGE_FOLDER, TWO_FITS
from tests.probe.running import Attempt

from pushtune.testing.real_parts import need_module
from pushtune_probe import wire

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("keras_installed")]

QUIET_AND_SINGLE = {
    "PYTHONPYCACHEPREFIX": "",  # else every attempt would compile all of TensorFlow again
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_ENABLE_ONEDNN_OPTS": "1",  # as trials of convolutional models get it
}


@dataclasses.dataclass(frozen=True)
class Trial:
    """What a chain of attempts came to: the digest it printed, its epochs in order, logs, warnings."""

    digest: str
    epochs: list[int]
    logs: dict[str, bytes]
    warnings: list[str]


def train(folder: Path, source: str, *kills: str) -> Trial:
    """Run ``source``; kill it at each of ``kills`` in turn and resume it in a new process."""
    checkpoints: list[str] = []
    epochs: list[int] = []
    warnings: list[str] = []
    for number, kill in enumerate([*kills, ""], start=1):
        attempt = Attempt(folder / str(number), source, attempt=number, checkpoints=tuple(checkpoints))
        ran = attempt.run(KILL=kill, **QUIET_AND_SINGLE)
        assert ran.code == (-9 if kill else 0), ran.output
        epochs += [event["epoch"] for event in ran.all("epoch")]
        warnings += [event["text"] for event in ran.all("warning")]
        checkpoints = wire.checkpoint_folders(str(attempt.folder)) + checkpoints
    digest = next(line for line in ran.output.splitlines() if line.startswith("HASH"))
    logs = {path.name: path.read_bytes() for path in sorted(attempt.workspace.glob("*.csv"))}
    return Trial(digest, epochs, logs, warnings)


def test_callbacks_augmentation_and_two_fits(tmp_path: Path) -> None:
    alone = train(tmp_path / "alone", TWO_FITS)
    assert len(alone.logs) == 2

    # In the middle of an epoch, between two epochs, after the first fit, and in the second.
    killed = train(tmp_path / "killed", TWO_FITS, "1:1:2", "1:3:0", "2:0:1", "2:3:0")

    assert killed == alone
    assert killed.epochs == list(range(1, 11))


def test_every_kind_of_data(tmp_path: Path) -> None:
    alone = train(tmp_path / "alone", DATA_KINDS)

    killed = train(tmp_path / "killed", DATA_KINDS, "1:1:3", "2:2:2", "3:2:1", "4:1:0", "5:2:2", "6:1:1")

    assert dataclasses.replace(killed, warnings=[]) == alone
    assert [text for text in killed.warnings if "reads its data ahead" not in text] == []


def test_image_folders(tmp_path: Path) -> None:
    need_module("PIL")

    assert train(tmp_path / "killed", IMAGE_FOLDER, "1:2:1") == train(tmp_path / "alone", IMAGE_FOLDER)


def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path: Path) -> None:
    first = Attempt(tmp_path / "1", TWO_FITS)
    assert first.run(KILL="1:3:0", **QUIET_AND_SINGLE).code == -9
    newest, before = wire.checkpoint_folders(str(first.folder))
    (Path(newest) / "state.pickle").write_bytes(b"torn")
    assert wire.read_manifest(before) is not None
    shutil.rmtree(first.workspace)  # nothing but the checkpoints is needed

    second = Attempt(tmp_path / "2", TWO_FITS, attempt=2, checkpoints=(newest, before))
    ran = second.run(**QUIET_AND_SINGLE)

    assert [event["epoch"] for event in ran.all("epoch")] == list(range(3, 11))
    assert [event["code"] for event in ran.all("warning")] == ["checkpoint"]
