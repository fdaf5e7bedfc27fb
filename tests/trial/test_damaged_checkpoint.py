"""A checkpoint that is torn, truncated or has one bit flipped, anywhere: the one before is taken."""

from __future__ import annotations

import pickle
import random
from pathlib import Path

import pytest

from pushtune.trial import TrialFolder
from pushtune_probe import wire


@pytest.fixture
def folder(tmp_path: Path) -> TrialFolder:
    """A trial whose first attempt left two checkpoints, as small as real ones can be."""
    found = TrialFolder(tmp_path)
    for epoch in (1, 2):
        checkpoint = found.attempt(1) / wire.CHECKPOINTS / f"{epoch:06d}"
        (checkpoint / wire.CHECKPOINT_FILES).mkdir(parents=True)
        (checkpoint / "loop.pickle").write_bytes(pickle.dumps({"epoch": epoch, "weights": [0.25] * 4}))
        (checkpoint / wire.CHECKPOINT_FILES / "log.csv").write_text("1,0.5\n")
        wire.write_manifest(str(checkpoint), epoch)
    return found


def _newest(folder: TrialFolder) -> Path:
    return folder.attempt(1) / wire.CHECKPOINTS / "000002"


def _names(folder: TrialFolder) -> list[str]:
    return [path.name for path in folder.checkpoints_below(2)]


PARTS = ["loop.pickle", f"{wire.CHECKPOINT_FILES}/log.csv", wire.MANIFEST]


@pytest.mark.parametrize("part", PARTS)
def test_one_flipped_bit_at_any_byte_is_seen(folder: TrialFolder, part: str) -> None:
    path = _newest(folder) / part
    whole = path.read_bytes()
    chance = random.Random(23)
    for position in range(len(whole)):
        flipped = bytearray(whole)
        flipped[position] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        assert _names(folder) == ["000001"], f"byte {position}: {bytes(flipped)!r}"
    path.write_bytes(whole)
    assert _names(folder) == ["000002", "000001"]


@pytest.mark.parametrize("part", PARTS)
def test_cut_off_at_any_byte_it_is_seen(folder: TrialFolder, part: str) -> None:
    path = _newest(folder) / part
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert _names(folder) == ["000001"], f"{length} bytes of {len(whole)}"


@pytest.mark.parametrize("part", PARTS)
def test_with_more_at_its_end_or_not_there_at_all_it_is_seen(folder: TrialFolder, part: str) -> None:
    path = _newest(folder) / part
    whole = path.read_bytes()
    path.write_bytes(whole + b"x")
    assert _names(folder) == ["000001"]
    path.unlink()
    assert _names(folder) == ["000001"]


def test_of_two_manifests_that_were_exchanged_neither_is_believed(folder: TrialFolder) -> None:
    one, other = (
        folder.attempt(1) / wire.CHECKPOINTS / name / wire.MANIFEST for name in ("000001", "000002")
    )
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    assert _names(folder) == []
