"""A storage account behind fault proxies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from lib.storage.azure.account import Account
from tests.support.fault_proxy import Fault, FaultProxy


@dataclass(frozen=True, slots=True)
class Proxied:
    """`account` is the one through the proxies, one for each of its services."""

    account: Account
    proxies: tuple[FaultProxy, ...]

    def fail(self, *faults: Fault | None) -> None:
        """Of each service, the next requests suffer these, one each."""
        for proxy in self.proxies:
            proxy.fail(*faults)

    def fail_all(self, fault: Fault | None) -> None:
        """Every request suffers this; None ends it."""
        for proxy in self.proxies:
            proxy.fail_all(fault)


@asynccontextmanager
async def proxied(account: Account) -> AsyncIterator[Proxied]:
    async with (
        FaultProxy(account.table_endpoint) as table,
        FaultProxy(account.queue_endpoint) as queue,
        FaultProxy(account.blob_endpoint) as blob,
    ):
        through = replace(account, table_endpoint=table.url, queue_endpoint=queue.url, blob_endpoint=blob.url)
        yield Proxied(through, (table, queue, blob))
