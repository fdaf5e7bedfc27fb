"""The learning curve as a picture that mail programs show: PNG, drawn here, without a drawing library.

Mail programs show no SVG. One stair, some dots and the figures of two axes take 0.1 s and give 12 kB; Pillow
would add 22 MB to every installation.
"""

from __future__ import annotations

from pushtune.notify.picture.curve import HEIGHT, WIDTH, curve_png

__all__ = ["HEIGHT", "WIDTH", "curve_png"]
