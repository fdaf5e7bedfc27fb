"""Following an expression to where its value literally stands: one file for each way a value travels."""

from pushtune.source.tracing.base import Found, Origin
from pushtune.source.tracing.literals import literal_value
from pushtune.source.tracing.tracer import Tracer

__all__ = ["Found", "Origin", "Tracer", "literal_value"]
