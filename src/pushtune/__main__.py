"""``python -m pushtune``."""

from pushtune.cli.main import run

run()
