"""Push a training script, get back the best model."""

__version__ = "0.1.0"
