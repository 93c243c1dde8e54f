"""Another mail library than Python's: what it reads in mails that Heed wrote."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

_SCRIPT = Path(__file__).parent / "read.mjs"


@dataclass(frozen=True, slots=True)
class Read:
    """The headers of a mail and its files; mailboxes are pairs of a name and an address."""

    sender: tuple[str, str]
    to: list[tuple[str, str]]
    cc: list[tuple[str, str]]
    subject: str
    files: list[tuple[str | None, str, str | None]] = field(default_factory=list)
    """Name, media type, and the method of a calendar."""


async def read_by_postal_mime(mails: Sequence[bytes]) -> list[Read]:
    """Read mails with postal-mime, in one Node process."""
    given = json.dumps([base64.b64encode(mail).decode() for mail in mails])
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec("node", str(_SCRIPT), stdin=pipe, stdout=pipe)
    printed, _ = await process.communicate(given.encode())
    assert process.returncode == 0
    return [
        Read(
            sender=next((name, address) for name, address in each["from"]),
            to=[(name, address) for name, address in each["to"]],
            cc=[(name, address) for name, address in each["cc"]],
            subject=each["subject"],
            files=[(name, kind, method) for name, kind, method in each["files"]],
        )
        for each in json.loads(printed)
    ]
