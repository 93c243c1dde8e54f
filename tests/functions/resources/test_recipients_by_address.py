"""Recipients by address alone: who they are, and whether they may be followed."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from lib.people import recipients as lookup
from lib.storage.memory import MemoryTables
from lib.transports import Refused
from lib.transports.memory import MemoryTransport
from tests.support.heed import CHROME, GMAIL, Heed

ADA = {"email": "ada@example.com", "name": "Ada"}
BOB = {"email": "bob@example.com"}
HERS = {"emails": ["Ada@Example.com"]}
CONTACT = {"type": "contact", "id": "c1"}
LEAD = {"type": "lead", "id": "l1"}
ACCOUNT = {"type": "account", "id": "a1"}


async def recipients(heed: Heed, message: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await heed.get(f"/messages/{message}/recipients"))["items"]
    return items


async def follow_state(heed: Heed, message: str) -> Any:
    return (await heed.get(f"/messages/{message}"))["follow_state"]


async def mails_of(heed: Heed, record: dict[str, str]) -> list[str]:
    """The ids of the messages in a record's list."""
    page = await heed.get(f"/messages?record={record['type']}/{record['id']}")
    return [each["id"] for each in page["items"]]


WISHES = ("unknown", "allow", "do_not_allow")
SOURCES = ("contact", "account", "lead", "older", "newer")
"""The contact, its account, a lead with the same address, and two consents of the address."""


def is_allowed(said: dict[str, str], tracking: str) -> bool:
    """The expected state: any no counts, of consents the newer one; a yes counts of whoever has the address."""
    consent = said["newer"] if said["newer"] != "unknown" else said["older"]
    if "do_not_allow" in (said["contact"], said["account"], said["lead"], consent):
        return False
    return tracking == "allow" or "allow" in (said["contact"], said["lead"], consent)


@pytest.mark.parametrize("tracking", ["allow", "consent"])
async def test_who_says_what_and_what_follows(tracking: str) -> None:
    heed = await Heed().start(tracking=tracking)
    message = await heed.draft()
    wrong = []
    for number, wishes in enumerate(itertools.product(WISHES, repeat=len(SOURCES))):
        said = dict(zip(SOURCES, wishes, strict=True))
        address = f"ada{number}@example.com"
        await heed.put(f"/records/account/a{number}", {"follow_email": said["account"]})
        parent = {"type": "account", "id": f"a{number}"}
        contact = {"emails": [address], "follow_email": said["contact"], "parent": parent}
        await heed.put(f"/records/contact/c{number}", contact)
        await heed.put(f"/records/lead/l{number}", {"emails": [address.upper()], "follow_email": said["lead"]})
        for consent in (said["older"], said["newer"]):
            if consent != "unknown":
                await heed.put(f"/consents/{address}", {"follow": consent})
        await heed.api("PATCH", f"/messages/{message}", {"to": [{"email": address}]})
        if ((await follow_state(heed, message))["state"] == "on") != is_allowed(said, tracking):
            wrong.append(said)

    assert wrong == []


async def test_a_no_names_who_says_it(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {**HERS, "follow_email": "do_not_allow"})

    [ada] = await recipients(heed, message := await heed.draft())

    assert (ada["follow"], ada["because"]) == (False, "The contact c1 says no to following.")
    assert (await follow_state(heed, message))["blocked_by"] == ["ada@example.com"]


async def test_a_no_of_an_account_far_above_counts_and_parents_in_a_circle_come_to_an_end(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {**HERS, "parent": {"type": "account", "id": "a1"}})
    await heed.put("/records/account/a1", {"parent": {"type": "account", "id": "a2"}})
    await heed.put("/records/account/a2", {"parent": CONTACT, "follow_email": "do_not_allow"})

    [ada] = await recipients(heed, await heed.draft())

    assert ada["because"] == "The account a2 (above the contact c1) says no to following."


