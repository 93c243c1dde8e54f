"""Normalize e-mail addresses for comparison."""

from __future__ import annotations

from typing import Final

import idna

_LONGEST_DOMAIN: Final = 255


def same_mailbox(email: str) -> str:
    """Return the address in lower case, with its domain in ASCII.

    In theory a server may tell upper from lower case; in practice none does. Some mail programs write `bücher.example`
    where the API has taken `xn--bcher-kva.example`.
    """
    if not email.isascii():
        local, at, domain = email.rpartition("@")
        email = f"{local}{at}{_in_ascii(domain)}"
    return email.lower()


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


def _in_ascii(domain: str) -> str:
    """Return the domain as DNS has it (IDNA 2008 after UTS 46, as of addresses of the API), or as it is."""
    if len(domain) > _LONGEST_DOMAIN:
        return domain
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return domain
