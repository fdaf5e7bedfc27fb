"""The only code that starts and stops attempts: makes what runs equal what the ledger wants."""

from pushtune.reconcile.recipe import Recipe
from pushtune.reconcile.reconciler import Reconciler

__all__ = ["Recipe", "Reconciler"]
