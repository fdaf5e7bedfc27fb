"""Convolutions are computed by the kernels that are faster; what others use is left to their library."""

from __future__ import annotations

import pytest

from pushtune.environment.kernels import kernel_variables


def test_a_convolutional_keras_model_gets_onednn() -> None:
    assert kernel_variables("keras", "CNN") == {"TF_ENABLE_ONEDNN_OPTS": "1"}


@pytest.mark.parametrize(("framework", "kind"), [("keras", "MLP"), ("torch", "CNN"), ("unknown", "unknown")])
def test_others_are_left_as_they_are(framework: str, kind: str) -> None:
    assert kernel_variables(framework, kind) == {}
