"""Whether a rewritten script's models still fit: feature maps that stay, and not too many more weights.

Looked at in the rewritten source itself, so that knobs and moves are seen together.
"""

from __future__ import annotations

from pushtune.errors import InfeasibleError
from pushtune.rewrite.base import Context
from pushtune.rewrite.moves.shapes import ShapeReader
from pushtune.rewrite.moves.weights import count_weights

MOST_WEIGHTS = 20
"""How many times the weights of the author's model a candidate may have."""

_SMALL = 200_000
"""A model with no more weights than this is never too large, however small the author's was."""


def refuse_unfit(author: Context, candidate: Context) -> None:
    """Raise ``InfeasibleError`` if a model of ``candidate`` cannot be built, or is far larger than before.

    What the source does not tell (an input's size that only a run shows) is not refused.
    """
    before, after = ShapeReader(author.tracer), ShapeReader(candidate.tracer)
    for own, model in zip(author.models, candidate.models, strict=False):
        layer = after.shrunk(model, model.layers)
        if layer is not None and before.shrunk(own, own.layers) is None:
            line = layer.element.line
            raise InfeasibleError(f"the feature map would shrink to nothing in {layer.kind}, line {line}")
        weights, today = count_weights(after, model), count_weights(before, own)
        if weights is not None and today is not None and weights > max(today * MOST_WEIGHTS, _SMALL):
            raise InfeasibleError(f"{weights:,} weights are over {MOST_WEIGHTS} times the author's {today:,}")
