"""The loops, and the only place that chooses concrete implementations."""
