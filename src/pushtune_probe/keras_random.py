"""The random states that a Keras script draws from, read and put back as bytes.

Bytes, because two states are then compared with ``==``: that is how a resumed trial finds out whether
feeding the data alone moved a generator (see ``keras_replay``).
"""

from __future__ import annotations

import itertools
import pickle
import random
import sys
import time
from typing import Any, Callable, Dict, Mapping, Tuple

RandomStates = Dict[str, bytes]
"""The state of each source by its name; a source that is not in use is left out."""


def capture() -> RandomStates:
    """Return the state of every random source in use."""
    states = {}
    for name, (read, _) in _SOURCES.items():
        state = read()
        if state is not None:
            states[name] = pickle.dumps(state, protocol=4)
    return states


def capture_quiet(longest: float = 2.0, still: float = 0.05) -> RandomStates:
    """Return the states once they have not moved for ``still`` seconds, or after ``longest`` seconds.

    A data pipeline that reads ahead draws in its own threads until its buffers are full.
    """
    states, deadline = capture(), time.monotonic() + longest
    while time.monotonic() < deadline:
        time.sleep(still)
        later = capture()
        if later == states:
            break
        states = later
    return states


def restore(states: Mapping[str, bytes]) -> None:
    """Put states back. Sources that ``states`` does not name keep theirs.

    Python's generator comes last: making Keras's global generator draws from it.
    """
    for name, (_, write) in _SOURCES.items():
        if name in states:
            write(pickle.loads(states[name]))


def seed_generators(seed: int) -> None:
    """Have ``tf.random.Generator`` start from ``seed`` where it would ask the machine for entropy."""
    module = sys.modules.get("tensorflow.python.ops.stateful_random_ops")
    if module is None:
        return
    seeds = itertools.count(seed)

    def from_seed(owner: Any, alg: Any = None) -> Any:
        return owner.from_seed(next(seeds), alg=alg)

    module.Generator.from_non_deterministic_state = classmethod(from_seed)


def _read_keras() -> Any:
    generator = _keras_state("get_global_attribute", "global_seed_generator")
    return None if generator is None else _to_numpy(generator.state)


def _write_keras(value: Any) -> None:
    module = sys.modules["keras.src.random.seed_generator"]
    module.global_seed_generator().state.assign(value)


def _keras_state(function: str, *arguments: Any) -> Any:
    module = sys.modules.get("keras.src.backend.common.global_state")
    return None if module is None else getattr(module, function)(*arguments)


def _to_numpy(variable: Any) -> Any:
    return sys.modules["keras.src.backend"].convert_to_numpy(variable)


def _read_tensorflow() -> Any:
    context = _tensorflow_context()
    generator = getattr(context, "_rng", None)
    return None if generator is None else (context._seed, generator.getstate())


def _write_tensorflow(state: Any) -> None:
    context = _tensorflow_context()
    if context is None or getattr(context, "_rng", None) is None:
        return
    context._seed = state[0]
    context._rng.setstate(state[1])


def _tensorflow_context() -> Any:
    module = sys.modules.get("tensorflow.python.eager.context")
    return None if module is None else module.context()


def _read_generator() -> Any:
    generator = _tensorflow_generator()
    return None if generator is None else generator.state.numpy()


def _write_generator(state: Any) -> None:
    generator = _tensorflow_generator()
    if generator is not None:
        generator.state.assign(state)


def _tensorflow_generator() -> Any:
    module = sys.modules.get("tensorflow.python.ops.stateful_random_ops")
    return None if module is None else getattr(module, "global_generator", None)


def _read_numpy() -> Any:
    module = sys.modules.get("numpy.random")
    return None if module is None else module.get_state()


def _write_numpy(state: Any) -> None:
    sys.modules["numpy.random"].set_state(state)


def _read_torch() -> Any:
    module = sys.modules.get("torch")
    return module.get_rng_state().numpy() if module is not None and hasattr(module, "get_rng_state") else None


def _write_torch(state: Any) -> None:
    module = sys.modules["torch"]
    module.set_rng_state(module.from_numpy(state))


_SOURCES: Dict[str, Tuple[Callable[[], Any], Callable[[Any], None]]] = {
    "keras": (_read_keras, _write_keras),
    "tensorflow": (_read_tensorflow, _write_tensorflow),
    "tensorflow_generator": (_read_generator, _write_generator),
    "torch": (_read_torch, _write_torch),
    "numpy": (_read_numpy, _write_numpy),
    "python": (random.getstate, random.setstate),
}
