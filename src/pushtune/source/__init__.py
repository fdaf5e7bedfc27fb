"""Parse, resolve names, spans, edits: finds by AST, edits by span, leaves every other byte."""
