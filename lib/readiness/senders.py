"""Checks of the domains that mail comes from: SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 7489), and where answers go.

Which selectors a mail server signs with cannot be asked for; those of Microsoft's services are known
(https://learn.microsoft.com/en-us/defender-office-365/email-authentication-dkim-configure,
https://learn.microsoft.com/en-us/azure/communication-services/quickstarts/email/add-custom-verified-domains).
"""

from __future__ import annotations

import asyncio
import re
from typing import Literal

from lib.readiness.checks import ReadinessCheck
from lib.readiness.dns_records import DnsRecords, NotAnswered

TransportName = Literal["smtp", "acs", "graph"]

_SELECTORS: dict[TransportName, tuple[str, ...]] = {
    "graph": ("selector1", "selector2"),
    "acs": ("selector1-azurecomm-prod-net", "selector2-azurecomm-prod-net"),
    "smtp": ("selector1", "default", "google", "s1", "k1", "mail", "dkim"),
}
_INCLUDED = "spf.protection.outlook.com"
"""What SPF includes where Microsoft's services send: https://learn.microsoft.com/en-us/defender-office-365/
email-authentication-spf-configure; Communication Services says the same."""

_MOST_LABELS = 5
_TAG = re.compile(r"(?:^|;)\s*(?P<name>[a-z]+)\s*=\s*(?P<value>[^;]*)", re.IGNORECASE)


async def check_sender(dns: DnsRecords, domain: str, transport: TransportName, host: str) -> list[ReadinessCheck]:
    """Check the records of a domain of users' addresses, and whether links, which lead to `host`, belong to it."""
    codes = ("spf", "dkim", "dmarc")
    checks = await asyncio.gather(
        _check_spf(dns, domain, transport), _check_dkim(dns, domain, transport), _check_dmarc(dns, domain, host),
        return_exceptions=True,
    )  # fmt: skip
    found: list[ReadinessCheck] = []
    for code, result in zip(codes, checks, strict=True):
        if isinstance(result, NotAnswered):
            found.append(_unknown(code, domain))
        elif isinstance(result, BaseException):
            raise result
        else:
            found += result
    return found


async def check_replies(dns: DnsRecords, domain: str | None) -> ReadinessCheck:
    """Check that mail to the organization's domain for replies has somewhere to go."""
    if domain is None:
        return ReadinessCheck(code="replies", state="ok", sentence="Answers go to the sender's own address.")
    try:
        servers = await dns.mail_servers(domain)
    except NotAnswered:
        return _unknown("replies", domain)
    if servers:
        return ReadinessCheck(
            code="replies", about=domain, state="ok", sentence=f"{domain} takes answers by its MX records."
        )
    return ReadinessCheck(
        code="replies",
        about=domain,
        state="problem",
        sentence=f"{domain}, to which answers go, has no MX record: they come back to whoever answers.",
        what_to_do=f"Give {domain} an MX record, and let its mail come to POST /inbound or to a mailbox that Heed "
        "reads; or take reply_domain out of the organization's settings.",
    )


def _unknown(code: str, domain: str) -> ReadinessCheck:
    sentence = f"DNS was not asked about {domain}, or did not answer in time."
    return ReadinessCheck(
        code=code, about=domain, state="unknown", sentence=sentence, what_to_do="Ask again in a few minutes."
    )


async def _check_spf(dns: DnsRecords, domain: str, transport: TransportName) -> list[ReadinessCheck]:
    records = await dns.texts(domain, "v=spf1")
    include = f"include:{_INCLUDED} " if transport != "smtp" else "<your mail server> "
    mending = f"Publish one TXT record at {domain}: v=spf1 {include}-all"
    state: Literal["ok", "warning", "problem"] = "problem"
    if not records:
        sentence = f"{domain} has no SPF record: many receivers refuse its mail."
    elif len(records) > 1:
        sentence = f"{domain} has {len(records)} SPF records, and so none counts (RFC 7208, 4.5)."
    elif re.search(r"\s\+?all\b", records[0], re.IGNORECASE):
        sentence = f"The SPF record of {domain} lets everybody send (all without - or ~)."
    elif transport != "smtp" and _INCLUDED not in records[0].lower():
        state, sentence = "warning", f"The SPF record of {domain} does not include {_INCLUDED} itself."
    else:
        return [ReadinessCheck(code="spf", about=domain, state="ok", sentence=f"{domain} has an SPF record.")]
    return [ReadinessCheck(code="spf", about=domain, state=state, sentence=sentence, what_to_do=mending)]


