"""The flow in docs/api.md: its commands are run as they stand there, and print what stands there."""

from __future__ import annotations

import asyncio
import re
import shutil
from email import message_from_bytes
from pathlib import Path
from typing import NamedTuple

import pytest

from infra.local.child import ROOT
from tests.browser.site import Site, served
from tests.support.heed import ADMIN_KEY, Heed

PAGE = ROOT / "docs" / "api.md"
_END = "--- end of the block ---"


class Step(NamedTuple):
    """Commands, with the text before them and what they print."""

    text: str
    commands: str
    printed: str


def steps() -> list[Step]:
    section = PAGE.read_text(encoding="utf-8").partition("## One whole flow")[2].partition("\n## ")[0]
    found = re.findall(r"(.*?)```sh\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", section, re.DOTALL)
    return [Step(*each) for each in found]


def alike(text: str) -> str:
    """The text without what chance has made: ids, keys, secrets and versions."""
    text = re.sub(r"\b(heed_|whsec_)[A-Za-z0-9+/=_.-]+", r"\1…", text)
    return re.sub(r"\b[0-9a-f]{32}\b", "…", text)


def pixel_in(mail: bytes) -> str:
    [part] = [part for part in message_from_bytes(mail).walk() if part.get_content_type() == "text/html"]
    html = part.get_payload(decode=True)
    assert isinstance(html, bytes)
    found = re.search(r"https://[^/]+(/o/[A-Za-z0-9_.-]+)", html.decode())
    assert found
    return found[1]


class Shell:
    """A shell that runs one block after the other."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def run(self, commands: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{commands}\necho '{_END}'\n".encode())
        printed = ""
        async with asyncio.timeout(60):
            while not printed.endswith(f"{_END}\n"):
                line = (await self._process.stdout.readline()).decode()
                assert line, printed
                printed += line
        return printed.removesuffix(f"{_END}\n")


async def play(site: Site, folder: Path) -> list[tuple[Step, str]]:
    """Run every step, and do meanwhile what the text says that others do."""
    process = await asyncio.create_subprocess_exec(
        "bash",
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    shell, found = Shell(process), list[tuple[Step, str]]()
    try:
        for step in steps():
            if "Ada opens the mail an hour and a half later" in step.text:
                site.heed.clock.move(minutes=90)
                await site.heed.hit(pixel_in(site.heed.mail()))
            await site.heed.work()
            commands = step.commands.replace("http://127.0.0.1:7071", site.origin).replace("local-admin", ADMIN_KEY)
            found.append((step, await shell.run(commands)))
    finally:
        process.kill()
        await process.wait()
    return found


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")
async def test_the_flow_prints_what_the_page_says(tmp_path: Path) -> None:
    async def make(_: str) -> Heed:
        return Heed()

    async with served(make) as site:
        played = await play(site, tmp_path)

    assert len(played) == 8
    for step, printed in played:
        assert alike(printed) == alike(step.printed), step.commands
