"""Visits are forgotten with what they are about, and belong to one organization."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lib.errors import Stale
from lib.people.address_hashes import AddressHashes, short_hash
from lib.storage import Delete, Row, Upsert
from lib.storage.layout import EVIDENCE, KINDS, table
from lib.storage.memory import MemoryTables
from lib.storage.protocols import EVERYTHING
from tests.support.heed import ADMIN_KEY, Heed
from tests.support.known_subject import run_job
from tests.support.other_mails import ADA, HOME, SCANNER, World


@pytest.fixture
async def world() -> World:
    return World(await Heed().start())


async def hash_of(heed: Heed, email: str) -> str:
    return short_hash(await AddressHashes(heed.storage).hash_address("acme", email))


async def places_of(heed: Heed, text: str) -> list[str]:
    """Tables of acme in which a text stands in a key or a value."""
    found: list[str] = []
    for kind in KINDS:
        async for row in heed.storage.tables.query(table("acme", kind), EVERYTHING):
            if text in f"{row.partition} {row.key} {dict(row.values)}":
                found.append(kind)
    return found


async def test_an_erased_address_leaves_no_visit_and_its_later_mails_know_nothing(world: World) -> None:
    await world.read_and_answered()
    await world.read_and_answered(2)
    hashed = await hash_of(world.heed, ADA)
    assert EVIDENCE in await places_of(world.heed, hashed)

    await run_job(world.heed, "DELETE", email=ADA)
    await world.pass_time(hours=31)

    # The tombstone names the hash, and so does the stand-in for the address.
    assert set(await places_of(world.heed, hashed)) <= {"privacy", "messages", "index", "feed"}
    message = await world.send()
    await world.hit("o", 1_800, **HOME)
    await world.pass_time(minutes=5)
    assert not {"known-place", "well-known-place", "this-recipient-alone", "known-program"} & await world.codes(message)


async def test_what_an_assessment_writes_after_the_whole_erasure_tells_nothing_and_goes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It hung between the summary and the visits for as long as the erasure took."""
    await world.send()
    world.erase_before_visits(monkeypatch)
    await world.hit("o", 1_800, **HOME)
    assert len(await world.rows()) == 2

    message = await world.send()
    await world.hit("o", 1_800, **HOME)
    assert not {"known-place", "this-recipient-alone"} & await world.codes(message)
    await world.sweep()
    assert await world.remembered() == {message}


async def test_an_erasure_takes_a_row_that_was_left_alone_by_a_fault(world: World) -> None:
    await world.read_and_answered()
    for row in await world.rows():
        if row.partition.startswith("c"):
            await world.heed.storage.tables.write_rows(table("acme", EVIDENCE), [Delete(row.partition, row.key)])
    assert len(await world.rows()) == 1

    await run_job(world.heed, "DELETE", email=ADA)

    assert await world.rows() == []


async def test_an_export_shows_the_visits_with_the_addresss_mail_alone(world: World) -> None:
    message = await world.read_and_answered()
    await world.scanned("bob@two.example")

    job = await run_job(world.heed, "GET", email=ADA)

    result = await world.heed.get(f"/jobs/{job['id']}/result")
    shown = [entry for entry in result["entries"] if entry.get("table") == EVIDENCE]
    assert {entry["key"].rpartition("|")[2] for entry in shown} == {message}
    assert len(shown) == 2
    assert {entry["content"]["sure"] for entry in shown} == {"person"}


async def test_a_message_that_is_deleted_takes_its_visits_with_it(world: World) -> None:
    first = await world.read_and_answered()
    second = await world.scanned(ADA)
    assert await world.remembered() == {first, second}

    answer = await world.heed.api("DELETE", f"/subjects/{ADA}?also_sent_mail=true")
    assert answer.status == 202
    await world.queue.work()

    assert await world.remembered() == set()


async def test_a_message_that_is_deleted_while_it_is_assessed_leaves_no_visit(world: World) -> None:
    message = await world.scanned("bob@two.example")
    services = world.heed.services
    loaded = await services.messages.load("acme", message)
    assert loaded is not None
    found = await services.message_judge.assess("acme", loaded)

    await run_job(world.heed, "DELETE", "?also_sent_mail=true", email="bob@two.example")
    with pytest.raises(Stale):
        await services.assessor.settle("acme", loaded, found)

    assert await world.rows() == []


async def test_after_a_stop_nothing_is_known_of_the_recipient_and_the_visits_go(world: World) -> None:
    await world.read_and_answered()
    bobs = await world.scanned("bob@example.com")

    await world.heed.put(f"/consents/{ADA}", {"follow": "do_not_allow"})
    await world.pass_time(minutes=2)
    await world.heed.services.stops.list.refresh()
    await world.sweep()

    assert await world.remembered() == {bobs}


async def test_hits_of_after_a_stop_leave_no_visit(world: World) -> None:
    await world.send()
    await world.heed.put(f"/consents/{ADA}", {"follow": "do_not_allow"})
    await world.hit("o", 60, **HOME)
    await world.pass_time(hours=31)

    assert await world.rows() == []


