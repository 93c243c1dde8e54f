"""Normalize e-mail addresses for comparison."""

from __future__ import annotations


def same_mailbox(email: str) -> str:
    """The address in lower case. In theory a server may tell upper from lower case; in practice none does."""
    return email.lower()


def domain_of(email: str) -> str:
    """The address's domain in lower case."""
    return email.rpartition("@")[2].lower()


def same_person(email: str) -> str:
    """Return the address as one person's spellings share it: in lower case, without plus tag, and Gmail's without dots.

    Gmail ignores dots, and googlemail.com is gmail.com (https://support.google.com/mail/answer/7436150).
    """
    local, _, domain = email.lower().rpartition("@")
    plain = local.partition("+")[0] or local
    if domain in ("gmail.com", "googlemail.com"):
        return f"{plain.replace('.', '')}@gmail.com"
    return f"{plain}@{domain}"
