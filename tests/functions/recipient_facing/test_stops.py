"""A stop acts on mail that was sent already: answers stay as they were, and nothing of it is kept."""

from __future__ import annotations

from typing import Any

import pytest

from lib.composing.copy_tokens import CopyTokens
from lib.storage.layout import KINDS, QUEUES, container, table
from lib.storage.memory import MemoryBlobs, MemoryQueues
from lib.storage.protocols import EVERYTHING
from lib.tokens import Purpose
from tests.support.attachments import add, send
from tests.support.heed import ADMIN_KEY, GMAIL, Heed

ADA = {"email": "ada@example.com", "name": "Ada"}
BOB = {"email": "bob@example.com", "name": "Bob"}
NO, YES = {"follow": "do_not_allow"}, {"follow": "allow"}
LINK = "https://example.com/a?b=1&c=2"


async def stored(heed: Heed, organization: str = "acme") -> dict[tuple[str, str, str], str]:
    """Everything that storage has of an organization, and all that waits in queues, as text by place."""
    found: dict[tuple[str, str, str], str] = {}
    for kind in KINDS:
        async for row in heed.storage.tables.query(table(organization, kind), EVERYTHING):
            found[kind, row.partition, row.key] = str(dict(row.values))
    blobs, queues = heed.storage.blobs, heed.storage.queues
    assert isinstance(blobs, MemoryBlobs)
    assert isinstance(queues, MemoryQueues)
    for name in blobs.names(container(organization)):
        found["blob", name, ""] = str(await blobs.read_blob(container(organization), name))
    for number, sent in enumerate(queues.waiting):
        found[f"queue {sent.queue}", str(number), ""] = sent.body
    return found


async def hit_all(heed: Heed, number: int = -1) -> list[tuple[int, str | None]]:
    """Ask for the pixel and the link of a mail; what was answered."""
    paths = [heed.urls(kind, number)[0] for kind in ("o", "c")]
    answers = [await heed.hit(path, GMAIL) for path in paths]
    return [(answer.status, answer.headers.get("location")) for answer in answers]


async def settle(heed: Heed) -> None:
    """Let the queue be worked off until nothing more comes of it, and the sweep look for what it has lost."""
    await heed.work()
    heed.clock.move(minutes=15)
    await heed.tick("sweep_journal")
    await heed.work()


async def kpis(heed: Heed, message: str) -> Any:
    read = (await heed.get(f"/messages/{message}"))["kpis"]
    return read["raw"]["opens"], read["raw"]["clicks"]


async def refreshed(heed: Heed) -> None:
    """A minute later, the list in memory is a new one."""
    heed.clock.move(minutes=1)
    await heed.services.stops.list.refresh()


@pytest.fixture
async def old_tokens() -> Heed:
    """Heed with tokens that name no address, as earlier releases made them."""
    return await Heed(settings={"HEED_TOKEN_FORM": "1"}).start()


async def test_after_a_stop_answers_are_as_before_and_storage_is_untouched(heed: Heed) -> None:
    await heed.sent(to=[ADA])
    before_answers = await hit_all(heed)
    await settle(heed)
    await heed.put("/consents/ada@example.com", NO)
    await refreshed(heed)
    before = await stored(heed)

    answers = await hit_all(heed)
    await heed.services.journal.settle()

    assert answers == before_answers == [(200, None), (302, LINK)]
    assert await stored(heed) == before


async def test_a_followed_file_is_still_handed_out_after_a_stop(heed: Heed) -> None:
    message = await heed.draft(to=[ADA])
    await add(heed, message)
    await send(heed, message)
    await heed.put("/consents/ada@example.com", NO)
    await refreshed(heed)
    before = await stored(heed)

    answer = await heed.hit(heed.urls("a")[0] + "/Offer.pdf")

    assert answer.status == 302
    await heed.services.journal.settle()
    assert await stored(heed) == before


