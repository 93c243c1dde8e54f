"""A salesperson's story, by clicking: a mail is written, sent later, read, answered, and its reader says stop.

Chromium shows three sides: Rita's console, the inbox page of the mail catcher, and the page of the recipient.
"""

from __future__ import annotations

import asyncio
import smtplib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from functions.pages.recipient.page import words_in
from infra.local.servers.mail_catcher import MailCatcher
from tests.console.site import browsing, new_tab
from tests.end_to_end.running import ADMIN_KEY, Running, eventually, start_heed
from tests.support.mail_server import MailServer, TakesAndDrops

ORGANIZATION = "story"
LOST = "eve@contoso.example"
"""Of a mail to her, the mail server never says that it has it."""


_SECONDS_OF_READING = 11
"""Time from the open to the click: what is followed within ten seconds of sending is told as a scanner's."""


class Relay(MailServer):
    """A mail server before the catcher. It hands on what it takes, and hangs up on mail to LOST once it has it."""

    def __init__(self, catcher: MailCatcher) -> None:
        super().__init__()
        self._catcher = catcher

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if LOST in envelope.rcpt_tos:
            self.will(TakesAndDrops())
        return await super().handle_DATA(server, session, envelope)

    def keep(self, mime: bytes, recipients: list[str]) -> None:
        super().keep(mime, recipients)
        with smtplib.SMTP(self._catcher.smtp_host, self._catcher.smtp_port, timeout=60) as session:
            session.sendmail("relay@mail.test", recipients, mime)


@dataclass
class Stage:
    """What the story needs."""

    heed: Running
    key: str
    rita: Any
    """The tab of the salesperson."""

    ada: Any
    """The tab of the recipient, in a browser of her own."""

    complaints: list[str]
    """What Rita's console complains of, such as what its policy refuses."""


@pytest.fixture
async def stage(tmp_path: Path, mail: MailCatcher) -> AsyncIterator[Stage]:
    """Rita's organization in a Heed with storage of its own: another one would send her mail past the relay."""
    async with shop() as port, browsing(port, "shop.example:80", is_robot=False) as browser, Relay(mail) as relay:
        heed = await asyncio.to_thread(start_heed, tmp_path / "heed", None, mail, HEED_SMTP_PORT=f"{relay.port}")
        try:
            key = await heed.organization(ORGANIZATION)
            settings = {"settings": {"recipients_page": True, "inbound": {"keep": "excerpt"}}}
            await heed.request("PATCH", f"/api/orgs/{ORGANIZATION}", key=ADMIN_KEY, json=settings)
            template = {
                "name": "First contact",
                "language": "en",
                "subject": "Hello, {{ recipient.first_name }}",
                "html": "<p>Hi</p>",
            }
            await heed.request("PUT", f"/api/orgs/{ORGANIZATION}/templates/first", key=key, json=template)
            rita, ada = await new_tab(browser), await new_tab(browser)
            complaints: list[str] = []
            rita.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
            rita.on("pageerror", lambda error: complaints.append(f"{error}"))
            yield Stage(heed, key, rita, ada, complaints)
        finally:
            await asyncio.to_thread(heed.stop)


async def test_a_mail_goes_from_its_first_word_to_its_readers_no(stage: Stage) -> None:
    subject = f"Your offer from {stage.heed.base_url}"
    await sign_in(stage)
    await write_and_send_later(stage, subject)

    await receive(stage, subject)
    await shows_numbers(stage, subject, "Not yet opened.", opens=0, clicks=0, replies=0)
    mail, opened_at = await open_mail(stage, subject), time.monotonic()
    await resolve_a_failure(stage)
    await asyncio.sleep(max(0, opened_at + _SECONDS_OF_READING - time.monotonic()))
    await click_the_link(stage, mail)
    await shows_numbers(stage, subject, "Ada Lovett", clicks=1, replies=0)

    await answer(stage, subject)
    await shows_numbers(stage, subject, "Ada Lovett answered today", opens=1, clicks=1, replies=1)
    await shows_what_happened(stage)
    await shows_the_answer(stage, subject)
    await shows_cards(stage, subject)

    await stop_on_the_recipients_page(stage, mail)
    await shows_the_no(stage, subject)
    assert stage.complaints == []


