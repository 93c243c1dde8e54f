"""Opens and clicks: what the recipient gets, what is recorded, and what a salesperson is told."""

from __future__ import annotations

import base64
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from lib.tokens import Claim, KeyRing, Purpose
from tests.support.heed import CHROME, Heed

APPLE = "Mozilla/5.0"


async def test_an_open_and_a_click_show_in_the_timeline_with_verdicts(heed: Heed) -> None:
    message = await heed.sent()
    await heed.hit(heed.urls("o")[0])
    heed.clock.move(seconds=5)
    clicked = await heed.hit(heed.urls("c")[0])
    await heed.work()

    assert (clicked.status, clicked.headers["location"]) == (302, "https://example.com/a?b=1&c=2")
    assert clicked.headers["referrer-policy"] == "no-referrer"
    assert clicked.headers["cache-control"] == "no-store"
    click, opened = (await heed.get(f"/messages/{message}/timeline"))["items"]
    assert (opened["kind"], opened["recipient"], opened["url"]) == ("open", "ada@example.com", None)
    assert (click["kind"], click["url"]) == ("click", "https://example.com/a?b=1&c=2")
    assert click["device"] == {"type": "desktop", "os": "Windows", "client": "Chrome"}
    assert click["verdict"]["class"] == "human"
    assert click["verdict"]["confidence"] >= 0.7
    assert click["verdict"]["reasons"][0]["text"]
    assert click["at"] == "2026-05-04T11:00:05.000Z"


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("91.10.20.30", {"country": "DE", "owner": "Deutsche Telekom"}),
        ("2003:c1:2:3::4", {"country": "DE", "owner": "Deutsche Telekom"}),
        ("165.225.12.7", {"country": None, "owner": "Zscaler"}),
        ("3.24.133.130", {"country": None, "owner": "Barracuda's mail filter"}),
        ("192.0.2.1", None),
    ],
)
async def test_the_timeline_shows_no_more_of_a_place_than_country_and_owner_of_the_network(
    heed: Heed, address: str, place: dict[str, Any] | None
) -> None:
    message = await heed.sent()
    await heed.hit(heed.urls("o")[0], **{"x-forwarded-for": address})
    await heed.work()

    [event] = (await heed.get(f"/messages/{message}/timeline"))["items"]
    assert event["place"] == place
    assert "91.10.20" not in str(event)
    assert "2003:c1" not in str(event)


async def test_the_kpis_count_people_and_keep_the_rest_apart(heed: Heed) -> None:
    message = await heed.sent()
    pixel, link = heed.urls("o")[0], heed.urls("c")[0]
    await heed.hit(pixel)
    await heed.hit(pixel, agent=APPLE)
    await heed.hit(pixel, agent="curl/8.5")
    await heed.hit(link, method="HEAD")
    await heed.work()

    read = await heed.get(f"/messages/{message}")
    assert (read["kpis"]["opens"], read["kpis"]["clicks"]) == (1, 0)
    assert read["kpis"]["raw"] == {"opens": 3, "clicks": 1, "attachment_views": 0}
    assert read["kpis"]["machine"] == {"opens": 1, "clicks": 1, "attachment_views": 0}
    assert read["kpis"]["uncertain"] == {"opens": 1, "clicks": 0, "attachment_views": 0}
    assert read["status_text"] == "Last opened today"
    [listed] = (await heed.get("/messages?view=followed"))["items"]
    assert listed["kpis"] == read["kpis"]