async def test_by_an_old_token_nothing_is_kept_once_the_assessor_has_seen_it(old_tokens: Heed) -> None:
    heed = old_tokens
    message = await heed.sent(to=[ADA])
    await hit_all(heed)
    await settle(heed)
    await heed.put("/consents/ada@example.com", NO)
    await refreshed(heed)
    before = await stored(heed)

    assert await hit_all(heed) == [(200, None), (302, LINK)]
    await settle(heed)

    assert new_places(before, await stored(heed)) == {"seen"}
    assert await kpis(heed, message) == (1, 1)


def new_places(before: dict[tuple[str, str, str], str], after: dict[tuple[str, str, str], str]) -> set[str]:
    """Partitions of rows that are new or another one, but for the sweep's own watermark."""
    changed = {place for place, text in after.items() if before.get(place) != text}
    return {partition for _, partition, _ in changed} - {"sweep"}


async def test_of_hits_in_the_minute_before_every_process_knows_nothing_is_kept(heed: Heed) -> None:
    other = Heed(clock=heed.clock, storage=heed.storage)
    other.key = heed.key
    message = await heed.sent(to=[ADA])
    await heed.services.stops.list.refresh()
    await other.put("/consents/ada@example.com", NO)
    before = await stored(heed)

    assert await hit_all(heed) == [(200, None), (302, LINK)]
    await settle(heed)

    assert new_places(before, await stored(heed)) == {"seen"}
    assert await kpis(heed, message) == (0, 0)


async def test_a_stop_between_hit_and_assessment_comes_first(heed: Heed) -> None:
    message = await heed.sent(to=[ADA])
    await hit_all(heed)
    await heed.put("/consents/ada@example.com", NO)
    await settle(heed)

    assert await kpis(heed, message) == (0, 0)
    assert (await heed.get(f"/messages/{message}/timeline"))["items"] == []
    assert '"kind":"open"' not in str(await stored(heed))
    assert (await heed.api("GET", "/cards", x_heed_user="rep1")).json["items"] == []


async def test_what_was_recorded_before_stays(heed: Heed) -> None:
    message = await heed.sent(to=[ADA])
    await hit_all(heed)
    await settle(heed)
    await heed.put("/consents/ada@example.com", NO)
    await heed.services.assessor.refresh("acme", message)

    assert await kpis(heed, message) == (1, 1)


async def test_after_a_yes_hits_count_again(heed: Heed) -> None:
    message = await heed.sent(to=[ADA])
    await heed.put("/consents/ada@example.com", NO)
    await refreshed(heed)
    await hit_all(heed)
    await heed.put("/consents/ada@example.com", YES)
    await refreshed(heed)
    await hit_all(heed)
    await settle(heed)

    assert await kpis(heed, message) == (1, 1)


@pytest.mark.parametrize("tokens", ["1", "2"])
async def test_a_record_that_says_no_stops_all_of_its_addresses_until_it_says_otherwise(tokens: str) -> None:
    heed = await Heed(settings={"HEED_TOKEN_FORM": tokens}).start()
    message = await heed.sent(to=[ADA])
    record = {"emails": ["other@example.com", "ADA@example.com"], "follow_email": "do_not_allow"}
    await heed.put("/records/contact/c1", record)
    await refreshed(heed)
    await hit_all(heed)
    await settle(heed)
    assert await kpis(heed, message) == (0, 0)

    await heed.put("/records/contact/c1", {**record, "emails": ["other@example.com"]})
    await refreshed(heed)
    await hit_all(heed)
    await settle(heed)
    assert await kpis(heed, message) == (1, 1)

    await heed.put("/records/contact/c1", record)
    await heed.api("PATCH", "/records/contact/c1", {"follow_email": "unknown"})
    await refreshed(heed)
    await hit_all(heed)
    await settle(heed)
    assert await kpis(heed, message) == (2, 2)


