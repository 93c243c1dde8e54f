"""Mail that mailboxes bring: kept at once, taken in from the queue, and the queue goes on whatever comes."""

from __future__ import annotations

import json

import pytest

from lib.inbound.origin import Origin
from lib.storage import Missing
from lib.storage.memory import MemoryQueues
from lib.workers.pool import INLINE
from tests.support.heed import ADMIN_KEY, Heed, InvocationError
from tests.support.inbound import answer_to, blobs_of, bring, post_mail, put_mailbox, raw_mail
from tests.support.off_loop_jobs import die_over_large_mail


@pytest.fixture
async def heed() -> Heed:
    return await Heed().start()


async def outcome_of(heed: Heed, raw: bytes) -> dict[str, object]:
    """What became of a mail, as the API tells it."""
    mail = await heed.services.mail_intake._identify("acme", raw)
    found: dict[str, object] = await heed.get(f"/inbound/{mail}")
    return found


async def test_a_mail_is_kept_before_it_is_read(heed: Heed) -> None:
    message = await heed.sent()
    raw = await answer_to(heed, message)
    await bring(heed, raw, owner="rep1")
    [blob] = blobs_of(heed)
    assert await heed.storage.blobs.read_blob("heed-acme", blob) == raw
    assert (await heed.get(f"/messages/{message}"))["kpis"]["replies"] == 0
    await heed.work()
    assert (await heed.get(f"/messages/{message}"))["kpis"]["replies"] == 1
    assert blobs_of(heed) == []


async def test_a_mail_in_two_mailboxes_is_one_activity(heed: Heed) -> None:
    await heed.put("/users/rep2", {"email": "rep2@acme.example", "inbound": "all"})
    message = await heed.sent()
    raw = await answer_to(heed, message)
    await bring(heed, raw, mailbox="one", owner="rep1")
    await bring(heed, b"Received: from elsewhere\n" + raw, mailbox="two", owner="rep2")
    await heed.work()
    assert len((await heed.get("/messages?view=received"))["items"]) == 1
    assert (await heed.get(f"/messages/{message}"))["kpis"]["replies"] == 1
    assert blobs_of(heed) == []


async def test_a_mail_that_one_user_does_not_want_is_kept_for_another(heed: Heed) -> None:
    await heed.api("PATCH", "/users/rep1", {"inbound": "none"})
    await heed.put("/users/rep2", {"email": "rep2@acme.example", "inbound": "all"})
    await bring(heed, raw_mail(), mailbox="one", owner="rep1")
    await heed.work()
    await bring(heed, raw_mail(), mailbox="two", owner="rep2")
    await heed.work()
    [shown] = (await heed.get("/messages?view=received"))["items"]
    assert shown["from"] == "rep2"


async def test_a_mail_from_the_same_place_is_not_kept_again(heed: Heed) -> None:
    raw = await answer_to(heed, await heed.sent())
    await bring(heed, raw, mailbox="one", owner="rep1")
    await heed.work()
    await bring(heed, raw, mailbox="one", owner="rep1")
    assert isinstance(heed.storage.queues, MemoryQueues)
    assert heed.storage.queues.take_message("inbound") is None
    assert blobs_of(heed) == []


async def test_an_order_that_comes_twice_is_the_same(heed: Heed) -> None:
    message = await heed.sent()
    raw = await answer_to(heed, message)
    await bring(heed, raw, owner="rep1")
    await bring(heed, raw, owner="rep1")
    await heed.work()
    assert len((await heed.get("/messages?view=received"))["items"]) == 1


async def test_a_mail_that_cannot_be_read_says_why_and_the_queue_goes_on(heed: Heed) -> None:
    message = await heed.sent()
    broken, good = b"no mail at all", await answer_to(heed, message)
    await bring(heed, broken, mailbox="one", owner="rep1")
    await bring(heed, good, mailbox="one", owner="rep1")
    await heed.work()
    found = await outcome_of(heed, broken)
    assert found["outcome"] == "unreadable"
    assert found["because"] == "It could not be read: it has none of the headers of a mail."
    assert (await heed.get(f"/messages/{message}"))["kpis"]["replies"] == 1


