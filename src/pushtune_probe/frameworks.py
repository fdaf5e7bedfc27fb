"""The frameworks that the probe knows: which import calls which patch. One line each.

The modules named here are part of the probe and are loaded when their framework is imported, not before:
a script pays only for what it uses.
"""

from importlib import import_module
from types import ModuleType
from typing import Dict, Tuple

from pushtune_probe.importhooks import Patch, PostImportFinder
from pushtune_probe.session import Session

TRIGGERS: Dict[str, Tuple[str, ...]] = {
    # imported module: functions "module:function" of the probe, called with (session, imported module)
    "numpy.random": ("seeding:seed_numpy",),
    "tensorflow": ("seeding:seed_tensorflow",),
    "torch": ("seeding:seed_torch", "torch_hooks:install"),
    "keras": ("keras_hooks:install",),
    "tf_keras": ("keras_hooks:install",),
    "sklearn": ("sklearn_hooks:install",),
    "sklearn.base": ("sklearn_hooks:install_estimators",),
    "sklearn.metrics": ("sklearn_hooks:install_metrics",),
    "sklearn.model_selection": ("sklearn_hooks:install_selection",),
    "lightning.pytorch": ("lightning_hooks:install",),
    "pytorch_lightning": ("lightning_hooks:install",),
    "transformers.trainer": ("hf_hooks:install",),
    "xgboost": ("xgboost_hooks:install",),
    "lightgbm": ("lightgbm_hooks:install",),
    "matplotlib": ("window_hooks:install_matplotlib",),
    "matplotlib.pyplot": ("window_hooks:install_pyplot",),
    "cv2": ("window_hooks:install_cv2",),
}


def watch(finder: PostImportFinder) -> None:
    """Have ``finder`` call the patches of every framework."""
    for module, targets in TRIGGERS.items():
        for target in targets:
            finder.add(module, _late(target))


def _late(target: str) -> Patch:
    """Return a patch that loads its module of the probe only when it is called."""
    name, _, function = target.partition(":")

    def patch(session: Session, module: ModuleType) -> None:
        getattr(import_module("pushtune_probe." + name), function)(session, module)

    return patch