async def test_a_yes_of_the_address_does_not_undo_the_no_of_a_record(heed: Heed) -> None:
    message = await heed.sent(to=[ADA])
    await heed.put("/records/contact/c1", {"emails": ["ada@example.com"], "follow_email": "do_not_allow"})
    await heed.put("/consents/ada@example.com", NO)
    await heed.put("/consents/ada@example.com", YES)
    await refreshed(heed)
    await hit_all(heed)
    await settle(heed)

    assert await kpis(heed, message) == (0, 0)


async def test_one_of_several_recipients_of_a_copy_stops_it_for_all(heed: Heed) -> None:
    message = await heed.sent(to=[ADA, BOB])
    await heed.put("/consents/bob@example.com", NO)
    await refreshed(heed)
    await hit_all(heed)
    await settle(heed)

    assert await kpis(heed, message) == (0, 0)
    assert '"kind":"open"' not in str(await stored(heed))


async def test_of_copies_only_the_one_of_the_stopped_recipient_is_stopped() -> None:
    heed = await Heed().start(mixed_recipients="split")
    message = await heed.sent(to=[ADA, BOB])
    await heed.put("/consents/bob@example.com", NO)
    await refreshed(heed)
    for number in (0, 1):
        await hit_all(heed, number)
    await settle(heed)

    events = (await heed.get(f"/messages/{message}/timeline"))["items"]
    assert {event["recipient"] for event in events} == {"ada@example.com"}


async def test_the_same_address_at_another_organization_is_followed(heed: Heed) -> None:
    other = Heed(clock=heed.clock, storage=heed.storage)
    other.key = await heed.organization("globex")
    user = {"email": "rep@globex.example", "name": "Gus", "opt_in": True}
    await heed.request("PUT", "/api/orgs/globex/users/rep1", user, key=other.key)
    draft = {
        "from": "rep1",
        "to": [ADA],
        "subject": "x",
        "html": f'<p><a href="{LINK.replace("&", "&amp;")}">x</a></p>',
    }
    made = (await heed.request("POST", "/api/orgs/globex/messages", draft, key=other.key)).json["id"]
    await heed.request("POST", f"/api/orgs/globex/messages/{made}/send", key=other.key)
    await heed.work()
    heed.clock.move(minutes=90)
    await heed.put("/consents/ada@example.com", NO)
    await refreshed(heed)
    await hit_all(heed)
    await settle(heed)

    read = (await heed.request("GET", f"/api/orgs/globex/messages/{made}", key=other.key)).json
    assert read["kpis"]["raw"]["opens"] == 1


@pytest.mark.parametrize("how", [{"tracking": "off"}, {"engagement_enabled": False}])
async def test_an_organization_that_switches_off_keeps_nothing_more(heed: Heed, how: dict[str, Any]) -> None:
    message = await heed.sent(to=[ADA])
    await hit_all(heed)
    await heed.services.journal.settle()
    await heed.organization("acme", **how)
    before = await stored(heed)

    assert await hit_all(heed) == [(200, None), (302, LINK)]
    await heed.services.journal.settle()
    assert await stored(heed) == before
    await settle(heed)

    assert '"kind":"open"' not in str(await stored(heed))
    assert await kpis(heed, message) == (0, 0)


async def test_an_organization_that_asks_for_consent_keeps_nothing_more_of_those_who_have_said_nothing(
    heed: Heed,
) -> None:
    message = await heed.sent(to=[ADA])
    await hit_all(heed)
    await settle(heed)
    await heed.organization("acme", tracking="consent")
    before = await stored(heed)

    assert await hit_all(heed) == [(200, None), (302, LINK)]
    await settle(heed)

    assert new_places(before, await stored(heed)) == {"seen"}
    assert await kpis(heed, message) == (1, 1)  # what was recorded before stays


async def test_a_switch_to_consent_between_hit_and_assessment_comes_first(heed: Heed) -> None:
    message = await heed.sent(to=[ADA])
    await hit_all(heed)
    await heed.services.journal.settle()
    await heed.organization("acme", tracking="consent")
    await settle(heed)

    assert await kpis(heed, message) == (0, 0)
    assert '"kind":"open"' not in str(await stored(heed))


