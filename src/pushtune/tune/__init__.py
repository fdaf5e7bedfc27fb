"""The scheduler: pure and deterministic, behind ask and tell."""