async def test_with_aggregate_no_visit_is_read_or_written_and_the_sweep_deletes_all(world: World) -> None:
    await world.read_and_answered()
    await world.switch(tracking="aggregate")
    before = await world.rows()

    message = await world.send()
    await world.hit("o", 1_800, **HOME)
    await world.pass_time(minutes=5)

    assert not {"known-place", "this-recipient-alone"} & await world.codes(message)
    assert await world.rows() == before
    await world.sweep()
    assert await world.rows() == []


async def test_after_a_switch_back_the_memory_begins_anew(world: World) -> None:
    await world.read_and_answered()
    await world.switch(tracking="aggregate")
    await world.sweep()
    await world.switch(tracking="allow")

    message = await world.read_and_answered(2)
    again = await world.send()
    await world.hit("o", 1_800, **HOME)
    await world.pass_time(minutes=5)

    assert await world.remembered() == {message, again}
    assert "known-place" in await world.codes(again)


async def test_of_what_is_older_than_90_days_no_row_is_left(world: World) -> None:
    await world.read_and_answered()
    await world.sweep(24 * 86)
    assert await world.rows() != []

    await world.sweep(24 * 4)

    assert await world.rows() == []


async def test_a_sweep_that_comes_every_other_hour_comes_to_every_row_too(world: World) -> None:
    """As where the organizations before this one take an hour."""
    for number in range(16):
        await world.scanned(f"p{number}@c{number}.example")

    for hours in (*(24,) * 87, *(2,) * 36):  # 90 days
        await world.pass_time(hours=hours)
        await world.heed.services.retention.run()

    assert await world.rows() == []


async def test_a_clock_that_jumps_to_the_year_9999_deletes_no_more_than_a_day(world: World) -> None:
    await world.read_and_answered()
    await world.heed.tick("remove_old_data")
    rows, jump = await world.rows(), datetime(9999, 12, 1, tzinfo=UTC) - world.heed.clock.now()

    world.heed.clock.move(days=jump.days)
    for _ in range(33):
        world.heed.clock.move(hours=1)
        await world.heed.services.retention.run()
    assert await world.rows() == rows
    world.heed.clock.move(days=-jump.days)

    assert await world.remembered() != set()


async def test_the_table_goes_with_the_organization(world: World) -> None:
    await world.read_and_answered()
    tables = world.heed.storage.tables
    assert isinstance(tables, MemoryTables)
    assert table("acme", EVIDENCE) in tables.names()

    assert (await world.heed.request("DELETE", "/api/orgs/acme", key=ADMIN_KEY)).status in (200, 202, 204)

    assert table("acme", EVIDENCE) not in tables.names()


async def test_an_organization_that_is_older_than_the_table_gets_it(world: World) -> None:
    await world.heed.storage.tables.drop(table("acme", EVIDENCE))

    message = await world.read_and_answered()

    assert await world.remembered() == {message}


async def test_a_copied_organization_knows_nothing_of_the_other_ones_sources(world: World) -> None:
    await world.read_and_answered()
    rows = await world.rows()
    other = World(await Heed(clock=world.heed.clock).start())
    for row in rows:
        await other.heed.services.storage.tables.write_rows(table("acme", EVIDENCE), [_as_new(row)])

    message = await other.send()
    await other.hit("o", 8, **HOME)
    await other.pass_time(minutes=5)

    assert not {"known-place", "this-recipient-alone", "source-at-two-companies"} & await other.codes(message)
    assert len(await other.rows()) == len(rows) + 2


def _as_new(row: Row) -> Upsert:
    return Upsert(Row(row.partition, row.key, row.values))


async def test_two_organizations_never_learn_from_each_other(world: World) -> None:
    for number in range(4):
        await world.scanned(f"p{number}@c{number}.example")
    rival = await world.heed.organization("rival")
    await world.heed.request(
        "PUT", "/api/orgs/rival/users/rep1", {"email": "r@rival.example", "name": "R", "opt_in": True}, key=rival
    )
    world.heed.key, acme = rival, world.heed.key
    body = {
        "from": "rep1",
        "to": [{"email": "p5@c5.example"}],
        "subject": "Hi",
        "html": '<a href="https://a.example">a</a>',
    }
    made = await world.heed.request("POST", "/api/orgs/rival/messages", body, key=rival)
    await world.heed.request("POST", f"/api/orgs/rival/messages/{made.json['id']}/send", key=rival)
    await world.queue.work()
    await world.hit("c", 120, **SCANNER)
    await world.pass_time(minutes=3)

    read = await world.heed.request("GET", f"/api/orgs/rival/messages/{made.json['id']}/timeline", key=rival)
    codes = {reason["code"] for reason in read.json["items"][0]["verdict"]["reasons"]}
    assert not any(code.startswith("source-") for code in codes)
    assert len(await world.rows("rival")) == 2
    assert acme != rival
