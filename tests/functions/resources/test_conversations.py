"""Answers in a thread: what they take from the mail that they answer, how they go out, and how the thread is read."""

from __future__ import annotations

import base64
from email import message_from_bytes
from email.utils import getaddresses
from typing import Any

from lib.clock import milliseconds
from lib.messages.models import Body, Correspondent, StoredMessage
from lib.mime.parts import Mailbox
from lib.tokens import REPLY_PREFIX
from tests.support.heed import BASE_URL, Heed
from tests.support.received import ADA, CameIn

RECORD = {"type": "contact", "id": "c1"}
REGARDING = {"type": "opportunity", "id": "o1", "name": "Windmills"}


async def answer(heed: Heed, message: str, **fields: Any) -> Any:
    """A draft that answers a message, as the API shows it."""
    return await heed.post("/messages", {"from": "rep1", "html": "<p>Hi</p>", "in_reply_to": message, **fields})


async def send(heed: Heed, message: str) -> Any:
    """The headers of the mail as it goes out."""
    await heed.post(f"/messages/{message}/send")
    await heed.work()
    heed.clock.move(minutes=5)
    return message_from_bytes(heed.mail())


async def came_in(heed: Heed, number: int = 1, **fields: Any) -> str:
    """Store a received mail of Ada's, as taking it in does; its id."""
    fields = {"subject": "AW: Hello", "message_id": f"<received{number}@example.com>", **fields}
    message = StoredMessage(
        id=f"{number:032x}",
        state="received",
        created_at=heed.clock.now(),
        **{"from": "rep1"},
        record=RECORD,
        **{"from_address": Correspondent(email=ADA.email, name=ADA.name), **fields},
    )
    await heed.services.messages.make("acme", message, Body(text="Yes"))
    await heed.services.threads.enter_message("acme", message)
    return message.id


async def test_an_answer_to_a_sent_mail_goes_to_the_same_people_with_the_headers_of_the_thread(heed: Heed) -> None:
    first = await heed.sent(cc=[{"email": "bob@example.com"}], regarding=REGARDING)
    sent = await heed.get(f"/messages/{first}")

    made = await answer(heed, first)
    assert (made["subject"], made["regarding"], made["in_reply_to"]) == ("Re: Hello", REGARDING, first)
    assert (made["to"], made["cc"]) == (sent["to"], sent["cc"])
    assert made["conversation"] == sent["conversation"] == first

    mail = await send(heed, made["id"])
    assert mail["In-Reply-To"] == mail["References"] == sent["message_id"]
    again = await answer(heed, made["id"])
    assert again["subject"] == "Re: Hello"
    mail = await send(heed, again["id"])
    assert mail["References"].split() == [sent["message_id"], (await heed.get(f"/messages/{made['id']}"))["message_id"]]


async def test_an_answer_to_a_received_mail_goes_to_its_writer(heed: Heed) -> None:
    first = await heed.sent()
    references = [(await heed.get(f"/messages/{first}"))["message_id"]]
    received = await came_in(heed, conversation=first, references=references, regarding=REGARDING)

    made = await answer(heed, received)
    assert made["to"] == [{"email": ADA.email, "name": ADA.name, "record": RECORD}]
    assert (made["cc"], made["subject"], made["regarding"]) == ([], "Re: Hello", REGARDING)
    assert made["conversation"] == first

    mail = await send(heed, made["id"])
    assert mail["In-Reply-To"] == "<received1@example.com>"
    assert mail["References"].split() == [*references, "<received1@example.com>"]


async def test_what_is_given_is_not_filled_in(heed: Heed) -> None:
    first = await heed.sent(regarding=REGARDING)
    given = {"to": [], "cc": [{"email": "eve@example.com", "name": "", "record": None}], "subject": "Else"}
    made = await answer(heed, first, **given, regarding=None)
    assert {name: made[name] for name in given} == given
    assert made["regarding"] is None


async def test_both_our_id_and_the_providers_stand_in_references_and_the_providers_is_answered(heed: Heed) -> None:
    first = await heed.sent()
    loaded = await heed.services.messages.load("acme", first)
    assert loaded is not None
    renamed = loaded.message.model_copy(update={"known_ids": ["operation", "<renamed@provider.example>"]})
    await heed.services.messages.change("acme", renamed, loaded.etag)

    mail = await send(heed, (await answer(heed, first))["id"])
    assert mail["References"].split() == [loaded.message.message_id, "<renamed@provider.example>"]
    assert mail["In-Reply-To"] == "<renamed@provider.example>"


