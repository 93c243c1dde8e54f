"""The report of an organization: all that can be known in time, for those who ask at the same time once."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from heed.readiness import show
from lib.readiness import logins, report
from lib.readiness.checks import ReadinessCheck
from lib.readiness.dns_records import DnsRecords, Lookup
from lib.readiness.logins import check_login
from lib.readiness.report import MOST_DOMAINS, Readiness
from lib.services import Services
from lib.settings import load_settings
from tests.lib.readiness.name_server import Table
from tests.support.heed import ADMIN_KEY, SETTINGS, Heed
from tests.support.mail_server import MailServer

_OPEN = ReadinessCheck(code="transport", state="ok", sentence="It is open.")


def _with(heed: Heed, lookup: Lookup | None = None, log_in: Any = None) -> Heed:
    """Let Heed's own reports ask these."""
    services = heed.services

    async def let_in() -> ReadinessCheck:
        return _OPEN

    async def storage_time() -> datetime:
        return heed.clock.now() - timedelta(seconds=30)

    services.readiness = Readiness(
        services.people,
        services.lists,
        services.mailboxes,
        services.storage,
        DnsRecords(lookup, heed.clock),
        log_in or let_in,
        storage_time,
        heed.clock,
        base_url="https://links.acme.example",
        transport="smtp",
        maps=False,
        networks_as_of="2026-06-17",
    )
    return heed


def _states(answer: Any) -> dict[str, str]:
    return {check["code"]: check["state"] for check in answer["checks"]}


async def test_the_report_says_what_is_wrong_and_what_to_do() -> None:
    table = Table({("acme.example", "TXT"): ["v=spf1 mx -all"], ("_dmarc.acme.example", "TXT"): ["v=DMARC1; p=none"]})
    heed = _with(await Heed().start(inbound={"reply_domain": "in.acme.example"}), table)
    await heed.put("/records/contact/c1", {"emails": ["ada@example.com"], "time_zone": "Europe/Vienna"})
    await heed.sent(to=[{"email": "ada@example.com", "record": {"type": "contact", "id": "c1"}}])

    answer = await heed.get("/readiness")

    assert answer["state"] == "problem"
    assert _states(answer) == {
        "transport": "ok",
        "links": "problem",
        "spf": "ok",
        "dkim": "unknown",
        "dmarc": "ok",
        "tracking-domain": "ok",
        "replies": "problem",
        "maps": "ok",
        "networks": "ok",
        "clock": "warning",
        "storage": "ok",
        "opt-in": "ok",
        "time-zones": "ok",
        "mailbox": "ok",
        "dead-letters": "ok",
    }
    for check in answer["checks"]:
        assert check["sentence"].endswith((".", ":", ")")), check
        assert (check["what_to_do"] is None) == (check["state"] == "ok"), check


async def test_what_takes_too_long_or_fails_is_unknown_and_the_rest_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "SECONDS", 0.2)
    heed = await Heed().start()

    async def silent() -> ReadinessCheck:
        await asyncio.Event().wait()
        return _OPEN

    async def broken(*_: object) -> Any:
        raise RuntimeError("hunter2")

    _with(heed, Table({}), silent)
    monkeypatch.setattr(heed.services.people, "count_opt_in", broken)
    answer = await heed.get("/readiness")

    states = _states(answer)
    assert (states["transport"], states["opt-in"], states["spf"]) == ("unknown", "unknown", "problem")
    assert "hunter2" not in str(answer)


async def test_callers_at_the_same_time_and_within_a_minute_share_a_report() -> None:
    tries = 0

    async def log_in() -> ReadinessCheck:
        nonlocal tries
        tries += 1
        await asyncio.sleep(0)
        return _OPEN

    heed = _with(await Heed().start(), None, log_in)
    await asyncio.gather(*(heed.get("/readiness") for _ in range(5)))
    assert tries == 1
    for seconds in (59, 2):
        heed.clock.move(seconds=seconds)
        await heed.get("/readiness")
    assert tries == 2


async def test_a_caller_who_goes_away_leaves_the_report_to_the_others() -> None:
    go = asyncio.Event()

    async def log_in() -> ReadinessCheck:
        await go.wait()
        return _OPEN

    heed = _with(await Heed().start(), None, log_in)
    first, second = (asyncio.create_task(heed.get("/readiness")) for _ in range(2))
    await asyncio.sleep(0.01)
    first.cancel()
    go.set()
    assert _states(await second)["transport"] == "ok"


async def test_names_that_are_asked_for_are_bounded_whatever_addresses_users_have() -> None:
    table = Table({})
    heed = _with(await Heed().start(), table)
    for number in range(4 * MOST_DOMAINS):
        await heed.put(f"/users/u{number}", {"email": f"u@d{number}.example.com"})
    await heed.get("/readiness")
    assert len({name.split(".example")[0].split(".")[-1] for name, _ in table.asked}) <= MOST_DOMAINS + 2
    assert len(table.asked) <= 14 * MOST_DOMAINS


async def test_a_key_of_another_organization_or_for_inbound_mail_learns_nothing() -> None:
    heed = _with(await Heed().start())
    other = await heed.organization("globex")
    assert (await heed.request("GET", "/api/orgs/acme/readiness", key=other)).status == 404
    made = await heed.request("POST", "/api/orgs/acme/keys", {"scope": "inbound"}, key=ADMIN_KEY)
    assert (await heed.request("GET", "/api/orgs/acme/readiness", key=made.json["key"])).status == 403


async def _login(server: MailServer, **more: str) -> ReadinessCheck:
    services = Services(load_settings({**SETTINGS, **server.settings, **more}))
    try:
        return await check_login(services.transport)
    finally:
        await services.close()


async def test_a_mail_server_is_logged_in_to_and_gets_no_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logins, "SECONDS", 1.0)
    async with MailServer() as server:
        assert (await _login(server)).state == "ok"
        refused = await _login(server, HEED_SMTP_USER="heed", HEED_SMTP_PASSWORD="wrong")
        assert (refused.state, "HEED_SMTP" in str(refused.what_to_do)) == ("problem", True)
        assert "wrong" not in refused.sentence
    assert (await _login(server)).state == "problem"
    assert (await check_login(None)).state == "warning"


async def test_the_command_shows_each_check_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    heed = _with(await Heed().start(), Table({}))
    found = await heed.services.organizations.load_organization("acme")
    assert found
    show(await heed.services.readiness.report("acme", found[0].settings))
    said = capsys.readouterr().out
    assert "acme.example has no SPF record" in said
    assert "-> Publish one TXT record at acme.example" in said
