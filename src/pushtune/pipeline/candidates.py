"""From assignments to sources: by the rewriter, or from what a tweak program wrote."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from pushtune.errors import InfeasibleError
from pushtune.model.analysis import Candidate, Observed, Script, ScriptFile
from pushtune.model.space import Assignment
from pushtune.rewrite import Rewriter
from pushtune.rewrite.diff import unified_diff


class Candidates:
    """Makes the candidate of any assignment. ``folder`` holds whole sources by their SHA-256.

    ``observed`` is what the baseline's run told, None before it ended.
    """

    def __init__(self, script: Script, folder: Path, observed: Observed | None = None) -> None:
        self._script = script
        self._folder = folder
        self._observed = observed

    @cached_property
    def rewriter(self) -> Rewriter:
        """The script's rewriter, made once: finding knobs costs more than applying them."""
        return Rewriter(self._script, observed=self._observed)

    def of(self, assignment: Assignment) -> Candidate:
        """Return the candidate. ``InfeasibleError`` if the values cannot stand together."""
        if assignment.source is None:
            return self.rewriter.apply(assignment)
        path = self._folder / assignment.source
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise InfeasibleError(f"the source {assignment.source[:12]} of a tweak program is gone") from None
        return self._with_values(data, replace(assignment, source=None))

    def keep_source(self, data: bytes) -> str:
        """Store a whole source and return its SHA-256."""
        name = hashlib.sha256(data).hexdigest()
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / name).write_bytes(data)
        return name

    def _with_values(self, data: bytes, values: Assignment) -> Candidate:
        """Apply what is left (the epochs) to a program's source; the diff is from the author's."""
        entry = ScriptFile(self._script.entry, data)
        changed = replace(self._script, files=(entry, *self._script.files[1:]))
        if values.values:
            rewritten = Rewriter(changed, observed=self._observed).apply(values)
            changed = replace(changed, files=rewritten.files, args=rewritten.args)
        pairs = zip(self._script.files, changed.files, strict=True)
        diff = "".join(unified_diff(old.path, old.data, new.data) for old, new in pairs)
        return Candidate(changed.files, (), diff, changed.args)
