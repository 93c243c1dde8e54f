"""Moves between accounts of Azurite, as processes that are killed at several places, and ended by another run."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import pytest

from infra.local.servers.azurite import Azurite
from infra.packaging.build import ROOT
from lib.storage import Storage
from lib.storage.azure.account import Account
from lib.storage.azure.tables import azure_storage, close_storage
from lib.storage.layout import KINDS, container, table
from lib.storage.protocols import EVERYTHING
from tests.faults.accounts import Accounts
from tests.heed.conftest import Deployment, connection_string
from tests.heed.quick_move import STORAGE_FAILED
from tests.support.lived_in import live_in

SETTING = "HEED_STORAGE_ACME"
CUT_OFF = {-signal.SIGKILL, STORAGE_FAILED}
"""Exit codes of runs that did not end: storage that answers too late on a busy machine ends one, as a kill does."""


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


def start_move(deployment: Deployment, settings: dict[str, str], *kinds: str) -> subprocess.Popen[bytes]:
    """Start a move of acme; the first setting names its account."""
    environment = {**os.environ, **deployment.commands.settings, **settings}
    command = [sys.executable, "-m", "tests.heed.quick_move", "acme", next(iter(settings)), *kinds]
    return subprocess.Popen(command, env=environment, cwd=ROOT)


async def count(storage: Storage, kind: str) -> int:
    return len([row async for row in storage.tables.query(table("acme", kind), EVERYTHING)])


async def is_empty(storage: Storage, kind: str) -> bool:
    return await count(storage, kind) == 0


async def blobs_in(storage: Storage) -> list[str]:
    return [name async for name in storage.blobs.list_blobs(container("acme"))]


async def kill_when(process: subprocess.Popen[bytes], is_time: Callable[[], Awaitable[object]]) -> int:
    """Kill the process when it is time, unless it has ended; return its exit code."""
    while process.poll() is None and not await is_time():
        pass
    process.kill()
    return process.wait()


async def run_to_end(start: Callable[[], subprocess.Popen[bytes]]) -> int:
    while (code := await asyncio.to_thread(start().wait)) == STORAGE_FAILED:
        pass
    return code


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

    shared, start = azure_storage(deployment.account), partial(start_move, deployment, {SETTING: os.environ[SETTING]})
    assert await kill_when(start(), lambda: count(target, "messages")) in CUT_OFF
    assert (await heed.get(f"/messages/{message}"))["id"] == message
    assert await kill_when(start(), lambda: count(target, "people")) in CUT_OFF
    await kill_when(start(), lambda: is_empty(shared, "messages"))
    assert await run_to_end(start) == 0
    found = await heed.services.organizations.load_organization("acme")
    assert found
    assert (found[0].moving, str(found[0].storage and found[0].storage.setting)) == (None, SETTING)

    assert {kind: await count(target, kind) for kind in rows} == rows
    assert await heed.get(f"/messages/{message}/timeline") == timeline
    assert {kind: await count(shared, kind) for kind in rows} == dict.fromkeys(rows, 0)
    await close_storage(shared)


async def test_an_organization_is_spread_and_put_together_although_each_move_is_killed(
    deployment: Deployment, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    heed, there = deployment.heed, {SETTING: accounts.new(), f"{SETTING}_HITS": accounts.new()}
    settings = {name: connection_string(account) for name, account in there.items()}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    shared, one, other = opened = [azure_storage(each) for each in (deployment.account, *there.values())]
    message = await live_in(heed, "c", 600)
    timeline = await heed.get(f"/messages/{message}/timeline")
    rows = {kind: await count(heed.storage, kind) for kind in KINDS}
    blobs = await blobs_in(heed.storage)
    apart = {kind: rows[kind] if kind in ("facts", "journal") else 0 for kind in KINDS}
    assert apart["facts"]
    assert blobs

    start = partial(
        start_move, deployment, settings, *(f"{kind}={SETTING}_HITS" for kind in ("facts", "journal", "blobs"))
    )
    assert await kill_when(start(), lambda: count(other, "facts")) in CUT_OFF
    assert await kill_when(start(), lambda: count(one, "people")) in CUT_OFF
    assert (await heed.get(f"/messages/{message}"))["id"] == message
    await kill_when(start(), lambda: is_empty(shared, "facts"))
    assert await run_to_end(start) == 0

    assert {kind: await count(other, kind) for kind in KINDS} == apart
    assert {kind: await count(one, kind) for kind in KINDS} == {kind: rows[kind] - apart[kind] for kind in KINDS}
    assert [await blobs_in(each) for each in opened] == [[], [], blobs]
    assert {kind: await count(shared, kind) for kind in KINDS} == dict.fromkeys(KINDS, 0)
    assert await heed.get(f"/messages/{message}/timeline") == timeline

    start = partial(start_move, deployment, settings)
    await kill_when(start(), lambda: count(one, "facts"))
    await kill_when(start(), lambda: is_empty(other, "journal"))
    assert await run_to_end(start) == 0

    assert {kind: await count(one, kind) for kind in KINDS} == rows
    assert {kind: await count(other, kind) for kind in KINDS} == dict.fromkeys(KINDS, 0)
    assert [await blobs_in(each) for each in opened] == [[], blobs, []]
    assert await heed.get(f"/messages/{message}/timeline") == timeline
    for each in opened:
        await close_storage(each)
