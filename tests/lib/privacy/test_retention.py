"""Retention: what is old goes, counts stay, and a clock that jumps deletes no more than a day a run."""

from __future__ import annotations

from typing import Any

import pytest

from lib.storage import Row, Upsert
from lib.storage.layout import table
from lib.storage.protocols import EVERYTHING
from tests.support.heed import ADMIN_KEY, CHROME, GMAIL, Heed
from tests.support.inbound import answer_to, receive
from tests.support.known_subject import EMAIL, LOCAL_PART, SETTINGS, make_known, run_job
from tests.support.remains import remains_of

KPIS = ("opens", "clicks", "attachment_views", "replies", "raw", "machine", "uncertain")


@pytest.fixture
async def heed() -> Heed:
    """Heed with the organization acme."""
    return await Heed().start(inbound={"keep": "mail"})


async def pass_days(heed: Heed, days: int) -> None:
    """Let days pass, and the timer run each day."""
    for _ in range(days):
        heed.clock.move(days=1)
        await heed.tick("remove_old_data")
        await heed.work()


async def counts_of(heed: Heed, message: str) -> dict[str, Any]:
    kpis = (await heed.get(f"/messages/{message}"))["kpis"]
    return {name: kpis[name] for name in KPIS}


async def looked_at(heed: Heed, **fields: Any) -> str:
    """A message that was opened, clicked and answered."""
    message = await heed.sent(**fields)
    for path in (*heed.urls("o"), *heed.urls("c")):
        referer = "https://webmail.example.org/inbox"
        await heed.hit(path, agent=GMAIL if "/o/" in path else CHROME, referer=referer, sec_ch_ua_platform="Solaris")
    await heed.work()
    await receive(heed, await answer_to(heed, message))
    return message


async def rows_of(heed: Heed, kind: str) -> list[Row]:
    return [row async for row in heed.storage.tables.query(table("acme", kind), EVERYTHING)]


async def test_after_raw_days_events_keep_kind_time_and_verdict_and_lose_the_rest(heed: Heed) -> None:
    message = await looked_at(heed)
    before = (await heed.get(f"/messages/{message}/timeline"))["items"]
    counts = await counts_of(heed, message)

    details = ("Chrome/142", "GoogleImageProxy", "webmail.example.org", "Solaris")
    await pass_days(heed, 29)
    assert all([await remains_of(heed.storage, each) for each in details])
    assert await remains_of(heed.storage, "example.org/inbox") == []
    await pass_days(heed, 3)

    after = (await heed.get(f"/messages/{message}/timeline"))["items"]
    shown = [(each["id"], each["kind"], each["at"], each["verdict"]) for each in after]
    assert shown == [(each["id"], each["kind"], each["at"], each["verdict"]) for each in before]
    assert await counts_of(heed, message) == counts
    assert await remains_of(heed.storage, *details) == []
    journal = [row for row in await rows_of(heed, "journal") if row.partition not in ("sweep",)]
    assert [row for row in journal if not row.partition.startswith("seen-by")] == []


async def test_after_retention_days_events_are_gone_and_counts_stay(heed: Heed) -> None:
    await heed.request("PATCH", "/api/orgs/acme", {"settings": {"retention_days": 40}}, key=ADMIN_KEY)
    message = await looked_at(heed)
    counts = await counts_of(heed, message)
    assert counts["clicks"] == counts["replies"] == 1

    await pass_days(heed, 42)

    assert (await heed.get(f"/messages/{message}/timeline"))["items"] == []
    assert await rows_of(heed, "facts") == []
    assert await counts_of(heed, message) == counts
    await heed.api("POST", f"/messages/{message}/reassess")
    assert await counts_of(heed, message) == counts


async def test_new_events_are_added_to_those_that_are_gone(heed: Heed) -> None:
    message = await looked_at(heed, to=[{"email": "ada@example.com", "record": {"type": "contact", "id": "c1"}}])
    clicks = heed.urls("c")
    before = await counts_of(heed, message)
    await pass_days(heed, 45)

    await heed.hit(clicks[0])
    await heed.work()

    after = await counts_of(heed, message)
    assert after["clicks"] == before["clicks"] + 1
    assert after["raw"]["clicks"] == before["raw"]["clicks"] + 1
    assert after["replies"] == before["replies"]
    await heed.api("POST", f"/messages/{message}/reassess")
    assert await counts_of(heed, message) == after


async def test_an_erasure_takes_counts_of_events_that_are_gone(heed: Heed) -> None:
    message = await looked_at(heed)
    await pass_days(heed, 45)

    await run_job(heed, "DELETE", email="ada@example.com")

    counts = await counts_of(heed, message)
    assert counts["raw"] == {"opens": 0, "clicks": 0, "attachment_views": 0}
    assert (counts["clicks"], counts["replies"]) == (0, 0)


async def test_of_a_mail_to_two_the_other_ones_counts_stay_after_an_erasure(heed: Heed) -> None:
    await heed.request("PATCH", "/api/orgs/acme", {"settings": {"mixed_recipients": "split"}}, key=ADMIN_KEY)
    await heed.put("/consents/ada@example.com", {"follow": "allow"})
    message = await heed.sent(to=[{"email": "ada@example.com"}, {"email": "bob@example.com"}])
    for mail in (-1, -2):
        for path in heed.urls("c", mail):
            await heed.hit(path)
    await heed.work()
    before = await counts_of(heed, message)
    await pass_days(heed, 45)
    assert await counts_of(heed, message) == before

    await run_job(heed, "DELETE", email="ada@example.com")

    after = await counts_of(heed, message)
    events = (await heed.get(f"/messages/{message}/timeline"))["items"]
    assert {event["recipient"] for event in events} <= {"bob@example.com", None}
    assert before["clicks"] == 2
    assert after["clicks"] == after["raw"]["clicks"] == 1