async def test_an_id_that_cannot_stand_in_a_header_is_left_out_and_long_threads_are_cut(heed: Heed) -> None:
    odd = ["<a b@example.com>", "<ü@example.com>", "no id", "<x@y\r\nBcc: eve@example.com>"]
    received = await came_in(heed, references=[*odd, *(f"<{number}@example.com>" for number in range(50))])
    mail = await send(heed, (await answer(heed, received))["id"])
    references = mail["References"].split()
    assert (len(references), references[0], references[-1]) == (20, "<0@example.com>", "<received1@example.com>")


async def test_a_draft_that_answers_has_no_links_and_pixels_of_the_mail_that_it_quotes(heed: Heed) -> None:
    first = await heed.sent()
    link, pixel = (f"https://heed.test{heed.urls(kind)[0]}" for kind in ("c", "o"))
    made = await answer(heed, first, html=f'<p>And?</p><blockquote><a href="{link}">offer</a><img src="{pixel}">')
    assert made["html"] == '<p>And?</p><blockquote><a href="https://example.com/a?b=1&amp;c=2">offer</a>'


async def test_only_a_message_that_left_or_came_in_can_be_answered(heed: Heed) -> None:
    draft = await heed.draft()
    for to in (draft, "0" * 32):
        refused = await heed.api("POST", "/messages", {"from": "rep1", "in_reply_to": to})
        assert (refused.status, refused.json["errors"][0]["loc"]) == (422, ["in_reply_to"])
    assert (await heed.api("POST", "/messages", {"from": "rep1", "in_reply_to": "x"})).status == 422


async def test_a_conversation_shows_sent_and_received_mail_in_order_without_drafts(heed: Heed) -> None:
    first = await heed.sent()
    received = await came_in(heed, conversation=first)
    heed.clock.move(minutes=5)
    second = (await answer(heed, received))["id"]
    await send(heed, second)
    await answer(heed, second)
    await heed.sent(subject="Something else")

    items = (await heed.get(f"/conversations/{first}"))["items"]
    assert [each["id"] for each in items] == [first, received, second]
    assert {each["conversation"] for each in items} == {first}
    assert items[0]["kpis"]["opens"] == 0


async def test_a_conversation_comes_in_pages_of_any_size(heed: Heed) -> None:
    first = await heed.sent()
    expected = [first]
    for number in range(1, 6):
        expected.append(await came_in(heed, number, conversation=first))
        heed.clock.move(minutes=1)
    for limit in (1, 2, 3, 6, 7):
        page: Any = {"next": ""}
        found: list[str] = []
        while page["next"] is not None:
            cursor = page["next"] and f"&cursor={page['next']}"
            page = await heed.get(f"/conversations/{first}?limit={limit}{cursor}")
            assert len(page["items"]) <= limit
            found += [each["id"] for each in page["items"]]
        assert found == expected, limit


async def test_a_conversation_of_nothing_or_of_another_organization_is_not_there(heed: Heed) -> None:
    first = await heed.sent()
    globex = await heed.organization("globex")
    for conversation in ("0" * 32, "x"):
        assert (await heed.api("GET", f"/conversations/{conversation}")).status == 404
    answered = await heed.request("GET", f"/api/orgs/globex/conversations/{first}", key=globex)
    assert answered.status == 404


async def test_mail_names_our_address_for_replies_beside_the_senders_where_there_is_a_domain_for_it() -> None:
    heed = await Heed().start(inbound={"reply_domain": "in.acme.example"})
    message = await heed.sent()
    mail = message_from_bytes(heed.mail())
    own, ours = getaddresses([mail["Reply-To"]])
    assert own == ("Rita Rep", "rep@acme.example")
    assert ours[1].startswith(REPLY_PREFIX)
    assert len(ours[1].partition("@")[0]) <= 64
    found = await heed.services.correlator.correlate("acme", CameIn(to=[Mailbox("", ours[1].lower())]))
    assert (found.matched, found.name) == (message, "reply_address")


async def test_the_subject_has_a_token_where_the_organization_wants_it_and_an_answer_has_its_own() -> None:
    heed = await Heed().start(inbound={"subject_token": True})
    first = await heed.sent()
    subject = message_from_bytes(heed.mail())["Subject"]
    assert subject.startswith("Hello [#")
    assert (await heed.get(f"/messages/{first}"))["subject"] == "Hello"
    found = await heed.services.correlator.correlate("acme", CameIn(subject=f"AW: {subject}"))
    assert found.matched == first
    received = await came_in(heed, subject=f"AW: {subject}")
    made = await answer(heed, received)
    assert made["subject"] == "Re: Hello"
    mail = await send(heed, made["id"])
    assert mail["Subject"].count("[#") == 1
    assert mail["Subject"] != f"Re: {subject}"