@pytest.mark.parametrize("by", ["the address", "a record"])
async def test_who_has_said_yes_is_followed_on_after_a_switch_to_consent(heed: Heed, by: str) -> None:
    message = await heed.sent(to=[ADA])
    await heed.organization("acme", tracking="consent")
    await hit_all(heed)
    await settle(heed)
    assert await kpis(heed, message) == (0, 0)

    if by == "the address":
        await heed.put("/consents/ada@example.com", YES)
    else:
        await heed.put("/records/contact/c1", {"emails": ["ada@example.com"], "follow_email": "allow"})
    await hit_all(heed)
    await settle(heed)

    assert await kpis(heed, message) == (1, 1)


async def test_after_a_switch_to_consent_one_of_several_who_has_said_nothing_stops_their_copy(heed: Heed) -> None:
    message = await heed.sent(to=[ADA, BOB])
    await heed.put("/consents/ada@example.com", YES)
    await heed.organization("acme", tracking="consent")
    await hit_all(heed)
    await settle(heed)
    assert await kpis(heed, message) == (0, 0)

    await heed.put("/consents/bob@example.com", YES)
    await hit_all(heed)
    await settle(heed)
    assert await kpis(heed, message) == (1, 1)


async def test_after_a_switch_to_consent_only_copies_of_those_who_have_said_yes_are_recorded() -> None:
    heed = await Heed().start(mixed_recipients="split")
    message = await heed.sent(to=[ADA, BOB])
    await heed.put("/consents/ada@example.com", YES)
    await heed.organization("acme", mixed_recipients="split", tracking="consent")
    for number in (0, 1):
        await hit_all(heed, number)
    await settle(heed)

    events = (await heed.get(f"/messages/{message}/timeline"))["items"]
    assert {event["recipient"] for event in events} == {"ada@example.com"}


async def test_of_a_deleted_message_nothing_is_kept(heed: Heed) -> None:
    message = await heed.draft(to=[ADA])
    tokens = CopyTokens(heed.services.ring, "acme", message, 0)
    path = f"/o/{tokens.mint_token(Purpose.OPEN)}.gif"
    await heed.api("DELETE", f"/messages/{message}")
    before = await stored(heed)

    assert (await heed.hit(path)).status == 200
    await settle(heed)

    assert new_places(before, await stored(heed)) == {"seen"}


async def test_of_a_deleted_organization_nothing_is_kept_and_no_table_comes_back(heed: Heed) -> None:
    await heed.sent(to=[ADA])
    await hit_all(heed)
    await settle(heed)
    paths = [heed.urls(kind)[0] for kind in ("o", "c")]
    assert (await heed.request("DELETE", "/api/orgs/acme", key=ADMIN_KEY)).status == 200

    assert [(await heed.hit(path)).status for path in paths] == [200, 302]
    await settle(heed)
    heed.clock.move(minutes=1)
    await heed.services.stops.list.refresh()
    assert [(await heed.hit(path)).status for path in paths] == [200, 302]
    await heed.services.journal.settle()

    assert await stored(heed) == {}
    assert {sent.queue for sent in heed.storage.queues.waiting} <= set(QUEUES)  # type: ignore[attr-defined]


