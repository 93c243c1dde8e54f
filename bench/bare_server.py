"""Measure a hit without Heed: `python -m bench.bare_server rest|sdk`, on uvicorn with the local host's settings.

Both handlers insert one row for each hit, of the size that Heed's facts have, and answer once it is stored. They open
no token, look at no header and have no routes: they are the least that could be written.
"""

import asyncio
import base64
import hmac
import json
import os
import secrets
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import uvicorn
import uvloop
from azure.data.tables.aio import TableClient
from yarl import URL

from bench.load import HEADERS
from infra.local.host.host import KEEP_ALIVE_SECONDS, LISTEN_BACKLOG, bind
from lib.storage.azure.account import Account
from lib.tracking.requests import new_fact
from pixel_fn import PIXEL

TABLE = "heedbenchbare"
READY = "Answering at "

Insert = Callable[[dict[str, str]], Awaitable[object]]
"""Stores one row; returns when storage has said so."""


def rest_insert(account: Account) -> Insert:
    """A signed request over a pooled session, as sparing as Heed's own writer."""
    assert account.key is not None
    key = account.key
    url = URL(f"{account.table_endpoint}/{TABLE}", encoded=True)
    resource = f"/{account.name}{urlsplit(str(url)).path}"
    session = aiohttp.ClientSession(
        auto_decompress=False,
        connector=aiohttp.TCPConnector(limit=64, keepalive_timeout=55),
        skip_auto_headers=("User-Agent", "Accept-Encoding"),
    )

    async def insert(row: dict[str, str]) -> None:
        date = format_datetime(datetime.now(UTC), usegmt=True)
        signature = base64.b64encode(hmac.digest(key, f"{date}\n{resource}".encode(), "sha256")).decode()
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json;odata=nometadata",
            "Prefer": "return-no-content",
            "DataServiceVersion": "3.0",
            "x-ms-date": date,
            "x-ms-version": "2021-12-02",
            "Authorization": f"SharedKeyLite {account.name}:{signature}",
        }
        async with session.post(url, data=json.dumps(row).encode(), headers=headers) as response:
            await response.read()
            if response.status != 204:
                raise RuntimeError(f"storage answers {response.status}")

    return insert


def sdk_insert(connection_string: str) -> Insert:
    """The SDK's own way, with one client for all."""
    return TableClient.from_connection_string(connection_string, TABLE).create_entity


def application(insert: Insert) -> Any:
    """An ASGI application whose every answer is the pixel, after its row has been stored."""
    headers = [
        (b"cache-control", b"no-store"),
        (b"content-type", b"image/gif"),
        (b"content-length", str(len(PIXEL)).encode()),
    ]
    request_headers = {name.lower(): value for name, value in HEADERS.items()}
    fact = new_fact("open", secrets.token_hex(16), datetime.now(UTC), "GET", request_headers, trusted_hops=1).to_json()

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        at = f"{int(time.time() * 1000):013d}"
        row = {"PartitionKey": at + secrets.token_hex(6), "RowKey": f"{at}-{secrets.token_hex(6)}", "fact": fact}
        await insert(row)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": PIXEL})

    return answer


async def serve(kind: str, connection_string: str) -> None:
    """Answer until a signal comes, with the settings of the local host's own server."""
    insert = rest_insert(Account.parse(connection_string)) if kind == "rest" else sdk_insert(connection_string)
    config = uvicorn.Config(
        application(insert),
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        backlog=LISTEN_BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    listening = bind(0)
    print(f"{READY}http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    await uvicorn.Server(config).serve(sockets=[listening])


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as main:
        main.run(serve(sys.argv[1], os.environ["AzureWebJobsStorage"]))  # noqa: SIM112
