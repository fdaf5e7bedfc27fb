"""The catalogue; each knob style and each move: how it is found, how it is applied."""

from pushtune.rewrite.rewriter import Discovery, Rewriter, apply, discover

__all__ = ["Discovery", "Rewriter", "apply", "discover"]
