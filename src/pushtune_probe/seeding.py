"""Seeds what draws random numbers, before the script can use it; its own seeding comes later and wins.

Keras needs no seed of its own: it draws its default seeds from Python's generator, and the rest from its
backend's. Calling ``keras.utils.set_random_seed`` when Keras is imported would undo what the script has
seeded before (``tf.keras`` is imported at its first use).
"""

import functools
import itertools
import random
from types import ModuleType
from typing import Any

from pushtune_probe.session import Session

_NUMPY_LIMIT = 2**32


def seed_python(session: Session) -> None:
    """Seed the standard library's generator."""
    random.seed(session.plan.seed)


def seed_numpy(session: Session, module: ModuleType) -> None:
    """Seed NumPy's global generator, and those made without a seed; ``module`` is ``numpy.random``.

    ``default_rng()`` asks the machine for entropy: a script that is run again to be resumed would then make
    other data.
    """
    module.seed(session.plan.seed % _NUMPY_LIMIT)
    original: Any = getattr(module, "default_rng", None)
    if original is None:
        return
    seeds = itertools.count(session.plan.seed)

    @functools.wraps(original)
    def default_rng(seed: Any = None) -> Any:
        return original(next(seeds) if seed is None else seed)

    vars(module)["default_rng"] = default_rng


def seed_tensorflow(session: Session, module: ModuleType) -> None:
    """Seed TensorFlow's global generator."""
    module.random.set_seed(session.plan.seed)


def seed_torch(session: Session, module: ModuleType) -> None:
    """Seed PyTorch's generators, of every device."""
    module.manual_seed(session.plan.seed)
