"""Channels that fail: what they miss comes later, and others are told meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from lib.cards.store import Card
from tests.support.cards import cards, opened
from tests.support.heed import Heed
from tests.support.receiver import Receiver


@pytest.fixture
async def channel() -> AsyncIterator[Receiver]:
    made = await Receiver().start()
    yield made
    await made.stop()


@pytest.fixture
async def local() -> Heed:
    return await Heed(settings={"HEED_LOOPBACK": "on"}).start()


async def refusing(_: web.Request) -> web.Response:
    return web.Response(status=503)


async def tell(heed: Heed, times: int = 1) -> None:
    for _ in range(times):
        heed.clock.move(minutes=1)
        await heed.tick("tell_of_cards")


async def show_cards(heed: Heed, user: str, count: int) -> None:
    for number in range(count):
        card = Card(
            id=f"{user}{number}",
            user=user,
            kind="reply",
            priority="normal",
            title=f"Card {number}",
            text="Text",
            created_at=heed.clock.now(),
            message="0" * 32,
        )
        await heed.services.cards.ensure("acme", card)


def texts(channel: Receiver) -> list[Any]:
    return [posted.event["blocks"][0]["text"]["text"] for posted in channel.posted]


async def test_a_channel_that_takes_nothing_keeps_no_other_user_waiting(local: Heed, channel: Receiver) -> None:
    good = await Receiver().start()
    channel.answer = refusing
    await local.put("/users/rep2", {"email": "rep2@acme.example", "name": "Rob"})
    await local.put("/users/rep1/alerts", {"slack": channel.url, "most_a_day": 200})
    await local.put("/users/rep2/alerts", {"slack": good.url})
    await show_cards(local, "rep1", 100)
    local.clock.move(seconds=1)
    await show_cards(local, "rep2", 1)
    await tell(local)

    assert len(good.posted) == 1
    await good.stop()


async def test_a_channel_that_takes_nothing_is_asked_seldom_and_gets_all_once_it_does(
    local: Heed, channel: Receiver
) -> None:
    channel.answer = refusing
    await local.put("/users/rep1/alerts", {"slack": channel.url, "most_a_day": 200})
    await show_cards(local, "rep1", 40)
    await tell(local)
    channel.posted.clear()
    await tell(local, 60)
    asked = len(channel.posted)
    channel.answer = None
    channel.posted.clear()
    await tell(local, 60)

    assert 0 < asked < 10
    assert sorted(texts(channel)) == sorted({f"Card {number}\nText" for number in range(40)})


async def test_a_channel_that_fails_leaves_the_other_one_of_its_user_alone(local: Heed, channel: Receiver) -> None:
    good = await Receiver().start()
    channel.answer = refusing
    await local.put("/users/rep1/alerts", {"slack": channel.url, "teams": good.url})
    await show_cards(local, "rep1", 1)
    await tell(local)
    await show_cards(local, "rep1", 3)
    await tell(local)
    channel.answer = None
    channel.posted.clear()
    await tell(local, 30)

    assert len(good.posted) == len(channel.posted) == 3
    await good.stop()


async def test_what_is_taken_back_is_told_later_where_the_channel_takes_nothing_now(
    local: Heed, channel: Receiver
) -> None:
    await local.put("/users/rep1/alerts", {"slack": channel.url})
    await opened(local)
    await tell(local)
    [card] = await cards(local)
    channel.answer = refusing
    await local.services.cards.withdraw("acme", "rep1", card["id"], "The open turned out to be a mail scanner's.")
    await tell(local)
    channel.answer = None
    channel.posted.clear()
    await tell(local, 30)

    [text] = texts(channel)
    assert text.startswith("Taken back: Ada opened your mail")


async def test_the_last_card_of_a_day_says_so_when_it_is_told_again(local: Heed, channel: Receiver) -> None:
    channel.answer = refusing
    await local.put("/users/rep1/alerts", {"slack": channel.url, "most_a_day": 1})
    await opened(local)
    await tell(local)
    channel.answer = None
    channel.posted.clear()
    await tell(local)

    [text] = texts(channel)
    assert text.endswith("This is the last card that is told today; others wait in your list.")


async def test_a_trial_without_an_answer_does_not_say_that_it_was_taken(local: Heed, channel: Receiver) -> None:
    async def closing(request: web.Request) -> web.Response:
        assert request.transport
        request.transport.close()
        return web.Response()

    channel.answer = closing
    await local.put("/users/rep1/alerts", {"slack": channel.url})

    assert (await local.post("/users/rep1/alerts/trial"))["channels"] == {"slack": "trying"}
