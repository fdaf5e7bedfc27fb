"""Options declared once, with their precedence: flags, environment, pushtune.toml, defaults."""

from pushtune.settings.load import Settings, load_settings
from pushtune.settings.options import OPTIONS, Option

__all__ = ["OPTIONS", "Option", "Settings", "load_settings"]
