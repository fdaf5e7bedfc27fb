"""Which of a library's own kernels trials compute with, where it leaves a choice."""

from __future__ import annotations

from math import prod

from pushtune.model.analysis import Analysis

_CONVOLUTIONAL = "CNN"
_ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
_SMALL = 192
"""Numbers of an image, channels included. Measured: 8 × 8 is slower with oneDNN, 16 × 16 faster."""


def kernel_variables(analysis: Analysis) -> dict[str, str]:
    """Return the environment variables that choose the faster kernels for the model of a script.

    On processors without AVX-512 VNNI TensorFlow leaves oneDNN off. With it, convolutions of images take half
    to a quarter of the time there; very small images and dense models take a little longer
    (docs/decisions/0008). What the trial's environment says of these variables itself comes before this.
    """
    if analysis.framework == "keras" and analysis.kind == _CONVOLUTIONAL and not _are_small(analysis.images):
        return {_ONEDNN: "1"}
    return {}


def _are_small(images: tuple[tuple[int, ...], ...]) -> bool:
    return bool(images) and max(map(prod, images)) < _SMALL
