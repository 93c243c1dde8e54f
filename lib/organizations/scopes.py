"""Scopes: what a caller may do. Each endpoint names the scopes that it is open to."""

from __future__ import annotations

from typing import Literal

KeyScope = Literal["full", "read", "inbound", "admin"]
"""The scope of a key. `full`: all work of a CRM; `read`: GET alone; `inbound`: handing in mail alone; `admin`:
settings, users, keys, webhooks, mailboxes, rules, privacy and the audit log of the organization."""

Scope = Literal["full", "read", "inbound", "admin", "user"]
"""The scope of a caller. `user`: the work of one person, who changes only what is that person's own."""

PersonScope = Literal["full", "read", "admin", "user"]
"""The scope that a person who signs in may have."""
