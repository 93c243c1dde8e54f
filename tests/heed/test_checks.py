"""The consistency check by command, over Azurite."""

from __future__ import annotations

from lib.storage import Delete
from lib.storage.layout import DUE, table
from lib.storage.protocols import EVERYTHING
from tests.heed.conftest import Deployment
from tests.support.heed import Heed


async def _listed(heed: Heed) -> list[str]:
    return [each["id"] for each in (await heed.get("/messages?view=all&sort=-opens"))["items"]]


async def test_a_repair_that_was_killed_is_ended_by_another_run(deployment: Deployment) -> None:
    heed, commands, index = deployment.heed, deployment.commands, table("acme", "index")
    for number in range(12):
        await heed.draft(subject=f"{number}")
    await heed.work()
    before = await _listed(heed)
    for row in [row async for row in heed.storage.tables.query(index, "all", EVERYTHING)]:
        await heed.storage.tables.write_rows(index, [Delete(row.partition, row.key)])
    assert (len(before), await _listed(heed)) == (12, [])

    process = deployment.start_command("check", "acme", "--repair", "--only", "lists")
    while process.poll() is None and not [row async for row in heed.storage.tables.query(index, "all", limit=1)]:
        pass
    process.kill()
    process.wait()
    assert (await commands.run("check", "acme", "--only", "lists")).code in (0, 3)
    mended = await commands.run("check", "acme", "--repair", "--only", "lists")

    assert (mended.code, await _listed(heed)) == (0, before)
    assert (await commands.run("check", "acme", "--only", "lists")).code == 0


async def test_a_tampered_index_is_told_and_then_mended(deployment: Deployment) -> None:
    heed, commands = deployment.heed, deployment.commands
    sent = await heed.sent()
    await heed.hit(heed.urls("o")[0])
    await heed.work()
    waiting = await heed.draft(deliver_at="2027-05-20T09:00:00Z", subject="x" * 200)
    await heed.post(f"/messages/{waiting}/send")
    await heed.work()
    before = await _listed(heed)
    sound = await commands.run("check", "acme", "--only", "due", "--only", "lists", "--only", "records")
    assert (sound.code, sound.out) == (0, "due: 0, lists: 0, records: 0\n")

    index, tables = table("acme", "index"), heed.storage.tables
    for row in [row async for row in tables.query(index, "all", EVERYTHING) if "opens" in row.key]:
        await tables.write_rows(index, [Delete(row.partition, row.key)])
    for row in [row async for row in tables.query(DUE, EVERYTHING) if row.partition.startswith("send|")]:
        await tables.write_rows(DUE, [Delete(row.partition, row.key)])
    assert await _listed(heed) == []

    told = await commands.run("check", "acme")
    assert told.code == 3
    assert f"lists: message {sent}: " in told.out
    assert f"due: message {waiting}: the due index lacks the entry `send` of 2027-05-20 09:00" in told.out
    assert await _listed(heed) == []
    mended = await commands.run("check", "acme", "--repair")
    assert (mended.code, "were mended" in mended.out) == (0, True)

    assert await _listed(heed) == before
    assert (await commands.run("check", "acme", "--only", "lists", "--only", "due")).code == 0
    assert (await commands.run("check", "none")).code == 1
