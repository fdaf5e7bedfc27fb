"""Reading programs: files, exact text with spans, names, and where a value literally stands."""

from pushtune.source.edits import apply_edits, undo_edits
from pushtune.source.loading import load_script
from pushtune.source.names import Names, Vocabulary
from pushtune.source.program import Module, Program, parse_program
from pushtune.source.text import SourceText

__all__ = [
    "Module",
    "Names",
    "Program",
    "SourceText",
    "Vocabulary",
    "apply_edits",
    "load_script",
    "parse_program",
    "undo_edits",
]
