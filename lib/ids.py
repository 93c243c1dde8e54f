"""The one maker of ids, and the shape of ids that clients choose."""

from __future__ import annotations

import re
import secrets
from hashlib import blake2b
from uuid import uuid4

ORGANIZATION = re.compile(r"[a-z][a-z0-9]{2,31}")
CHOSEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:{}-]{0,99}")
RECORD_TYPE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
"""Types of records, as CRMs name them: `contact`, Dataverse's `new_project`, HubSpot's `2-123`."""
MADE = re.compile(r"[0-9a-f]{32}")


def new_id() -> str:
    """128 random bits as 32 lower-case hexadecimal digits."""
    return secrets.token_hex(16)


def new_key() -> str:
    """A random UUID (version 4), for providers that know a request by one."""
    return str(uuid4())


def short_hash(*parts: str) -> str:
    """128 bits of BLAKE2b over the parts in hexadecimal, for keys made of texts that users typed. Not a secret."""
    digest = blake2b(digest_size=16)
    for part in parts:
        raw = part.encode()
        digest.update(len(raw).to_bytes(4, "big") + raw)
    return digest.hexdigest()