async def test_the_named_record_says_no_though_it_has_another_address(heed: Heed) -> None:
    await heed.put("/records/contact/c1", HERS)
    await heed.put("/records/lead/l1", {"follow_email": "do_not_allow"})

    [ada] = await recipients(heed, await heed.draft(to=[{**ADA, "record": LEAD}]))

    assert (ada["record"], ada["resolved_by"]) == (LEAD, "given")
    assert ada["because"] == "The lead l1 says no to following."


async def test_another_record_with_the_address_says_no_for_a_named_one(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {**HERS, "follow_email": "do_not_allow"})
    await heed.put("/records/lead/l1", HERS)
    message = await heed.draft(to=[{**ADA, "record": LEAD}])

    assert (await follow_state(heed, message))["state"] == "blocked"


async def test_with_given_only_the_named_record_and_its_parents_count() -> None:
    heed = await Heed().start(resolve_recipients="given")
    await heed.put("/records/contact/c1", {**HERS, "follow_email": "do_not_allow"})
    await heed.put("/records/lead/l1", {**HERS, "parent": ACCOUNT})
    message = await heed.draft(to=[ADA])

    [ada] = await recipients(heed, message)
    assert (ada["follow"], ada["record"], ada["resolved_by"]) == (True, None, "none")

    await heed.api("PATCH", f"/messages/{message}", {"to": [{**ADA, "record": LEAD}]})
    assert (await follow_state(heed, message))["state"] == "on"
    await heed.put("/records/account/a1", {"follow_email": "do_not_allow"})
    assert (await follow_state(heed, message))["state"] == "blocked"


async def test_a_draft_shows_who_has_the_address_and_keeps_what_was_posted(heed: Heed) -> None:
    await heed.put("/records/contact/c1", HERS)
    message = await heed.draft(to=[ADA, BOB])

    ada, bob = await recipients(heed, message)

    assert (ada["record"], ada["resolved_by"], ada["candidates"]) == (CONTACT, "address", [])
    assert (bob["record"], bob["resolved_by"], bob["candidates"]) == (None, "none", [])
    assert (await heed.get(f"/messages/{message}"))["to"][0]["record"] is None


async def test_several_records_are_candidates_and_the_mail_belongs_to_none(heed: Heed) -> None:
    await heed.put("/records/contact/c1", HERS)
    await heed.put("/records/contact/c2", HERS)
    message = await heed.sent(to=[ADA])

    [ada] = await recipients(heed, message)

    assert (ada["record"], ada["resolved_by"]) == (None, "ambiguous")
    assert ada["candidates"] == [CONTACT, {"type": "contact", "id": "c2"}]
    assert await mails_of(heed, CONTACT) == []


async def test_regarding_and_owner_tell_records_apart(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {**HERS, "parent": ACCOUNT})
    await heed.put("/records/contact/c2", {**HERS, "owner": "rep1"})
    about = await heed.draft(regarding={**ACCOUNT, "name": "Acme"})
    plain = await heed.draft()

    assert [(await recipients(heed, each))[0]["record"]["id"] for each in (about, plain)] == ["c1", "c2"]


async def test_a_mail_is_in_the_list_the_activities_and_the_score_of_who_has_the_address(heed: Heed) -> None:
    await heed.put("/records/account/a1", {"name": "Acme"})
    await heed.put("/records/contact/c1", {**HERS, "name": "Ada", "parent": ACCOUNT})
    message = await heed.sent(to=[ADA])
    await heed.hit(heed.urls("o")[0], GMAIL)
    await heed.work()
    heed.clock.move(minutes=1)
    await heed.services.assessor.refresh("acme", message)

    assert await mails_of(heed, CONTACT) == [message]
    activities = await heed.get("/records/contact/c1/activities")
    assert [each["id"] for each in activities["items"]] == [message]
    for record in ("contact/c1", "account/a1"):
        assert (await heed.get(f"/records/{record}"))["engagement"]["opens"] == 1
    [card] = (await heed.get("/cards", x_heed_user="rep1"))["items"]
    assert card["recipient"] == {**ADA, "record": CONTACT}
    called = await heed.api("POST", f"/cards/{card['id']}/call", x_heed_user="rep1")
    assert called.status == 201


