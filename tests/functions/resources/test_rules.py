"""Record creation rules, and the tasks, cases and records that they make of received mail."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lib.fields import RecordRef
from lib.ids import new_id
from lib.inbound.rules.models import RuleMail
from lib.messages.models import Body, Correspondent, Recipient, StoredMessage
from lib.storage import Unavailable, Upsert
from lib.storage.layout import table
from lib.storage.memory import memory_storage
from lib.storage.protocols import EVERYTHING
from tests.support.cards import RECORD, act, cards, opened
from tests.support.failing import Failure, When, failing_storage
from tests.support.heed import START, Heed

CASE = {"when": {"to": "help@acme.example"}, "create": {"type": "case", "fields": {"due_in_hours": 8}}}
LEAD = {"when": {"kind": "new", "from": "@example.com"}, "create": {"type": "lead", "fields": {"company": "Example"}}}
MAIL = RuleMail(
    id=new_id(),
    email="ada@example.com",
    name="Ada Lovelace",
    to=["Help@acme.example"],
    subject="It is broken",
    kind="new",
    category=None,
    user="rep1",
    record=RecordRef(type="contact", id="c1"),
    at=START,
)


async def activities(heed: Heed, query: str = "") -> list[Any]:
    return list((await heed.get(f"/activities{query}"))["items"])


async def leads(heed: Heed) -> list[Any]:
    return list((await heed.get("/records?type=lead"))["items"])


async def carried_out(heed: Heed, mail: RuleMail = MAIL) -> None:
    await heed.services.rule_actions.carry_out("acme", mail)


async def test_a_rule_is_made_read_listed_replaced_and_deleted(heed: Heed) -> None:
    made = await heed.put("/rules/help", CASE)
    await heed.put("/rules/help", {**CASE, "create": {"type": "task", "fields": {}}})

    read = await heed.get("/rules/help")
    listed = (await heed.get("/rules"))["items"]
    stale = await heed.api("DELETE", "/rules/help", if_match=made["etag"])
    gone = await heed.api("DELETE", "/rules/help", if_match=read["etag"])

    assert (made["id"], made["when"]["to"]) == ("help", "help@acme.example")
    assert read["create"]["type"] == "task"
    assert listed == [read]
    assert (stale.status, gone.status) == (412, 200)
    assert (await heed.api("GET", "/rules/help")).status == 404


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        ({"when": {}, "create": {"type": "task"}}, "when"),
        ({"when": {"kind": "spam"}, "create": {"type": "task"}}, "kind"),
        ({"when": {"to": "not an address"}, "create": {"type": "task"}}, "to"),
        ({"when": {"kind": "new"}, "create": {"type": "task", "fields": {"colour": "red"}}}, "colour"),
        ({"when": {"kind": "new"}, "create": {"type": "lead", "fields": {"due_in_hours": 8}}}, "due_in_hours"),
    ],
)
async def test_a_rule_that_cannot_work_is_refused_with_the_place(heed: Heed, rule: dict[str, Any], place: str) -> None:
    answer = await heed.api("PUT", "/rules/odd", rule)

    assert answer.status == 422
    assert place in answer.json["detail"]


async def test_a_mail_makes_a_case_once_and_it_is_among_the_records_activities(heed: Heed) -> None:
    await heed.put("/rules/help", CASE)

    for _ in range(2):
        await carried_out(heed)

    [case] = await activities(heed)
    assert (case["type"], case["status"], case["title"], case["user"]) == ("case", "open", "It is broken", "rep1")
    assert (case["message"], case["rule"]) == (MAIL.id, "help")
    assert case["due_at"] == "2026-05-04T17:30:00.000Z"
    [shown] = (await heed.get("/records/contact/c1/activities"))["items"]
    assert (shown["kind"], shown["id"], shown["status_text"]) == ("case", case["id"], "Open")


async def test_a_closed_case_stays_closed_when_the_mail_comes_again(heed: Heed) -> None:
    await heed.put("/rules/help", CASE)
    await carried_out(heed)
    [case] = await activities(heed)

    closed = await heed.post(f"/activities/{case['id']}/close")
    await heed.post(f"/activities/{case['id']}/close")
    await carried_out(heed)

    assert (closed["status"], closed["closed_at"]) == ("closed", "2026-05-04T09:30:00.000Z")
    assert await activities(heed, "?status=open") == []
    assert await activities(heed, "?status=closed&type=case") == [closed]
    assert await activities(heed, "?type=task") == []
    [shown] = (await heed.get("/records/contact/c1/activities"))["items"]
    assert shown["status_text"] == "Closed"


async def test_activities_are_listed_newest_first_in_pages(heed: Heed) -> None:
    await heed.put("/rules/help", CASE)
    for minute in range(3):
        await carried_out(heed, replace(MAIL, id=new_id(), subject=f"{minute}", at=START + timedelta(minutes=minute)))

    first = await heed.get("/activities?status=open&limit=2")
    second = await heed.get(f"/activities?status=open&limit=2&cursor={first['next']}")

    assert [each["title"] for each in [*first["items"], *second["items"]]] == ["2", "1", "0"]
    assert second["next"] is None


async def test_an_activity_that_is_not_there_cannot_be_closed(heed: Heed) -> None:
    assert (await heed.api("POST", f"/activities/{new_id()}/close")).status == 404


async def test_calls_from_cards_are_listed_until_they_are_undone(heed: Heed) -> None:
    await opened(heed)
    [card] = await cards(heed)

    made = await act(heed, card["id"], "call")
    listed = await activities(heed, "?type=call&status=closed")
    await act(heed, card["id"], "undo")

    assert [(each["id"], each["record"]) for each in listed] == [(made["activity"]["id"], RECORD)]
    assert await activities(heed) == []


async def test_a_new_writer_becomes_a_lead_once(heed: Heed) -> None:
    await heed.put("/rules/leads", LEAD)

    await carried_out(heed)
    await carried_out(heed)
    await carried_out(heed, replace(MAIL, id=new_id()))

    [lead] = await leads(heed)
    assert (lead["name"], lead["emails"], lead["owner"]) == ("Ada Lovelace", ["ada@example.com"], "rep1")
    assert lead["company"] == "Example"
    assert [each["id"] for each in (await heed.get("/records?email=ADA@example.com"))["items"]] == [lead["id"]]


async def test_a_rule_works_on_where_its_time_zone_is_not_known_here(heed: Heed) -> None:
    """As after an upgrade: one rule that could not be read would stop all mail."""
    fields = {"time_zone": "Europe/Vienna"}
    await heed.put("/rules/leads", {"when": {"kind": "new"}, "create": {"type": "lead", "fields": fields}})
    tables, people = heed.services.storage.tables, table("acme", "people")
    [row] = [row async for row in tables.query(people, EVERYTHING) if row.key == "leads"]
    values = {
        name: value.replace("Europe/Vienna", "localtime") if isinstance(value, str) else value
        for name, value in row.values.items()
    }
    await tables.write_rows(people, [Upsert(replace(row, values=values))])

    await carried_out(heed, replace(MAIL, kind="new", record=None, email="new@example.com"))

    assert [each["time_zone"] for each in await leads(heed)] == [None]


async def test_a_lead_that_was_changed_since_is_left_alone(heed: Heed) -> None:
    await heed.put("/rules/leads", LEAD)
    await carried_out(heed)
    [lead] = await leads(heed)
    await heed.api("PATCH", f"/records/lead/{lead['id']}", {"name": "Ada King"})

    await carried_out(heed)

    assert [each["name"] for each in await leads(heed)] == ["Ada King"]


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({"to": "HELP@acme.example"}, True),
        ({"to": "@acme.example"}, True),
        ({"to": "@me.example"}, False),
        ({"from": "ada@example.com"}, True),
        ({"from": "eve@example.com"}, False),
        ({"subject": "BROKEN"}, True),
        ({"subject": "fixed"}, False),
        ({"kind": "new", "subject": "broken"}, True),
        ({"kind": "reply", "subject": "broken"}, False),
        ({"category": "Support"}, False),
    ],
)
async def test_all_conditions_have_to_be_met(heed: Heed, when: dict[str, str], expected: bool) -> None:
    await heed.put("/rules/r", {"when": when, "create": {"type": "task"}})

    await carried_out(heed)

    assert bool(await activities(heed)) is expected


async def test_another_organization_has_neither_rules_nor_activities(heed: Heed) -> None:
    await heed.put("/rules/help", CASE)
    await carried_out(heed)
    other = await heed.organization("umbrella")

    for path in ("/rules", "/activities"):
        assert (await heed.request("GET", f"/api/orgs/umbrella{path}", key=other)).json["items"] == []


async def came_in(heed: Heed, subject: str, **fields: Any) -> str:
    message = StoredMessage(
        id=new_id(),
        sender="rep1",
        state="received",
        created_at=heed.clock.now(),
        sent_at=heed.clock.now(),
        subject=subject,
        to=[Recipient(email="help@acme.example")],
        from_address=Correspondent(email="ada@example.com", name="Ada"),
        kind="new",
        **fields,
    )
    await heed.services.messages.make("acme", message, Body())
    await heed.services.assessor.refresh("acme", message.id)
    return message.id


async def test_a_dry_run_shows_what_the_rule_would_have_made_in_30_days_and_makes_nothing(heed: Heed) -> None:
    await heed.put("/rules/help", {"when": {"subject": "broken"}, "create": {"type": "case"}})
    await came_in(heed, "Long broken")
    heed.clock.move(days=31)
    broken = await came_in(heed, "It is broken")
    await came_in(heed, "Thanks")
    await heed.sent(subject="Your broken thing")

    tried = await heed.post("/rules/help/dry-run")

    assert tried["looked_at"] == 2
    [would] = tried["items"]
    assert (would["message"], would["type"], would["title"]) == (broken, "case", "It is broken")
    assert would["sender"] == "ada@example.com"
    assert await activities(heed) == []


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_mail_that_comes_again_after_any_failure_of_storage_makes_each_thing_once(when: When) -> None:
    number, failed = 0, True
    while failed:
        number += 1
        failure = Failure()
        heed = await Heed(storage=failing_storage(memory_storage(), failure)).start()
        await heed.put("/rules/help", CASE)
        await heed.put("/rules/leads", LEAD)

        failed = False
        failure.arm(number, when)
        try:
            await carried_out(heed)
        except Unavailable:
            failed = True
        failure.arm(0, when)
        await carried_out(heed)

        assert len(await activities(heed)) == 1
        assert len((await heed.get("/records/contact/c1/activities"))["items"]) == 1
        assert len((await heed.get("/records?email=ada@example.com"))["items"]) == 1


@pytest.mark.parametrize("kind", ["bounce", "auto_reply", "complaint", "read_receipt"])
async def test_what_programs_write_makes_nothing_unless_the_rule_names_its_kind(heed: Heed, kind: str) -> None:
    await heed.put("/rules/help", CASE)
    await carried_out(heed, replace(MAIL, kind=kind))
    assert await activities(heed) == []
    await heed.put("/rules/help", {**CASE, "when": {"to": "help@acme.example", "kind": kind}})
    await carried_out(heed, replace(MAIL, kind=kind))
    assert len(await activities(heed)) == 1


@pytest.mark.parametrize(
    "email", ["", "rep@acme.example", "REP+x@acme.example", "ädä@exämple.com", "a" * 300 + "@b.example"]
)
async def test_a_writer_who_is_a_user_or_has_no_address_for_a_record_becomes_none(heed: Heed, email: str) -> None:
    await heed.put("/rules/lead", {"when": {"kind": "new"}, "create": {"type": "lead"}})
    await carried_out(heed, replace(MAIL, email=email))
    assert await leads(heed) == []
