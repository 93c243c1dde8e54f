"""Import of lines: none makes a yes of a no that was said here, and none ends the import."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lib.operations.transfer import Opted, Taken, WrongLine
from lib.storage import Row, Upsert
from lib.storage.layout import table
from lib.webhooks.store import WEBHOOK_ROWS
from lib.webhooks.waking import SUBSCRIPTIONS
from tests.support.heed import ADMIN_KEY, Heed

ADA = "ada@example.com"


@pytest.fixture
async def heed() -> Heed:
    return await Heed().start()


async def take(heed: Heed, *, write: bool = True, **line: Any) -> Taken:
    return await heed.services.transfer.import_line("acme", json.dumps(line), write=write)


async def test_a_user_who_has_opted_out_stays_out(heed: Heed) -> None:
    await heed.put("/users/rep2", {"email": "rep2@example.com", "opt_in": False})

    line: dict[str, Any] = {"kind": "user", "id": "rep2", "email": "rep2@example.com", "name": "Rob", "opt_in": True}
    assert (await take(heed, write=False, **line)).keeps_no
    assert await take(heed, **line) == Taken("user", keeps_no=True)

    read = await heed.get("/users/rep2")
    assert (read["name"], read["opt_in"]) == ("Rob", False)


async def test_a_new_user_opts_in_and_a_known_one_out_as_the_line_says(heed: Heed) -> None:
    new = await take(heed, kind="user", id="rep3", email="rep3@example.com", opt_in=True)
    known = await take(heed, kind="user", id="rep1", email="rep1@example.com", opt_in=False)
    again = await take(heed, kind="user", id="rep1", email="rep1@example.com", opt_in=False)

    assert (new.opted, known.opted, again.opted) == (Opted("rep3", True), Opted("rep1", False), None)
    assert ((await heed.get("/users/rep3"))["opt_in"], (await heed.get("/users/rep1"))["opt_in"]) == (True, False)


@pytest.mark.parametrize("default", [True, False])
async def test_a_line_that_does_not_say_keeps_what_is_there(heed: Heed, default: bool) -> None:
    await heed.request("PATCH", "/api/orgs/acme", {"settings": {"opt_in_default": default}}, key=ADMIN_KEY)
    heed.clock.move(minutes=2)

    await take(heed, kind="user", id="rep1", email="rep1@example.com")
    await take(heed, kind="user", id="rep3", email="rep3@example.com")

    assert ((await heed.get("/users/rep1"))["opt_in"], (await heed.get("/users/rep3"))["opt_in"]) == (True, default)


@pytest.mark.parametrize(("follow", "keeps"), [("allow", True), ("unknown", False)])
async def test_a_record_that_has_said_no_says_no_still(heed: Heed, follow: str, keeps: bool) -> None:
    await heed.put("/records/contact/c1", {"name": "Ada", "emails": [ADA], "follow_email": "do_not_allow"})

    taken = await take(heed, kind="record", type="contact", id="c1", name="Ada L", emails=[ADA], follow_email=follow)

    read = await heed.get("/records/contact/c1")
    assert (taken.keeps_no, read["name"], read["follow_email"]) == (keeps, "Ada L", "do_not_allow")


async def test_a_no_that_was_said_here_is_not_undone_by_a_later_yes_of_elsewhere(heed: Heed) -> None:
    await heed.put(f"/consents/{ADA}", {"follow": "do_not_allow", "basis": "x", "source": "page"})
    heed.clock.move(days=2)

    taken = await take(heed, kind="consent", email=ADA, follow="allow", at="2026-05-05T09:00:00Z")
    assert taken == Taken("consent", keeps_no=True)

    assert (await heed.get(f"/consents/{ADA}"))["follow"] == "do_not_allow"


async def test_a_history_of_elsewhere_is_taken_in_its_order(heed: Heed) -> None:
    for follow, day in (("do_not_allow", 1), ("allow", 2), ("do_not_allow", 1), ("allow", 2)):
        taken = await take(heed, kind="consent", email=ADA, follow=follow, at=f"2026-05-0{day}T09:00:00Z")
        assert taken == Taken("consent")

    read = await heed.get(f"/consents/{ADA}")
    assert (read["follow"], len(read["history"])) == ("allow", 2)


async def test_a_yes_of_before_the_no_is_history_and_changes_nothing(heed: Heed) -> None:
    await heed.put(f"/consents/{ADA}", {"follow": "do_not_allow", "basis": "x", "source": "page"})

    await take(heed, kind="consent", email=ADA, follow="allow", at="2026-05-01T09:00:00Z")

    read = await heed.get(f"/consents/{ADA}")
    assert (read["follow"], len(read["history"])) == ("do_not_allow", 2)


async def test_what_cannot_be_read_is_left_out_of_an_export(heed: Heed) -> None:
    await heed.put("/templates/t1", {"name": "Offer", "language": "en", "subject": "Hi", "html": "<p>x</p>"})
    message = await heed.sent()
    before = [line async for line in heed.services.transfer.export_lines("acme")]
    broken = [("people", "user", "rep9"), ("people", "record|contact", "c9"), ("messages", "f" * 32, "m")]
    for kind, partition, key in [*broken, ("templates", "template", "t|t9")]:
        row = Row(partition, key, {"v": 1, "d0": "[]"})
        await heed.storage.tables.write_rows(table("acme", kind), [Upsert(row)])
    told: list[None] = []

    lines = heed.services.transfer.export_lines("acme", unreadable=lambda: told.append(None))

    assert [line async for line in lines] == before
    assert message in "".join(before)
    assert len(told) >= 4


async def test_what_cannot_be_read_keeps_no_key_from_being_rotated(heed: Heed) -> None:
    await heed.put("/webhooks/w1", {"url": "https://example.com/hook"})
    for kind, partition, key in (("people", "alerts", "rep9"), ("feed", SUBSCRIPTIONS, f"{WEBHOOK_ROWS}w0")):
        row = Row(partition, key, {"v": 1, "d0": "[]"})
        await heed.storage.tables.write_rows(table("acme", kind), [Upsert(row)])

    [(_, done)] = [each async for each in heed.services.resealing.reseal_all()]

    assert (done.unreadable, done.as_they_were) == (2, 1)


async def test_what_cannot_be_read_keeps_no_other_mail_from_being_judged_again(heed: Heed) -> None:
    broken, sound = await heed.sent(), await heed.sent()
    await heed.work()
    row = Row(broken, "m", {"v": 1, "d0": "[]"})
    await heed.storage.tables.write_rows(table("acme", "messages"), [Upsert(row)])

    judged = [each.message async for each in heed.services.rejudge.organization("acme", write=True)]

    assert judged == [sound]


async def test_what_cannot_be_read_in_its_place_makes_a_line_wrong(heed: Heed) -> None:
    broken = Row("user", "rep9", {"v": 1, "d0": "[]"})
    await heed.storage.tables.write_rows(table("acme", "people"), [Upsert(broken)])

    with pytest.raises(WrongLine, match="cannot be read"):
        await take(heed, kind="user", id="rep9", email="rep9@example.com")
