"""What a script is, what can be tuned, which metric, what it needs: read, never run."""
