"""Addresses of mail: local parts in quotes, and domains that are written in another script than DNS has them."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import idna

QUOTED_LOCAL_PART: Final = r'"(?:[^"\\\r\n]|\\[^\r\n]){1,256}+"'
"""A local part in quotes (RFC 5321, 4.1.2), as a pattern for a part of another one."""

_LONGEST_DOMAIN: Final = 255


def with_ascii_domain(email: str) -> str:
    """Return the address with its domain in ASCII, so that code behind the first call has nothing to convert.

    The domain is as DNS has it: IDNA 2008 after UTS 46, as of addresses that the API takes. What these do not allow,
    such as `☃.example`, is put into Punycode as it is; of a domain that is too long `?` stands for the letters. A long
    one in another script takes two milliseconds.
    """
    if email.isascii():
        return email
    local, at, domain = email.rpartition("@")
    return email if domain.isascii() else f"{local}{at}{_in_ascii(domain)}"


@lru_cache(maxsize=1024)
def _in_ascii(domain: str) -> str:
    if len(domain) > _LONGEST_DOMAIN:
        return domain.encode("ascii", "replace").decode()
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return ".".join(map(_in_punycode, domain.lower().split(".")))


def _in_punycode(label: str) -> str:
    return label if label.isascii() else f"xn--{label.encode('punycode').decode()}"
