"""Users are told of new cards in their channels and by a daily mail, as they choose, and never twice."""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from lib.storage import Range
from lib.storage.due_index import Due
from lib.storage.layout import DUE
from lib.transports.memory import MemoryTransport
from tests.support.cards import act, cards, opened, pass_time
from tests.support.heed import ADMIN_KEY, GMAIL, Heed

LOCAL = {"HEED_LOOPBACK": "on"}


@dataclass
class Channel:
    """A chat channel's server, which answers as it is told."""

    url: str = ""
    status: int = 200
    posts: list[Any] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.posts.append(json.loads(await request.read()))
        return web.Response(status=self.status)

    def titles(self) -> list[str]:
        return [post["text"] for post in self.posts]


@pytest.fixture
async def channel() -> AsyncIterator[Channel]:
    made, app = Channel(), web.Application()
    app.router.add_post("/hook", made.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield made
    await runner.cleanup()


@pytest.fixture
async def local() -> Heed:
    return await Heed(settings=LOCAL).start(card_url="https://crm.example.com/c/{card}?mail={message}")


async def tell(heed: Heed, **by: float) -> None:
    """Let time go by, and the timer tick at its end."""
    heed.clock.move(**by)
    await heed.tick("tell_of_cards")


async def choose(heed: Heed, **choice: Any) -> Any:
    return await heed.put("/users/rep1/alerts", choice)


async def entries(heed: Heed) -> list[str]:
    rows = heed.storage.tables.query(DUE, Range(low="digest|", high="x"))
    found = [Due.from_row(row).kind async for row in rows if row.partition.startswith(("tell|", "digest|"))]
    return [str(kind) for kind in found]


async def test_a_new_card_is_told_once_with_a_link_to_it(local: Heed, channel: Channel) -> None:
    await choose(local, slack=channel.url)
    message = await opened(local)
    for _ in range(3):
        await tell(local, minutes=1)

    [post] = channel.posts
    [card] = await cards(local)
    assert post["text"] == "Ada opened your mail"
    assert post["blocks"][0]["text"] == {
        "type": "plain_text",
        "text": f"Ada opened your mail\n{card['text']}",
        "emoji": False,
    }
    assert post["blocks"][1]["elements"][0]["url"] == f"https://crm.example.com/c/{card['id']}?mail={message}"
    assert await entries(local) == []


async def test_teams_gets_a_card_that_reads_no_markup_of_strangers(local: Heed, channel: Channel) -> None:
    await choose(local, teams=channel.url)
    await opened(local, to=[{"email": "ada@example.com", "name": "[Ada](https://evil.example) **now**"}])
    await tell(local, minutes=1)

    [post] = channel.posts
    title = post["attachments"][0]["content"]["body"][0]
    assert title["type"] == "RichTextBlock"
    assert title["inlines"][0]["text"] == "[Ada](https://evil.example) **now** opened your mail"


async def test_names_and_subjects_turn_no_other_words_around(local: Heed, channel: Channel) -> None:
    assert isinstance(local.transport, MemoryTransport)
    await choose(local, slack=channel.url, digest={"at": "12:00"})
    sent = await local.sent(to=[{"email": "ada@example.com", "name": "Ada \u202eevil"}], subject="\u2067Hello 😀, you")
    await local.hit(local.urls("o")[0], GMAIL)
    await local.work("interactions")
    await pass_time(local, seconds=15)
    await local.services.assessor.refresh("acme", sent)
    await tell(local, hours=2)

    [post] = channel.posts
    mail = email.message_from_bytes(local.transport.sent[-1].mime, policy=email.policy.default)
    words = [post["blocks"][0]["text"]["text"], mail.get_body(("plain",)).get_content()]  # type: ignore[union-attr]
    assert all("Ada evil opened your mail" in each and "“Hello 😀, you”" in each for each in words)


async def test_a_channel_that_refuses_for_now_is_told_later_and_one_that_refuses_is_not(
    local: Heed, channel: Channel
) -> None:
    await choose(local, slack=channel.url)
    channel.status = 503
    await opened(local)
    await tell(local, minutes=1)
    failed = await local.get("/users/rep1/alerts")
    channel.status = 200
    await tell(local, minutes=1)
    await tell(local, minutes=1)
    assert len(channel.posts) == 2
    assert failed["channels"][0]["failure"] == "The channel answered 503."

    channel.status = 410
    await opened(local)
    for _ in range(4):
        await tell(local, minutes=3)
    assert len(channel.posts) == 3


async def test_a_process_that_dies_with_a_post_under_way_does_not_tell_twice(
    local: Heed, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    await choose(local, slack=channel.url)
    await opened(local)
    telling = local.services.telling
    post = telling._post

    async def die(*given: Any) -> Any:
        await post(*given)
        raise RuntimeError("the process dies")

    monkeypatch.setattr(telling, "_post", die)
    await tell(local, minutes=1)
    monkeypatch.undo()
    for _ in range(3):
        await tell(local, minutes=3)

    assert len(channel.posts) == 1
    assert await entries(local) == []


async def test_quiet_hours_hold_what_is_told_to_their_end(local: Heed, channel: Channel) -> None:
    await choose(local, slack=channel.url, quiet_hours={"start": "09:00", "end": "13:00"})
    await opened(local)
    await tell(local, minutes=5)
    assert channel.posts == []
    await tell(local, hours=2)
    assert channel.titles() == ["Ada opened your mail"]


async def test_what_is_muted_done_or_snoozed_is_not_told(local: Heed, channel: Channel) -> None:
    await choose(local, slack=channel.url, muted_kinds=["email_opened"])
    await opened(local)
    await tell(local, minutes=1)
    await choose(local, muted_messages=["0" * 32])
    done, _ = [(await cards(local))[0]["id"], await opened(local)]
    for card in await cards(local):
        await act(local, card["id"], "dismiss" if card["id"] == done else "snooze")
    await tell(local, minutes=1)
    assert channel.posts == []

    muted = await local.sent(to=[{"email": "bob@example.com"}])
    await choose(local, muted_messages=[muted])
    await local.hit(local.urls("o")[-1], GMAIL)
    await local.work("interactions")
    await pass_time(local, seconds=15)
    await tell(local, minutes=1)
    assert channel.posts == []


async def test_a_day_has_a_most_and_its_last_post_says_so(local: Heed, channel: Channel) -> None:
    await choose(local, slack=channel.url, most_a_day=2)
    for _ in range(3):
        await opened(local)
    await tell(local, minutes=1)
    await tell(local, minutes=1)
    assert len(channel.posts) == 2
    assert sum("the last card that is told today" in json.dumps(post) for post in channel.posts) == 1

    await tell(local, hours=24)
    await opened(local)
    await tell(local, minutes=1)
    assert len(channel.posts) == 3


async def test_a_card_that_was_told_and_is_withdrawn_is_taken_back_once(local: Heed, channel: Channel) -> None:
    await choose(local, slack=channel.url)
    await opened(local)
    await tell(local, minutes=1)
    [card] = await cards(local)
    await local.services.cards.withdraw("acme", "rep1", card["id"], "The open turned out to be a mail scanner's.")
    await tell(local, minutes=1)
    await tell(local, minutes=2)

    assert channel.titles() == ["Ada opened your mail", "Taken back: Ada opened your mail"]
    assert "a mail scanner's." in channel.posts[1]["blocks"][0]["text"]["text"]


async def test_a_channel_of_another_user_opens_for_nobody_else(local: Heed, channel: Channel) -> None:
    await choose(local, slack=channel.url)
    choices = local.services.alert_choices
    stored = await choices.load("acme", "rep1")
    assert stored
    assert stored.slack
    assert channel.url not in stored.slack

    assert choices.unseal("acme", "rep1", stored.slack) == channel.url
    assert choices.unseal("acme", "rep2", stored.slack) is None
    assert choices.unseal("globex", "rep1", stored.slack) is None


async def test_answers_show_no_address_and_leave_what_was_left_out(local: Heed, channel: Channel) -> None:
    made = await choose(local, slack=channel.url, digest={"at": "07:30"})
    changed = await choose(local, most_a_day=5)
    ended = await choose(local, slack=None)

    assert channel.url not in json.dumps([made, changed])
    assert made["digest"] == {"at": "07:30", "days": [1, 2, 3, 4, 5]}
    assert [each["channel"] for each in changed["channels"]] == ["slack"]
    assert ended["channels"] == []
    assert (await local.api("POST", "/users/rep1/alerts/trial")).status == 409


async def test_a_trial_says_what_became_of_it(local: Heed, channel: Channel) -> None:
    await choose(local, slack=channel.url, teams=channel.url)
    assert (await local.post("/users/rep1/alerts/trial"))["channels"] == {"teams": "told", "slack": "told"}
    channel.status = 404
    assert (await local.post("/users/rep1/alerts/trial"))["channels"] == {"teams": "failed", "slack": "failed"}


@pytest.mark.parametrize(
    "address",
    [
        "https://example.com/hook",
        "https://hooks.slack.com.example.com/x",
        "https://evilhooks.slack.com@10.0.0.1/",
        "http://hooks.slack.com/services/x",
        "https://127.0.0.1/",
        "x",
        "https://hooks.slack.com/\n",
    ],
)
async def test_an_address_of_no_channel_is_refused_with_its_field(heed: Heed, address: str) -> None:
    answer = await heed.api("PUT", "/users/rep1/alerts", {"slack": address})

    assert answer.status == 422
    assert [error["loc"][-1] for error in answer.json["errors"]] == ["slack"]


async def test_known_channels_are_taken_in_the_cloud(heed: Heed) -> None:
    slack = "https://hooks.slack.com/services/T0/B0/x"
    teams = "https://prod-1.westeurope.logic.azure.com:443/workflows/x/triggers/manual/paths/invoke?sig=y"

    assert len((await choose(heed, slack=slack, teams=teams))["channels"]) == 2


async def test_people_choose_for_themselves_alone(heed: Heed) -> None:
    await heed.put("/users/rep2", {"email": "two@acme.example", "name": "Two", "opt_in": True})
    token = (await heed.post("/users/rep1/tokens"))["token"]

    own = await heed.request("PUT", "/api/orgs/acme/users/rep1/alerts", {}, key=token)
    others = await heed.request("PUT", "/api/orgs/acme/users/rep2/alerts", {}, key=token)
    read = await heed.request("GET", "/api/orgs/acme/users/rep2/alerts", key=token)

    assert (own.status, others.status, read.status) == (201, 403, 403)
    assert (await heed.api("GET", "/users/rep2/alerts")).status == 404


async def test_a_key_that_reads_reads_the_choice_of_every_user_and_changes_none(heed: Heed) -> None:
    await choose(heed, most_a_day=3)
    made = await heed.request("POST", "/api/orgs/acme/keys", {"scope": "read"}, key=ADMIN_KEY)
    path, key = "/api/orgs/acme/users/rep1/alerts", made.json["key"]

    assert (await heed.request("GET", path, key=key)).json["most_a_day"] == 3
    assert (await heed.request("PUT", path, {}, key=key)).status == 403


async def test_the_digest_comes_once_a_day_and_lists_open_cards(heed: Heed) -> None:
    assert isinstance(heed.transport, MemoryTransport)
    await choose(heed, digest={"at": "12:00"})
    await opened(heed)
    before = len(heed.transport.sent)
    await tell(heed, hours=3)
    await tell(heed, minutes=1)

    [envelope] = heed.transport.sent[before:]
    mail = email.message_from_bytes(envelope.mime, policy=email.policy.default)
    assert envelope.recipients == ("rep@acme.example",)
    assert (mail["Subject"], mail["Auto-Submitted"]) == ("1 open card in Heed", "auto-generated")
    assert "Ada opened your mail" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert await entries(heed) == ["digest"]

    await tell(heed, hours=24)
    assert len(heed.transport.sent) == before + 2


async def test_no_digest_without_cards_and_none_after_it_was_ended(heed: Heed) -> None:
    assert isinstance(heed.transport, MemoryTransport)
    await choose(heed, digest={"at": "12:00"})
    await tell(heed, hours=3)
    assert heed.transport.sent == []
    assert await entries(heed) == ["digest"]

    await opened(heed)
    before = len(heed.transport.sent)
    assert (await heed.api("DELETE", "/users/rep1/alerts")).status == 200
    await tell(heed, hours=24)
    assert len(heed.transport.sent) == before
    assert await entries(heed) == []


async def test_a_digest_follows_the_users_zone_when_that_changes(heed: Heed) -> None:
    assert isinstance(heed.transport, MemoryTransport)
    await choose(heed, digest={"at": "12:00"})
    await opened(heed)
    before = len(heed.transport.sent)
    await heed.api("PATCH", "/users/rep1", {"time_zone": "America/New_York"})
    await tell(heed, hours=3)  # 12:30 in UTC, 8:30 in New York
    assert len(heed.transport.sent) == before
    await tell(heed, hours=4)  # 12:30 in New York
    assert len(heed.transport.sent) == before + 1


async def test_markup_in_a_title_stays_text_in_the_digest(heed: Heed) -> None:
    assert isinstance(heed.transport, MemoryTransport)
    await choose(heed, digest={"at": "12:00"})
    await opened(heed, to=[{"email": "ada@example.com", "name": "<img src=x>"}])
    await tell(heed, hours=3)

    mail = email.message_from_bytes(heed.transport.sent[-1].mime, policy=email.policy.default)
    assert "&lt;img src=x&gt;" in mail.get_body(("html",)).get_content()  # type: ignore[union-attr]


async def test_the_local_host_takes_channels_of_this_machine_and_of_no_other_stranger(local: Heed) -> None:
    strange = await local.api("PUT", "/users/rep1/alerts", {"slack": "https://example.com/hook"})
    own = await local.api("PUT", "/users/rep1/alerts", {"slack": "http://localhost:9/hook"})

    assert (strange.status, own.status) == (422, 201)
