"""Connection strings of Azure: `name=value` pairs with semicolons between them.

Azure's SDK has a parser too. Importing it takes 0.05 s, which a recipient would wait for at a cold start.
"""

from __future__ import annotations

from collections.abc import Mapping


def parse_connection_string(text: str) -> Mapping[str, str]:
    """Split a connection string; names are in lower case, as the case does not matter. Raises ValueError."""
    pairs = [each.partition("=") for each in text.strip().rstrip(";").split(";")]
    parts = {name.lower(): value for name, _, value in pairs}
    if len(parts) != len(pairs) or not all(name and value for name, value in parts.items()):
        raise ValueError("it must consist of different name=value pairs with semicolons between them")
    return parts
