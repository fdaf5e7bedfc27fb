"""Options declared once, with their precedence: flags, environment, pushtune.toml, defaults."""
