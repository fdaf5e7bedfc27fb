"""Values in configuration files: written as the file's own format writes them."""

from __future__ import annotations

from pushtune.model.space import Domain, Value
from pushtune.source import SourceText
from pushtune.source.documents import format_of


def configured(source: SourceText, old: str, value: Value, domain: Domain) -> str:
    """Return ``value`` as it can stand where ``old`` stands in the configuration file ``source``.

    It is quoted where ``old`` is, and a number in a float domain always reads as a float.
    """
    if isinstance(value, int) and not isinstance(value, bool) and domain.type == "float":
        value = float(value)
    return format_of(source.path).written(value, old)
