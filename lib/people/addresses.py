"""Normalize e-mail addresses for comparison."""

from __future__ import annotations

from lib.mime.addresses import with_ascii_domain


def same_mailbox(email: str) -> str:
    """Return the address in lower case, with its domain in ASCII.

    In theory a server may tell upper from lower case; in practice none does. Some mail programs write `bücher.example`
    where the API has taken `xn--bcher-kva.example`.
    """
    return with_ascii_domain(email).lower()


def domain_of(email: str) -> str:
    """Return the address's domain in lower case and in ASCII."""
    return same_mailbox(email).rpartition("@")[2]


def same_person(email: str) -> str:
    """Return the address as one person's spellings share it: as `same_mailbox`, without plus tag, Gmail's without dots.

    Gmail ignores dots, and googlemail.com is gmail.com (https://support.google.com/mail/answer/7436150).
    """
    local, _, domain = same_mailbox(email).rpartition("@")
    plain = local.partition("+")[0] or local
    if domain in ("gmail.com", "googlemail.com"):
        return f"{plain.replace('.', '')}@gmail.com"
    return f"{plain}@{domain}"
