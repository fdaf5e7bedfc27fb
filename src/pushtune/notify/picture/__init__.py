"""The learning curve as a picture that mail programs show: PNG, drawn here, without a drawing library."""

from __future__ import annotations

from pushtune.notify.picture.curve import HEIGHT, WIDTH, curve_png

__all__ = ["HEIGHT", "WIDTH", "curve_png"]
