"""The recipient's page: opening it, its languages and policies, and hostile requests."""

from __future__ import annotations

import pytest

from functions.pages.recipient.page import words_in
from lib.languages import LANGUAGES, SpokenLanguage
from lib.recipient_page.visit_limit import AT_ONCE
from lib.storage.memory import MemoryQueues
from tests.functions.recipient_facing.test_stops import settle, stored
from tests.support.heed import GMAIL, Heed
from tests.support.recipient_page import (
    ADA,
    BOB,
    EN,
    FORM,
    mails,
    page_of_mail,
    press,
    proof_path,
    says,
)


@pytest.fixture
async def heed() -> Heed:
    return await Heed().start(
        recipients_page=True, lawful_basis="legitimate_interest", privacy_notice_url="https://acme.example/privacy"
    )


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_opening_the_page_changes_nothing(heed: Heed, method: str) -> None:
    page = await page_of_mail(heed)
    proof = await proof_path(heed, page)
    await settle(heed)
    before = await stored(heed)

    answers = [await heed.hit(path, GMAIL, method) for path in (page, f"{page}?lang=de&action=stop", proof)]
    await settle(heed)

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert {place: text for place, text in (await stored(heed)).items() if place[1] != "sweep"} == {
        place: text for place, text in before.items() if place[1] != "sweep"
    }


async def test_a_link_that_is_used_without_end_costs_a_bounded_number_of_writes(heed: Heed) -> None:
    page = await page_of_mail(heed)
    await settle(heed)
    queues = heed.storage.queues
    assert isinstance(queues, MemoryQueues)

    answers = [await press(heed, page, action=("see", "stop", "allow")[number % 3]) for number in range(300)]

    assert {answer.status for answer in answers} == {200, 429}
    assert {answer.headers["retry-after"] for answer in answers if answer.status == 429} == {"60"}
    assert len(queues.waiting) <= AT_ONCE
    assert len((await heed.get("/consents/ada@example.com"))["history"]) <= AT_ONCE


async def test_a_mail_to_several_answers_the_same_for_any_address(heed: Heed) -> None:
    page = await page_of_mail(heed, to=[ADA, BOB])
    await settle(heed)
    before, sent = await stored(heed), mails(heed)

    for action in ("stop", "see", "allow"):
        known = await press(heed, page, action=action, email="ada@example.com")
        unknown = await press(heed, page, action=action, email="eve@example.com")
        assert (known.status, known.body, known.headers) == (unknown.status, unknown.body, unknown.headers)
        assert known.status == 200
    assert {place: text for place, text in (await stored(heed)).items() if "queue" not in place[0]} == before
    assert mails(heed) == sent
    queued = heed.storage.queues
    assert isinstance(queued, MemoryQueues)
    assert "example.com" not in "".join(message.body for message in queued.waiting)


@pytest.mark.parametrize("typed", ["", "ada", "ada@", '"><script>alert(1)</script>', "x" * 5000])
async def test_what_is_no_address_is_asked_for_again(heed: Heed, typed: str) -> None:
    page = await page_of_mail(heed, to=[ADA, BOB])

    answer = await press(heed, page, action="stop", email=typed)

    assert answer.status == 422
    assert EN.address_wrong in answer.body.decode()
    assert "<script" not in answer.body.decode()


@pytest.mark.parametrize("body", [b"\xff\xfe=1", b"a=1&" * 100, b"x" * 20_000, b"action=unheard-of"])
async def test_a_strange_form_changes_nothing(heed: Heed, body: bytes) -> None:
    page = await page_of_mail(heed)
    before = await stored(heed)

    answer = await heed.request("POST", page, body, headers={"content-type": FORM})

    assert answer.status == 400
    assert await stored(heed) == before


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_is_no_token_of_a_page_leads_to_a_plain_page(heed: Heed, method: str) -> None:
    page = await page_of_mail(heed)
    changed = page[:-5] + ("A" if page[-5] != "A" else "B") + page[-4:]
    paths = ["/p/x", changed, heed.urls("c")[0].replace("/c/", "/p/"), "/p/" + "A" * 5000]

    answers = [await heed.request(method, path, b"action=stop", headers={"content-type": FORM}) for path in paths]

    assert [answer.status for answer in answers] == [404] * 4
    assert await says(heed, "ada@example.com") == "unknown"


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_language_says_all_of_it(heed: Heed, language: SpokenLanguage) -> None:
    words = words_in(language)
    page = f"{await page_of_mail(heed)}?lang={language}"

    answer = await heed.hit(page, accept_language="nl")
    stopped = await press(heed, page, action="stop")

    assert answer.headers["content-language"] == language
    assert f'<html lang="{language}">' in answer.body.decode()
    assert words.stop_text.split(".")[0] in answer.body.decode().replace("&#39;", "'")
    assert f"<h1>{words.stopped}</h1>" in stopped.body.decode().replace("&#39;", "'")


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("nl,it;q=0.4,fr;q=0.7", "fr"),
        ("es;q=0, it;q=0.1", "it"),
        ("*", "en"),
        ("de;q=x,," + "," * 5000, "en"),
    ],
)
async def test_the_page_speaks_the_language_of_the_browser(heed: Heed, accepted: str, language: str) -> None:
    answer = await heed.hit(await page_of_mail(heed), accept_language=accepted)

    assert answer.headers["content-language"] == language


async def test_the_page_can_be_framed_by_no_one_and_tells_no_one_where_it_is(heed: Heed) -> None:
    answer = await heed.hit(await page_of_mail(heed))

    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"
    policies = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policies
    assert "frame-ancestors 'none'" in policies
    assert "unsafe" not in policies
    assert "<script" not in answer.body.decode()


async def test_neither_tokens_nor_addresses_come_into_the_log(heed: Heed, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    page = await page_of_mail(heed)
    proof = await proof_path(heed, page)
    for action in ("show", "stop", "erase"):
        await press(heed, proof, action=action)
    for _ in range(6):
        await press(heed, page, action="see")
    await heed.work()

    for secret in (page[3:], proof[3:], "ada@example.com"):
        assert secret not in caplog.text
