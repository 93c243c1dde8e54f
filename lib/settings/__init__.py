"""Settings of the deployment.

Every part of an app starts with this package, so it imports transports and queues only where they are asked for.

The description of each setting completes "set it to …" in errors, and is its meaning in docs/settings.md.
"""

from lib.settings.app import NOT_NEEDED_BY
from lib.settings.model import Settings, SettingsError, load_settings

__all__ = ["NOT_NEEDED_BY", "Settings", "SettingsError", "load_settings"]
