"""Readiness of an organization to send: what can be found out before the first mail, and what to do about it."""
