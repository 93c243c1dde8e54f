"""The demo as a newcomer finds it, over HTTP."""

from __future__ import annotations

from collections import Counter
from typing import Any

from demo.cast import ORGANIZATION
from demo.names import SELLERS
from lib.clock import rfc3339
from lib.storage.layout import ORGANIZATIONS
from tests.demo.conftest import MAILS, NOW, Demo

KINDS = {"open": "opens", "click": "clicks", "attachment_view": "attachment_views"}


async def messages(demo: Demo, view: str = "all") -> list[Any]:
    return [each async for each in demo.items(f"/messages?view={view}")]


async def cards(demo: Demo, status: str = "open") -> list[Any]:
    return [each for user, *_ in SELLERS async for each in demo.items(f"/cards?status={status}", user)]


async def test_it_has_salespeople_companies_and_contacts(demo: Demo) -> None:
    assert len([each async for each in demo.items("/users?")]) == 12
    assert len([each async for each in demo.items("/records?type=account")]) == 60
    assert len([each async for each in demo.items("/records?type=contact")]) == 300


async def test_addresses_are_nobodys(demo: Demo) -> None:
    contacts = [each async for each in demo.items("/records?type=contact")]

    assert all(address.endswith(".example") for each in contacts for address in each["emails"])
    assert len({address for each in contacts for address in each["emails"]}) == 300


async def test_mail_went_out_over_three_months_and_none_is_of_the_future(demo: Demo) -> None:
    sent = sorted(each["sent_at"] for each in await messages(demo) if each["sent_at"])

    assert len(sent) >= MAILS * 0.7
    assert sent[0] < "2026-09-20"
    assert "2026-11-20" < sent[-1] <= rfc3339(NOW)


async def test_each_number_is_that_of_its_timeline(demo: Demo) -> None:
    counted = 0
    for message in await messages(demo, "followed"):
        events = [each async for each in demo.items(f"/messages/{message['id']}/timeline?")]
        people = Counter(each["kind"] for each in events if (each["verdict"] or {}).get("class") == "human")

        assert {name: message["kpis"][name] for name in KINDS.values()} == {
            name: people[kind] for kind, name in KINDS.items()
        }
        assert message["kpis"]["replies"] == sum(each["kind"] == "reply" for each in events)
        counted += sum(people.values())
    assert counted > 10


async def test_scanners_are_told_from_people(demo: Demo) -> None:
    kpis = [each["kpis"] for each in await messages(demo, "followed")]

    assert sum(each["opens"] + each["clicks"] for each in kpis) > 10
    assert sum(each["machine"]["opens"] + each["machine"]["clicks"] for each in kpis) > 10


async def test_a_conversation_has_an_answer(demo: Demo) -> None:
    replies = [each for each in await messages(demo, "received") if each["kind"] == "reply"]
    threads = [(await demo.get(f"/conversations/{each['conversation']}"))["items"] for each in replies]

    assert any([each["status"] for each in thread][:2] == ["sent", "received"] for thread in threads)
    assert any(each["in_reply_to"] for thread in threads for each in thread if each["status"] == "sent")


async def test_cards_are_open_and_done(demo: Demo) -> None:
    assert {"send_failed", "send_uncertain"} <= {each["kind"] for each in await cards(demo)}
    assert {"reply", "bounce", "reminder"} <= {each["kind"] for each in await cards(demo, "done")}


async def test_each_kind_of_trouble_is_there(demo: Demo) -> None:
    states = Counter(each["status"] for each in await messages(demo))

    assert {"sent", "failed", "uncertain", "scheduled", "draft", "received"} == set(states)
    assert states["scheduled"] >= 5
    kinds = Counter(each["kind"] for each in await messages(demo, "received"))
    assert kinds["bounce"] >= 1
    assert kinds["new"] == 3


async def test_what_is_scheduled_and_reminders_lie_ahead(demo: Demo) -> None:
    all_of_them = await messages(demo)
    scheduled = [each for each in all_of_them if each["status"] == "scheduled"]
    reminders = [each["reminder"] for each in all_of_them if each["reminder"] and each["reminder"]["state"] == "set"]

    assert min(each["deliver_at"] for each in scheduled) > rfc3339(NOW)
    assert any(each["at"] > rfc3339(NOW) for each in reminders)


async def test_some_recipients_have_stopped_the_recording(demo: Demo) -> None:
    stopped = 0
    for contact in demo.made.cast.contacts.values():
        history = (await demo.get(f"/consents/{contact.email}"))["history"]
        stopped += any(each["follow"] == "do_not_allow" and "page" in each["source"] for each in history)

    assert stopped >= 1


async def test_templates_have_rates_that_differ(demo: Demo) -> None:
    templates = [each async for each in demo.items("/templates?")]

    assert sum(each["sent_count"] for each in templates) >= MAILS * 0.7
    assert len({each["reply_rate"]["rate"] for each in templates if each["reply_rate"]}) > 1


async def test_the_demo_has_an_organization_and_no_other(demo: Demo) -> None:
    storage = demo.made.stage.storage
    from lib.storage.protocols import EVERYTHING

    assert {row.partition async for row in storage.tables.query(ORGANIZATIONS, EVERYTHING)} == {ORGANIZATION}
