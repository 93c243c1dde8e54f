"""Screens for administrators of an organization, who hold the scope `admin`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from functions.api.problems import Problem
from functions.console.field_errors import errors_at_fields
from functions.console.screen import Shown
from functions.console.visit import HOME, Visit
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


def settings_form(
    tab: str,
    template: str,
    values: Mapping[str, Any],
    problem: Problem | None,
    labels: Mapping[str, str],
    entries: Mapping[str, Sequence[str]] | None = None,
    places: Mapping[str, str] | None = None,
) -> Shown:
    """Show a form with what is wrong at its fields, which have these labels; see `errors_at_fields` for the rest."""
    shown = {
        **values,
        "labels": labels,
        "problem": problem.document if problem else None,
        "errors": errors_at_fields(problem, labels, entries, places),
    }
    return settings_page(tab, template, shown, problem.document.status if problem else 200)


def ask_once_more(
    visit: Visit, tab: str, title: str, texts: Sequence[str], label: str, fields: Mapping[str, str] | None = None
) -> Shown:
    """Ask before something is done that cannot be undone. The button sends the fields to the page's own path."""
    values = {
        "title": title,
        "texts": texts,
        "action": visit.address.partition("?")[0],
        "label": label,
        "fields": fields or {},
        "back": f"{PATH}/{tab}",
    }
    return settings_page(tab, "ask", values)
