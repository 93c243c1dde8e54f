"""All screens of the console, a module for each subject. A new module is entered here."""

from __future__ import annotations

from functions.console.screens import conversation, message, messages, today

SCREENS = tuple(screen for module in (today, messages, message, conversation) for screen in module.screens.all)
"""Every screen; the first one whose path fits answers."""
