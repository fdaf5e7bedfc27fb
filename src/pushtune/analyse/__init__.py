"""What a script is, what can be tuned, which metric, what it needs: read, never run."""

from pushtune.analyse.describe import describe
from pushtune.analyse.inspect import inspect

__all__ = ["describe", "inspect"]