async def test_plain_mail_has_no_reply_to_and_no_token(heed: Heed) -> None:
    await heed.sent()
    mail = message_from_bytes(heed.mail())
    assert (mail["Reply-To"], mail["Subject"], mail["In-Reply-To"]) == (None, "Hello", None)


async def test_the_thread_index_of_a_mail_and_its_answers_leads_back_to_them(heed: Heed) -> None:
    first = await heed.sent()
    index = message_from_bytes(heed.mail())["Thread-Index"]
    root = base64.b64decode(index)
    ticks = int.from_bytes(root[:6] + bytes(2), "big") // 10_000 - 11_644_473_600_000
    assert abs(ticks - milliseconds(heed.clock.now())) < 3 * 3600 * 1000
    second = (await answer(heed, first))["id"]
    assert (await send(heed, second))["Thread-Index"] == index

    child = base64.b64encode(root + b"12345").decode()
    found = await heed.services.correlator.correlate("acme", CameIn(headers={"thread-index": child}))
    assert (found.matched, found.name, found.method) == (second, "thread_index", 5)
    assert found.conversation == first


async def test_an_answer_to_an_address_that_no_mail_can_go_to_waits_for_its_recipients(heed: Heed) -> None:
    for number, email in enumerate(("root@localhost", "ädä@example.com", ".a.@example.com"), 1):
        received = await came_in(heed, number, from_address=Correspondent(email=email))
        made = await answer(heed, received)
        assert (made["to"], made["subject"]) == ([], "Re: Hello")


async def test_a_draft_can_be_moved_to_a_thread_and_out_of_it(heed: Heed) -> None:
    first = await heed.sent()
    draft = await heed.post(
        "/messages", {"from": "rep1", "to": [{"email": "bob@example.com"}], "subject": "News", "text": "Hi"}
    )
    moved = await heed.api("PATCH", f"/messages/{draft['id']}", {"in_reply_to": first})
    assert (moved.json["in_reply_to"], moved.json["conversation"]) == (first, first)
    assert (moved.json["subject"], moved.json["to"]) == ("News", draft["to"])
    alone = await heed.api("PATCH", f"/messages/{draft['id']}", {"in_reply_to": None})
    assert (alone.json["in_reply_to"], alone.json["conversation"]) == (None, draft["id"])
    mail = await send(heed, draft["id"])
    assert mail["In-Reply-To"] is None
    assert mail["References"] is None


async def test_a_draft_that_was_moved_to_a_thread_goes_out_as_an_answer(heed: Heed) -> None:
    first = await heed.sent()
    draft = await heed.post("/messages", {"from": "rep1", "to": [{"email": "bob@example.com"}], "html": "<p>Hi</p>"})
    await heed.api("PATCH", f"/messages/{draft['id']}", {"in_reply_to": first})
    mail = await send(heed, draft["id"])
    assert mail["In-Reply-To"] == (await heed.get(f"/messages/{first}"))["message_id"]
    items = (await heed.get(f"/conversations/{first}"))["items"]
    assert [each["id"] for each in items] == [first, draft["id"]]


async def test_a_draft_cannot_be_moved_to_what_is_no_thread(heed: Heed) -> None:
    first = await heed.sent()
    draft = await heed.post("/messages", {"from": "rep1", "to": [{"email": "bob@example.com"}]})
    for to in (draft["id"], "0" * 32):
        refused = await heed.api("PATCH", f"/messages/{draft['id']}", {"in_reply_to": to})
        assert (refused.status, refused.json["errors"][0]["loc"]) == (422, ["in_reply_to"])
    assert (await heed.api("PATCH", f"/messages/{first}", {"in_reply_to": None})).status == 409


async def test_mail_quoted_into_an_answer_later_loses_its_pixel_too(heed: Heed) -> None:
    first = await heed.sent()
    [pixel] = heed.urls("o")
    draft = (await answer(heed, first))["id"]
    changed = await heed.api("PATCH", f"/messages/{draft}", {"html": f'<p>Hi</p><img src="{BASE_URL}{pixel}">'})
    assert pixel not in changed.json["html"]
