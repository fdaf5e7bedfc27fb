"""The code that runs inside a trial and reports.

Standard library only, Python 3.9+, imports nothing of pushtune. It is put on the trial's path, never
installed there.
"""
