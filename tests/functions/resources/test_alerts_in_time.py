"""Alerts come as soon as more evidence can hardly change the verdict, and say why they are taken back."""

from __future__ import annotations

from typing import Any

import pytest

from lib.assessment.summary import summary_of
from lib.verdicts import Reason, Verdict
from lib.verdicts.settling import settling_of
from tests.functions.resources.test_verdicts import HOME, LANGUAGE, THREE_LINKS
from tests.support.cards import cards
from tests.support.heed import CHROME, GMAIL, Heed

OUTLOOK = "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.19231; Pro)"
GOOGLE = {"x_forwarded_for": "66.249.84.1"}


async def just_sent(heed: Heed, **fields: Any) -> str:
    message = await heed.draft(**fields)
    await heed.post(f"/messages/{message}/send")
    await heed.work()
    return message


async def told_after(heed: Heed, message: str, seconds: float) -> bool:
    """Whether there is a card, so many seconds later."""
    heed.clock.move(seconds=seconds)
    await heed.services.assessor.refresh("acme", message)
    return bool(await cards(heed))


@pytest.mark.parametrize(("agent", "headers"), [(OUTLOOK, HOME), (GMAIL, GOOGLE)], ids=["Outlook", "Gmail"])
async def test_a_prompt_reader_in_a_known_program_is_told_within_15_seconds(
    heed: Heed, agent: str, headers: dict[str, str]
) -> None:
    message = await just_sent(heed)
    heed.clock.move(seconds=120)
    await heed.hit(heed.urls("o")[0], agent, **headers)
    await heed.work()

    assert not await told_after(heed, message, 5)
    assert await told_after(heed, message, 10)


async def test_an_early_click_in_a_browser_is_told_within_the_minute_and_not_before(heed: Heed) -> None:
    message = await just_sent(heed)
    heed.clock.move(minutes=4)
    await heed.hit(heed.urls("c")[0], CHROME, **HOME)
    await heed.work()

    assert not await told_after(heed, message, 40)
    assert await told_after(heed, message, 15)


async def test_the_message_is_looked_at_again_in_time_for_the_card(heed: Heed) -> None:
    message = await just_sent(heed)
    heed.clock.move(minutes=11)
    hit_at = heed.clock.now()
    await heed.hit(heed.urls("c")[0], CHROME, **HOME)
    await heed.work("interactions")

    looked_at = await heed.services.assessor.refresh("acme", message)

    assert looked_at is not None
    again_at = summary_of(looked_at).again_at
    assert again_at is not None
    assert (again_at - hit_at).total_seconds() < 59
    heed.clock.move(seconds=(again_at - heed.clock.now()).total_seconds())
    assert await told_after(heed, message, 0)


async def test_a_scanner_that_follows_the_other_links_within_the_minute_is_never_told(heed: Heed) -> None:
    message = await just_sent(heed, html=THREE_LINKS)
    heed.clock.move(minutes=3)
    links = heed.urls("c")
    await heed.hit(links[0], CHROME, **HOME)
    await heed.work()
    told = await told_after(heed, message, 11)
    for link in links:
        heed.clock.move(seconds=0.2)
        await heed.hit(link, CHROME, **HOME)
    await heed.work()

    assert (told, await told_after(heed, message, 60)) == (False, False)
    assert await cards(heed, "done") == []


async def test_a_late_reader_is_told_as_soon_as_ever(heed: Heed) -> None:
    message = await heed.sent()
    await heed.hit(heed.urls("c")[0], CHROME, **HOME)
    await heed.work()

    assert await told_after(heed, message, 12)


async def test_a_second_hit_that_is_sure_earlier_is_told_when_it_is_sure(heed: Heed) -> None:
    message = await just_sent(heed)
    heed.clock.move(minutes=14, seconds=50)
    await heed.hit(heed.urls("c")[0], CHROME, **HOME)
    heed.clock.move(seconds=15)
    await heed.hit(heed.urls("c")[0], CHROME, x_forwarded_for="84.20.30.1", **LANGUAGE)
    await heed.work()

    assert await told_after(heed, message, 12)


async def test_a_card_that_is_shown_stays_when_its_verdict_has_reasons_to_wait_longer(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = await just_sent(heed)
    heed.clock.move(seconds=120)
    await heed.hit(heed.urls("o")[0], OUTLOOK, **HOME)
    await heed.work()
    assert await told_after(heed, message, 12)
    monkeypatch.setattr("lib.verdicts.settling._KNOWN_READER", frozenset())

    assert await told_after(heed, message, 1)


async def test_a_withdrawn_card_says_what_has_changed_its_verdict(heed: Heed) -> None:
    message = await heed.sent()
    await heed.hit(heed.urls("c")[0], CHROME, **HOME)
    await heed.work()
    assert await told_after(heed, message, 12)
    for _ in range(130):
        await heed.hit(heed.urls("c")[0], CHROME, **HOME)
    await heed.work()

    assert not await told_after(heed, message, 60)
    [done] = await cards(heed, "done")
    assert done["withdrawn_because"].startswith("The click turned out to be a mail scanner's. ")
    assert "over 120 times within a minute" in done["withdrawn_because"]


async def test_a_card_that_is_withdrawn_after_feedback_says_so(heed: Heed) -> None:
    message = await heed.sent()
    await heed.hit(heed.urls("o")[0], GMAIL)
    await heed.work()
    assert await told_after(heed, message, 12)
    [event] = (await heed.get(f"/messages/{message}/timeline"))["items"]

    path = f"/messages/{message}/timeline/{event['id']}/feedback"
    await heed.api("POST", path, {"was": "me"}, x_heed_user="rep1")

    [done] = await cards(heed, "done")
    assert done["withdrawn_because"] == (
        "The open turned out to be your own side's. A user of your organization said that it was one of your own side."
    )


@pytest.mark.parametrize("code", ["mail-program", "image-proxy", "known-place", "replied-after", "user-said-person"])
def test_each_sign_of_a_known_reader_lets_a_card_come_soon(code: str) -> None:
    soon = Reason("soon", "Soon.", -1.0)
    known = Reason(code, "Known.", 2.0)

    unknown = settling_of(Verdict("human", 1.0, (soon,), "4", 1.0))

    assert settling_of(Verdict("human", 1.0, (soon, known), "4", 1.0)).total_seconds() <= 15
    assert 15 < unknown.total_seconds() < 59
