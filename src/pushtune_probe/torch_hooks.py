"""Hooks into PyTorch when the script imports it: threads, layer shapes, steps, the model that is trained."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from pushtune_probe import torch_model_file
from pushtune_probe.session import Session
from pushtune_probe.torch_layers import Layers


def install(session: Session, torch: ModuleType) -> None:
    """Look at what ``torch``, just imported, does in this process. The device stays the script's choice."""
    session.framework("torch", str(torch.__version__))
    # The script's own call comes later and wins.
    torch.set_num_threads(max(1, session.plan.threads))
    layers = Layers(session, torch)
    layers.install()
    _count_steps(session, torch, layers)
    session.checks.append(lambda: _why_diverged(torch, layers))
    torch_model_file.install(session, torch, layers)


def _count_steps(session: Session, torch: Any, layers: Layers) -> None:
    # Not as an attribute: newer versions take the module's name out of its package.
    module = sys.modules.get(torch.optim.Optimizer.__module__)
    register = getattr(module, "register_optimizer_step_post_hook", None)
    if register is None:
        return

    def stepped(optimizer: Any, args: Any, kwargs: Any) -> None:
        session.steps += 1
        layers.training_began()

    register(stepped)


def _why_diverged(torch: Any, layers: Layers) -> str:
    """Return what is wrong with the numbers of the model that is trained, or nothing.

    A loss that is not a number leaves its mark on every weight that it reaches, with the next step.
    """
    for parameter in layers.model.parameters() if layers.model is not None else ():
        if parameter.is_floating_point() and bool(torch.isnan(parameter.detach()).any()):
            return "a weight is not a number"
    return ""
