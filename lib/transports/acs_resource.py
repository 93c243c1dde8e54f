"""The Azure Communication Services resource that sends, and the proof that we may use it."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field

from lib.connection_strings import parse_connection_string


@dataclass(frozen=True, slots=True)
class AcsResource:
    """One Communication Services resource."""

    endpoint: str
    """Without a trailing slash."""
    key: str | None = field(default=None, repr=False)
    """None where a managed identity is the proof."""

    @staticmethod
    def parse(connection_string: str) -> AcsResource:
        """Read `endpoint=https://…;accesskey=…`, as the portal shows it. Raises ValueError with the missing part.

        The SDK's own parser of these drops the scheme; a service on this machine has no https.
        """
        parts = parse_connection_string(connection_string)
        endpoint = parts.get("endpoint", "").rstrip("/")
        if not re.fullmatch(r"https?://[!-~]+", endpoint):
            raise ValueError("it has no endpoint with https")
        key = parts.get("accesskey", "")
        try:
            if not base64.b64decode(key, validate=True):
                raise ValueError("it has no accesskey")
        except binascii.Error:
            raise ValueError("its accesskey is not base64") from None
        return AcsResource(endpoint, key)
