"""Services open what they need, and close what they opened."""

import asyncio
import gc
from typing import Any

import pytest

from lib.services import Services
from lib.settings import load_settings
from lib.storage.memory import memory_storage
from lib.transports.memory import MemoryTransport
from tests.support.heed import SETTINGS

CHOICES = {
    "storage queues and SMTP": {"HEED_SMTP_HOST": "127.0.0.1"},
    "Service Bus and Graph": {
        "HEED_QUEUES": "servicebus",
        "HEED_SERVICEBUS": "Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=n;SharedAccessKey=k",
        "HEED_TRANSPORT": "graph",
    },
    "a managed identity": {"AzureWebJobsStorage": "", "AzureWebJobsStorage__accountName": "acct"},
}


@pytest.mark.parametrize("choice", CHOICES)
async def test_nothing_that_was_opened_is_left_open(choice: str) -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    services = Services(load_settings({**SETTINGS, **CHOICES[choice]}))
    assert services.storage
    assert services.journal
    assert services.off_loop
    assert services.transport or "SMTP" not in choice

    await services.close()
    del services
    gc.collect()

    assert complaints == []


async def test_services_that_have_opened_nothing_close_at_once() -> None:
    await Services(load_settings(SETTINGS)).close()


async def test_parts_that_were_handed_in_are_left_to_whom_they_belong() -> None:
    transport = MemoryTransport()
    services = Services(load_settings(SETTINGS), storage=memory_storage(), transport=transport)
    assert services.transport is transport

    await services.close()

    assert await services.storage.tables.read_row("table", "p", "r") is None
