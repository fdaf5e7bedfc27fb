"""The only code that starts and stops attempts: makes what runs equal what the ledger wants."""

from pushtune.reconcile.recipe import Recipe
from pushtune.reconcile.reconciler import Reconciler
from pushtune.reconcile.shares import Demand, fair_shares

__all__ = ["Demand", "Recipe", "Reconciler", "fair_shares"]
