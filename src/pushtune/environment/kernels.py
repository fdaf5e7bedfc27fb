"""Which of a library's own kernels trials compute with, where it leaves a choice."""

from __future__ import annotations

_CONVOLUTIONAL = "CNN"
_ONEDNN = "TF_ENABLE_ONEDNN_OPTS"


def kernel_variables(framework: str, kind: str) -> dict[str, str]:
    """Return the environment variables that choose the faster kernels for a kind of model.

    On processors without AVX-512 VNNI TensorFlow leaves oneDNN off. With it, convolutions take half to a
    quarter of the time there, and small dense models a little longer (docs/decisions/0008). What the trial's
    environment says of these variables itself comes before this.
    """
    if framework == "keras" and kind == _CONVOLUTIONAL:
        return {_ONEDNN: "1"}
    return {}
