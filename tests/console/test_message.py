"""The page of a message, and its conversation."""

from __future__ import annotations

import re

from tests.console.site import Visitor
from tests.console.world import World
from tests.support.heed import ADMIN_KEY
from tests.support.inbound import answer_to


async def test_one_sentence_says_what_became_of_it(world: World, rita: Visitor) -> None:
    page = await rita.page(f"messages/{world.offer}")

    assert "Ada Lovett answered today at" in page
    assert "They read it twice, last today at" in page
    assert "3 looks came from machines, such as mail filters." in page
    assert "Only machines have looked at it so far." in await rita.page(f"messages/{world.scanned}")
    assert "It could not be delivered to Gus Ort." in await rita.page(f"messages/{world.bounced}")
    assert "Not yet opened." in await rita.page(f"messages/{world.quiet}")


async def test_people_are_counted_large_and_all_hits_beside_them(world: World, rita: Visitor) -> None:
    page = re.sub(r"<[^>]+>|\s+", " ", await rita.page(f"messages/{world.offer}"))
    page = re.sub(r"\s+", " ", page)

    assert "Opens by people 2 3 in all: 1 machine" in page
    assert "Clicks by people 1 3 in all: 2 machine" in page


async def test_a_burst_of_machines_is_one_row(world: World, rita: Visitor) -> None:
    page = await rita.page(f"messages/{world.offer}")

    assert "3 looks within 2 seconds" in page
    assert "2 clicks, 1 open" in page


async def test_the_plot_says_the_same_as_its_table(world: World, rita: Visitor) -> None:
    page = await rita.page(f"messages/{world.offer}")
    plot = page.partition('<svg class="plot"')[2].partition("</svg>")[0]
    table = page.partition("The same as a table")[2].partition("</table>")[0]

    assert plot.count("<circle") == 3 == table.count("a person")
    assert plot.count('class="machine"') == 3 == table.count("a machine")
    assert "3 looks by people, 3 looks by machines" in plot


async def test_the_filter_of_the_timeline_is_in_the_address(world: World, rita: Visitor) -> None:
    page = await rita.page(f"messages/{world.offer}?show=people")

    assert "3 looks within 2 seconds" not in page
    assert page.count('<li id="e-') == 4


async def test_times_are_those_of_the_reader(world: World, rita: Visitor) -> None:
    page = await rita.page(f"messages/{world.offer}")

    assert "Times are yours (Europe/Vienna)." in page
    assert "+02:00" in page


async def test_the_word_of_a_user_counts_as_evidence(world: World, rita: Visitor) -> None:
    page = await rita.page(f"messages/{world.offer}")
    event = re.findall(r'<li id="e-([^"]+)" class="human"', page)[1]  # the newest is the answer

    answer = await rita.post(f"messages/{world.offer}/events/{event}", {"was": "me"})
    page = await rita.page(f"messages/{world.offer}?show=own")

    assert answer.headers["location"] == f"/console/messages/{world.offer}#e-{event}"
    assert f'id="e-{event}"' in page
    assert "You said: you or a colleague." in page
    assert "(was: a person)" in page
    timeline = await world.heed.get(f"/messages/{world.offer}/timeline")
    assert [each["verdict"]["was"] for each in timeline["items"] if each["id"] == event] == ["human"]
    await rita.post(f"messages/{world.offer}/events/{event}", {"was": ""})
    assert "You said" not in await rita.page(f"messages/{world.offer}")


async def test_answers_are_shown_beside_the_mail(world: World, rita: Visitor) -> None:
    assert "Can we talk about the delivery dates tomorrow?" in await rita.page(f"messages/{world.offer}")


async def test_an_answer_in_a_colleagues_mailbox_is_not_shown_where_people_see_their_own_mail(
    world: World, rita: Visitor
) -> None:
    heed, host = world.heed, {"host": "imap.example.com", "user": "two@acme.example", "secret": "HEED_MAILBOX_ACME_TOM"}
    await heed.put("/users/rep2", {"email": "two@acme.example", "name": "Tom", "opt_in": True, "inbound": "all"})
    await heed.put("/mailboxes/tom", {"kind": "imap", "owner": "rep2", **host, "folders": [{"path": "INBOX"}]})
    raw = await answer_to(heed, world.offer, "For the eyes of Tom alone.", subject="Re: Yours")
    headers = {"Content-Type": "message/rfc822"}
    path = "/api/orgs/acme/inbound?mailbox=tom&folder=INBOX"
    assert (await heed.request("POST", path, raw, key=heed.key, headers=headers)).json["outcome"] == "tracked"
    await heed.work()
    assert "For the eyes of Tom" in await rita.page(f"messages/{world.offer}")

    await heed.request("PATCH", "/api/orgs/acme", {"settings": {"people_see": "own_mail"}}, key=ADMIN_KEY)

    assert "For the eyes of Tom" not in await rita.page(f"messages/{world.offer}")


async def test_a_message_that_is_not_followed_says_why(world: World, rita: Visitor) -> None:
    await world.heed.put("/consents/bob@fabrikam.example", {"follow": "do_not_allow"})
    message = await world.heed.sent(to=[{"email": "bob@fabrikam.example", "name": "Bob"}])

    page = await rita.page(f"messages/{message}")

    assert "Sent, and not followed." in page
    assert "bob@fabrikam.example" in page


async def test_a_conversation_shows_both_sides_in_order(world: World, rita: Visitor) -> None:
    page = await rita.page(f"conversations/{world.offer}")

    assert page.index("To <span") < page.index('class="came"')
    assert "Can we talk about the delivery dates tomorrow?" in page
    assert page.index('class="went"') < page.index('class="came"')


async def test_a_message_is_judged_again_by_a_button(world: World, rita: Visitor) -> None:
    answer = await rita.post(f"messages/{world.offer}/judge")

    assert "Checked again" in await rita.page(answer.headers["location"].removeprefix("/console/"))


async def test_a_click_of_a_person_who_is_signed_in_is_no_engagement(world: World, rita: Visitor) -> None:
    heed = world.heed
    message = await heed.sent()
    cookies = rita.cookie, "__Host-heed-sign-in=abc"

    for cookie in cookies:
        await heed.hit(heed.urls("c")[0], cookie=cookie)
    await heed.work()

    kpis = (await heed.get(f"/messages/{message}"))["kpis"]
    assert (kpis["own"]["clicks"], kpis["raw"]["clicks"]) == (1, 2)
    assert "1 look of your own side is not counted." in await rita.page(f"messages/{message}")
