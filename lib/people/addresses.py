"""Normalize e-mail addresses for comparison."""

from __future__ import annotations


def same_mailbox(email: str) -> str:
    """The address in lower case. In theory a server may tell upper from lower case; in practice none does."""
    return email.lower()


def domain_of(email: str) -> str:
    """The address's domain in lower case."""
    return email.rpartition("@")[2].lower()
