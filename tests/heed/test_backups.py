"""Backup and restore by command over Azurite; each is killed half-way."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import closing
from pathlib import Path

import pytest

from lib.operations import restore
from lib.operations.backup_file import BackupFile
from lib.storage import Tables
from lib.storage.layout import table
from lib.storage.protocols import EVERYTHING
from tests.heed.conftest import Deployment
from tests.support.heed import ADMIN_KEY
from tests.support.lived_in import live_in

_RECORDS = 400


async def _count(tables: Tables, kind: str) -> int:
    return len([row async for row in tables.query(table("acme", kind), EVERYTHING)])


async def test_an_organization_comes_back_after_a_restore_that_was_killed(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore, "LONGEST_WRITE", 0)  # the process that is killed writes nothing more
    heed, commands = deployment.heed, deployment.commands
    message = await live_in(heed, "c", _RECORDS)
    timeline = await heed.get(f"/messages/{message}/timeline")
    file, secret = str(tmp_path / "acme.heed"), str(tmp_path / "secret")
    assert (await commands.run("backup", "acme", file, "--dry-run")).code == 0
    assert os.listdir(tmp_path) == []

    assert (await commands.run("backup", "acme", file, "--secret-to", secret)).code == 0
    assert os.stat(secret).st_mode & 0o077 == 0
    refused = await commands.run("restore", file)
    assert (refused.code, "--replace" in refused.err) == (1, True)
    rows = {kind: await _count(heed.storage.tables, kind) for kind in ("people", "messages", "facts", "index")}
    await heed.request("DELETE", "/api/orgs/acme", key=ADMIN_KEY)

    without = await commands.run("restore", file)
    assert (without.code, "--secret-from" in without.err) == (1, True)
    assert (await commands.run("restore", file, "--secret-from", secret, "--dry-run")).code == 0
    assert await heed.services.organizations.load_organization("acme") is None

    process = deployment.start_command("restore", file, "--secret-from", secret)
    while process.poll() is None and await _count(heed.storage.tables, "messages") == 0:
        pass
    process.kill()
    process.wait()
    found = await heed.services.organizations.load_organization("acme")
    assert found
    assert found[0].restored_from is not None

    again = await commands.run("restore", file, "--secret-from", secret)
    assert (again.code, "is restored" in again.out) == (0, True)

    assert {kind: await _count(heed.storage.tables, kind) for kind in rows} == rows
    heed.key = (await commands.run("keys", "make", "acme", "--scope", "full")).out.strip()
    assert await heed.get(f"/messages/{message}/timeline") == timeline
    assert (await heed.get("/records/contact/c207"))["name"] == "x" * 100


async def test_a_backup_that_was_killed_leaves_the_one_of_before(deployment: Deployment, tmp_path: Path) -> None:
    heed, file = deployment.heed, tmp_path / "acme.heed"
    await live_in(heed, "c", _RECORDS)
    assert (await deployment.commands.run("backup", "acme", str(file))).code == 0
    before = file.read_bytes()

    process = deployment.start_command("backup", "acme", str(file))
    while process.poll() is None and not (tmp_path / "acme.heed.part").exists():
        await asyncio.to_thread(os.sched_yield)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert file.read_bytes() == before

    again = await deployment.commands.run("backup", "acme", str(file))
    assert (again.code, os.listdir(tmp_path)) == (0, ["acme.heed"])
    with closing(BackupFile(file)) as backup:
        backup.check_whole()
        assert backup.manifest.rows["people"] == await _count(heed.storage.tables, "people")


async def test_a_file_that_is_no_backup_is_refused(deployment: Deployment, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"nonsense")

    ran = await deployment.commands.run("restore", str(tmp_path / "file"))

    assert (ran.code, "no whole backup" in ran.err) == (1, True)
