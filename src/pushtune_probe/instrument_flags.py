"""Notes which of the watched places in the script were evaluated."""

from typing import Any

_STAND_IN = "type('Flags', (), {'__setitem__': lambda flags, index, value: None})()"


class Flags(bytearray):
    """A 1 for each place that was evaluated. It is a constant of the script's code objects.

    Code objects are hashed with their constants, and some are sent to other processes by value, where
    nothing of the probe can be imported.
    """

    __hash__ = object.__hash__  # type: ignore[assignment]

    def __reduce__(self) -> Any:
        """Leave something that does nothing in the other process."""
        return eval, (_STAND_IN,)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Do as ``__reduce__`` in every protocol."""
        return self.__reduce__()
