"""Which product filters a recipient's mail: told by mail servers, remembered, and never worth waiting for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from lib.catalogues.registry import load_catalogues
from lib.clock import SetClock
from lib.sending import mx_lookup as module
from lib.sending.mx_lookup import FAILED_FOR, KNOWN_FOR, MOST_DOMAINS, SILENT_FOR, DnsResolve, RecipientGateways
from lib.services import Services
from lib.settings import load_settings
from tests.support.heed import SETTINGS

CATALOGUE = load_catalogues().gateways


@pytest.mark.parametrize(
    ("host", "gateway"),
    [
        ("acme-example.mail.protection.outlook.com", "microsoft-365"),
        ("acme-example.h-v1.mx.microsoft", "microsoft-365"),
        ("mx0a-00123456.pphosted.com", "proofpoint"),
        ("mx1-us1.ppe-hosted.com", "proofpoint"),
        ("eu-smtp-inbound-1.mimecast.com", "mimecast"),
        ("je-smtp-inbound-1.mimecast-offshore.com", "mimecast"),
        ("d123456.a.ess.de.barracudanetworks.com", "barracuda"),
        ("mx1.hc1234-56.iphmx.com", "cisco"),
        ("aspmx.l.google.com", "google-workspace"),
        ("aspmx2.googlemail.com", "google-workspace"),
        ("mta5.am0.yahoodns.net", "yahoo"),
        ("mx01.mail.icloud.com", "icloud"),
        ("acme.in.tmes.trendmicro.eu", "trend-micro"),
        ("mx-01-eu-west-1.prod.hydra.sophos.com", "sophos"),
        ("cust1234-1.in.mailcontrol.com", "forcepoint"),
        ("cluster1.eu.messagelabs.com", "symantec"),
        ("primary.eu.email.fireeyecloud.com", "trellix"),
        ("mx01.hornetsecurity.com", "hornetsecurity"),
        ("MX0A-00123456.PPHosted.Com.", "proofpoint"),
        ("mimecast.com", "mimecast"),
    ],
)
def test_a_mail_server_tells_the_product(host: str, gateway: str) -> None:
    assert CATALOGUE.gateway_of([host]) == gateway
    assert CATALOGUE[gateway].name


@pytest.mark.parametrize(
    "host",
    ["", ".", "mail.acme.example", "notmimecast.com", "mimecast.com.acme.example", "com", "google.com..", "é.example"],
)
def test_other_mail_servers_tell_nothing(host: str) -> None:
    assert CATALOGUE.gateway_of([host]) is None


def test_the_best_preferred_server_that_is_known_decides() -> None:
    hosts = ["mail.acme.example", "eu-smtp-inbound-1.mimecast.com", "aspmx.l.google.com"]
    assert CATALOGUE.gateway_of(hosts) == "mimecast"
    assert CATALOGUE.gateway_of([]) is None


class Dns:
    """Domains with their mail servers; of others, no answer ever comes. `asked` remembers every question."""

    def __init__(self, **servers: Sequence[str] | Exception) -> None:
        self.servers = {f"{name}.example": hosts for name, hosts in servers.items()}
        self.asked: list[str] = []

    async def __call__(self, domain: str) -> Sequence[str]:
        self.asked.append(domain)
        hosts = self.servers.get(domain)
        if hosts is None:
            await asyncio.Event().wait()
        if isinstance(hosts, Exception):
            raise hosts
        assert hosts is not None
        return hosts


PROOFPOINT = ["mx0a-1.pphosted.com."]
MIMECAST = ["eu-smtp-inbound-1.mimecast.com."]


@pytest.fixture
def clock() -> SetClock:
    return SetClock(datetime(2026, 5, 4, 9, 30, tzinfo=UTC))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT", 0.05)


async def test_gateways_stand_in_the_order_of_the_recipients(clock: SetClock) -> None:
    dns = Dns(acme=PROOFPOINT, globex=MIMECAST, plain=["mail.plain.example."], none=[])
    lookup = RecipientGateways(CATALOGUE, dns, clock)

    found = await lookup.find_gateways(
        ["a@globex.example", "b@ACME.example", "c@plain.example", "d@none.example", "e@acme.example"]
    )

    assert found == ["mimecast", "proofpoint", None, None, "proofpoint"]
    assert sorted(dns.asked) == ["acme.example", "globex.example", "none.example", "plain.example"]


async def test_when_nothing_is_known_nothing_is_said(clock: SetClock) -> None:
    assert (
        await RecipientGateways(CATALOGUE, Dns(plain=["mail.plain.example."]), clock).find_gateways(["a@plain.example"])
        == []
    )
    assert await RecipientGateways(CATALOGUE, Dns(), clock).find_gateways([]) == []


async def test_an_answer_is_remembered_for_a_day(clock: SetClock) -> None:
    dns = Dns(acme=PROOFPOINT, plain=[])
    lookup = RecipientGateways(CATALOGUE, dns, clock)
    everybody = ["a@acme.example", "b@plain.example"]
    await lookup.find_gateways(everybody)
    dns.servers["acme.example"] = MIMECAST

    clock.move(seconds=KNOWN_FOR.total_seconds() - 1)
    assert await lookup.find_gateways(everybody) == ["proofpoint", None]
    assert len(dns.asked) == 2

    clock.move(seconds=1)
    assert await lookup.find_gateways(everybody) == ["mimecast", None]
    assert timedelta(hours=24) == KNOWN_FOR


async def test_a_failure_is_unknown_and_remembered_for_a_short_time(clock: SetClock) -> None:
    dns = Dns(acme=OSError("no route"), globex=MIMECAST)
    lookup = RecipientGateways(CATALOGUE, dns, clock)

    assert await lookup.find_gateways(["a@acme.example", "b@globex.example"]) == [None, "mimecast"]
    dns.servers["acme.example"] = PROOFPOINT
    assert await lookup.find_gateways(["a@acme.example"]) == []
    clock.move(seconds=FAILED_FOR.total_seconds())
    assert await lookup.find_gateways(["a@acme.example"]) == ["proofpoint"]


async def test_while_dns_fails_the_last_good_answer_holds(clock: SetClock) -> None:
    dns = Dns(acme=PROOFPOINT)
    lookup = RecipientGateways(CATALOGUE, dns, clock)
    await lookup.find_gateways(["a@acme.example"])
    dns.servers["acme.example"] = OSError("no route")
    clock.move(days=2)

    assert await lookup.find_gateways(["a@acme.example"]) == ["proofpoint"]
    assert len(dns.asked) == 2


@pytest.mark.usefixtures("impatient")
async def test_what_does_not_answer_in_time_is_unknown_and_takes_nothing_from_the_rest(clock: SetClock) -> None:
    lookup = RecipientGateways(CATALOGUE, Dns(acme=PROOFPOINT), clock)

    found = await lookup.find_gateways(["a@silent.example", "b@acme.example"])

    assert found == [None, "proofpoint"]
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.usefixtures("impatient")
async def test_where_nobody_answers_nobody_is_asked_for_a_while(clock: SetClock) -> None:
    dns = Dns(acme=PROOFPOINT)
    lookup = RecipientGateways(CATALOGUE, dns, clock)
    await lookup.find_gateways(["a@silent.example"])

    assert await lookup.find_gateways(["b@acme.example"]) == []
    assert dns.asked == ["silent.example"]

    clock.move(seconds=SILENT_FOR.total_seconds())
    assert await lookup.find_gateways(["b@acme.example"]) == ["proofpoint"]


async def test_of_very_many_domains_some_are_asked_for_at_a_time(clock: SetClock) -> None:
    dns = Dns(**{f"d{number}": PROOFPOINT for number in range(MOST_DOMAINS + 10)})
    lookup = RecipientGateways(CATALOGUE, dns, clock)
    everybody = [f"a@{domain}" for domain in dns.servers]

    assert (await lookup.find_gateways(everybody)).count(None) == 10
    assert await lookup.find_gateways(everybody) == ["proofpoint"] * len(everybody)
    assert len(dns.asked) == len(everybody)


async def test_the_memory_is_bounded_and_forgets_the_oldest(clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_REMEMBERED", 2)
    dns = Dns(one=PROOFPOINT, two=PROOFPOINT, three=PROOFPOINT)
    lookup = RecipientGateways(CATALOGUE, dns, clock)

    for name in ("one", "two", "three", "three", "two", "one"):
        assert await lookup.find_gateways([f"a@{name}.example"]) == ["proofpoint"]

    assert dns.asked == ["one.example", "two.example", "three.example", "one.example"]


async def test_the_log_names_no_recipient(clock: SetClock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await RecipientGateways(CATALOGUE, Dns(acme=OSError("acme.example")), clock).find_gateways(["ada@acme.example"])

    assert "1 of 1 domains" in caplog.text
    assert "acme" not in caplog.text


async def test_the_lookup_can_be_turned_off() -> None:
    services = Services(load_settings({**SETTINGS, "HEED_MX_LOOKUP": "off"}))
    assert await services.gateways.find_gateways(["ada@example.com"]) == []


def test_the_lookup_is_on_unless_it_is_turned_off() -> None:
    given = {name: value for name, value in SETTINGS.items() if name != "HEED_MX_LOOKUP"}
    assert load_settings(given).mx_lookup == "on"


class NameServer(asyncio.DatagramProtocol):
    """A name server on this machine that knows three domains; `asked` remembers questions as they came."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        [question] = query.question
        self.asked.append(question.name.to_text())
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        servers = {
            "acme.example.": [
                *(f"{number}0 mx{number}.acme.example." for number in range(2, 8)),
                "10 mx.pphosted.com.",
            ],
            "refuses.example.": ["0 ."],
            "plain.example.": [],
        }.get(question.name.to_text())
        if servers is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif servers:
            answer.answer.append(dns.rrset.from_text(question.name, 300, "IN", "MX", *servers))
        self._transport.sendto(answer.to_wire(), addr)


