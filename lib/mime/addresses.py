"""Addresses of mail: local parts in quotes, and domains that are written in another script than DNS has them."""

from __future__ import annotations

from typing import Final

import idna

QUOTED_LOCAL_PART: Final = r'"(?:[^"\\\r\n]|\\[^\r\n]){1,256}+"'
"""A local part in quotes (RFC 5321, 4.1.2), as a pattern for a part of another one."""

_LONGEST_DOMAIN: Final = 255


def with_ascii_domain(email: str) -> str:
    """Return the address with its domain as DNS has it: IDNA 2008 after UTS 46, as of addresses that the API takes.

    A domain that has no such form stays as it is. A long one in another script takes a millisecond.
    """
    if email.isascii():
        return email
    local, at, domain = email.rpartition("@")
    if domain.isascii() or len(domain) > _LONGEST_DOMAIN:
        return email
    try:
        return f"{local}{at}{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError:
        return email
