"""Seeds what draws random numbers, before the script's first line. The script's own seeding comes later
and wins."""

import random
import sys
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


def seed_keras(session: Session, module: ModuleType) -> None:
    """Seed Keras's own generators and its backend's.

    Keras seeds Python and NumPy as well; the script may have done so before it imported Keras, so their
    states are put back.
    """
    numpy_random = sys.modules.get("numpy.random")
    python_state = random.getstate()
    numpy_state = numpy_random.get_state() if numpy_random else None
    module.utils.set_random_seed(session.plan.seed % _NUMPY_LIMIT)
    random.setstate(python_state)
    if numpy_random:
        numpy_random.set_state(numpy_state)
