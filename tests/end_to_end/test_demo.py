"""`make demo` beside `make run`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.child import ROOT
from tests.end_to_end.running import ADMIN_KEY, Running, start_heed


@pytest.fixture(scope="module")
def heed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A Heed with storage of its own."""
    running = start_heed(tmp_path_factory.mktemp("heed"), None, None)
    yield running
    running.stop()


def make_demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command for the Heed whose data is in the folder."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("HEED_", "Azure"))}
    return subprocess.run(
        [sys.executable, "-m", "demo", *arguments],
        cwd=ROOT,
        env=inherited | {"HEED_DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def said(done: subprocess.CompletedProcess[str], name: str) -> str:
    """The value that the command has said under that name."""
    return next(line.split()[-1] for line in done.stdout.splitlines() if line.startswith(f"{name}:"))


async def test_the_running_heed_has_the_demo_and_keeps_it(heed: Running) -> None:
    first = make_demo(heed.log.parent, "--mails", "6")
    assert first.returncode == 0, first.stderr
    assert said(first, "Console") == f"{heed.base_url}/console/"

    key = said(first, "Key")
    _, listed = await heed.request("GET", "/api/orgs/demo/messages?view=followed", key=key, user="nora")
    followed = next(each for each in listed["items"] if each["status"] == "sent")
    _, read = await heed.request("GET", f"/api/orgs/demo/messages/{followed['id']}", key=key, user="nora")
    assert "<p>" in read["html"] or "<body" in read["html"]
    assert (await heed.request("GET", "/api/orgs/demo", key=said(first, "For settings")))[0] == 200

    second = make_demo(heed.log.parent, "--mails", "6")
    assert second.returncode == 0, second.stderr
    assert "The demo is there already: 12 users, 300 contacts" in second.stdout
    _, after = await heed.request("GET", "/api/orgs/demo/messages?view=followed", key=said(second, "Key"), user="nora")
    assert after["items"] == listed["items"]


async def test_an_organization_of_someone_else_stays(tmp_path: Path) -> None:
    other = start_heed(tmp_path, None, None)
    try:
        await other.request("PUT", "/api/orgs/demo", key=ADMIN_KEY, json={"name": "Our own"})
        done = make_demo(tmp_path, "--mails", "6", "--replace")
        status, organization = await other.request("GET", "/api/orgs/demo", key=ADMIN_KEY)
    finally:
        other.stop()

    assert done.returncode == 1
    assert "Our own" in done.stderr
    assert (status, organization["name"]) == (200, "Our own")


def test_without_a_running_heed_it_says_what_to_do(tmp_path: Path) -> None:
    done = make_demo(tmp_path)

    assert done.returncode == 1
    assert "make run" in done.stderr
