"""The catalogue: which arguments of which callables are knobs, and how far each may go. Data in TOML."""

from pushtune.rewrite.catalogue.growth import Growth, grow
from pushtune.rewrite.catalogue.load import Argument, CallableEntry, Catalogue, load_catalogue

__all__ = ["Argument", "CallableEntry", "Catalogue", "Growth", "grow", "load_catalogue"]
