"""Cards of clicks and of views of attachments: the first of each recipient, by a person, with or without an open."""

from __future__ import annotations

from typing import Any

import pytest

from lib.storage.memory import MemoryQueues
from lib.tracking.facts import Fact
from lib.verdicts.thresholds import DEFAULT
from tests.functions.recipient_facing.test_attachment_views import followed, links
from tests.support.cards import RECORD, act, cards
from tests.support.heed import Heed
from tests.support.other_mails import OUTLOOK

SCANNER = "curl/8.5"
ADA = {"email": "ada@example.com", "name": "Ada", "record": RECORD}
BOB = {"email": "bob@example.com", "name": "Bob"}


async def settle(heed: Heed, message: str) -> None:
    """Let the noise rules have their say."""
    await heed.work("interactions")
    heed.clock.move(seconds=15)
    await heed.services.assessor.refresh("acme", message)


async def clicked(heed: Heed, agent: str | None = None, **fields: Any) -> str:
    message = await heed.sent(**{"to": [ADA], **fields})
    await heed.hit(heed.urls("c")[0], **({"agent": agent} if agent else {}))
    await settle(heed, message)
    return message


async def shown(heed: Heed, status: str = "open") -> list[tuple[str, str]]:
    return sorted((card["kind"], card["title"]) for card in await cards(heed, status))


async def test_a_first_click_is_told_without_an_open_and_names_the_place(heed: Heed) -> None:
    message = await clicked(heed, regarding={"type": "opportunity", "id": "o1", "name": "Big deal"})

    [card] = await cards(heed)
    assert (card["kind"], card["priority"]) == ("link_clicked", "normal")
    assert card["title"] == "Ada clicked a link of your mail"
    assert card["text"] == "The link to example.com in “Hello” was followed. A person is likely, not sure."
    assert (card["message"], card["recipient"]) == (message, ADA)
    assert card["regarding"]["name"] == "Big deal"
    assert card["actions"] == ["call", "snooze", "dismiss"]


async def test_a_click_that_is_sure_is_told_without_a_doubt(heed: Heed) -> None:
    message = await heed.sent(to=[ADA])
    heed.clock.move(hours=2)
    await heed.hit(heed.urls("o")[0], agent=OUTLOOK)
    heed.clock.move(minutes=1)
    await heed.hit(heed.urls("c")[0])
    await settle(heed, message)

    [text] = [card["text"] for card in await cards(heed) if card["kind"] == "link_clicked"]
    assert text == "The link to example.com in “Hello” was followed."


async def test_a_first_view_of_an_attachment_names_the_file(heed: Heed) -> None:
    message, [path] = await followed(heed, to=[ADA])
    await heed.hit(path)
    await settle(heed, message)

    [card] = await cards(heed)
    assert (card["kind"], card["title"]) == ("attachment_viewed", "Ada viewed an attachment of your mail")
    assert card["text"] == "“Offer.pdf” of “Hello” was viewed. A person is likely, not sure."


async def test_each_kind_is_told_once_however_often_it_happens(heed: Heed) -> None:
    message, _ = await followed(heed, ("A.pdf", b"%PDF-1.7\na"), ("B.pdf", b"%PDF-1.7\nb"), to=[ADA])
    for path in (heed.urls("o")[0], heed.urls("c")[0], *links(heed)) * 2:
        await heed.hit(path)
        await settle(heed, message)
        heed.clock.move(minutes=10)

    assert [kind for kind, _ in await shown(heed)] == ["attachment_viewed", "email_opened", "link_clicked"]


async def test_a_click_is_not_told_before_the_noise_rules_have_had_their_say(heed: Heed) -> None:
    message = await heed.sent(to=[ADA])
    await heed.hit(heed.urls("c")[0])
    await heed.work("interactions")
    assert await cards(heed) == []

    await settle(heed, message)

    assert len(await cards(heed)) == 1


async def test_of_scanners_clicks_and_a_persons_only_the_persons_is_told(heed: Heed) -> None:
    message = await clicked(
        heed, agent=SCANNER, html='<a href="https://a.example/">a</a><a href="https://b.example/">b</a>'
    )
    assert await cards(heed) == []

    heed.clock.move(minutes=30)
    await heed.hit(heed.urls("c")[1])
    await settle(heed, message)

    [card] = await cards(heed)
    assert "b.example" in card["text"]


async def test_an_organization_that_is_told_of_machines_reads_that_it_may_have_been_one() -> None:
    heed = await Heed().start(alert_on="any")
    await clicked(heed, agent=SCANNER)

    [card] = await cards(heed)
    assert "may have been a machine" in card["text"]


