"""Reminders, failures and reports in the console."""

from __future__ import annotations

import re
from html import unescape

import pytest

from lib.transports.memory import MemoryTransport
from tests.console.site import Visitor
from tests.console.world import World
from tests.support.copying import NEVER, Dies, take_over
from tests.support.heed import Heed


async def test_reminders_say_when_and_of_what(rita: Visitor) -> None:
    page = await rita.page("reminders")

    assert "Call Bob" in page
    assert "If nobody has answered by then" in page
    assert "Prices for next year" in page


async def test_a_reminder_is_removed_by_its_button(world: World, rita: Visitor) -> None:
    answer = await rita.post(f"reminders/{world.scheduled}/remove")

    page = await rita.page(answer.headers["location"].removeprefix("/console/"))
    assert "The reminder was removed." in page
    assert "No reminders" in page


async def test_nothing_has_failed_is_said(visitor: Visitor) -> None:
    assert "Nothing has failed" in await visitor.page("failures")


async def test_recipients_whom_mail_did_not_reach_are_listed(rita: Visitor) -> None:
    page = await rita.page("failures")

    assert "Recipients whom your mail did not reach" in page
    assert "Nothing has failed" not in page


async def test_a_page_shows_some_recipients_and_counts_the_others(
    rita: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await rita.page("failures")
    [count] = re.findall(r'did not reach <span class="count">(\d+)<', whole)
    monkeypatch.setattr("functions.console.screens.failures._MOST_UNREACHED", 0)
    page = await rita.page("failures")

    assert f'did not reach <span class="count">{count}<' in page
    assert f"{count} more; all of them stand on" in page
    assert "more; all of them" not in whole


async def test_months_without_noise_say_so(rita: Visitor) -> None:
    page = await rita.page("reports/scanner-noise?month=2026-01")

    assert "No noise in January 2026" in page
    assert 'href="/console/reports/scanner-noise?month=2026-05"' in page


async def test_a_month_that_is_none_is_the_current_one(rita: Visitor) -> None:
    for month in ("2026-13", "x", "9999-99"):
        assert "May 2026" in await rita.page(f"reports/reliability?month={month}")


async def test_reliability_counts_the_reply(rita: Visitor) -> None:
    page = await rita.page("reports/reliability")

    assert "certain case" in page
    assert "reply that followed" in page or "replies that followed" in page


async def doubted() -> tuple[Visitor, str]:
    """A visitor, and a message of which nobody knows whether it was sent."""
    heed = await Heed(transport=Dies(1, taken=False)).start()
    message = await heed.draft(subject="In doubt")
    await heed.post(f"/messages/{message}/send")
    with pytest.raises(KeyboardInterrupt):
        await heed.services.outbox.deliver("acme", message)
    await take_over(heed, message)
    await heed.services.assessor.refresh("acme", message)
    visitor = Visitor(heed)
    await visitor.sign_in()
    return visitor, message


async def test_a_person_says_that_a_doubtful_mail_was_sent() -> None:
    visitor, message = await doubted()
    assert "Was it sent?" in await visitor.page("failures")

    answer = await visitor.post(f"failures/{message}/sent")

    page = await visitor.page(answer.headers["location"].removeprefix("/console/"))
    assert "Noted as sent." in page
    assert "Was it sent?" not in page
    assert (await visitor.heed.get(f"/messages/{message}"))["status"] == "sent"


async def test_a_person_has_a_doubtful_mail_sent_again_once() -> None:
    visitor, message = await doubted()

    assert (await visitor.post(f"failures/{message}/resend")).status == 303
    await visitor.heed.work()

    assert (await visitor.heed.get(f"/messages/{message}"))["status"] == "sent"
    assert (await visitor.post(f"failures/{message}/resend")).status == 409


async def test_a_mail_that_cannot_leave_as_it_is_can_be_edited_or_deleted() -> None:
    heed = await Heed(transport=MemoryTransport(NEVER)).start()
    visitor = Visitor(heed)
    await visitor.sign_in()
    message = await heed.sent(subject="Too large")
    [link] = re.findall(r'href="/console/([^"]+)"><svg.{,80}</svg> Edit or delete', await visitor.page("failures"))

    page = await visitor.page(link)
    etag = unescape(page.partition('name="etag" value="')[2].partition('"')[0])
    deleted = await visitor.post(f"write/{message}/delete", {"etag": etag})

    assert "It was not sent: " in page
    assert deleted.status == 303
    assert "Too large" not in await visitor.page("failures")


async def test_there_is_no_other_button(rita: Visitor) -> None:
    assert (await rita.post("failures/" + 32 * "0" + "/explode")).status == 404