async def _check_dkim(dns: DnsRecords, domain: str, transport: TransportName) -> list[ReadinessCheck]:
    names = [f"{selector}._domainkey.{domain}" for selector in _SELECTORS[transport]]
    texts = [text for found in await asyncio.gather(*(dns.texts(name, "") for name in names)) for text in found]
    keys = [tags["p"] for text in texts if "p" in (tags := _tags(text))]
    if any(keys):
        return [ReadinessCheck(code="dkim", about=domain, state="ok", sentence=f"{domain} has a DKIM key.")]
    if transport == "smtp":
        sentence = f"No DKIM key of {domain} is at one of the usual selectors; which one signs, your mail server knows."
        mending = "See that the mail server signs, and look for dkim=pass in a mail that it sent."
        return [ReadinessCheck(code="dkim", about=domain, state="unknown", sentence=sentence, what_to_do=mending)]
    sentence = f"{domain} has no DKIM key at {' or '.join(_SELECTORS[transport])}."
    mending = "Turn DKIM on for the domain where it sends, and publish the two CNAME records that are named there."
    return [ReadinessCheck(code="dkim", about=domain, state="problem", sentence=sentence, what_to_do=mending)]


async def _check_dmarc(dns: DnsRecords, domain: str, host: str) -> list[ReadinessCheck]:
    at, policy = await _policy(dns, domain)
    return [_dmarc(domain, policy), _tracking_domain(domain, at or domain, host)]


async def _policy(dns: DnsRecords, domain: str) -> tuple[str | None, str | None]:
    """(domain whose DMARC record counts, its policy); None where there is none. Parents are asked up to two labels."""
    labels = domain.split(".")[-_MOST_LABELS:]
    for place in range(len(labels) - 1):
        name = ".".join(labels[place:]) if place else domain
        records = await dns.texts(f"_dmarc.{name}", "v=dmarc1")
        if len(records) == 1:
            tags = _tags(records[0])
            return name, (tags.get("sp") if name != domain else None) or tags.get("p", "")
        if records:
            return name, ""
    return None, None


def _dmarc(domain: str, policy: str | None) -> ReadinessCheck:
    mending = f"Publish one TXT record at _dmarc.{domain}: v=DMARC1; p=none; rua=mailto:<your address>"
    if policy is None:
        sentence = f"{domain} has no DMARC record: large receivers take mail in bulk only with one."
        return ReadinessCheck(code="dmarc", about=domain, state="warning", sentence=sentence, what_to_do=mending)
    if policy.lower() not in ("none", "quarantine", "reject"):
        sentence = f"The DMARC record of {domain} is not the only one, or has no policy (p=)."
        return ReadinessCheck(code="dmarc", about=domain, state="problem", sentence=sentence, what_to_do=mending)
    sentence = f"{domain} has a DMARC record with the policy {policy.lower()}."
    return ReadinessCheck(code="dmarc", about=domain, state="ok", sentence=sentence)


def _tracking_domain(domain: str, organizational: str, host: str) -> ReadinessCheck:
    if host == organizational or host.endswith(f".{organizational}"):
        sentence = f"Links lead to {host}, which belongs to {organizational}, as the sender does."
        return ReadinessCheck(code="tracking-domain", about=domain, state="ok", sentence=sentence)
    return ReadinessCheck(
        code="tracking-domain",
        about=domain,
        state="warning",
        sentence=f"Links lead to {host}, which does not belong to {organizational}: some filters distrust such mail.",
        what_to_do=f"Let a name such as links.{organizational} lead to this app, and set HEED_BASE_URL to it.",
    )


def _tags(record: str) -> dict[str, str]:
    return {found["name"].lower(): found["value"].strip() for found in _TAG.finditer(record)}