@pytest.mark.parametrize("kind", ["link_clicked", "attachment_viewed"])
async def test_a_card_follows_the_verdict_when_it_is_judged_again(
    heed: Heed, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    if kind == "link_clicked":
        message = await clicked(heed)
    else:
        message, [path] = await followed(heed, to=[ADA])
        await heed.hit(path)
        await settle(heed, message)
    [told] = await cards(heed)
    for bound in (DEFAULT.human_from, DEFAULT.machine_until):
        monkeypatch.setitem(bound, "click", 1.0)

    await heed.post(f"/messages/{message}/reassess")

    assert await cards(heed) == []
    [done] = await cards(heed, "done")
    assert (done["kind"], "scanner" in done["withdrawn_because"]) == (kind, True)
    monkeypatch.undo()
    await heed.post(f"/messages/{message}/reassess")
    assert [card["id"] for card in await cards(heed)] == [told["id"]]


async def test_a_dismissed_card_stays_dismissed_whatever_is_judged_and_clicked_later(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = await clicked(heed)
    [card] = await cards(heed)
    await act(heed, card["id"], "dismiss")

    with monkeypatch.context() as other:
        for bound in (DEFAULT.human_from, DEFAULT.machine_until):
            other.setitem(bound, "click", 1.0)
        await heed.post(f"/messages/{message}/reassess")
    await heed.post(f"/messages/{message}/reassess")
    heed.clock.move(minutes=30)
    await heed.hit(heed.urls("c")[0])
    await settle(heed, message)

    assert await cards(heed) == []
    [done] = await cards(heed, "done")
    assert done["withdrawn_because"] is None


async def test_every_recipient_with_a_copy_of_their_own_has_a_card() -> None:
    heed = await Heed().start(mixed_recipients="split")
    message = await heed.sent(to=[ADA, BOB])
    for number in (0, 1, 0):
        heed.clock.move(minutes=10)
        await heed.hit(heed.urls("c", number)[0])
        await settle(heed, message)

    assert await shown(heed) == [
        ("link_clicked", "Ada clicked a link of your mail"),
        ("link_clicked", "Bob clicked a link of your mail"),
    ]


async def test_of_one_mail_to_several_the_card_names_nobody(heed: Heed) -> None:
    await clicked(heed, to=[ADA, BOB])

    [card] = await cards(heed)
    assert (card["title"], card["recipient"]) == ("A recipient clicked a link of your mail", None)
    assert card["actions"] == ["snooze", "dismiss"]


@pytest.mark.parametrize("since", ["before it was sent", "afterwards"])
async def test_an_organization_that_counts_without_who_reads_no_name(since: str) -> None:
    heed = await Heed().start(tracking="aggregate" if since == "before it was sent" else "allow")
    message = await heed.sent(to=[ADA])
    if since == "afterwards":
        await heed.organization("acme", tracking="aggregate")
    for kind in ("o", "c"):
        await heed.hit(heed.urls(kind)[0])
    await settle(heed, message)

    assert await shown(heed) == [
        ("email_opened", "A recipient opened your mail"),
        ("link_clicked", "A recipient clicked a link of your mail"),
    ]
    assert [card["recipient"] for card in await cards(heed)] == [None, None]


async def test_who_asks_for_privacy_is_not_named_and_later_clicks_make_no_second_card(heed: Heed) -> None:
    message = await heed.sent(to=[ADA])
    for headers in ({"sec_gpc": "1"}, {}):
        await heed.hit(heed.urls("c")[0], **headers)
        await settle(heed, message)
        heed.clock.move(minutes=30)

    assert await shown(heed) == [("link_clicked", "A recipient clicked a link of your mail")]


async def test_links_that_lie_in_a_blob_and_files_that_are_gone_make_cards_too(heed: Heed) -> None:
    many = "".join(f'<a href="https://example.com/{"x" * 900}/{number}">x</a>' for number in range(60))
    await clicked(heed, html=f"<p>{many}</p>")

    [card] = await cards(heed)
    assert "example.com" in card["text"]


async def test_a_delivery_that_comes_twice_and_a_death_before_the_summary_make_one_card(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = await heed.sent(to=[ADA])
    await heed.hit(heed.urls("c")[0])
    await heed.services.journal.settle()
    queues = heed.storage.queues
    assert isinstance(queues, MemoryQueues)
    queues.waiting = [*queues.waiting, *queues.waiting]
    await heed.work("interactions")
    heed.clock.move(seconds=15)

    async def dies(*_: Any) -> None:
        raise SystemError("the process dies")

    with monkeypatch.context() as fault:
        fault.setattr(heed.services.messages, "put_summary", dies)
        with pytest.raises(SystemError):
            await heed.services.assessor.refresh("acme", message)
    assert len(await cards(heed)) == 1
    await heed.services.assessor.refresh("acme", message)

    assert len(await cards(heed)) == 1


async def test_a_card_stays_when_its_click_is_no_longer_looked_at(heed: Heed) -> None:
    message = await clicked(heed)
    [card] = await cards(heed)
    heed.clock.move(days=3)
    start = int(heed.clock.now().timestamp() * 1000) - 5 * 60 * 60_000
    facts = [
        Fact(f"{start + number:013d}-{number:012x}", message, "open", start + number, "GET", 0, agent=SCANNER)
        for number in range(1_000)
    ]
    await heed.services.assessor.assess_facts("acme", facts)

    await heed.services.assessor.refresh("acme", message)

    assert [each["id"] for each in await cards(heed) if each["kind"] == "link_clicked"] == [card["id"]]


@pytest.mark.parametrize(("days", "kinds"), [(6, ["link_clicked"]), (8, [])])
async def test_a_click_of_long_ago_is_no_news_when_an_older_release_has_told_nothing_of_it(
    heed: Heed, days: int, kinds: list[str]
) -> None:
    message = await heed.sent(to=[ADA])
    await heed.hit(heed.urls("c")[0])
    await heed.work("interactions")
    heed.clock.move(days=days)
    await heed.services.assessor.refresh("acme", message)

    assert [kind for kind, _ in await shown(heed)] == kinds
