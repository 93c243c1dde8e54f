from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lib.clock import SetClock
from tests.support.certificates import make_certificate, serving, trusting
from tests.support.imap_server import ImapServer
from tests.support.mailboxes import SECRET, Polls


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("imap"), "localhost")


@pytest.fixture
def server_tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    return serving(*certificate)


@pytest.fixture
async def imap(server_tls: ssl.SSLContext) -> AsyncIterator[ImapServer]:
    async with ImapServer(server_tls) as server:
        yield server


@pytest.fixture
async def polls(certificate: tuple[Path, Path], imap: ImapServer) -> Polls:
    """A poller of the mailbox `m1` on the server, which has polled once; the clock stands still."""
    made = await Polls(
        tls=trusting(certificate[0]),
        clock=SetClock(datetime(2026, 5, 4, 9, 30, tzinfo=UTC)),
        secrets={SECRET: 'pass "word"'},
        seconds_a_server=1.0,
    ).start()
    await made.save(port=imap.port)
    await made.run()
    assert await made.error() is None
    return made
