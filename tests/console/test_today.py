"""Today: cards and what is done about them, undo, and news of people's events."""

from __future__ import annotations

import re

from lib.lists.filter_rows import FilterRowsState
from tests.console.site import Visitor
from tests.console.world import World
from tests.support.cards import cards, opened, pass_time
from tests.support.heed import CHROME, Heed


async def test_the_most_pressing_card_comes_first(world: World, rita: Visitor) -> None:
    html = await rita.page()

    shown = re.findall(r'<li class="card[^"]*" id="card-([^"]+)"', html)
    assert shown == [card["id"] for card in await cards(world.heed)]
    assert len(shown) > 2


async def test_a_dismissed_card_can_be_brought_back_without_scripts(world: World, rita: Visitor) -> None:
    [first, *_] = await cards(world.heed)

    done = await rita.post(f"cards/{first['id']}/dismiss")
    html = await rita.page(done.headers["location"].removeprefix("/console/"))

    assert f'id="card-{first["id"]}"' not in html
    assert "Dismissed." in html
    assert f'action="/console/cards/{first["id"]}/undo"' in html
    await rita.post(f"cards/{first['id']}/undo")
    assert f'id="card-{first["id"]}"' in await rita.page()


async def test_a_call_is_noted_with_the_record(world: World, rita: Visitor) -> None:
    card = next(each for each in await cards(world.heed) if each["regarding"])

    await rita.post(f"cards/{card['id']}/call")

    done = (await world.heed.get("/records/opportunity/o114/activities"))["items"]
    assert [each["user"] for each in done if each["kind"] == "call"] == ["rep1"]


async def test_a_snoozed_card_goes_away(world: World, rita: Visitor) -> None:
    [first, *_] = await cards(world.heed)

    await rita.post(f"cards/{first['id']}/snooze")

    assert [each["id"] for each in await cards(world.heed, "snoozed")] == [first["id"]]


async def test_a_user_says_whether_a_card_was_of_use(world: World, rita: Visitor) -> None:
    [first, *_] = await cards(world.heed)

    await rita.post(f"cards/{first['id']}/useless")

    assert "You found this not useful." in await rita.page()


async def test_news_are_those_of_people(world: World, rita: Visitor) -> None:
    news = (await rita.page()).partition('id="news"')[2]

    assert "Your offer, as discussed" in news
    assert "Can we talk about the delivery dates tomorrow?" in news
    assert "Renewal of your support contract" not in news  # only machines have looked at it


async def test_news_of_a_mail_to_several_name_none_of_them(heed: Heed, visitor: Visitor) -> None:
    both = [{"email": f"{name.lower()}@example.com", "name": name} for name in ("Ada", "Bob")]
    await opened(heed, to=both, subject="Offer for both")

    news = (await visitor.page()).partition('id="news"')[2]

    assert "<strong>One of 2 recipients</strong> read it" in news
    assert "Bob" not in news


async def test_a_click_is_news_where_the_images_of_the_mail_were_off(heed: Heed, visitor: Visitor) -> None:
    message = await heed.sent(to=[{"email": "ada@example.com", "name": "Ada"}], subject="Offer")
    heed.clock.move(hours=1)
    await heed.hit(heed.urls("c")[0], CHROME, x_forwarded_for="203.0.113.7")
    await heed.work()
    await pass_time(heed, minutes=1)
    await heed.services.assessor.refresh("acme", message)

    news = (await visitor.page()).partition('id="news"')[2]

    assert "<strong>Ada</strong> clicked a link" in news
    assert "Last opened" not in news


async def test_in_the_hours_after_an_upgrade_news_are_of_opens(heed: Heed, visitor: Visitor) -> None:
    await opened(heed, subject="Offer")
    await heed.services.filter_rows.save_state("acme", FilterRowsState(found_at=heed.clock.now()))
    heed.clock.move(minutes=2)

    assert "<strong>Ada</strong> read it" in await visitor.page()


async def test_an_unknown_button_does_nothing(rita: Visitor) -> None:
    assert (await rita.post("cards/c/explode")).status == 404
    assert (await rita.post("cards/c/dismiss")).status == 404