async def test_who_it_was_is_fixed_when_the_mail_goes_out(heed: Heed) -> None:
    await heed.put("/records/contact/c1", HERS)
    message = await heed.sent(to=[ADA, BOB])
    await heed.put("/records/contact/c1", {"emails": []})
    await heed.put("/records/lead/l1", {"emails": ["ada@example.com", "bob@example.com"]})
    await heed.hit(heed.urls("o")[0], CHROME)
    await heed.work()

    ada, bob = await recipients(heed, message)

    assert (ada["record"], ada["resolved_by"]) == (CONTACT, "address")
    assert (bob["record"], bob["resolved_by"]) == (None, "none")
    assert (await mails_of(heed, CONTACT), await mails_of(heed, LEAD)) == ([message], [])


async def test_who_it_is_is_decided_when_it_goes_out_not_when_it_is_scheduled(heed: Heed) -> None:
    await heed.put("/records/contact/c1", HERS)
    message = await heed.draft(deliver_at="2026-05-04T12:00:00Z")
    await heed.post(f"/messages/{message}/send")
    assert await mails_of(heed, CONTACT) == [message]

    await heed.put("/records/contact/c1", {"emails": []})
    await heed.put("/records/lead/l1", HERS)
    assert (await recipients(heed, message))[0]["record"] == LEAD
    heed.clock.move(hours=3)
    await heed.tick("sweep_due")
    await heed.work()

    assert (await heed.get(f"/messages/{message}"))["status"] == "sent"
    assert (await mails_of(heed, CONTACT), await mails_of(heed, LEAD)) == ([], [message])


async def test_a_failed_mail_to_another_address_belongs_to_another_record() -> None:
    heed = await Heed(transport=MemoryTransport(Refused(temporary=False, code="550", text="no"))).start()
    await heed.put("/records/contact/c1", HERS)
    await heed.put("/records/lead/l1", {"emails": ["bob@example.com"]})
    message = await heed.sent(to=[ADA])
    assert await mails_of(heed, CONTACT) == [message]

    await heed.api("PATCH", f"/messages/{message}", {"to": [BOB]})
    assert await mails_of(heed, CONTACT) == []
    await heed.post(f"/messages/{message}/send")
    await heed.work()

    assert (await mails_of(heed, CONTACT), await mails_of(heed, LEAD)) == ([], [message])


async def test_a_mail_that_the_crm_sends_belongs_to_who_has_the_address_then(heed: Heed) -> None:
    await heed.put("/records/contact/c1", HERS)
    message = await heed.draft()
    await heed.post(f"/messages/{message}/prepare")
    await heed.post(f"/messages/{message}/sent", {"sent_at": "2026-05-04T09:31:00Z"})
    await heed.work()

    assert await mails_of(heed, CONTACT) == [message]
    assert (await recipients(heed, message))[0]["resolved_by"] == "address"


async def test_a_simulation_knows_who_has_the_address(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {**HERS, "follow_email": "do_not_allow"})

    shown = await heed.post("/simulate", {"from": "rep1", "to": [ADA], "text": "Hello"})

    assert (shown["recipients"][0]["record"], shown["follow_state"]["state"]) == (CONTACT, "blocked")


async def test_advice_knows_the_place_of_who_has_the_address(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {**HERS, "time_zone": "Asia/Kolkata"})

    advice = await heed.get(f"/messages/{await heed.draft()}/delivery-advice")

    assert advice["time_zone"] == "Asia/Kolkata"


@pytest.mark.parametrize(
    ("other", "zone"),
    [({"time_zone": "Asia/Kolkata"}, "Asia/Kolkata"), ({"time_zone": "Europe/Vienna"}, None), ({}, None)],
)
async def test_candidates_that_agree_on_the_zone_get_advice(heed: Heed, other: Any, zone: str | None) -> None:
    await heed.put("/records/contact/c1", {**HERS, "time_zone": "Asia/Kolkata"})
    await heed.put("/records/contact/c2", {**HERS, **other})

    advice = await heed.get(f"/messages/{await heed.draft()}/delivery-advice")

    assert advice["time_zone"] == zone
    assert ("Several records have" in advice["because"]) is (zone is None)


