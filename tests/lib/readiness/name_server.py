"""Names with their records, as a table or as a real name server on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from lib.readiness.dns_records import AskDns, DnsType

Zone = Mapping[tuple[str, DnsType], Sequence[str]]


class Table:
    """Records by name; `asked` remembers every question."""

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self.asked: list[tuple[str, DnsType]] = []

    async def __call__(self, name: str, kind: DnsType) -> Sequence[str]:
        self.asked.append((name, kind))
        return self.zone.get((name, kind), ())


class Silent:
    """A resolver that never answers."""

    async def __call__(self, name: str, kind: DnsType) -> Sequence[str]:
        await asyncio.Event().wait()
        raise AssertionError


class _NameServer(asyncio.DatagramProtocol):
    def __init__(self, zone: Zone) -> None:
        self._zone = zone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        [question] = query.question
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        name, kind = question.name.to_text().removesuffix("."), dns.rdatatype.to_text(question.rdtype)
        if not any(known == name for known, _ in self._zone):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif records := self._zone.get((name, cast(DnsType, kind))):
            answer.answer.append(dns.rrset.from_text(question.name, 300, "IN", kind, *records))
        self._transport.sendto(answer.to_wire(), addr)


@asynccontextmanager
async def name_server(zone: Zone) -> AsyncIterator[AskDns]:
    """A real name server with these records, in the form of zone files, and the way to ask it."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _NameServer(zone), local_addr=("127.0.0.1", 0))
    try:
        yield AskDns(transport.get_extra_info("sockname"))
    finally:
        transport.close()
