"""The honeypot: a setting of the organization, a link that no person sees, and a click on it."""

from __future__ import annotations

from lib.messages.copy_rows import Copy
from tests.support.heed import Heed

LINKS = '<p><a href="https://example.com/a">a</a> <a href="https://example.com/b">b</a></p>'


async def copy_of(heed: Heed, message: str) -> Copy:
    loaded = await heed.services.messages.load("acme", message)
    assert loaded is not None
    [copy] = loaded.copies
    return copy


async def test_there_is_none_unless_the_organization_wants_one(heed: Heed) -> None:
    message = await heed.sent(html=LINKS)

    copy = await copy_of(heed, message)
    assert (len(heed.urls("c")), copy.honeypots, copy.link_count) == (2, [], 2)


async def test_a_followed_mail_has_one_link_more_which_leads_where_the_first_one_leads() -> None:
    heed = await Heed().start(honeypot=True)

    message = await heed.sent(html=LINKS)

    first, _, honeypot = heed.urls("c")
    assert honeypot != first
    assert (await heed.hit(honeypot)).headers["location"] == "https://example.com/a"
    copy = await copy_of(heed, message)
    assert (copy.honeypots, copy.link_count) == ([2], 2)


async def test_a_click_on_it_stands_in_the_timeline_with_where_it_led() -> None:
    heed = await Heed().start(honeypot=True)
    message = await heed.sent(html=LINKS)

    await heed.hit(heed.urls("c")[2])
    await heed.work()

    [event] = (await heed.get(f"/messages/{message}/timeline"))["items"]
    assert (event["kind"], event["url"]) == ("click", "https://example.com/a")


async def test_a_mail_that_is_not_followed_has_none() -> None:
    heed = await Heed().start(honeypot=True)

    message = await heed.sent(html=LINKS, follow=False)

    assert heed.urls("c") == []
    assert (await copy_of(heed, message)).honeypots == []


async def test_the_senders_copy_has_none() -> None:
    heed = await Heed().start(honeypot=True)
    message = await heed.draft(html=LINKS)

    prepared = await heed.post(f"/messages/{message}/prepare")

    assert prepared["copies"][0]["html"].count("<a ") == 3
    assert prepared["sender_copy"]["html"] == LINKS