async def test_a_check_tells_of_records_that_do_not_exist_and_of_doubt(heed: Heed) -> None:
    await heed.put("/records/contact/c1", HERS)
    await heed.put("/records/contact/c2", HERS)
    message = await heed.draft(to=[ADA, {**BOB, "record": LEAD}], regarding={**ACCOUNT, "name": "Acme"})

    said = {each["code"]: each["text"] for each in (await heed.get(f"/messages/{message}"))["check"]}

    assert "lead l1 and account a1" in said["unknown_record"]
    assert "ada@example.com" in said["ambiguous_recipient"]


async def test_of_two_records_that_were_merged_the_one_with_the_address_is_left(heed: Heed) -> None:
    await heed.put("/records/contact/c1", HERS)
    await heed.put("/records/contact/c2", {**HERS, "follow_email": "do_not_allow"})
    message = await heed.draft()
    assert (await follow_state(heed, message))["state"] == "blocked"

    await heed.put("/records/contact/c2", {"emails": [], "follow_email": "do_not_allow"})

    [ada] = await recipients(heed, message)
    assert (ada["record"], ada["follow"]) == (CONTACT, True)


async def test_an_international_address_belongs_to_its_record(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {"emails": ["ada@bücher.example"]})

    [ada] = await recipients(heed, await heed.draft(to=[{"email": "Ada@BÜCHER.example"}]))

    assert ada["record"] == CONTACT


async def test_all_records_of_a_shared_address_are_asked_up_to_a_bound(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(300):
        await heed.put(f"/records/contact/c{number:03d}", HERS)
    message = await heed.draft()
    assert (await follow_state(heed, message))["state"] == "on"
    await heed.put("/records/contact/c299", {**HERS, "follow_email": "do_not_allow"})
    assert (await recipients(heed, message))[0]["because"] == "The contact c299 says no to following."

    monkeypatch.setattr(lookup, "MOST_RECORDS", 299)

    [ada] = await recipients(heed, message)
    assert (ada["follow"], ada["resolved_by"]) == (False, "ambiguous")
    assert ada["because"].startswith("So many records have the address")


async def test_each_record_is_read_once_however_many_recipients_share_it(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await heed.put("/records/account/a1", {})
    for number in range(40):
        contact = {"emails": [f"p{number}@example.com"], "parent": ACCOUNT}
        await heed.put(f"/records/contact/c{number}", contact)
    message = await heed.draft(to=[{"email": f"p{number}@example.com"} for number in range(40)])
    reads = list[tuple[str, str]]()
    read_row = MemoryTables.read_row

    def noting(self: MemoryTables, table: str, partition: str, key: str) -> Any:
        reads.append((partition, key))
        return read_row(self, table, partition, key)

    monkeypatch.setattr(MemoryTables, "read_row", noting)

    await recipients(heed, message)

    records = [each for each in reads if each[0].startswith("record|")]
    assert len(records) == len(set(records)) == 41


async def test_a_list_reads_no_record(heed: Heed, monkeypatch: pytest.MonkeyPatch) -> None:
    await heed.put("/records/contact/c1", HERS)
    await heed.draft()
    await heed.sent()
    reads = list[str]()
    read_row, query = MemoryTables.read_row, MemoryTables.query

    def noting_row(self: MemoryTables, table: str, partition: str, key: str) -> Any:
        reads.append(table)
        return read_row(self, table, partition, key)

    def noting_query(self: MemoryTables, table: str, *rest: Any, **more: Any) -> Any:
        reads.append(table)
        return query(self, table, *rest, **more)

    monkeypatch.setattr(MemoryTables, "read_row", noting_row)
    monkeypatch.setattr(MemoryTables, "query", noting_query)

    assert len((await heed.get("/messages"))["items"]) == 2
    assert not any(table.endswith("people") for table in reads)