@asynccontextmanager
async def shop() -> AsyncIterator[int]:
    """Serve the page that the mail links; the port."""

    async def offer(_: web.Request) -> web.Response:
        return web.Response(text="<h1>The offer</h1>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/offer", offer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def sign_in(stage: Stage) -> None:
    page = stage.rita
    await page.goto(f"{stage.heed.base_url}/console/")
    await page.get_by_label("Key of your organization").fill(stage.key)
    await page.get_by_label("You", exact=True).fill("rep1")
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("heading", name="Today").wait_for()


async def go_to(page: Any, label: str) -> None:
    """Click an entry of the console's menu."""
    await page.get_by_role("navigation", name="Main").get_by_role("link", name=label, exact=True).click()
    await page.get_by_role("heading", name=label, level=1).wait_for()


async def write_and_send_later(stage: Stage, subject: str) -> None:
    """Write a mail to Ada from a template, with a followed file and a reminder, that leaves at the next full minute."""
    page = stage.rita
    await page.get_by_role("navigation", name="Main").get_by_role("link", name="Write").click()
    await page.get_by_label("To", exact=True).fill("Ada Lovett <ada@example.com>")
    await page.get_by_role("button", name="Choose a template").click()
    await page.locator(".template", has_text="First contact").get_by_role("button", name="Use it").click()
    await page.get_by_text("Read it over before you send it.").wait_for()
    assert await page.get_by_label("Subject").input_value() == "Hello, Ada"
    await page.get_by_label("Subject").fill(subject)
    await page.get_by_label("Mail", exact=True).fill("Dear Ada, here is our offer: http://shop.example/offer")
    prices = {"name": "Prices.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 prices"}
    await page.get_by_label("Add files").set_input_files(prices)
    await page.get_by_label("Follow who opens them").check()
    await page.get_by_label("Remind me").fill("2099-05-20T09:00")
    await page.get_by_role("button", name="Check before sending").click()
    await page.get_by_text("it is stored with Heed, and opens for all who have its link").wait_for()
    soon = datetime.now(UTC) + timedelta(seconds=5, minutes=1)
    await page.get_by_label("Day and time").fill(f"{soon:%Y-%m-%dT%H:%M}")
    await page.locator(".card", has_text="At a time of yours").get_by_role("button", name="Send it then").click()
    await page.get_by_text("Scheduled to send").first.wait_for()


async def resolve_a_failure(stage: Stage) -> None:
    """Send a mail whose fate is not known, and say that it was sent."""
    page = stage.rita
    await page.get_by_role("navigation", name="Main").get_by_role("link", name="Write").click()
    await page.get_by_label("To", exact=True).fill(LOST)
    await page.get_by_label("Subject").fill("Notes of our call")
    await page.get_by_label("Mail", exact=True).fill("Dear Eve, here are my notes.")
    await page.get_by_role("button", name="Check before sending").click()
    await page.get_by_role("button", name="Send now").click()
    await page.get_by_role("heading", name="Notes of our call").wait_for()
    await shows(page, "Today", "Your mail may not have been sent")
    await go_to(page, "Failures")
    await page.locator(".card", has_text="Notes of our call").get_by_role("button", name="It was sent").click()
    await page.get_by_role("heading", name="Nothing has failed").wait_for()


async def shows(page: Any, label: str, *texts: str) -> None:
    """Look at a page of the menu again and again until it says all that."""

    async def is_there() -> bool:
        await go_to(page, label)
        said = await page.locator("main").inner_text()
        return all(text in said for text in texts)

    await eventually(is_there)


async def receive(stage: Stage, subject: str) -> None:
    """Wait until the mail is in the inbox page."""
    assert stage.heed.mail
    await stage.ada.goto(stage.heed.mail.web_url)
    await stage.ada.locator(".email-item-link", has_text=subject).wait_for()


async def open_mail(stage: Stage, subject: str) -> Any:
    """Open the mail in the inbox page, which loads its images; its frame."""
    page = stage.ada
    async with page.expect_response(lambda response: "/o/" in response.url) as pixel:
        await page.locator(".email-item-link", has_text=subject).click()
    assert (await pixel.value).status == 200
    mail = page.frame_locator("iframe.panel-html")
    await mail.get_by_text("Dear Ada").wait_for()
    await mail.get_by_role("link", name="Prices.pdf").wait_for()
    return mail


async def follow_link(stage: Stage, mail: Any, name: str) -> Any:
    """Open a link of the mail in a tab of its own; the tab. By key, as the inbox page makes tabs of links late."""
    async with stage.ada.context.expect_page() as opened:
        await mail.get_by_role("link", name=name).click(modifiers=["Control"])
    return await opened.value


async def click_the_link(stage: Stage, mail: Any) -> None:
    offer = await follow_link(stage, mail, "http://shop.example/offer")
    await offer.get_by_role("heading", name="The offer").wait_for()
    assert offer.url == "http://shop.example/offer"
    await offer.close()


async def open_message(stage: Stage, subject: str) -> None:
    """Open the message's page by way of the list."""
    await go_to(stage.rita, "Messages")
    await stage.rita.get_by_role("link", name=subject, exact=True).first.click()
    await stage.rita.get_by_role("heading", name=subject, level=1).wait_for()


async def shows_numbers(stage: Stage, subject: str, sentence: str, **people: int) -> None:
    """Look at the message again and again until its sentence and its large numbers say that."""
    labels = {"opens": "Opens by people", "clicks": "Clicks by people", "replies": "Replies"}

    async def is_there() -> bool:
        await open_message(stage, subject)
        said = await stage.rita.locator(".sentence").inner_text()
        numbers = {
            name: await stage.rita.locator(".number", has_text=labels[name]).locator(".n").inner_text()
            for name in people
        }
        return sentence in said and numbers == {name: f"{count}" for name, count in people.items()}

    await eventually(is_there)


async def answer(stage: Stage, subject: str) -> None:
    """Answer as Ada; Rita's mail server gives Heed what has come."""
    raw = await stage.heed.inbox(subject)
    assert raw
    mail = message_from_bytes(raw, policy=policy.default)
    reply = EmailMessage()
    reply["From"], reply["To"] = "Ada Lovett <ada@example.com>", str(mail["From"])
    reply["Subject"], reply["In-Reply-To"] = f"Re: {subject}", str(mail["Message-ID"])
    reply["Message-ID"] = "<answer@example.com>"
    reply.set_content("Yes, please send ten.")
    path = f"/api/orgs/{ORGANIZATION}/inbound"
    status, taken = await stage.heed.request("POST", path, key=stage.key, data=reply.as_bytes())
    assert status == 202, taken


async def shows_what_happened(stage: Stage) -> None:
    """Check the timeline of the open message, newest first."""
    rows = await stage.rita.locator(".events > li .what > p:first-child").all_inner_texts()
    assert len(rows) == 3, rows
    told = ("Ada Lovett answered", "Ada Lovett clicked shop.example/offer", "Ada Lovett opened")
    assert [text for text, row in zip(told, rows, strict=True) if text in row] == list(told), rows


async def shows_the_answer(stage: Stage, subject: str) -> None:
    """Read the conversation, from the message's page."""
    page = stage.rita
    await page.get_by_role("navigation", name="Where you are").get_by_role("link", name="Conversation").click()
    mails = page.locator(".thread > li")
    await mails.nth(1).wait_for()
    assert "To Ada Lovett" in await mails.nth(0).inner_text()
    assert "Yes, please send ten." in await mails.nth(1).inner_text()


async def shows_cards(stage: Stage, subject: str) -> None:
    """Look at Today until it tells of all that Ada did."""
    told = ("Ada Lovett replied", "Ada Lovett clicked a link of your mail", "Ada Lovett opened your mail")
    await shows(stage.rita, "Today", *told)


async def stop_on_the_recipients_page(stage: Stage, mail: Any) -> None:
    page = await follow_link(stage, mail, "Stop this, or see what is recorded")
    await page.get_by_role("button", name=words_in("en").stop_button).click()
    await page.get_by_role("heading", name=words_in("en").stopped).wait_for()


async def shows_the_no(stage: Stage, subject: str) -> None:
    """Go from the message to what is known of Ada's address, and to a new mail to her."""
    page = stage.rita
    await open_message(stage, subject)
    await page.get_by_role("link", name="Ada Lovett").first.click()
    await page.get_by_role("heading", name="ada@example.com", level=1).wait_for()
    consent = await page.get_by_role("region", name="Consent").inner_text()
    assert "not allowed" in consent
    assert "by the owner of the address" in consent
    await page.get_by_role("navigation", name="Main").get_by_role("link", name="Write").click()
    await page.get_by_label("To", exact=True).fill("ada@example.com")
    await page.get_by_role("button", name="Save", exact=True).click()
    await page.get_by_text("Said no to following").wait_for()
