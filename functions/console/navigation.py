"""The menu of the console: an entry for each main screen. A new screen is entered here once."""

from __future__ import annotations

from typing import NamedTuple

from functions.console.screen import EVERYBODY, READERS, WRITERS
from lib.organizations.scopes import Scope


class Entry(NamedTuple):
    """An entry of the menu."""

    label: str
    path: str
    """The path below `/console/`."""

    icon: str
    """The name of a symbol in `static/icons.svg`."""

    may: frozenset[Scope] = EVERYBODY
    """The scopes that see the entry."""


class Section(NamedTuple):
    """Entries that belong together."""

    label: str
    """The heading; empty for the first section, which has none."""

    entries: tuple[Entry, ...]


MENU: tuple[Section, ...] = (
    Section(
        "",
        (
            Entry("Today", "", "sun", READERS),
            Entry("Write", "write", "pen-line", WRITERS),
            Entry("Messages", "messages", "mail", READERS),
            Entry("People", "people", "users", READERS),
            Entry("Engaged this week", "engaged", "flame", READERS),
            Entry("Reminders", "reminders", "bell", READERS),
            Entry("Failures", "failures", "triangle-alert", READERS),
            Entry("Templates", "templates", "layout-template", READERS),
            Entry("Track a mail", "track", "upload", frozenset({"full", "user"})),
        ),
    ),
    Section(
        "How sure we are",
        (
            Entry("Scanner noise", "reports/scanner-noise", "bot", READERS),
            Entry("Reliability", "reports/reliability", "gauge", READERS),
        ),
    ),
    Section("Administration", (Entry("Settings", "settings", "settings", frozenset({"admin"})),)),
    Section("You", (Entry("My options", "options", "sliders-horizontal"),)),
)


def menu_for(scopes: frozenset[Scope]) -> list[Section]:
    """Return the menu that a person sees."""
    seen = [Section(each.label, tuple(entry for entry in each.entries if entry.may & scopes)) for each in MENU]
    return [each for each in seen if each.entries]
