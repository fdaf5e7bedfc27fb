"""Options declared once, with their precedence: flags, environment, pushtune.toml, defaults."""

from pushtune.settings.environment import EnvironmentRules, EnvironmentSettings, own_rules
from pushtune.settings.load import Settings, load_settings
from pushtune.settings.options import OPTIONS, Option
from pushtune.settings.repository import PushSettings, SettingsOfMail, load_push_settings
from pushtune.settings.server import (
    SERVER_OPTIONS,
    ServerSettings,
    environment_rules,
    load_server_settings,
    server_settings_file,
)

__all__ = [
    "OPTIONS",
    "SERVER_OPTIONS",
    "EnvironmentRules",
    "EnvironmentSettings",
    "Option",
    "PushSettings",
    "ServerSettings",
    "Settings",
    "SettingsOfMail",
    "environment_rules",
    "load_push_settings",
    "load_server_settings",
    "load_settings",
    "own_rules",
    "server_settings_file",
]
