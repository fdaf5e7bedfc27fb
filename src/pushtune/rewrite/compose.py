"""From what the sites ask for to the final edits: flat, disjoint, on the author's text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pushtune.errors import InfeasibleError
from pushtune.model.analysis import Edit, Span
from pushtune.rewrite.base import Change, ImportLine, Transform
from pushtune.rewrite.imports import import_edit
from pushtune.source import Program, SourceText


@dataclass(frozen=True)
class _Placed:
    """A change with its place as indices into the file's text."""

    start: int
    end: int
    change: Edit | Transform

    def inside(self, start: int, end: int) -> bool:
        """Whether it lies in the region; an insertion at one of its ends does not."""
        empty = self.start == self.end
        return start < self.start < end if empty else start <= self.start and self.end <= end

    def touches(self, other: _Placed) -> bool:
        """Whether two changes share text; an insertion shares only what lies on both its sides."""
        if self.start == self.end or other.start == other.end:
            return other.start < self.start < other.end or self.start < other.start < self.end
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True)
class _Renderer:
    """Renders pieces of one file; ``changes`` are all that lie inside the region being rendered."""

    source: SourceText
    changes: tuple[_Placed, ...]

    def of(self, span: Span, extra: Sequence[Edit] = ()) -> str:
        """See ``Rendered``."""
        start, end = self.source.bounds(span)
        more = tuple(_Placed(*self.source.bounds(edit.span), edit) for edit in extra)
        kept = [c for c in self.changes if c.inside(start, end) and not any(c.touches(e) for e in more)]
        whole = [c for c in kept if not isinstance(c.change, Transform) or (c.start, c.end) != (start, end)]
        pieces, at = [], start
        for place, stop, text in self.flat((*whole, *more)):
            pieces += [self.source.text[at:place], text]
            at = stop
        return "".join([*pieces, self.source.text[at:end]])

    def flat(self, changes: Iterable[_Placed]) -> list[tuple[int, int, str]]:
        """Return the outermost changes as replacements, sorted; what touches at one place is joined."""
        ordered = sorted(changes, key=lambda change: (change.start, -change.end))
        replacements: list[tuple[int, int, str]] = []
        for change in _outermost(ordered):
            text = self._text(change, ordered)
            if replacements and replacements[-1][0] == change.start and replacements[-1][1] == change.start:
                text = replacements.pop()[2] + text
            replacements.append((change.start, change.end, text))
        return replacements

    def _text(self, change: _Placed, among: Sequence[_Placed]) -> str:
        if isinstance(change.change, Edit):
            return change.change.text
        inside = tuple(c for c in among if c is not change and c.inside(change.start, change.end))
        return change.change.build(replace(self, changes=inside))


def compose(program: Program, changes: Iterable[Change]) -> tuple[Edit, ...]:
    """Return the edits that make ``changes``, sorted and disjoint, at most one for each region.

    Raises ``InfeasibleError`` where two changes overlap without one holding the other.
    """
    changes = list(changes)
    edits: list[Edit] = []
    for module in (*program.modules, *program.documents):
        source = module.source
        lines = dict.fromkeys(c.text for c in changes if isinstance(c, ImportLine) and c.file == source.path)
        here = [c for c in changes if not isinstance(c, ImportLine) and c.span.file == source.path]
        if lines:
            here.insert(0, import_edit(module, tuple(lines)))
        placed = [_Placed(*source.bounds(change.span), change) for change in here]
        renderer = _Renderer(source, tuple(placed))
        for start, end, text in renderer.flat(placed):
            if source.text[start:end] != text:
                edits.append(Edit(source.between(start, end), text))
    return tuple(edits)


def _outermost(ordered: Sequence[_Placed]) -> list[_Placed]:
    """Return the changes that lie in no other one. ``ordered`` by start, longest first."""
    found: list[_Placed] = []
    for change in sorted(ordered, key=lambda c: (c.start, c.start != c.end, -c.end)):
        holder = next(
            (f for f in found if isinstance(f.change, Transform) and change.inside(f.start, f.end)), None
        )
        if holder is not None:
            continue
        if any(change.touches(other) for other in found):
            line = change.change.span.line
            raise InfeasibleError(f"two changes of {change.change.span.file} overlap at line {line}")
        found.append(change)
    return found
