"""A mailbox of a real server is polled by the real host, through the queue `inbound`, on to what a user sees."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from infra.local.servers.azurite import Azurite
from infra.local.servers.mail_catcher import MailCatcher
from infra.local.service_bus.process import start_service_bus
from tests.end_to_end.answers import answer_to, sent_mail, shows_one_answer
from tests.end_to_end.running import ADMIN_KEY, Running, eventually
from tests.faults.instance import DUE_TIMERS, start
from tests.support.dovecot import PASSWORD, Dovecot, running_dovecot, why_not

pytestmark = pytest.mark.skipif(why_not() is not None, reason=why_not() or "")


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with running_dovecot() as server:
        yield server


@pytest.fixture(params=["storage", "servicebus"])
async def heed(
    request: pytest.FixtureRequest, tmp_path: Path, azurite: Azurite, mail: MailCatcher, dovecot: Dovecot
) -> AsyncIterator[Running]:
    """The app in the local host, by the backend of its queues; it polls twice a second and trusts the mail server."""
    settings = {
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "AzureWebJobsStorage": azurite.connection_string,
        "HEED_ADMIN_KEY": ADMIN_KEY,
        "HEED_SMTP_HOST": mail.smtp_host,
        "HEED_SMTP_PORT": str(mail.smtp_port),
        "HEED_LOOPBACK": "on",
        "HEED_QUEUES": request.param,
        _secret(request.param): PASSWORD,
        "SSL_CERT_FILE": str(dovecot.folder / "certificate.pem"),
    }
    children = []
    if request.param == "servicebus":
        child, settings["HEED_SERVICEBUS"] = start_service_bus(tmp_path)
        children.append(child)
    async with aiohttp.ClientSession() as session:
        timers = (*DUE_TIMERS, "poll_mailboxes")
        instance = await asyncio.to_thread(start, tmp_path / "heed", session, settings, timers=timers)
        try:
            yield Running(instance.base_url, mail, tmp_path / "heed" / "log", instance.process)
        finally:
            instance.kill()
            for child in children:
                child.stop()


def _secret(organization: str) -> str:
    return f"HEED_MAILBOX_{organization.upper()}_RITA"


async def test_an_answer_in_a_polled_mailbox_is_told_of(
    heed: Running, dovecot: Dovecot, request: pytest.FixtureRequest
) -> None:
    organization = request.node.callspec.params["heed"]
    dovecot.add_user(organization)
    key = await heed.organization(organization)
    mailbox = {
        "kind": "imap",
        "owner": "rep1",
        "host": "localhost",
        "port": dovecot.port,
        "user": organization,
        "secret": _secret(organization),
    }
    path = f"/api/orgs/{organization}/mailboxes/ritas"
    status, made = await heed.request("PUT", path, key=key, json=mailbox)
    assert status == 201, made
    message = await sent_mail(heed, organization, key, f"Polled with {organization}")
    await eventually(lambda: was_polled(heed, path, key))  # from then on, mail is new

    dovecot.deliver(organization, answer_to(message).as_bytes())

    await shows_one_answer(heed, organization, key, message)


async def was_polled(heed: Running, path: str, key: str) -> bool:
    _, read = await heed.request("GET", path, key=key)
    assert read["last_error"] is None
    return read["last_poll_at"] is not None
