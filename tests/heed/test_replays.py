"""Dead letters and lost facts by command."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from uuid import uuid4

from azure.storage.queue.aio import QueueClient

from lib.clock import milliseconds
from lib.storage.layout import INTERACTIONS, OUTBOX
from lib.tracking.facts import Fact
from lib.tracking.journal import LOG_MARK
from lib.tracking.queue_messages import read_interactions
from tests.heed.conftest import Commands
from tests.support.heed import START


def _queue(settings: dict[str, str], name: str) -> QueueClient:
    return QueueClient.from_connection_string(settings["AzureWebJobsStorage"], name)


async def _bodies(settings: dict[str, str], name: str) -> list[str]:
    """Take all messages of a queue."""
    async with _queue(settings, name) as queue:
        return [message.content async for message in queue.receive_messages(messages_per_page=32)]


async def test_dead_letters_go_back_on_their_queue(
    commands: Commands, settings: dict[str, str], organization: str
) -> None:
    await commands.run("dead-letters", "replay", OUTBOX)
    await _bodies(settings, OUTBOX)
    body = json.dumps({"v": 1, "org": organization, "message": "0" * 32})
    async with _queue(settings, f"{OUTBOX}-poison") as poison:
        await poison.create_queue()
        await poison.send_message(body)

    listed = await commands.run("dead-letters", "list")
    assert f"{OUTBOX}: 1" in listed.out
    assert organization not in listed.out
    assert "1 messages would" in (await commands.run("dead-letters", "replay", OUTBOX, "--dry-run")).out
    assert f"{OUTBOX}: 1" in (await commands.run("dead-letters", "list")).out

    for how in ((), ("--dry-run",)):
        unknown = await commands.run("dead-letters", "replay", OUTBOX, "--id", "nonsense", *how)
        assert (unknown.code, unknown.out[:10], "1 of those" in unknown.err) == (1, "0 messages", True)
    one = listed.out.splitlines()[1].split("\t")[1]
    assert "1 messages would" in (await commands.run("dead-letters", "replay", OUTBOX, "--id", one, "--dry-run")).out

    assert "1 messages are back" in (await commands.run("dead-letters", "replay", OUTBOX)).out
    assert await _bodies(settings, OUTBOX) != []
    assert f"{OUTBOX}: 0" in (await commands.run("dead-letters", "list")).out
    assert (await commands.run("dead-letters", "replay", "nonsense")).code == 2


async def test_facts_of_an_exported_log_reach_the_assessor_however_often_it_is_replayed(
    commands: Commands, settings: dict[str, str], organization: str, tmp_path: Path
) -> None:
    await _bodies(settings, INTERACTIONS)
    at = milliseconds(START)
    facts = [Fact(f"{at + number}-{uuid4().hex}", "0" * 32, "open", at, "GET") for number in range(60)]
    lines = [f'2026 ERROR {LOG_MARK}{{"org":"{organization}","fact":{fact.to_json()}}} x' for fact in facts]
    log, more = tmp_path / "heed.log", tmp_path / "more.log"
    log.write_text("\n".join([*lines, f"{LOG_MARK}{{broken", "another line"]))
    more.write_text(lines[0])

    tried = await commands.run("replay-log", str(log), "--dry-run")
    assert (tried.out, await _bodies(settings, INTERACTIONS)) == (
        f"{organization}: 60 facts\n1 lines hold no readable fact.\n",
        [],
    )
    ran = await commands.run("replay-log", str(log), str(more))
    assert ran.out.endswith("60 facts were handed to the assessor.\n")

    bodies = await _bodies(settings, INTERACTIONS)
    handed = [read_interactions(json.loads(_decoded(body))) for body in bodies]
    assert sorted(fact.key for each in handed for fact in each.facts) == sorted(fact.key for fact in facts)


def _decoded(body: str) -> str:
    return base64.b64decode(body).decode()
