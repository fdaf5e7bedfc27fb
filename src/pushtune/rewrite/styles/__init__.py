"""The ways in which a value stands in a source: how each is found, and how it is changed.

``literal``, ``constant``, ``argparse``, ``dict`` and ``default`` values are written somewhere; one file
each in ``pushtune.source.tracing`` tells how they are reached (``literals``, ``tracer``, ``options``,
``tables`` and ``classes``, ``parameters``), and ``written`` replaces them all alike. ``implicit`` values
are written nowhere: their keyword is added, or (``entries``) their key to a table of parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from pushtune.rewrite.base import Site
from pushtune.rewrite.styles import entries, epoch_loops, hand_batches, implicit, torch_sizes, written
from pushtune.rewrite.survey import Survey

STYLES: Mapping[str, Callable[[Survey], Iterator[Site]]] = {
    "written": written.find,
    "implicit": implicit.find,
    "entries": entries.find,
    "epoch_loops": epoch_loops.find,
    "torch_sizes": torch_sizes.find,
    "hand_batches": hand_batches.find,
}
"""Every finder of values."""