async def test_an_organization_that_counts_without_who_names_no_recipient_of_mail_that_was_sent_before() -> None:
    heed = await Heed().start(mixed_recipients="split")
    await heed.put("/records/contact/c1", {"emails": ["ada@example.com"]})
    message = await heed.sent(to=[ADA, BOB])
    for number in (0, 1):
        await hit_all(heed, number)
    await settle(heed)
    await heed.organization("acme", tracking="aggregate", mixed_recipients="split")

    events = (await heed.get(f"/messages/{message}/timeline"))["items"]
    assert {event["recipient"] for event in events} == {None}
    for number in (0, 1):
        await hit_all(heed, number)
    await settle(heed)

    events = (await heed.get(f"/messages/{message}/timeline"))["items"]
    assert len(events) == 8
    assert {event["recipient"] for event in events} == {None}
    kept = await stored(heed)
    assert not [text for (kind, *_), text in kept.items() if kind == "facts" and '"recipient"' in text]
    summary = kept["messages", message, "s"]
    assert '"numbered":{}' in summary or '"numbered"' not in summary
    assert await kpis(heed, message) == (4, 4)
    engagement = (await heed.get("/records/contact/c1"))["engagement"]
    assert (engagement["opens"], engagement["clicks"]) == (0, 0)


async def test_a_named_hit_that_waits_in_the_queue_loses_its_name_in_the_journal_too(heed: Heed) -> None:
    await heed.sent(to=[ADA])
    await hit_all(heed)
    await heed.services.journal.settle()
    await heed.organization("acme", tracking="aggregate")
    await settle(heed)

    facts = [text for text in (await stored(heed)).values() if '"kind":"open"' in text]
    assert facts
    assert not [text for text in facts if '"recipient":' in text]


async def test_an_erasure_keeps_late_facts_of_before_it_from_coming_back(heed: Heed) -> None:
    message = await heed.sent(to=[ADA])
    await hit_all(heed)
    await heed.services.journal.settle()
    heed.clock.move(minutes=1)
    hashed = await heed.services.address_hashes.hash_address("acme", "ada@example.com")
    await heed.services.stops.rows.enter_tombstone("acme", hashed)
    await settle(heed)
    assert await kpis(heed, message) == (0, 0)
    assert '"kind":"open"' not in str(await stored(heed))

    await hit_all(heed)
    await settle(heed)
    assert await kpis(heed, message) == (1, 1)


async def test_a_browser_that_asks_for_privacy_counts_for_the_mail_and_for_no_record(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {"emails": ["ada@example.com"]})
    about = {"type": "opportunity", "id": "o1", "name": "Offer"}
    await heed.put("/records/opportunity/o1", {"name": "Offer"})
    message = await heed.sent(to=[ADA], regarding=about)
    await heed.hit(heed.urls("c")[0], sec_gpc="1")
    await heed.hit(heed.urls("o")[0], GMAIL, dnt="1")
    await settle(heed)

    assert await kpis(heed, message) == (0, 1)
    assert (await heed.get("/records/contact/c1"))["engagement"]["clicks"] == 0
    assert (await heed.get("/records/opportunity/o1"))["engagement"]["clicks"] == 1


async def test_once_someone_has_said_no_drafts_without_recipients_are_still_looked_at(heed: Heed) -> None:
    draft = await heed.draft(to=[])
    await heed.put("/consents/ada@example.com", NO)

    changed = await heed.api("PATCH", "/users/rep1", {"opt_in": False})

    assert changed.status == 200, changed.body
    state = (await heed.get(f"/messages/{draft}"))["follow_state"]
    assert state["reason"] == "The sender has not opted in to following mail."


async def test_the_reason_says_whose_no_it_is(heed: Heed) -> None:
    await heed.put("/records/account/a1", {"follow_email": "do_not_allow"})
    parent = {"type": "account", "id": "a1"}
    await heed.put("/records/contact/c1", {"emails": ["ada@example.com"], "parent": parent, "follow_email": "allow"})
    message = await heed.draft(to=[ADA])
    state = (await heed.get(f"/messages/{message}"))["follow_state"]
    assert (state["state"], state["blocked_by"]) == ("blocked", ["ada@example.com"])
    assert "The account a1 (above the contact c1) says no" in state["reason"]

    await heed.put("/records/account/a1", {"follow_email": "unknown"})
    await heed.put("/consents/ada@example.com", NO)
    assert "newest consent says no" in (await heed.get(f"/messages/{message}"))["follow_state"]["reason"]
