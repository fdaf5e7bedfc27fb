"""Values as Python source."""

from __future__ import annotations

from pushtune.model.analysis import Span
from pushtune.model.space import Domain, Value
from pushtune.rewrite.styles.config import configured
from pushtune.source import SourceText
from pushtune.source.documents import is_document


def replacement(source: SourceText, span: Span, value: Value, domain: Domain) -> str:
    """Return ``value`` as source text that can stand at ``span``.

    It has the author's quotes, and blanks where a neighbouring word (``.5if x``) would run into it.
    """
    old = source.segment(span)
    if is_document(source.path):
        return configured(source, old, value, domain)
    if not isinstance(value, str) and _is_quoted_number(old):  # a number that stands in the source as a text
        return f"{old[-1]}{written(value, domain)}{old[-1]}"
    text = written(value, domain, quote='"' if old.endswith('"') else "'")
    start, end = source.bounds(span)
    left = " " if start and _is_word(source.text[start - 1]) and _is_word(text[0]) else ""
    right = " " if _is_word(source.text[end : end + 1]) and _is_word(text[-1]) else ""
    return left + text + right


def written(value: Value, domain: Domain, *, quote: str = '"') -> str:
    """Return ``value`` as Python source; a number in a float domain always reads as a float."""
    if isinstance(value, str):
        return f"{quote}{value}{quote}" if value.isidentifier() else repr(value)
    if domain.type == "float" and isinstance(value, int) and not isinstance(value, bool):
        return repr(float(value))
    return repr(value)


def _is_quoted_number(text: str) -> bool:
    """Whether ``text`` is a string that reads as a number; any other string gives way to a bare value."""
    if not text.endswith(("'", '"')):
        return False
    try:
        float(text.strip("'\""))
    except ValueError:
        return False
    return True


def _is_word(character: str) -> bool:
    return character.isalnum() or (character != "" and character in "_.")
