"""The time of the storage service, by the header Date of its answers."""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime

import aiohttp

from lib.storage.azure.account import Account
from lib.storage.protocols import Unavailable

_SECONDS = 5


async def storage_time(account: Account) -> datetime:
    """Ask the Table service what time it is, in whole seconds; any answer tells. Raises Unavailable."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_SECONDS)) as session,
            session.get(account.table_endpoint, allow_redirects=False) as answer,
        ):
            return parsedate_to_datetime(answer.headers["Date"])
    except (aiohttp.ClientError, OSError, TimeoutError, KeyError, ValueError) as error:
        raise Unavailable(f"storage does not tell the time: {type(error).__name__}") from error
