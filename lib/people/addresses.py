"""Normalize e-mail addresses for comparison."""

from __future__ import annotations

import re
from email.utils import unquote
from typing import Final

from lib.mime.addresses import with_ascii_domain

_NEEDS_NO_QUOTES: Final = re.compile(r'[^\s"(),:;<>@\[\]\\]++')


def same_mailbox(email: str) -> str:
    """Return the address in lower case, with its domain in ASCII and without quotes that it does not need.

    In theory a server may tell upper from lower case; in practice none does. Some mail programs write `bücher.example`
    where the API has taken `xn--bcher-kva.example`, and some servers `"o'neil"@` for `o'neil@` (RFC 5321, 4.1.2).
    """
    return with_ascii_domain(_without_quotes(email)).lower()


def _without_quotes(email: str) -> str:
    if not email.startswith('"'):
        return email
    local, at, domain = email.rpartition("@")
    plain = unquote(local)
    return f"{plain}{at}{domain}" if _NEEDS_NO_QUOTES.fullmatch(plain) else email


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
