"""Stopping the recording on the recipient's page, and taking that back."""

from __future__ import annotations

import pytest

from lib.recipient_page.visit_limit import AT_ONCE
from tests.functions.recipient_facing.test_stops import settle, stored
from tests.support.heed import GMAIL, Heed
from tests.support.recipient_page import (
    ADA,
    BOB,
    EN,
    FORM,
    ask_for_consents,
    page_in,
    page_of_mail,
    press,
    says,
)

MULTIPART = (
    b'--frontier\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--frontier--\r\n'
)


@pytest.fixture
async def heed() -> Heed:
    return await Heed().start(
        recipients_page=True, lawful_basis="legitimate_interest", privacy_notice_url="https://acme.example/privacy"
    )


async def test_a_stop_needs_no_proof_and_holds_for_mail_that_was_sent(heed: Heed) -> None:
    page = await page_of_mail(heed)

    answer = await press(heed, page, action="stop")
    hit = await heed.hit(heed.urls("o")[0], GMAIL)
    await settle(heed)

    assert answer.status == 200
    assert EN.stopped in answer.body.decode()
    assert hit.status == 200
    history = await heed.get("/consents/ada@example.com")
    assert history["follow"] == "do_not_allow"
    assert history["history"][0]["source"] == "the recipient's page"
    assert history["history"][0]["notice"] == "https://acme.example/privacy"
    assert (await heed.get("/messages"))["items"][0]["kpis"]["raw"]["opens"] == 0


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM, b"List-Unsubscribe=One-Click"),
        (f"{FORM}; charset=UTF-8", b"List-Unsubscribe=One-Click&x="),
        ("", b"List-Unsubscribe=One-Click"),
        ("multipart/form-data; boundary=frontier", MULTIPART),
        ('Multipart/Form-Data; boundary="frontier"', MULTIPART),
    ],
)
async def test_a_mail_providers_one_click_is_a_stop(heed: Heed, content_type: str, body: bytes) -> None:
    page = await page_of_mail(heed)

    answer = await heed.request("POST", page, body, headers={"content-type": content_type})

    assert answer.status == 200
    assert await says(heed, "ada@example.com") == "do_not_allow"


async def test_a_stop_comes_before_what_was_planned(heed: Heed) -> None:
    page = await page_of_mail(heed)
    await press(heed, page, action="stop")

    message = await heed.sent(to=[ADA])

    assert (await heed.get(f"/messages/{message}"))["follow_state"]["state"] == "blocked"


async def test_a_mistake_can_be_taken_back_by_the_same_link(heed: Heed) -> None:
    page = await page_of_mail(heed)
    await press(heed, page, action="stop")
    heed.clock.move(minutes=5)

    answer = await press(heed, page, action="allow")

    assert EN.allowed in answer.body.decode()
    assert await says(heed, "ada@example.com") == "allow"


async def test_who_has_a_forwarded_mail_cannot_take_back_a_no_of_long_ago(heed: Heed) -> None:
    page = await page_of_mail(heed)
    await press(heed, page, action="stop")
    heed.clock.move(hours=2)

    answer = await press(heed, page, action="allow")
    await heed.work()

    assert EN.allow_asked_text in answer.body.decode()
    assert await says(heed, "ada@example.com") == "do_not_allow"
    assert (await press(heed, page_in(heed.mail()), action="allow")).status == 200
    assert await says(heed, "ada@example.com") == "allow"


async def test_a_stranger_with_a_forwarded_mail_gives_no_consent(heed: Heed) -> None:
    page = await page_of_mail(heed)

    answer = await press(heed, page, action="allow")

    assert EN.allow_asked_text in answer.body.decode()
    assert await says(heed, "ada@example.com") == "unknown"
    await heed.work()
    proof = page_in(heed.mail())
    assert EN.allow_button in (await heed.hit(proof)).body.decode()
    assert (await press(heed, proof, action="allow")).status == 200
    assert (await heed.get("/consents/ada@example.com"))["history"][0]["basis"] == "consent"


