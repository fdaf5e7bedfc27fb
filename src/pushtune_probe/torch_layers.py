"""The layers of the PyTorch model that the script trains, with the shapes of their first pass."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from pushtune_probe.session import Refusal, Session

MOST_LAYERS = 200


class Layers:
    """Follows the first pass through each model until training begins, and then looks no more.

    ``model`` is the largest module that the script itself has called so far, or None. Modules without
    parameters (losses) do not count, nor do Keras's, which are reported elsewhere.
    """

    def __init__(self, session: Session, torch: Any) -> None:
        self.model: Any = None
        self._session = session
        self._torch = torch
        self._largest = 0
        self._handles: List[Any] = []
        self._pass: Optional[_Pass] = None
        self._seen: List[Any] = []

    def install(self) -> None:
        """Have every module's call shown to us."""
        module = self._torch.nn.modules.module
        self._handles = [
            module.register_module_forward_pre_hook(self._begins),
            module.register_module_forward_hook(self._ends),
        ]

    def training_began(self) -> None:
        """An optimizer made a step: look no more."""
        for handle in self._handles:
            handle.remove()
        self._handles, self._seen = [], []

    def _begins(self, module: Any, inputs: Any) -> None:
        if self._pass is not None and module is self._pass.root:
            self._pass = _Pass(module, inputs)  # the pass before ended in an error
        elif self._pass is not None:
            self._pass.entered(module, inputs)
        elif self._is_new(module):
            self._seen.append(module)
            self._refuse_large(module)
            self._pass = _Pass(module, inputs)

    def _ends(self, module: Any, inputs: Any, output: Any) -> None:
        if self._pass is None:
            return
        self._pass.left(module, output)
        if module is self._pass.root:
            done, self._pass = self._pass, None
            self._report(done)

    def _is_new(self, module: Any) -> bool:
        if not self._session.mine or self._torch.jit.is_tracing() or any(module is one for one in self._seen):
            return False
        of_keras = any(base.__name__ == "KerasSaveable" for base in type(module).__mro__)
        return not of_keras and next(module.parameters(), None) is not None

    def _report(self, done: "_Pass") -> None:
        count = self._refuse_large(done.root)
        if count > self._largest:
            self.model, self._largest = done.root, count
            layers = list(done.layers.values())[:MOST_LAYERS]
            self._session.reporter.emit("model", parameters=count, layers=layers)

    def _refuse_large(self, module: Any) -> int:
        count = sum(parameters(parameter) for parameter in module.parameters())
        limit = self._session.plan.max_parameters
        if limit is not None and count > limit:
            raise Refusal("parameters", "the model has %d parameters, allowed are %d" % (count, limit))
        return count


class _Pass:
    """One pass through ``root``: ``layers`` by the order in which they were entered first."""

    def __init__(self, root: Any, inputs: Any) -> None:
        self.root = root
        self.layers: Dict[int, Dict[str, str]] = {}
        self._names = {id(module): name for name, module in root.named_modules()}

    def entered(self, module: Any, inputs: Any) -> None:
        """A module below ``root`` is called."""
        name = self._names.get(id(module))
        if name and id(module) not in self.layers:
            self.layers[id(module)] = {
                "name": name,
                "type": type(module).__name__,
                "input_shape": shape(inputs),
                "output_shape": "",
            }

    def left(self, module: Any, output: Any) -> None:
        """The call has returned."""
        layer = self.layers.get(id(module))
        if layer is not None and not layer["output_shape"]:
            layer["output_shape"] = shape(output)


def shape(value: Any) -> str:
    """Return the shape of the first tensor in ``value`` as text, ``"(32, 1, 28, 28)"``, or nothing."""
    while isinstance(value, (list, tuple)) and value:
        value = value[0]
    try:
        return str(tuple(int(size) for size in value.shape))
    except (AttributeError, TypeError, ValueError):
        return ""


def parameters(parameter: Any) -> int:
    """Return how many numbers a parameter holds; 0 for one that is not made before the first pass."""
    try:
        return int(parameter.numel())
    except (ValueError, RuntimeError):
        return 0
