"""Screens for administrators of an organization, who hold the scope `admin`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from functions.console.screen import Shown
from functions.console.visit import HOME
from lib.console.setting_pages import PAGES
from lib.organizations.scopes import Scope

ADMINISTRATORS: frozenset[Scope] = frozenset({"admin"})

PATH = f"{HOME}settings"

TABS: tuple[tuple[str, str], ...] = (
    ("organization", PAGES["organization"].label),
    ("sign-in", "Sign-in"),
    ("users", "Users"),
    ("keys", "Keys"),
    ("webhooks", "Webhooks"),
    ("mailboxes", "Mailboxes"),
    ("rules", "Rules"),
    *((page.id, page.label) for page in PAGES.values() if page.id != "organization"),
    ("switches", "Switches"),
    ("readiness", "Readiness"),
    ("audit", "Audit log"),
)
"""The pages below `settings/`, with their names."""


def settings_page(tab: str, template: str, values: Mapping[str, Any], status: int = 200) -> Shown:
    """Show a page of the settings, with all of them to choose from."""
    return Shown(f"settings/{template}.html", {"tabs": TABS, "tab": tab, "path": PATH, **values}, status)