@asynccontextmanager
async def name_server() -> AsyncIterator[tuple[NameServer, DnsResolve]]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 0))
    try:
        yield server, DnsResolve(transport.get_extra_info("sockname"))
    finally:
        transport.close()


async def test_dns_gives_mail_servers_in_order_of_preference() -> None:
    async with name_server() as (_, resolve):
        found = await resolve("acme.example")
    assert found == ["mx.pphosted.com.", *(f"mx{number}.acme.example." for number in range(2, 8))]


@pytest.mark.parametrize("domain", ["plain.example", "missing.example"])
async def test_a_domain_without_mail_servers_is_an_answer(domain: str) -> None:
    async with name_server() as (_, resolve):
        assert await resolve(domain) == []


async def test_a_domain_is_asked_for_as_it_is_and_once(clock: SetClock) -> None:
    async with name_server() as (server, resolve):
        lookup = RecipientGateways(CATALOGUE, resolve, clock)
        everybody = ["a@acme.example", "b@refuses.example", "c@missing.example", "d@acme.example"]

        for _ in range(2):
            assert await lookup.find_gateways(everybody) == ["proofpoint", None, None, "proofpoint"]

    assert sorted(server.asked) == ["acme.example.", "missing.example.", "refuses.example."]


@pytest.mark.parametrize("domain", ["", "..", "a" * 64 + ".example", "[192.0.2.1]", "a" * 300])
async def test_what_is_no_domain_is_unknown(clock: SetClock, domain: str) -> None:
    async with name_server() as (_, resolve):
        assert await RecipientGateways(CATALOGUE, resolve, clock).find_gateways([f"a@{domain}"]) == []
