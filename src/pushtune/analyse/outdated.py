"""What in a script was written for older releases: what the choice of its environment goes by."""

from __future__ import annotations

from pushtune.analyse.reading import read
from pushtune.analyse.removed import outdated_lines, since
from pushtune.model.analysis import Script
from pushtune.model.needs import Outdated


def outdated(script: Script) -> tuple[Outdated, ...]:
    """Return the lines that current releases refuse, in the order of files and lines.

    Raises ``UnparsableError`` if the entry file is not Python that this interpreter can parse.
    """
    lines = ((gone, since(gone.library)) for gone in outdated_lines(read(script)))
    return tuple(Outdated(gone.file, gone.line, gone.old, *when) for gone, when in lines)
