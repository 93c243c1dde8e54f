"""All screens of the console, a module for each subject. A new module is entered here."""

from __future__ import annotations

from functions.console.screens import (
    addresses,
    conversation,
    failures,
    merging,
    message,
    messages,
    options,
    people,
    reminders,
    reports,
    templates,
    today,
    track,
    write,
    write_sending,
    write_template,
)
from functions.console.screens.administration import (
    control,
    keys,
    mailboxes,
    organization,
    rules,
    sign_in,
    users,
    webhooks,
)

_MODULES = (
    today,
    messages,
    message,
    conversation,
    people,
    addresses,
    merging,
    track,
    options,
    write,
    write_template,
    write_sending,
    templates,
    reminders,
    failures,
    reports,
)
_ADMINISTRATION = (control, keys, mailboxes, rules, sign_in, users, webhooks, organization)
"""The form for any page of settings comes last."""

SCREENS = tuple(screen for module in (*_MODULES, *_ADMINISTRATION) for screen in module.screens.all)
"""Every screen; the first one whose path fits answers."""
