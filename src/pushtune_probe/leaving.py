"""Leaves without taking the interpreter apart, where that takes long.

TensorFlow needs half a second to be taken apart at the end of a process: of a trial of a few seconds that is
a fifteenth, spent on nothing. The script's threads, its own exit handlers and those of its libraries have
run by then; what is left to do is to write out what files still hold back.
"""

import contextlib
import gc
import io
import sys

_SLOW = ("tensorflow", "torch", "jax")
_WRITERS = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)


def is_slow() -> bool:
    """Whether something is loaded that takes long to be taken apart."""
    return any(name in sys.modules for name in _SLOW)


def flush_all() -> None:
    """Write out what any open file holds back: Python's, text before bytes, and the C library's."""
    # By type, not by isinstance: an object may pretend to a class, and asking it may run anything.
    found = [one for one in gc.get_objects() if issubclass(type(one), _WRITERS)]
    for kind in _WRITERS:
        for one in found:
            if issubclass(type(one), kind):
                # Closed, or its other end is gone: the interpreter would pass over it as well.
                with contextlib.suppress(Exception):
                    one.flush()
    with contextlib.suppress(Exception):
        import ctypes

        ctypes.CDLL(None).fflush(None)
