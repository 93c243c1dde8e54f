"""The records of a sender's domain: what is there, what is wrong with it, and what to publish."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest

from lib.clock import SetClock
from lib.readiness import dns_records
from lib.readiness.checks import ReadinessCheck
from lib.readiness.dns_records import DnsRecords, Lookup, NotAnswered
from lib.readiness.senders import TransportName, check_replies, check_sender
from tests.lib.readiness.name_server import Silent, Table, name_server

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


def _dns(lookup: Lookup | None) -> DnsRecords:
    return DnsRecords(lookup, SetClock(NOW))


async def _found(
    texts: Mapping[str, Sequence[str]],
    transport: TransportName = "smtp",
    host: str = "links.acme.example",
    domain: str = "acme.example",
) -> dict[str, ReadinessCheck]:
    table = Table({(name, "TXT"): records for name, records in texts.items()})
    return {check.code: check for check in await check_sender(_dns(table), domain, transport, host)}


@pytest.mark.parametrize(
    ("records", "transport", "state"),
    [
        (["v=spf1 ip4:192.0.2.1 -all"], "smtp", "ok"),
        (["V=SPF1 mx ~ALL", "some-verification=1"], "smtp", "ok"),
        (["v=spf1 include:spf.protection.outlook.com -all"], "graph", "ok"),
        (["v=spf1 include:spf.protection.outlook.com -all"], "acs", "ok"),
        (["v=spf1 ip4:192.0.2.1 -all"], "graph", "warning"),
        ([], "smtp", "problem"),
        (["some-verification=1"], "smtp", "problem"),
        (["v=spf1 mx -all", "v=spf1 a -all"], "smtp", "problem"),
        (["v=spf1 +all"], "smtp", "problem"),
        (["v=spf1 mx all"], "smtp", "problem"),
    ],
)
async def test_spf(records: list[str], transport: TransportName, state: str) -> None:
    check = (await _found({"acme.example": records}, transport))["spf"]
    assert (check.state, check.about, check.what_to_do is None) == (state, "acme.example", state == "ok")


@pytest.mark.parametrize(
    ("selector", "key", "transport", "state"),
    [
        ("selector2", "v=DKIM1; k=rsa; p=MIIB", "graph", "ok"),
        ("selector1-azurecomm-prod-net", "p=MIIB", "acs", "ok"),
        ("google", "v=DKIM1;p=MIIB", "smtp", "ok"),
        ("selector1", "v=DKIM1; p=", "graph", "problem"),
        ("google", "v=DKIM1; p=MIIB", "graph", "problem"),
        ("a-selector-of-our-own", "v=DKIM1; p=MIIB", "smtp", "unknown"),
    ],
)
async def test_dkim(selector: str, key: str, transport: TransportName, state: str) -> None:
    assert (await _found({f"{selector}._domainkey.acme.example": [key]}, transport))["dkim"].state == state


@pytest.mark.parametrize(
    ("name", "records", "state"),
    [
        ("_dmarc.sales.acme.example", ["v=DMARC1; p=reject"], "ok"),
        ("_dmarc.acme.example", ["v=DMARC1; p=none; rua=mailto:a@acme.example"], "ok"),
        ("_dmarc.acme.example", ["v=DMARC1; p=reject; sp=quarantine"], "ok"),
        ("_dmarc.sales.acme.example", ["v=DMARC1; rua=mailto:a@acme.example"], "problem"),
        ("_dmarc.sales.acme.example", ["v=DMARC1; p=none", "v=DMARC1; p=reject"], "problem"),
        ("_dmarc.other.example", ["v=DMARC1; p=none"], "warning"),
    ],
)
async def test_dmarc_of_a_domain_or_of_those_above_it(name: str, records: list[str], state: str) -> None:
    assert (await _found({name: records}, domain="sales.acme.example"))["dmarc"].state == state


@pytest.mark.parametrize(
    ("host", "state"),
    [
        ("acme.example", "ok"),
        ("links.acme.example", "ok"),
        ("acme.example.evil.example", "warning"),
        ("notacme.example", "warning"),
        ("heed.azurewebsites.net", "warning"),
    ],
)
async def test_links_belong_to_the_organization_that_dmarc_names(host: str, state: str) -> None:
    records = {"_dmarc.acme.example": ["v=DMARC1; p=none"]}
    assert (await _found(records, host=host, domain="sales.acme.example"))["tracking-domain"].state == state


async def test_answers_need_a_mail_server_where_they_go_to_a_domain_of_their_own() -> None:
    dns = _dns(Table({("in.acme.example", "MX"): ["mx.acme.example."], ("null.example", "MX"): ["."]}))
    found = [await check_replies(dns, domain) for domain in (None, "in.acme.example", "null.example", "out.example")]
    assert [check.state for check in found] == ["ok", "ok", "problem", "problem"]


@pytest.mark.parametrize("lookup", [None, Silent()])
async def test_what_dns_does_not_tell_is_unknown(lookup: Lookup | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns_records, "SECONDS", 0.01)
    checks = await check_sender(_dns(lookup), "acme.example", "smtp", "links.acme.example")
    assert {check.state for check in checks} == {"unknown"}
    assert (await check_replies(_dns(lookup), "acme.example")).state == "unknown"


async def test_a_real_name_server_is_asked() -> None:
    zone = {
        ("acme.example", "TXT"): ['"v=spf1 ip4:192.0.2.1" " -all"', '"other"'],
        ("acme.example", "MX"): ["20 b.acme.example.", "10 a.acme.example."],
        ("_dmarc.acme.example", "TXT"): ['"v=DMARC1; p=reject"'],
    }
    async with name_server(zone) as ask:  # type: ignore[arg-type]
        dns = _dns(ask)
        assert await dns.texts("acme.example", "v=spf1") == ["v=spf1 ip4:192.0.2.1 -all"]
        assert await dns.mail_servers("acme.example") == ["a.acme.example.", "b.acme.example."]
        assert await dns.texts("_dmarc.nowhere.example", "") == []
        found = {check.code: check.state for check in await check_sender(dns, "acme.example", "smtp", "acme.example")}
    assert found == {"spf": "ok", "dkim": "unknown", "dmarc": "ok", "tracking-domain": "ok"}


async def test_a_record_is_asked_for_once_in_five_minutes() -> None:
    clock, table = SetClock(NOW), Table({("acme.example", "MX"): ["mx.acme.example."]})
    dns = DnsRecords(table, clock)
    for minutes in (0, 4, 2):
        clock.move(minutes=minutes)
        await dns.mail_servers("acme.example")
    assert len(table.asked) == 2


@pytest.mark.parametrize("name", ["", "..", "a" * 64 + ".example", "a" * 300, "[192.0.2.1]"])
async def test_what_is_no_name_is_no_failure_of_the_report(name: str) -> None:
    async with name_server({}) as ask:
        try:
            assert await _dns(ask).texts(name, "") == []
        except NotAnswered:
            return