async def test_texts_files_inbound_mail_cards_and_tasks_go_when_their_days_are_over(heed: Heed) -> None:
    days = {"bodies": 10, "files": 5, "inbound": 7, "cards": 3, "activities": 4}
    await heed.request("PATCH", "/api/orgs/acme", {"settings": {"keep_days": days}}, key=ADMIN_KEY)
    await heed.put("/rules/r1", {"when": {"from": "@example.com"}, "create": {"type": "task", "fields": {}}})
    message = await heed.draft(html=f"<p>{'unmistakable ' * 4000}</p>")
    await heed.api("POST", f"/messages/{message}/attachments?filename=a.txt&followed=false", b"some bytes")
    await heed.post(f"/messages/{message}/send")
    await heed.work()
    heed.clock.move(minutes=90)
    reply = (await receive(heed, await answer_to(heed, message, text="peculiar words")))["message"]
    [task] = (await heed.get("/activities?type=task"))["items"]
    await heed.post(f"/activities/{task['id']}/close")
    assert (await heed.get("/cards", x_heed_user="rep1"))["items"]

    await pass_days(heed, 6)
    assert (await heed.get("/cards", x_heed_user="rep1"))["items"] == []
    assert (await heed.get("/activities?type=task&status=closed"))["items"] == []
    assert (await heed.get(f"/messages/{message}/attachments"))["items"] == []
    assert await remains_of(heed.storage, "some bytes") == []
    assert (await heed.get(f"/messages/{reply}"))["excerpt"] == "peculiar words"
    await pass_days(heed, 6)

    assert (await heed.get(f"/messages/{reply}"))["excerpt"] is None
    assert (await heed.get(f"/messages/{message}"))["html"] is None
    assert (await heed.get(f"/messages/{message}"))["subject"] == "Hello"
    assert await remains_of(heed.storage, "unmistakable", "peculiar words") == []


async def test_nothing_goes_where_no_days_are_set(heed: Heed) -> None:
    message = await looked_at(heed)

    await pass_days(heed, 29)

    assert (await heed.get(f"/messages/{message}"))["html"]
    assert (await heed.get("/cards", x_heed_user="rep1"))["items"]


async def test_a_clock_that_jumps_to_the_end_of_time_deletes_nothing_of_this_month(heed: Heed) -> None:
    message = await looked_at(heed)
    before = (await heed.get(f"/messages/{message}/timeline"))["items"]
    await heed.tick("remove_old_data")

    heed.clock.move(days=63_000)
    for _ in range(10):
        await heed.tick("remove_old_data")
    heed.clock.move(days=-63_000)
    await heed.tick("remove_old_data")

    assert (await heed.get(f"/messages/{message}/timeline"))["items"] == before
    assert await remains_of(heed.storage, "Chrome/142")


async def test_what_a_backup_brings_back_of_an_erased_address_is_erased_again(heed: Heed) -> None:
    await heed.request("PATCH", "/api/orgs/acme", {"settings": SETTINGS}, key=ADMIN_KEY)
    known = await make_known(heed)
    before = {kind: await rows_of(heed, kind) for kind in ("messages", "facts")}
    await run_job(heed, "DELETE")
    for kind, rows in before.items():
        for row in rows:
            if row.partition in known.values():
                restored = Row(row.partition, row.key, row.values)
                await heed.storage.tables.write_rows(table("acme", kind), [Upsert(restored)])
    assert await remains_of(heed.storage, EMAIL)

    await heed.tick("remove_old_data")
    await heed.work()

    assert await remains_of(heed.storage, EMAIL, LOCAL_PART) == []


async def test_links_that_were_asked_for_leave_no_row_after_an_hour_and_none_after_an_erasure(heed: Heed) -> None:
    limit = heed.services.mail_limit
    hashed = await heed.services.address_hashes.hash_address("acme", EMAIL)
    await limit.may_send("acme", hashed, "k1")
    await heed.tick("remove_old_data")
    assert [row.key for row in await rows_of(heed, "privacy") if row.partition == "proof"] == [hashed]

    heed.clock.move(minutes=61)
    await heed.tick("remove_old_data")
    assert [row.key for row in await rows_of(heed, "privacy") if row.partition == "proof"] == []

    await limit.may_send("acme", hashed, "k2")
    await run_job(heed, "DELETE")
    assert [row.key for row in await rows_of(heed, "privacy") if row.partition == "proof"] == []


async def test_the_audit_log_is_kept_for_400_days_and_no_longer_than_a_month_more(heed: Heed) -> None:
    async def months() -> set[str]:
        return {row.partition for row in await rows_of(heed, "privacy") if row.partition.startswith("audit|")}

    assert await months() == {"audit|2026-05"}
    await pass_days(heed, 400)
    assert "audit|2026-05" in await months()
    await pass_days(heed, 31)
    assert "audit|2026-05" not in await months()


async def test_a_row_that_cannot_be_read_keeps_nothing_else_from_going(heed: Heed) -> None:
    await heed.organization("zeta")
    broken = Row("0" * 32, "m", {"v": 1, "d0": '{"id": 1}'})
    await heed.storage.tables.write_rows(table("acme", "messages"), [Upsert(broken)])

    await heed.tick("remove_old_data")

    for organization in ("acme", "zeta"):
        swept = await heed.storage.tables.read_row(table(organization, "privacy"), "retention", "retention")
        assert swept is not None, organization
