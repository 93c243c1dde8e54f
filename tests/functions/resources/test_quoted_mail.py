"""Mail that quotes mail of ours: what becomes of the older links and pixels, and what is told of the new ones."""

from __future__ import annotations

import base64
from email import message_from_bytes

import pytest

from tests.support.heed import BASE_URL, SETTINGS, TOKEN_KEYS, Heed

OFFER = "https://example.com/a?b=1&c=2"


def part(heed: Heed, kind: str) -> str:
    """What went out last as `html` or `plain`."""
    [found] = [each for each in message_from_bytes(heed.mail()).walk() if each.get_content_subtype() == kind]
    payload = found.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


async def quoted(heed: Heed) -> tuple[str, str]:
    """The HTML and the text of an older mail, as an answer quotes them."""
    await heed.sent()
    return f"<p>Yes</p><blockquote>{part(heed, 'html')}</blockquote>", f"Yes\r\n> {part(heed, 'plain')}"


async def test_a_click_on_a_link_of_older_mail_counts_for_the_mail_that_quotes_it(heed: Heed) -> None:
    html, text = await quoted(heed)
    older = heed.urls("c") + heed.urls("o")

    message = await heed.sent(html=html, text=text)
    [link], [pixel] = heed.urls("c"), heed.urls("o")
    followed = await heed.hit(link)
    await heed.hit(pixel)
    await heed.work()

    assert followed.headers["location"] == OFFER
    assert not {link, pixel} & set(older)
    assert not any(url in part(heed, kind) for url in older for kind in ("html", "plain"))
    events = (await heed.get(f"/messages/{message}/timeline"))["items"]
    assert {(event["kind"], event["url"]) for event in events} == {("open", None), ("click", OFFER)}


@pytest.mark.parametrize("why", ["not asked for", "blocked"])
async def test_a_mail_that_is_not_followed_carries_no_older_tracking_on(heed: Heed, why: str) -> None:
    html, text = await quoted(heed)
    if why == "blocked":
        await heed.api("PATCH", "/users/rep1", {"opt_in": False})

    await heed.sent(html=html, text=text, follow=why == "blocked")

    assert part(heed, "html") == (
        '<p>Yes</p><blockquote><p>Hi <a href="https://example.com/a?b=1&amp;c=2">offer</a></p></blockquote>'
    )
    assert part(heed, "plain") == f"Yes\r\n> Hi offer <{OFFER}>\r\n"


async def test_the_text_made_for_a_mail_that_is_not_followed_has_direct_links(heed: Heed) -> None:
    html, _ = await quoted(heed)

    await heed.sent(html=html, follow=False)

    assert part(heed, "plain") == f"Yes\r\n\r\nHi offer <{OFFER}>\r\n"


async def test_mail_of_another_organization_is_quoted_without_its_tracking(heed: Heed) -> None:
    html, text = await quoted(heed)
    other = Heed(clock=heed.clock, storage=heed.storage)
    other.key = await other.organization("globex")
    draft = {"from": "rep2", "to": [{"email": "bob@example.com"}], "html": html, "text": text, "follow": False}
    users = await other.request(
        "PUT", "/api/orgs/globex/users/rep2", {"email": "rep@globex.example", "name": "Ruth"}, key=other.key
    )
    made = await other.request("POST", "/api/orgs/globex/messages", draft, key=other.key)
    await other.request("POST", f"/api/orgs/globex/messages/{made.json['id']}/send", key=other.key)
    await other.work()

    assert users.status == 201
    assert BASE_URL not in part(other, "html") + part(other, "plain")


async def test_older_mail_is_known_by_a_key_that_is_no_longer_the_first_and_at_an_earlier_address(heed: Heed) -> None:
    html, text = await quoted(heed)
    keys = "k2:" + base64.urlsafe_b64encode(bytes(range(1, 65))).decode().rstrip("=") + "," + TOKEN_KEYS
    today = {"HEED_TOKEN_KEYS": keys, "HEED_BASE_URL": "https://today.heed.test"}
    later = Heed(clock=heed.clock, storage=heed.storage, settings={**SETTINGS, **today}, key=heed.key)

    await later.sent(html=html, text=text)

    sent = part(later, "html") + part(later, "plain")
    assert BASE_URL not in sent
    assert sent.count("https://today.heed.test/c/k2") == 2
    assert sent.count("https://today.heed.test/o/k2") == 1


async def test_the_api_shows_the_message_as_its_author_wrote_it(heed: Heed) -> None:
    html, text = await quoted(heed)

    message = await heed.sent(html=html, text=text)

    read = await heed.get(f"/messages/{message}")
    assert (read["html"], read["text"]) == (html, text)


async def test_a_prepared_mail_that_the_crm_hands_in_again_keeps_its_links_and_tells_of_them(heed: Heed) -> None:
    message = await heed.draft()
    [first] = (await heed.post(f"/messages/{message}/prepare"))["copies"]
    await heed.api("PATCH", f"/messages/{message}", {"html": first["html"], "text": first["text"]})

    [second] = (await heed.post(f"/messages/{message}/prepare"))["copies"]
    await heed.post(f"/messages/{message}/sent", {"sent_at": "2026-05-04T09:31:00Z"})
    link = second["html"].partition(f'href="{BASE_URL}')[2].partition('"')[0]
    await heed.hit(link)
    await heed.work()

    assert (second["html"], second["text"]) == (first["html"], first["text"])
    [event] = (await heed.get(f"/messages/{message}/timeline"))["items"]
    assert event["url"] == OFFER


async def test_an_empty_link_goes_from_quoted_mail_and_stays_in_its_own() -> None:
    heed = await Heed().start(honeypot=True)
    message = await heed.draft(html='<a id="top" href="https://example.com/"></a>Hi')
    [first] = (await heed.post(f"/messages/{message}/prepare"))["copies"]

    await heed.api("PATCH", f"/messages/{message}", {"html": first["html"]})
    [again] = (await heed.post(f"/messages/{message}/prepare"))["copies"]
    await heed.sent(html=first["html"], follow=False)

    assert again["html"] == first["html"]
    assert part(heed, "html") == "Hi"


async def test_a_mail_that_cannot_be_cleaned_goes_out_as_it_was_written(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("lib.composing.bodies.cleaned", broken)

    message = await heed.sent(follow=False)

    assert (await heed.get(f"/messages/{message}"))["status"] == "sent"
    assert OFFER.replace("&", "&amp;") in part(heed, "html")
