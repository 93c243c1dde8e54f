"""POST /inbound: what becomes of a mail is told at once, and again is the same."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.heed import ADMIN_KEY, Heed
from tests.support.inbound import (
    answer_to,
    blobs_of,
    bounce_of,
    inbound_key,
    post_mail,
    put_mailbox,
    raw_mail,
    receive,
)


@pytest.fixture
async def heed() -> Heed:
    return await Heed().start(inbound={"keep": "excerpt", "categories": True})


async def test_an_answer_is_told_with_what_it_answers(heed: Heed) -> None:
    message = await heed.sent()
    answer = await receive(heed, await answer_to(heed, message))
    assert answer["outcome"] == "tracked"
    assert answer["kind"] == "reply"
    assert answer["correlation"] == {"method": 3, "name": "in_reply_to", "confidence": 0.98, "matched": message}
    assert answer["because"] == "Its In-Reply-To names that mail."
    assert await heed.get(f"/inbound/{answer['id']}") == answer


async def test_an_answer_counts_and_stands_in_the_timeline(heed: Heed) -> None:
    message = await heed.sent()
    answer = await receive(heed, await answer_to(heed, message))
    sent = await heed.get(f"/messages/{message}")
    [event] = (await heed.get(f"/messages/{message}/timeline"))["items"]
    assert sent["kpis"]["replies"] == 1
    assert sent["status_text"].startswith("Answered")
    assert (event["kind"], event["mail"], event["recipient"]) == ("reply", answer["message"], "ada@example.com")


async def test_a_received_message_shows_who_wrote_it(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {"name": "Ada", "emails": ["ada@example.com"]})
    message = await heed.sent(regarding={"type": "opportunity", "id": "o1"})
    answer = await receive(heed, await answer_to(heed, message))
    shown = await heed.get(f"/messages/{answer['message']}")
    assert (shown["status"], shown["from"], shown["kind"]) == ("received", "rep1", "reply")
    assert shown["from_address"] == {"email": "ada@example.com", "name": "Ada"}
    assert shown["record"] == {"type": "contact", "id": "c1"}
    assert shown["regarding"]["id"] == "o1"
    assert shown["conversation"] == message
    assert shown["received_at"] == "2026-05-04T09:20:00.000Z"
    assert shown["correlation"]["matched"] == message
    assert shown["tracked_by"] == ["in_reply_to"]


@pytest.mark.parametrize(
    ("keep", "excerpt", "text"),
    [("none", None, None), ("excerpt", "Yes, please.", None), ("mail", "Yes, please.", "Yes, please.\n\n> Hello\n")],
)
async def test_the_organization_decides_what_is_kept_of_the_text(keep: str, excerpt: str, text: str) -> None:
    heed = await Heed().start(inbound={"keep": keep})
    answer = await receive(heed, await answer_to(heed, await heed.sent()))
    shown = await heed.get(f"/messages/{answer['message']}")
    assert (shown["excerpt"], shown["text"]) == (excerpt, text)
    assert len(blobs_of(heed)) == (keep == "mail")


async def test_a_mail_that_is_kept_can_be_had_as_it_came_and_runs_nowhere() -> None:
    heed = await Heed().start(inbound={"keep": "mail"})
    raw = await answer_to(heed, await heed.sent(), "<script>alert(1)</script>")
    message = (await receive(heed, raw))["message"]
    found = await heed.api("GET", f"/messages/{message}/mail")
    assert (found.status, found.body) == (200, raw)
    assert found.headers["content-type"].startswith("message/rfc822")
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["content-disposition"].startswith(f'attachment; filename="{message}.eml"')


async def test_a_mail_that_is_not_kept_is_not_there_and_keys_that_bring_mail_read_none() -> None:
    heed = await Heed().start(inbound={"keep": "excerpt"})
    sent = await heed.sent()
    message = (await receive(heed, await answer_to(heed, sent)))["message"]
    for each in (message, sent, "0" * 32):
        assert (await heed.api("GET", f"/messages/{each}/mail")).status == 404
    key = await inbound_key(heed)
    assert (await heed.request("GET", f"/api/orgs/acme/messages/{message}/mail", key=key)).status == 403


async def test_a_mail_whose_files_are_in_winmail_dat_says_so(heed: Heed) -> None:
    head, _, text = (await answer_to(heed, await heed.sent())).partition(b"\n\n")
    head = head.replace(b"Content-Type: text/plain", b'Content-Type: multipart/mixed; boundary="b"\nX-Was: text/plain')
    parts = b"\n\n--b\nContent-Type: text/plain\n\n%b\n--b\nContent-Type: application/ms-tnef\n\nx\n--b--\n" % text
    answer = await receive(heed, head + parts)
    shown = await heed.get(f"/messages/{answer['message']}")
    assert [each["code"] for each in shown["remarks"]] == ["winmail"]
    assert "winmail.dat" in shown["remarks"][0]["text"]


@pytest.mark.parametrize(
    ("date", "at"),
    [
        ("Thu, 01 Jan 1970 00:00:00 +0000", "2026-05-04T09:30:00.000Z"),
        ("Mon, 01 Jan 0001 00:00:00 +1400", "2026-05-04T09:30:00.000Z"),
        ("Sun, 03 May 2026 10:00:00 +0000", "2026-05-03T10:00:00.000Z"),
        ("Mon, 04 May 2026 10:00:00 +0000", "2026-05-04T10:00:00.000Z"),
        ("Wed, 31 Dec 2200 09:20:00 +0000", "2026-05-04T11:00:00.000Z"),
        ("Fri, 31 Dec 9999 23:59:59 -1200", "2026-05-04T11:00:00.000Z"),
    ],
)
async def test_an_answer_comes_about_when_it_can_and_not_in_the_future(heed: Heed, date: str, at: str) -> None:
    raw = await answer_to(heed, await heed.sent())
    raw = raw.replace(b"Mon, 04 May 2026 09:20:00 +0000", date.encode())
    answer = await receive(heed, raw)
    assert (await heed.get(f"/messages/{answer['message']}"))["received_at"] == at


async def test_a_return_is_not_told_by_a_clock_that_is_wrong_by_years(heed: Heed) -> None:
    message = await heed.sent()
    raw = await answer_to(heed, message, "I am back on 5 May 2199.", Auto_Submitted="auto-replied")
    await receive(heed, raw.replace(b"Mon, 04 May 2026 09:20:00 +0000", b"Mon, 01 Apr 2199 09:20:00 +0000"))
    [event] = (await heed.get(f"/messages/{message}/timeline"))["items"]
    assert (event["kind"], event["answer"]["back_at"]) == ("auto_reply", None)


async def test_half_a_character_stops_no_mail(heed: Heed) -> None:
    raw = await answer_to(heed, await heed.sent(), "Yes +2D0- please")
    answer = await receive(heed, raw.replace(b'charset="utf-8"', b"charset=utf-7"))
    assert (await heed.get(f"/messages/{answer['message']}"))["excerpt"] == "Yes \ufffd please"


async def test_a_received_message_stands_in_lists(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {"emails": ["ada@example.com"]})
    message = await heed.sent()
    answer = await receive(heed, await answer_to(heed, message))
    for query in ("view=received", "view=received&owner=rep1", "view=received&record=contact/c1"):
        assert [each["id"] for each in (await heed.get(f"/messages?{query}"))["items"]] == [answer["message"]]
    activities = (await heed.get("/records/contact/c1/activities"))["items"]
    assert answer["message"] in [each["id"] for each in activities]
    conversation = (await heed.get(f"/conversations/{message}"))["items"]
    assert {each["id"] for each in conversation} == {message, answer["message"]}


async def test_a_mail_that_comes_again_is_a_duplicate_of_its_message(heed: Heed) -> None:
    message = await heed.sent()
    raw = await answer_to(heed, message)
    first = await receive(heed, raw)
    again = await receive(heed, b"Received: from elsewhere\n" + raw)
    assert (again["outcome"], again["message"], again["id"]) == ("duplicate", first["message"], first["id"])
    assert (await heed.get(f"/inbound/{first['id']}"))["outcome"] == "tracked"
    assert (await heed.get(f"/messages/{message}"))["kpis"]["replies"] == 1


async def test_our_own_mail_is_no_activity_of_its_own(heed: Heed) -> None:
    message = await heed.sent()
    answer = await receive(heed, heed.mail())
    assert (answer["outcome"], answer["message"], answer["correlation"]["name"]) == ("duplicate", message, "skipped")


async def test_a_mail_that_answers_nothing_leaves_no_trace_of_its_words(heed: Heed) -> None:
    answer = await receive(heed, raw_mail("A secret"))
    assert (answer["outcome"], answer["message"], answer["kind"]) == ("ignored", None, "new")
    assert "has only answers to tracked mail kept" in answer["because"]
    assert (await heed.get("/messages?view=received"))["items"] == []
    assert blobs_of(heed) == []


@pytest.mark.parametrize(
    ("choice", "tracked"), [("all", "tracked"), ("known", "tracked"), ("replies", "ignored"), ("none", "ignored")]
)
async def test_the_user_chooses_which_mail_is_kept(heed: Heed, choice: str, tracked: str) -> None:
    await heed.put("/records/lead/l1", {"emails": ["ada@example.com"]})
    await heed.api("PATCH", "/users/rep1", {"inbound": choice})
    answer = await receive(heed, raw_mail())
    assert answer["outcome"] == tracked


async def test_mail_of_unknown_senders_is_not_kept_for_who_wants_known_ones(heed: Heed) -> None:
    await heed.put("/records/other/x1", {"emails": ["ada@example.com"]})
    await heed.api("PATCH", "/users/rep1", {"inbound": "known"})
    assert (await receive(heed, raw_mail()))["outcome"] == "ignored"


async def test_a_queue_keeps_every_mail_without_a_user(heed: Heed) -> None:
    await put_mailbox(heed, "support", owner=None, queue=True)
    answer = await receive(heed, raw_mail(to="support@acme.example"), "?mailbox=support&folder=INBOX")
    shown = await heed.get(f"/messages/{answer['message']}")
    assert (shown["from"], shown["tracked_by"]) == (None, ["queue"])
    listed = (await heed.get("/messages?view=received"))["items"]
    assert [each["id"] for each in listed] == [answer["message"]]


async def test_a_folder_tracks_what_lies_in_it(heed: Heed) -> None:
    await heed.api("PATCH", "/users/rep1", {"inbound": "none"})
    deal = {"type": "opportunity", "id": "o9", "name": "The deal"}
    await put_mailbox(heed, folders=[{"path": "INBOX"}, {"path": "Deal", "regarding": deal}, {"path": "Tracked"}])
    inbox = await receive(heed, raw_mail(), "?mailbox=ritas&folder=INBOX")
    placed = await receive(heed, raw_mail(number=2), "?mailbox=ritas&folder=Deal")
    moved = await receive(heed, raw_mail(number=3), "?mailbox=ritas&folder=Tracked")
    assert inbox["outcome"] == "ignored"
    assert placed["tracked_by"] == ["folder"]
    assert (await heed.get(f"/messages/{placed['message']}"))["regarding"] == deal
    assert (await heed.get(f"/messages/{moved['message']}"))["regarding"] is None


async def test_a_category_tracks_where_the_organization_wants_that(heed: Heed) -> None:
    await put_mailbox(heed, categories=[{"name": "Follow up", "create": "case"}])
    answer = await receive(heed, raw_mail(), "?mailbox=ritas&category=follow%20up")
    assert answer["tracked_by"] == ["category"]
    assert (await heed.get(f"/messages/{answer['message']}"))["category"] == "Follow up"
    other = await Heed().start()
    await put_mailbox(other, categories=[{"name": "Follow up"}])
    assert (await receive(other, raw_mail(), "?mailbox=ritas&category=Follow%20up"))["outcome"] == "ignored"


async def test_a_mail_that_is_moved_to_a_folder_later_is_tracked_then(heed: Heed) -> None:
    await put_mailbox(heed, folders=[{"path": "INBOX"}, {"path": "Tracked"}])
    assert (await receive(heed, raw_mail(), "?mailbox=ritas&folder=INBOX"))["outcome"] == "ignored"
    assert (await receive(heed, raw_mail(), "?mailbox=ritas&folder=Tracked"))["outcome"] == "tracked"


@pytest.mark.parametrize("folder_first", [True, False])
async def test_folder_and_thread_make_one_activity_about_the_more_specific_record(
    heed: Heed, folder_first: bool
) -> None:
    await heed.put("/records/account/a1", {"name": "Account"})
    await heed.put("/records/opportunity/o1", {"name": "Deal", "parent": {"type": "account", "id": "a1"}})
    await put_mailbox(heed, folders=[{"path": "INBOX"}, {"path": "A", "regarding": {"type": "account", "id": "a1"}}])
    message = await heed.sent(regarding={"type": "opportunity", "id": "o1"})
    raw = await answer_to(heed, message)
    queries = ["?mailbox=ritas&folder=A", "?mailbox=ritas&folder=INBOX"]
    answers = [await receive(heed, raw, query) for query in (queries if folder_first else reversed(queries))]
    assert answers[1]["outcome"] == "duplicate"
    [shown] = (await heed.get("/messages?view=received"))["items"]
    assert shown["regarding"]["id"] == "o1"
    assert set(shown["tracked_by"]) == {"folder", "in_reply_to"}
    assert (await heed.get(f"/messages/{message}"))["kpis"]["replies"] == 1


async def test_a_bounce_tells_that_the_mail_did_not_arrive(heed: Heed) -> None:
    await heed.api("PATCH", "/users/rep1", {"inbound": "none"})
    message = await heed.sent()
    answer = await receive(heed, await bounce_of(heed, message))
    assert (answer["outcome"], answer["kind"]) == ("tracked", "bounce")
    [recipient] = (await heed.get(f"/messages/{message}/recipients"))["items"]
    assert (recipient["delivery"]["state"], recipient["delivery"]["code"]) == ("bounced", "5.1.1")
    [event] = (await heed.get(f"/messages/{message}/timeline"))["items"]
    assert event["kind"] == "bounce"


async def test_a_reply_of_who_said_no_is_a_mail_and_no_engagement(heed: Heed) -> None:
    reminder = {"title": "Ask", "condition": "no_reply", "at": "2026-06-01T09:00:00Z"}
    message = await heed.sent(reminder=reminder)
    await heed.put("/consents/ada@example.com", {"follow": "do_not_allow"})
    answer = await receive(heed, await answer_to(heed, message))
    sent = await heed.get(f"/messages/{message}")
    assert answer["outcome"] == "tracked"
    assert sent["kpis"]["replies"] == 0
    assert (await heed.get(f"/messages/{message}/timeline"))["items"] == []
    assert sent["reminder"]["state"] == "met"
    assert (await heed.get("/reminders", x_heed_user="rep1"))["items"] == []


async def test_without_engagement_a_reply_is_still_a_mail() -> None:
    heed = await Heed().start(engagement_enabled=False)
    message = await heed.sent()
    answer = await receive(heed, await answer_to(heed, message))
    assert (await heed.get(f"/messages/{answer['message']}"))["status"] == "received"
    assert (await heed.get(f"/messages/{message}"))["kpis"]["replies"] == 0


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/send", None),
        ("POST", "/prepare", None),
        ("PUT", "/schedule", {"deliver_at": "2026-06-01T09:00:00Z"}),
        ("PUT", "/reminder", {"title": "x", "condition": "always", "at": "2026-06-01T09:00:00Z"}),
        ("POST", "/resolve", {"as": "sent"}),
        ("POST", "/sent", {"message_id": "<a@b.example>", "sent_at": "2026-05-04T09:00:00Z"}),
        ("PATCH", "", {"subject": "Other"}),
        ("PATCH", "", {"deliver_at": "2026-06-01T09:00:00Z"}),
        ("DELETE", "", None),
    ],
)
async def test_a_received_message_is_nothing_to_send(heed: Heed, method: str, path: str, body: Any) -> None:
    answer = await receive(heed, await answer_to(heed, await heed.sent()))
    refused = await heed.api(method, f"/messages/{answer['message']}{path}", body)
    assert refused.status == 409, refused.body


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"", 422),
        (b"just words", 422),
        (b"\x00" * 1000, 422),
        (b"Subject: x\n" + b"a" * 26_000_000, 413),
        (b"Subject: " + b"x" * 1_000_000 + b"\n\nHi", 422),
        (b"From: a@b.example\n" * 2000 + b"\nHi", 422),
    ],
)
async def test_what_is_no_mail_is_refused(heed: Heed, raw: bytes, status: int) -> None:
    heed.services.mail_intake.patience = 60.0
    answer = await post_mail(heed, raw)
    assert answer.status == status, answer.body
    assert blobs_of(heed) == []


@pytest.mark.parametrize(
    "raw",
    [
        b"From: a@b.example\nSubject: \x00x\n\nHi\x00",
        b"From: " + b", ".join(b"p%d@example.com" % number for number in range(3_000)) + b"\n\nHi",
        b"From: a@b.example\nTo: not an address, @, <>\nSubject: =?x?q?y?=\n\nHi",
        b"From: @\nMessage-ID: <" + b"x" * 900 + b"@y>\n\nHi",
    ],
)
async def test_odd_mail_has_an_outcome(heed: Heed, raw: bytes) -> None:
    await put_mailbox(heed, queue=True)
    answer = await receive(heed, raw, "?mailbox=ritas")
    assert answer["outcome"] == "tracked"
    assert (await heed.get(f"/messages/{answer['message']}"))["status"] == "received"


async def test_a_large_mail_is_queued_and_told_later(heed: Heed) -> None:
    message = await heed.sent()
    raw = await answer_to(heed, message) + b"x\n" * 2_600_000
    answer = await post_mail(heed, raw)
    assert (answer.status, answer.json["outcome"]) == (202, "queued")
    assert (await heed.get(f"/inbound/{answer.json['id']}"))["outcome"] == "queued"
    await heed.work()
    later = await heed.get(f"/inbound/{answer.json['id']}")
    assert (later["outcome"], later["correlation"]["matched"]) == ("tracked", message)
    assert blobs_of(heed) == []


async def test_a_mail_that_takes_long_is_queued_and_told_later(heed: Heed) -> None:
    message = await heed.sent()
    heed.services.mail_intake.patience = 0.0
    raw = await answer_to(heed, message, "x\n" * 40_000)
    answer = await post_mail(heed, raw)
    assert (answer.status, answer.json["outcome"]) == (202, "queued")
    await heed.work()
    later = await heed.get(f"/inbound/{answer.json['id']}")
    assert (later["outcome"], later["correlation"]["matched"]) == ("tracked", message)
    assert (await post_mail(heed, raw)).json["outcome"] == "duplicate"


async def test_a_large_mail_that_cannot_be_read_is_told_why(heed: Heed) -> None:
    answer = await post_mail(heed, b"Subject: " + b"x" * 6_000_000)
    await heed.work()
    later = await heed.get(f"/inbound/{answer.json['id']}")
    assert later["outcome"] == "unreadable"
    assert later["because"].startswith("It could not be read: its header")
    assert blobs_of(heed) == []


async def test_a_key_for_inbound_mail_does_that_alone(heed: Heed) -> None:
    message = await heed.sent()
    key = await inbound_key(heed)
    answer = await post_mail(heed, await answer_to(heed, message), key=key)
    assert answer.json["outcome"] == "tracked"
    assert (await heed.request("GET", f"/api/orgs/acme/inbound/{answer.json['id']}", key=key)).status == 200
    assert (await heed.request("GET", f"/api/orgs/acme/messages/{message}", key=key)).status == 403


async def test_a_key_for_reading_brings_no_mail(heed: Heed) -> None:
    made = await heed.request("POST", "/api/orgs/acme/keys", {"scope": "read"}, key=ADMIN_KEY)
    assert (await post_mail(heed, raw_mail(), key=made.json["key"])).status == 403


async def test_an_unknown_mailbox_is_a_mistake(heed: Heed) -> None:
    assert (await post_mail(heed, raw_mail(), "?mailbox=none")).status == 422
    assert (await post_mail(heed, raw_mail(), "?folder=INBOX")).status == 422


async def test_another_organizations_message_is_not_found(heed: Heed) -> None:
    message = await heed.sent()
    raw = await answer_to(heed, message)
    other = await heed.organization("other")
    answer = await heed.request("POST", "/api/orgs/other/inbound", raw, key=other)
    assert (answer.json["outcome"], answer.json["correlation"]["matched"]) == ("ignored", None)
    known = await receive(heed, raw)
    assert (await heed.request("GET", f"/api/orgs/other/inbound/{known['id']}", key=other)).status == 404


async def test_what_became_of_an_unknown_mail_is_not_told(heed: Heed) -> None:
    assert (await heed.api("GET", f"/inbound/{'0' * 32}")).status == 404
    assert (await heed.api("GET", "/inbound/nothing")).status == 404


@pytest.mark.parametrize("bounce_first", [True, False])
async def test_a_recipient_who_answers_has_got_the_mail_whatever_a_bounce_says(heed: Heed, bounce_first: bool) -> None:
    message = await heed.sent()
    mails = [await bounce_of(heed, message), await answer_to(heed, message)]
    for raw in mails if bounce_first else reversed(mails):
        await receive(heed, raw)
    [recipient] = (await heed.get(f"/messages/{message}/recipients"))["items"]
    assert recipient["delivery"]["state"] == "accepted"


async def test_a_bounce_that_quotes_an_address_is_about_its_recipient(heed: Heed) -> None:
    message = await heed.sent(to=[{"email": "ada@example.com"}, {"email": "o'neil@example.com"}])
    await receive(heed, await bounce_of(heed, message, '"o\'neil"@example.com'))

    states = [each["delivery"]["state"] for each in (await heed.get(f"/messages/{message}/recipients"))["items"]]
    assert states == ["accepted", "bounced"]


async def test_an_answer_of_one_recipient_says_nothing_of_another_ones_bounce(heed: Heed) -> None:
    message = await heed.sent(to=[{"email": "ada@example.com"}, {"email": "bob@example.net"}])
    await receive(heed, await bounce_of(heed, message, "bob@example.net"))
    await receive(heed, await answer_to(heed, message))
    states = [each["delivery"]["state"] for each in (await heed.get(f"/messages/{message}/recipients"))["items"]]
    assert states == ["accepted", "bounced"]


async def test_a_category_makes_what_its_mailbox_says_once(heed: Heed) -> None:
    await put_mailbox(heed, categories=[{"name": "Track", "create": "case"}, {"name": "Lead", "create": "lead"}])
    for _ in range(2):
        await receive(heed, raw_mail(number=1), "?mailbox=ritas&folder=INBOX&category=Track")
    await receive(heed, raw_mail(number=2, sender="Zed <zed@example.net>"), "?mailbox=ritas&folder=INBOX&category=lead")
    [case] = (await heed.get("/activities?type=case"))["items"]
    assert (case["title"], case["status"]) == ("Re: Hello", "open")
    [lead] = (await heed.get("/records?type=lead"))["items"]
    assert (lead["name"], lead["emails"]) == ("Zed", ["zed@example.net"])


async def test_what_is_to_be_kept_counts_as_soon_as_it_is_set(heed: Heed) -> None:
    message = await heed.sent()
    await receive(heed, await answer_to(heed, message))
    changed = await heed.request("PATCH", "/api/orgs/acme", {"settings": {"inbound": {"keep": "mail"}}}, key=ADMIN_KEY)
    assert changed.status == 200
    answer = await receive(heed, await answer_to(heed, message, number=2))
    assert (await heed.api("GET", f"/messages/{answer['message']}/mail")).status == 200
