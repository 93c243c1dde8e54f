"""Bodies of queue messages: JSON objects of one version, each about one organization."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from lib.ids import ORGANIZATION


def read_body(body: bytes) -> tuple[str, Mapping[str, Any]]:
    """Return the organization and all fields. Raises ValueError for any other body, which ends in the poison queue."""
    raw = json.loads(body)
    if not isinstance(raw, dict) or raw.get("v") != 1:
        raise ValueError("a message of another version, or none")
    organization = raw.get("org")
    if not isinstance(organization, str) or not ORGANIZATION.fullmatch(organization):
        raise ValueError("it names no organization")
    return organization, raw


def id_in(fields: Mapping[str, Any], name: str, shape: re.Pattern[str]) -> str:
    """Return the id that stands in a field. Raises ValueError where it does not have the shape."""
    value = fields.get(name)
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise ValueError(f"it names no {name}")
    return value
