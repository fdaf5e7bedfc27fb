"""Kinds of state that live in PyTorch's own memory. PyTorch is looked up, never imported.

Modules, optimizers, schedulers, scalers and moving averages are Python objects: their attributes are walked
like any other's, and end at tensors.
"""

import sys
import zlib
from typing import Any, Dict, Iterator, NamedTuple, Optional, Tuple

from pushtune_probe.loop_kinds import Leaf, UnsaveableError

LARGE = 1 << 22
"""Bytes from which a tensor that PyTorch says nobody wrote to is believed to be unchanged."""


def _torch() -> Any:
    return sys.modules.get("torch")


class Content(NamedTuple):
    """What tells whether a tensor changed. ``version``: how often PyTorch saw it written to."""

    version: int
    checksum: Optional[int]
    requires_grad: bool


class TensorKind:
    """Tensors and parameters: their numbers, their gradient, whether they are trained."""

    def accepts(self, item: Any) -> bool:
        """Whatever is a tensor."""
        torch = _torch()
        return torch is not None and isinstance(item, torch.Tensor)

    def parts(self, item: Any) -> Iterator[Tuple[str, Any]]:
        """Return the attributes that the script has given it."""
        for name, value in vars(item).items():
            yield ".%s" % name, value

    def mark(self, item: Any) -> Content:
        """Keep a checksum."""
        return Content(item._version, _checksum(item), item.requires_grad)

    def changes(self, item: Any, mark: Content) -> Optional[Dict[str, Any]]:
        """Return a copy of the numbers, and the gradient."""
        grad = item.grad if item.is_leaf else None
        flags = item.requires_grad == mark.requires_grad
        large = _bytes(item) >= LARGE and not item.requires_grad
        same = large and item._version == mark.version
        if flags and grad is None and (same or _checksum(item) == mark.checksum is not None):
            return None
        return {
            "data": item.detach().clone(),
            "grad": None if grad is None else grad.detach().clone(),
            "requires_grad": item.requires_grad,
        }

    def put_back(self, item: Any, state: Dict[str, Any]) -> None:
        """Write into the same tensor."""
        torch = _torch()
        with torch.no_grad():
            if item.is_leaf and item.requires_grad != state["requires_grad"]:
                item.requires_grad_(state["requires_grad"])
            if item.shape == state["data"].shape and item.dtype == state["data"].dtype:
                item.detach().copy_(state["data"])
            else:
                item.data = state["data"]
            if item.is_leaf:
                item.grad = state["grad"]


def _bytes(item: Any) -> int:
    return int(item.numel() * item.element_size()) if item.layout is _torch().strided else 0


def _checksum(item: Any) -> Optional[int]:
    """Return a checksum of the numbers; None for tensors on other devices and of other layouts."""
    torch = _torch()
    if item.device.type != "cpu" or item.layout is not torch.strided or item.is_quantized:
        return None
    with torch.no_grad():
        flat = item.detach().contiguous().reshape(-1)
        if not flat.numel():
            return 0
        return zlib.crc32(flat.view(torch.uint8).numpy())


class TorchGeneratorKind(Leaf):
    """``torch.Generator``, as given to loaders and samplers."""

    def accepts(self, item: Any) -> bool:
        """Generators of any device."""
        torch = _torch()
        return torch is not None and isinstance(item, torch.Generator)

    def mark(self, item: Any) -> None:
        """Nothing: the state is always saved."""

    def changes(self, item: Any, mark: Any) -> Any:
        """Return the state."""
        return item.get_state()

    def put_back(self, item: Any, state: Any) -> None:
        """Set the state."""
        item.set_state(state)


class LoaderIteratorKind(Leaf):
    """The iterator of a ``DataLoader``: it cannot be wound back, so it must not move."""

    def accepts(self, item: Any) -> bool:
        """Iterators of every sort of loader."""
        return any(base.__name__ == "_BaseDataLoaderIter" for base in type(item).__mro__)

    def mark(self, item: Any) -> int:
        """Keep how many batches it gave."""
        return int(item._num_yielded)

    def changes(self, item: Any, mark: int) -> None:
        """Raise ``UnsaveableError`` if it gave more."""
        if item._num_yielded != mark:
            raise UnsaveableError("an iterator of a DataLoader is carried from epoch to epoch")

    def put_back(self, item: Any, state: Any) -> None:
        """Nothing."""


class StateDictKind(Leaf):
    """Compiled objects that give and take a ``state_dict`` (``torch.jit``)."""

    def accepts(self, item: Any) -> bool:
        """Script modules, and objects without attributes of their own that have both methods."""
        kind = type(item)
        has = hasattr(kind, "state_dict") and hasattr(kind, "load_state_dict")
        return has and (kind.__module__ == "torch.jit._script" or not hasattr(item, "__dict__"))

    def mark(self, item: Any) -> None:
        """Nothing: the state is always saved."""

    def changes(self, item: Any, mark: Any) -> Any:
        """Return a copy of the ``state_dict``."""
        torch = _torch()
        state = {
            name: value.clone() if torch is not None and isinstance(value, torch.Tensor) else value
            for name, value in item.state_dict().items()
        }
        return state, getattr(item, "training", None)

    def put_back(self, item: Any, state: Tuple[Any, Any]) -> None:
        """Load the ``state_dict``."""
        item.load_state_dict(state[0])
        if state[1] is not None:
            item.train(state[1])


def cuda_states() -> Any:
    """Return the random states of all CUDA devices, None where none is in use."""
    torch = _torch()
    if torch is None or not hasattr(torch, "cuda") or not torch.cuda.is_initialized():
        return None
    return [state.numpy() for state in torch.cuda.get_rng_state_all()]


def put_cuda_back(states: Any) -> None:
    """Set the random states of all CUDA devices."""
    torch = _torch()
    torch.cuda.set_rng_state_all([torch.from_numpy(state) for state in states])


def alias_key(item: Any) -> Any:
    """Return what tells that two tensors are views of the same numbers; None if ``item`` has none."""
    torch = _torch()
    if torch is None or not isinstance(item, torch.Tensor) or item.layout is not torch.strided:
        return None
    if not item.numel():
        return None
    return item.data_ptr(), item.dtype, tuple(item.shape), tuple(item.stride())
