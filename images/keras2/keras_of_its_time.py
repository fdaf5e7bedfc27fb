"""Names and arguments of the years of Keras 2 that its last release has moved or dropped.

Loaded at the start of every Python in this image; it costs two finders and imports nothing itself. Modules
that moved (`keras.utils.np_utils`, `keras.layers.convolutional`) are found where their contents are today.
Optimizers are the ones of that time, which heed `lr` and `decay`: those of Keras 2.15 ignore the one and
refuse the other.
"""

import importlib
import importlib.abc
import importlib.machinery
import sys
import types

MOVED = {
    "keras.utils.np_utils": "keras.utils",
    "keras.utils.vis_utils": "keras.utils",
    "keras.utils.generic_utils": "keras.utils",
    "keras.utils.data_utils": "keras.utils",
    "keras.utils.io_utils": "keras.utils",
    "keras.utils.layer_utils": "keras.utils",
    "keras.layers.core": "keras.layers",
    "keras.layers.convolutional": "keras.layers",
    "keras.layers.pooling": "keras.layers",
    "keras.layers.normalization": "keras.layers",
    "keras.layers.advanced_activations": "keras.layers",
    "keras.layers.embeddings": "keras.layers",
    "keras.layers.recurrent": "keras.layers",
    "keras.layers.wrappers": "keras.layers",
    "keras.layers.merge": "keras.layers",
    "keras.layers.noise": "keras.layers",
    "keras.layers.local": "keras.layers",
    "keras.engine": "keras.layers",
    "keras.engine.topology": "keras.layers",
    "keras.engine.base_layer": "keras.layers",
    "keras.engine.training": "keras.models",
    "keras.objectives": "keras.losses",
    "keras.initializations": "keras.initializers",
    "keras.backend.tensorflow_backend": "keras.backend",
}
MORE_NAMES = {"keras.engine": "keras.models", "keras.engine.topology": "keras.models"}
"""Where else the names of a moved module have gone."""

OPTIMIZERS = ("Adadelta", "Adagrad", "Adam", "Adamax", "Ftrl", "Nadam", "RMSprop", "SGD")
SHORT = {"acc": "accuracy", "val_acc": "val_accuracy"}


class Moved(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Asked last: finds a module that is gone where its contents are."""

    def find_spec(self, name, path=None, target=None):
        """Return how to load a moved module; None for any other."""
        if name not in MOVED:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=name == "keras.engine")

    def create_module(self, spec):
        """Return a new module: what stands in for one must not share its place in the import system."""
        return types.ModuleType(spec.name)

    def exec_module(self, module):
        """Give it the names of the modules that it has gone to."""
        for source in (MORE_NAMES.get(module.__name__), MOVED[module.__name__]):
            if source:
                found = vars(importlib.import_module(source))
                vars(module).update((k, v) for k, v in found.items() if not k.startswith("__"))


class Afterwards(importlib.abc.MetaPathFinder):
    """Asked first: lets the real finders find, and changes a module when it has been loaded."""

    def __init__(self, changes):
        self._changes = changes

    def find_spec(self, name, path=None, target=None):
        """Return the real spec with a loader that changes the module afterwards."""
        change = self._changes.pop(name, None)
        if change is None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            change(module)

        spec.loader.exec_module = exec_module
        return spec


def optimizers(module):
    """Put the optimizers of that time in the place of the new ones."""
    for name in OPTIMIZERS:
        file = "gradient_descent" if name == "SGD" else name.lower()
        of_its_time = getattr(importlib.import_module("keras.src.optimizers.legacy." + file), name)
        setattr(module, name, of_its_time)
        setattr(module, name.lower(), of_its_time)


def sequential(module):
    """Give models back the methods that were dropped."""

    def predict_classes(self, x, batch_size=32, verbose=0):
        found = self.predict(x, batch_size=batch_size, verbose=verbose)
        return found.argmax(axis=-1) if found.shape[-1] > 1 else (found > 0.5).astype("int32")

    def predict_proba(self, x, batch_size=32, verbose=0):
        return self.predict(x, batch_size=batch_size, verbose=verbose)

    module.Sequential.predict_classes = predict_classes
    module.Sequential.predict_proba = predict_proba


def callbacks(module):
    """Let a history be read by the names that metrics had: `acc` for `accuracy`."""

    class Names(dict):
        def __missing__(self, key):
            return self[SHORT[key]] if key in SHORT and SHORT[key] in self else self._nothing(key)

        def _nothing(self, key):
            raise KeyError(key)

    begin = module.History.on_train_begin

    def on_train_begin(self, logs=None):
        begin(self, logs)
        self.history = Names(self.history)

    def __init__(self):
        module.Callback.__init__(self)
        self.history = Names()

    module.History.__init__ = __init__
    module.History.on_train_begin = on_train_begin


def install():
    """Put both finders in place."""
    changes = {
        "keras.optimizers": optimizers,
        "keras.api._v2.keras.optimizers": optimizers,
        "keras.src.engine.sequential": sequential,
        "keras.src.callbacks": callbacks,
    }
    sys.meta_path.insert(0, Afterwards(changes))
    sys.meta_path.append(Moved())


install()
