"""The loops, and the only place that chooses concrete implementations.

Nothing is loaded from here: `pushtune ps` must not wait for what only the search needs.
"""
