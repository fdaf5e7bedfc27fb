"""Read a script before anything runs: kind with evidence, metric, requirements, warnings."""
