"""Documents of identity providers: JSON objects at addresses that an organization names (`lib.outside.http`)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from lib.organizations.sign_in.refusals import ProviderDown
from lib.outside import NotOutside
from lib.outside.http import RequestFailed, get_document

_MOST_BYTES = 256 * 1024
_HEADERS = {"Accept": "application/json"}


async def fetch_document(url: str, *, loopback: bool) -> dict[str, Any]:
    """Fetch a JSON object of at most 256 KB. Raises ProviderDown, whose text names the host alone."""
    host = urlsplit(url).hostname
    try:
        document = json.loads(await get_document(url, _HEADERS, loopback=loopback, most_bytes=_MOST_BYTES))
    except NotOutside as error:
        raise ProviderDown(f"The identity provider's address is refused: {error}") from None
    except (RequestFailed, ValueError, RecursionError) as error:
        reason = f"{error}" if isinstance(error, RequestFailed) else type(error).__name__
        raise ProviderDown(f"The identity provider {host} cannot be asked ({reason}).") from None
    if not isinstance(document, dict):
        raise ProviderDown(f"The identity provider {host} answers with something else than a JSON object.")
    return document
