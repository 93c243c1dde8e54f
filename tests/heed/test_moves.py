"""A move between two Azurites; it is killed at three places, and ended by another run."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from infra.local.servers.azurite import Azurite
from infra.packaging.build import ROOT
from lib.storage import Storage
from lib.storage.azure.account import Account
from lib.storage.azure.tables import azure_storage, close_storage
from lib.storage.layout import KINDS, container, table
from lib.storage.protocols import EVERYTHING
from tests.heed.conftest import Deployment
from tests.heed.quick_move import STORAGE_FAILED
from tests.support.lived_in import live_in

SETTING = "HEED_STORAGE_ACME"


@pytest.fixture
async def target(azurite: Azurite) -> AsyncIterator[Storage]:
    made = azure_storage(Account.parse(azurite.connection_string))
    await clear(made)  # other tests have an organization of that id there, too
    yield made
    await clear(made)
    await close_storage(made)


async def clear(storage: Storage) -> None:
    for kind in KINDS:
        await storage.tables.drop(table("acme", kind))
    await storage.blobs.drop(container("acme"))


def start_move(deployment: Deployment, azurite: Azurite) -> subprocess.Popen[bytes]:
    environment = {**os.environ, **deployment.commands.settings, SETTING: azurite.connection_string}
    command = [sys.executable, "-m", "tests.heed.quick_move", "acme", SETTING]
    return subprocess.Popen(command, env=environment, cwd=ROOT)


async def count(storage: Storage, kind: str) -> int:
    return len([row async for row in storage.tables.query(table("acme", kind), EVERYTHING)])


async def is_empty(storage: Storage, kind: str) -> bool:
    return await count(storage, kind) == 0


async def kill_when(process: subprocess.Popen[bytes], is_time: Callable[[], Awaitable[object]]) -> int:
    """Kill the process when it is time, unless it has ended; return its exit code."""
    while process.poll() is None and not await is_time():
        pass
    process.kill()
    return process.wait()


async def test_an_organization_moves_although_the_move_is_killed(
    deployment: Deployment, azurite: Azurite, target: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    heed = deployment.heed
    message = await live_in(heed, "c", 600)
    timeline = await heed.get(f"/messages/{message}/timeline")
    rows = {kind: await count(heed.storage, kind) for kind in ("people", "messages", "facts", "index", "journal")}
    monkeypatch.setenv(SETTING, azurite.connection_string)
    tried = await deployment.commands.run("move", "acme", "--setting", SETTING, "--dry-run")
    assert (tried.code, await count(target, "messages")) == (0, 0)
    wrong = await deployment.commands.run("move", "acme", "--setting", "HEED_STORAGE_OTHER")
    assert (wrong.code, "HEED_STORAGE_ACME" in wrong.err) == (1, True)

    shared = azure_storage(deployment.account)
    # Storage that answers too late on a busy machine ends a run, as a kill does.
    is_cut_off = {-signal.SIGKILL, STORAGE_FAILED}
    assert await kill_when(start_move(deployment, azurite), lambda: count(target, "messages")) in is_cut_off
    assert (await heed.get(f"/messages/{message}"))["id"] == message
    assert await kill_when(start_move(deployment, azurite), lambda: count(target, "people")) in is_cut_off
    await kill_when(start_move(deployment, azurite), lambda: is_empty(shared, "messages"))
    while (code := await asyncio.to_thread(start_move(deployment, azurite).wait)) == STORAGE_FAILED:
        pass
    assert code == 0
    found = await heed.services.organizations.load_organization("acme")
    assert found
    assert (found[0].moving, str(found[0].storage and found[0].storage.setting)) == (None, SETTING)

    assert {kind: await count(target, kind) for kind in rows} == rows
    assert await heed.get(f"/messages/{message}/timeline") == timeline
    assert {kind: await count(shared, kind) for kind in rows} == dict.fromkeys(rows, 0)
    await close_storage(shared)
