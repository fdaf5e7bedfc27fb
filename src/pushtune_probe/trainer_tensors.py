"""What PyTorch itself keeps of a training: tensors, optimizers, schedulers, and every random generator.

Parameters and buffers are put back in place, bit for bit, so that what refers to them goes on doing so.
"""

from __future__ import annotations

import random
import sys
from typing import Any, Callable, Dict, Iterable, Set

State = Dict[str, Any]


class StateMismatchError(Exception):
    """A saved state does not fit what the script made this time."""


def capture_model(model: Any, *, gradients: bool) -> State:
    """Return copies of all parameters and buffers, and which parameters are trained.

    ``gradients``: keep what has been accumulated too (a loop by hand may carry it over an epoch).
    """
    parameters = dict(model.named_parameters())
    return {
        "tensors": {name: tensor.detach().cpu().clone() for name, tensor in _tensors(model).items()},
        "trained": {name: bool(parameter.requires_grad) for name, parameter in parameters.items()},
        "gradients": {
            name: parameter.grad.detach().cpu().clone()
            for name, parameter in parameters.items()
            if gradients and parameter.grad is not None
        },
    }


def restore_model(model: Any, state: State) -> None:
    """Put every tensor back in place; ``StateMismatchError`` if one is missing or of another shape."""
    torch: Any = sys.modules["torch"]
    present = _tensors(model)
    shapes = {name: tuple(tensor.shape) for name, tensor in present.items()}
    if shapes != {name: tuple(tensor.shape) for name, tensor in state["tensors"].items()}:
        raise StateMismatchError("the model's tensors are not those of the checkpoint")
    with torch.no_grad():
        for name, tensor in present.items():
            tensor.copy_(state["tensors"][name])
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(state["trained"][name])
        gradient = state["gradients"].get(name)
        parameter.grad = None if gradient is None else gradient.to(parameter.device)


def shared_with(model: Any) -> Callable[[Any], bool]:
    """Return whether a tensor lies in the memory of the model's own: it is saved with the model."""
    torch: Any = sys.modules["torch"]
    places: Set[int] = {_place(tensor) for tensor in _tensors(model).values()} - {0}

    def shared(item: Any) -> bool:
        return isinstance(item, torch.Tensor) and _place(item) in places

    return shared


def is_unfinished(model: Any) -> bool:
    """Whether some parameter has no shape before the first batch (lazy modules)."""
    return any("Uninitialized" in type(parameter).__name__ for parameter in model.parameters())


def parts(model: Any) -> Dict[str, str]:
    """Return the names and types of a model's modules: what a new process must have made as well."""
    return {name: type(module).__name__ for name, module in model.named_modules()}


def parameters(model: Any) -> int:
    """Return how many numbers the model's parameters hold."""
    return sum(int(parameter.numel()) for parameter in model.parameters())


def capture_random() -> State:
    """Return the states of the generators of Python, NumPy, and PyTorch on every device in use."""
    torch: Any = sys.modules["torch"]
    numpy: Any = sys.modules.get("numpy")
    return {
        "python": random.getstate(),
        "numpy": None if numpy is None else numpy.random.get_state(),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
    }


def restore_random(state: State) -> None:
    """Put the generators back. To be done last: putting other things back may draw."""
    torch: Any = sys.modules["torch"]
    torch.set_rng_state(state["torch"])
    if state["cuda"]:
        torch.cuda.set_rng_state_all(state["cuda"])
    if state["numpy"] is not None:
        sys.modules["numpy"].random.set_state(state["numpy"])
    random.setstate(state["python"])


def data_holders(loaders: Iterable[Any]) -> Dict[str, Any]:
    """Return the objects of data loaders that may hold generators or positions: samplers and data sets."""
    found: Dict[str, Any] = {}
    for number, loader in enumerate(loaders):
        for path in ("", "sampler", "batch_sampler", "batch_sampler.sampler", "batch_sampler.batch_sampler"):
            item = _at(loader, path)
            if item is not None:
                found["loader %d %s" % (number, path)] = item
        data, depth = _at(loader, "dataset"), 0
        while data is not None and depth < 8:
            found["loader %d data %d" % (number, depth)] = data
            data, depth = getattr(data, "dataset", None), depth + 1
    return {name: item for name, item in found.items() if hasattr(item, "__dict__")}


def draws_in_workers(loaders: Iterable[Any]) -> bool:
    """Whether worker processes outlive an epoch: the states of their generators are out of reach."""
    return any(getattr(loader, "persistent_workers", False) for loader in loaders)


def _at(item: Any, path: str) -> Any:
    for name in path.split(".") if path else ():
        item = getattr(item, name, None)
    return item


def _tensors(model: Any) -> Dict[str, Any]:
    found = dict(model.named_parameters())
    found.update((name, buffer) for name, buffer in model.named_buffers())
    return found


def _place(tensor: Any) -> int:
    try:
        return int(tensor.untyped_storage().data_ptr())
    except Exception:  # tensors of foreign kinds (sparse, meta) have no storage of their own
        return 0
