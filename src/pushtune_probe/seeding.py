"""Seeds what draws random numbers, before the script can use it; its own seeding comes later and wins.

Keras needs no seed of its own: it draws its default seeds from Python's generator, and the rest from its
backend's. Calling ``keras.utils.set_random_seed`` when Keras is imported would undo what the script has
seeded before (``tf.keras`` is imported at its first use).
"""

import random
from types import ModuleType

from pushtune_probe.session import Session

_NUMPY_LIMIT = 2**32


def seed_python(session: Session) -> None:
    """Seed the standard library's generator."""
    random.seed(session.plan.seed)


def seed_numpy(session: Session, module: ModuleType) -> None:
    """Seed NumPy's global generator; ``module`` is ``numpy.random``."""
    module.seed(session.plan.seed % _NUMPY_LIMIT)


def seed_tensorflow(session: Session, module: ModuleType) -> None:
    """Seed TensorFlow's global generator."""
    module.random.set_seed(session.plan.seed)


def seed_torch(session: Session, module: ModuleType) -> None:
    """Seed PyTorch's generators, of every device."""
    module.manual_seed(session.plan.seed)