async def test_a_mail_over_which_processes_end_says_so_and_the_queue_goes_on(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = await heed.sent()
    deadly, good = raw_mail("x" * INLINE, number=2), await answer_to(heed, message)
    monkeypatch.setattr("lib.inbound.take_in.read_inbound", die_over_large_mail)
    await bring(heed, deadly, mailbox="one", owner="rep1")
    await bring(heed, good, mailbox="one", owner="rep1")
    await heed.work()
    found = await outcome_of(heed, deadly)
    assert found["outcome"] == "unreadable"
    assert found["because"] == (
        "It could not be read: the process that read it has ended, or was stuck, and so was another one."
    )
    assert (await heed.get(f"/messages/{message}"))["kpis"]["replies"] == 1
    assert blobs_of(heed) == []
    heed.services.mail_intake.patience = 60.0  # however slow the machine is: the answer at once is looked at
    refused = await post_mail(heed, raw_mail("x" * INLINE, number=3))
    assert refused.status == 422


async def test_a_mail_whose_reading_is_cut_off_by_our_own_end_is_read_again(heed: Heed) -> None:
    raw = raw_mail("x" * INLINE)
    await bring(heed, raw, owner="rep1")
    heed.services.off_loop.close()
    with pytest.raises(InvocationError):
        await heed.work()
    assert len(blobs_of(heed)) == 1


async def test_a_mail_that_a_mailbox_could_not_read_is_noted_with_its_reason(heed: Heed) -> None:
    headers = b"Message-ID: <large@example.com>\nSubject: Large\n\n"
    for _ in range(2):
        await heed.services.mail_intake.refuse_mail("acme", headers, Origin("one"), "It has 90 MB.")
    found = await outcome_of(heed, headers)
    assert (found["outcome"], found["because"]) == ("unreadable", "It has 90 MB.")


async def test_a_mail_that_was_refused_and_can_be_read_later_is_taken_in(heed: Heed) -> None:
    raw = await answer_to(heed, await heed.sent())
    await heed.services.mail_intake.refuse_mail("acme", raw, Origin("one"), "The connection broke off.")
    await bring(heed, raw, mailbox="two", owner="rep1")
    await heed.work()
    assert (await outcome_of(heed, raw))["outcome"] == "tracked"


async def test_folders_count_as_they_are_when_the_mail_is_taken_in(heed: Heed) -> None:
    await put_mailbox(heed, folders=[{"path": "Deal", "regarding": {"type": "case", "id": "k1"}}])
    await bring(heed, raw_mail(), mailbox="ritas", folder="Deal", owner="rep1")
    await heed.work()
    [shown] = (await heed.get("/messages?view=received"))["items"]
    assert (shown["regarding"]["id"], shown["tracked_by"]) == ("k1", ["folder"])


async def test_mail_of_a_deleted_organization_goes_with_it(heed: Heed) -> None:
    await bring(heed, raw_mail(), owner="rep1")
    await heed.request("DELETE", "/api/orgs/acme", key=ADMIN_KEY)
    assert await heed.work("inbound") == 1


async def test_a_queue_that_is_not_there_yet_is_made(heed: Heed, monkeypatch: pytest.MonkeyPatch) -> None:
    queues, made = heed.storage.queues, list[str]()
    send = queues.send

    async def send_where_made(queue: str, body: str) -> None:
        if queue not in made:
            raise Missing(f"no queue {queue}")
        await send(queue, body)

    async def make(queue: str) -> None:
        made.append(queue)

    monkeypatch.setattr(queues, "send", send_where_made)
    monkeypatch.setattr(queues, "create", make)
    await bring(heed, raw_mail(), owner="rep1")
    assert made == ["inbound"]
    assert await heed.work("inbound") == 1


async def test_an_order_without_its_mail_fails_and_is_tried_again(heed: Heed) -> None:
    await bring(heed, raw_mail(), owner="rep1")
    [blob] = blobs_of(heed)
    await heed.storage.blobs.delete_blob("heed-acme", blob)
    with pytest.raises(InvocationError):
        await heed.work()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{}",
        json.dumps({"v": 1, "org": "acme", "mail": "x", "size": 1, "origin": {}}),
        json.dumps({"v": 1, "org": "Acme", "mail": "0" * 32, "size": 1, "origin": {}}),
        json.dumps({"v": 1, "org": "acme", "mail": "0" * 32, "size": 1, "origin": {"folder": 5}}),
        json.dumps({"v": 1, "org": "acme", "mail": "0" * 32, "size": 1, "origin": {"path": "x"}}),
    ],
)
async def test_what_is_no_order_ends_in_the_poison_queue(heed: Heed, body: str) -> None:
    await heed.storage.queues.send("inbound", body)
    with pytest.raises(InvocationError):
        await heed.work("inbound")
