"""Addresses of recipients who were erased: what stands in a sent mail in place of the address.

A stand-in holds the short hash of the address, which is all that is left of it. Mail to a stand-in reaches no one: the
top-level domain `test` is reserved (RFC 2606, 2).
"""

from __future__ import annotations

import re

from lib.people.address_hashes import short_hash

_DOMAIN = "erased.test"
_STAND_IN = re.compile(rf"([0-9a-f]{{16}})@{re.escape(_DOMAIN)}")


def stand_in_for(address_hash: str) -> str:
    """Return what stands in place of the address with this hash."""
    return f"{short_hash(address_hash)}@{_DOMAIN}"


def erased_hash(email: str) -> str | None:
    """Return the short hash of the address that was erased; None for an address that is one."""
    found = _STAND_IN.fullmatch(email)
    return found[1] if found else None