async def test_stopping_and_taking_it_back_makes_no_consent_where_recipients_must_agree(heed: Heed) -> None:
    page = await page_of_mail(heed)
    await ask_for_consents(heed)
    await press(heed, page, action="stop")

    await press(heed, page, action="allow")

    assert await says(heed, "ada@example.com") == "do_not_allow"


async def test_taking_back_a_mistake_brings_back_the_consent_of_before(heed: Heed) -> None:
    await heed.put("/consents/ada@example.com", {"follow": "allow", "basis": "consent", "source": "the fair"})
    page = await page_of_mail(heed)
    await ask_for_consents(heed)
    heed.clock.move(minutes=1)
    await press(heed, page, action="stop")

    await press(heed, page, action="allow")

    assert (await heed.get("/consents/ada@example.com"))["history"][0]["basis"] == "consent"
    assert await says(heed, "ada@example.com") == "allow"


async def test_a_no_that_was_said_elsewhere_just_now_is_not_taken_back_by_the_link_of_a_mail(heed: Heed) -> None:
    page = await page_of_mail(heed)
    await heed.put("/consents/ada@example.com", {"follow": "do_not_allow", "source": "a call"})

    await press(heed, page, action="allow")

    assert await says(heed, "ada@example.com") == "do_not_allow"


async def test_a_no_in_the_crm_is_not_taken_back_by_a_yes_on_the_page(heed: Heed) -> None:
    page = await page_of_mail(heed)
    await heed.put(
        "/records/contact/c1", {"name": "Ada", "emails": ["ada@example.com"], "follow_email": "do_not_allow"}
    )

    await press(heed, page, action="allow")
    message = await heed.sent(to=[ADA])

    assert (await heed.get(f"/messages/{message}"))["follow_state"]["state"] == "blocked"


async def test_no_stranger_can_use_a_link_so_often_that_its_recipient_cannot_stop(heed: Heed) -> None:
    page = await page_of_mail(heed)
    for _ in range(AT_ONCE + 5):
        await press(heed, page, action="see")

    answer = await press(heed, page, **{"List-Unsubscribe": "One-Click"})

    assert (answer.status, EN.stopped in answer.body.decode()) == (200, True)
    assert await says(heed, "ada@example.com") == "do_not_allow"
    before = await stored(heed)
    assert (await press(heed, page, action="stop")).status == 200
    assert await stored(heed) == before


async def test_of_a_mail_to_several_only_its_recipients_are_stopped(heed: Heed) -> None:
    page = await page_of_mail(heed, to=[ADA, BOB])

    await press(heed, page, action="stop", email="BOB@example.com")
    await press(heed, page, action="stop", email="eve@example.com")
    await heed.work()

    assert await says(heed, "bob@example.com") == "do_not_allow"
    assert await says(heed, "ada@example.com") == "unknown"
    assert await says(heed, "eve@example.com") == "unknown"


async def test_a_one_click_on_a_mail_to_several_is_not_said_to_be_done(heed: Heed) -> None:
    page = await page_of_mail(heed, to=[ADA, BOB])

    answer = await heed.request("POST", page, b"List-Unsubscribe=One-Click", headers={"content-type": FORM})

    assert answer.status == 422


async def test_a_stop_works_after_the_mail_was_deleted(heed: Heed) -> None:
    page = await page_of_mail(heed)
    await heed.sent(to=[ADA])
    message = (await heed.get("/messages"))["items"][-1]["id"]
    loaded = await heed.services.messages.load("acme", message)
    assert loaded is not None
    await heed.services.messages.delete("acme", loaded)

    answer = await press(heed, page, action="stop")
    hit = await heed.hit(heed.urls("o")[0], GMAIL)
    await settle(heed)

    assert (answer.status, hit.status) == (200, 200)
    assert (await heed.get("/messages"))["items"][0]["kpis"]["raw"]["opens"] == 0
