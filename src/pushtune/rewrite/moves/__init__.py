"""The structural moves on layers: one file each, all listed in ``MOVES``."""

from __future__ import annotations

from collections.abc import Mapping

from pushtune.rewrite.base import Finder
from pushtune.rewrite.moves.batchnorm import find_batchnorms
from pushtune.rewrite.moves.copies import find_copies
from pushtune.rewrite.moves.dropout import find_dropouts
from pushtune.rewrite.moves.torch_dropout import find_torch_dropouts

MOVES: Mapping[str, Finder] = {
    "copies": find_copies,
    "dropout": find_dropouts,
    "batchnorm": find_batchnorms,
    "torch_dropout": find_torch_dropouts,
}
"""Every structural move by name. The order is that of parameters."""