@pytest.mark.parametrize(
    ("agent", "headers", "verdict", "code"),
    [
        (CHROME, {}, "human", "no-machine-sign"),
        (None, {}, "machine", "no-agent"),
        ("", {}, "machine", "no-agent"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", {}, "machine", "declared-robot"),
        ("python-requests/2.31", {}, "machine", "declared-robot"),
        (CHROME, {"sec_purpose": "prefetch;prerender"}, "machine", "prefetch-header"),
        (CHROME, {"x_moz": "prefetch"}, "machine", "prefetch-header"),
        (APPLE, {}, "uncertain", "apple-privacy"),
        (
            "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
            {},
            "human",
            "image-proxy",
        ),
    ],
)
async def test_opens_are_told_apart(
    heed: Heed, agent: str | None, headers: dict[str, str], verdict: str, code: str
) -> None:
    message = await heed.sent()
    await heed.hit(heed.urls("o")[0], agent, **headers)
    await heed.work()

    [event] = (await heed.get(f"/messages/{message}/timeline"))["items"]
    assert event["verdict"]["class"] == verdict
    assert code in [reason["code"] for reason in event["verdict"]["reasons"]]


async def test_head_is_answered_like_get_and_recorded_as_a_machines(heed: Heed) -> None:
    message = await heed.sent()

    pixel = await heed.hit(heed.urls("o")[0], method="HEAD")
    link = await heed.hit(heed.urls("c")[0], method="HEAD")
    await heed.work()

    assert (pixel.status, pixel.headers["content-type"]) == (200, "image/gif")
    assert (link.status, link.headers["location"]) == (302, "https://example.com/a?b=1&c=2")
    events = (await heed.get(f"/messages/{message}/timeline"))["items"]
    assert [event["verdict"]["class"] for event in events] == ["machine", "machine"]


async def test_facts_that_come_twice_count_once(heed: Heed) -> None:
    message = await heed.sent()
    await heed.hit(heed.urls("o")[0])
    await heed.services.journal.settle()
    queues = heed.storage.queues
    queues.waiting.extend(list(queues.waiting) * 2)  # type: ignore[attr-defined]
    await heed.work()

    assert (await heed.get(f"/messages/{message}"))["kpis"]["raw"]["opens"] == 1


async def test_a_fact_that_only_the_journal_has_is_found_by_the_sweep(heed: Heed) -> None:
    message = await heed.sent()
    await heed.hit(heed.urls("o")[0])
    await heed.services.journal.settle()
    heed.storage.queues.waiting.clear()  # type: ignore[attr-defined]
    heed.clock.move(minutes=5)

    await heed.tick("sweep_journal")

    assert (await heed.get(f"/messages/{message}"))["kpis"]["opens"] == 1


def changed(token: str) -> list[str]:
    """The token with a bit flipped in each character, and cut after each."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    flipped = [
        token[:place] + letters[letters.index(token[place]) ^ 1] + token[place + 1 :] for place in range(len(token))
    ]
    return flipped + [token[:length] for length in range(1, len(token))]


async def test_a_changed_token_leads_nowhere_and_records_nothing(heed: Heed) -> None:
    message = await heed.sent()
    link, pixel = heed.urls("c")[0].removeprefix("/c/"), heed.urls("o")[0].removeprefix("/o/").removesuffix(".gif")

    for token in [*changed(link), pixel]:
        answer = await heed.hit(f"/c/{token}")
        assert (answer.status, "location" in answer.headers) == (404, False), token
    for token in [*changed(pixel), link]:
        answer = await heed.hit(f"/o/{token}.gif")
        assert (answer.status, len(answer.body)) == (200, 43), token
    await heed.work()

    assert (await heed.get(f"/messages/{message}/timeline"))["items"] == []


async def test_a_token_of_another_deployment_leads_nowhere(heed: Heed) -> None:
    message = await heed.sent()
    foreign = KeyRing({"k1": bytes(64)})
    claim = Claim("acme", message, 0, 0, "https://evil.example/")

    answer = await heed.hit(f"/c/{foreign.mint(Purpose.CLICK, claim)}")
    await heed.hit(f"/o/{foreign.mint(Purpose.OPEN, claim)}.gif")
    await heed.work()

    assert answer.status == 404
    assert (await heed.get(f"/messages/{message}/timeline"))["items"] == []


async def test_another_organizations_token_adds_nothing_to_this_organizations_message(heed: Heed) -> None:
    await heed.organization("globex")
    message = await heed.sent()
    claim = Claim("globex", message, 0)

    await heed.hit(f"/o/{heed.services.ring.mint(Purpose.OPEN, claim)}.gif")
    await heed.work()

    assert (await heed.get(f"/messages/{message}/timeline"))["items"] == []
    assert (await heed.get(f"/messages/{message}"))["kpis"]["raw"]["opens"] == 0


async def test_the_parts_of_two_organizations_tokens_do_not_fit_together(heed: Heed) -> None:
    ring, message = heed.services.ring, "ab" * 16
    ours = ring.mint(Purpose.CLICK, Claim("acme", message, 0, 0, "https://example.com/"))
    theirs = ring.mint(Purpose.CLICK, Claim("bcme", message, 0, 0, "https://example.com/"))

    for cut in range(3, len(ours)):
        assert (await heed.hit(f"/c/{ours[:cut]}{theirs[cut:]}")).status == 404 or ours[:cut] == theirs[:cut]


async def test_links_work_after_the_key_was_rotated(heed: Heed) -> None:
    await heed.sent()
    old_link = heed.urls("c")[0]
    keys = f"k2:{base64.urlsafe_b64encode(bytes(64)).decode().rstrip('=')},{_keys()}"

    rotated = await Heed(settings={"HEED_TOKEN_KEYS": keys}).start()
    await rotated.sent()

    assert rotated.urls("c")[0].startswith("/c/k2")
    assert (await rotated.hit(old_link)).status == 302


def _keys() -> str:
    from tests.support.heed import TOKEN_KEYS

    return TOKEN_KEYS


async def test_an_absurd_request_is_answered_and_stored_cut_and_clean(heed: Heed) -> None:
    message = await heed.sent()
    agent = "Mozilla/5.0 \x01" + "x" * 65536
    forwarded = ", ".join(f"10.0.0.{number}" for number in range(100)) + ", 203.0.113.77:443"

    answer = await heed.hit(heed.urls("o")[0], agent, x_forwarded_for=forwarded)
    await heed.work()

    assert answer.status == 200
    [row] = [row async for row in heed.storage.tables.query("heedacmefacts", message)]
    assert len(str(row)) < 2000
    assert "203.0.113.0/24" in str(row)
    assert "203.0.113.77" not in str(row)


@pytest.mark.parametrize(
    ("forwarded", "network", "owner"),
    [
        ("40.92.3.44:51234", "40.92.3.0/24", "microsoft-365-protection"),
        ("10.0.0.1, 40.92.3.44", "40.92.3.0/24", "microsoft-365-protection"),
        ("52.238.78.88", "52.238.78.0/24", "microsoft-365-protection"),
        ("52.238.78.89", "52.238.78.0/24", "microsoft-cloud"),
        ("[2a01:111:f403:1::44]:443", "2a01:111:f403::/48", "microsoft-365-protection"),
        ("::ffff:40.92.3.44", "40.92.3.0/24", "microsoft-365-protection"),
        ("203.0.113.77", "203.0.113.0/24", None),
        ("fe80::1%eth0", "fe80::/48", None),
        ("unknown", None, None),
        ("40.92.3.999", None, None),
        ("é" * 70_000, None, None),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_a_fact_keeps_whose_network_it_came_from_and_no_address(
    heed: Heed, forwarded: str, network: str | None, owner: str | None
) -> None:
    message = await heed.sent()

    pixel = await heed.hit(heed.urls("o")[0], x_forwarded_for=forwarded)
    link = await heed.hit(heed.urls("c")[0], x_forwarded_for=forwarded)
    await heed.work()

    assert (pixel.status, link.status) == (200, 302)
    stored = await _stored(heed, message)
    assert [(fact.get("network"), fact.get("owner")) for fact in stored] == [(network, owner)] * 2
    assert ".44" not in str(stored)
    assert "::44" not in str(stored)


async def test_a_deployments_own_catalogue_names_owners_too(tmp_path: Path) -> None:
    (tmp_path / "networks.csv").write_text(
        "cidr,owner,source,as_of\n203.0.113.0/24,mimecast,our own measurements,2026-11\n"
    )
    heed = await Heed(settings={"HEED_CATALOGUES": str(tmp_path)}).start()
    message = await heed.sent()

    await heed.hit(heed.urls("o")[0], x_forwarded_for="203.0.113.77")
    await heed.work()

    assert [fact["owner"] for fact in await _stored(heed, message)] == ["mimecast"]


async def test_a_fact_notes_a_console_session_and_never_the_cookie(heed: Heed) -> None:
    message = await heed.sent()

    await heed.hit(heed.urls("o")[0], cookie="theme=dark; heed-session=a-secret")
    await heed.work()

    [fact] = await _stored(heed, message)
    assert fact["headers"] == {"heed-session": "1"}
    assert "secret" not in str(fact)


async def _stored(heed: Heed, message: str) -> list[dict[str, Any]]:
    stored = await heed.services.fact_store.read("acme", message)
    return [asdict(fact) for fact, _ in stored.judged().values()]


async def test_a_link_that_is_cut_short_gets_a_small_plain_page(heed: Heed) -> None:
    answer = await heed.hit("/c/k1abc")

    assert answer.status == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert b"go back to the mail" in answer.body


@pytest.mark.parametrize(
    "words", ["をご覧ください", "%E3%82%92%E3%81%94%E8%A6%A7", "،", "|Shop:", ").", "%7CShop", "ße"]
)
async def test_words_that_touch_a_link_in_a_text_do_not_break_it(heed: Heed, words: str) -> None:
    message = await heed.sent()

    clicked = await heed.hit(heed.urls("c")[0] + words)
    await heed.work()

    assert (clicked.status, clicked.headers["location"]) == (302, "https://example.com/a?b=1&c=2")
    assert (await heed.get(f"/messages/{message}"))["kpis"]["clicks"] == 1


async def test_a_token_with_another_end_leads_nowhere(heed: Heed) -> None:
    await heed.sent()

    assert (await heed.hit(heed.urls("c")[0] + "x")).status == 404
    assert (await heed.hit(heed.urls("c")[0][:-1] + "を")).status == 404


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("详情请见{}，如有问题请联系我们。", ["https://e.example/a"]),
        ("…{}をご覧ください。よろしく", ["https://e.example/a"]),
        ("R1《乙》{}《丙》", ["http://t.example/R2"]),
        ("{}|Shop: {}", ["https://e.example/a", "https://e.example/b"]),
        ("{}{}", ["https://e.example/a", "https://e.example/b"]),
    ],
)
async def test_the_links_of_a_text_lead_where_they_led_and_its_words_stay(
    heed: Heed, text: str, addresses: list[str]
) -> None:
    message = await heed.draft(html=None, text=text.format(*addresses))

    [copy] = (await heed.post(f"/messages/{message}/prepare"))["copies"]

    paths = re.findall(r"https://heed\.test(/c/[\w-]+)", copy["text"], re.ASCII)
    assert [(await heed.hit(path)).headers["location"] for path in paths] == addresses
    kept = re.sub(r"https://heed\.test/c/[\w-]+", "{}", copy["text"], flags=re.ASCII)
    assert kept.replace("{} {}", "{}{}") == text
