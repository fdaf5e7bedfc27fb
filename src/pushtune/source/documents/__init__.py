"""Configuration files: what they hold, where each value stands, and how it is written anew."""

from pushtune.source.documents.base import Document, Format, Leaf
from pushtune.source.documents.read import (
    LARGEST,
    format_of,
    is_document,
    is_ini,
    read_command_line,
    read_document,
)

__all__ = [
    "LARGEST",
    "Document",
    "Format",
    "Leaf",
    "format_of",
    "is_document",
    "is_ini",
    "read_command_line",
    "read_document",
]
