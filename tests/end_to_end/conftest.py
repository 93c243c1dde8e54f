from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from infra.local.servers.azurite import Azurite
from infra.local.servers.mail_catcher import MailCatcher, start_mail_catcher
from tests.end_to_end.running import Running, start_heed
from tests.end_to_end.searching import Searched, opened

pytest.register_assert_rewrite("tests.end_to_end.answers")


@pytest.fixture(scope="package")
def mail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailCatcher]:
    """A real SMTP server that keeps what it gets."""
    catcher = start_mail_catcher(tmp_path_factory.mktemp("mail"))
    yield catcher
    catcher.stop()


@pytest.fixture(scope="package", params=[False, True], ids=["one app", "three apps"])
def in_parts(request: pytest.FixtureRequest) -> bool:
    """Whether Heed runs as three apps behind a front, or as one."""
    return bool(request.param)


@pytest.fixture(scope="package")
def heed(
    tmp_path_factory: pytest.TempPathFactory, azurite: Azurite, mail: MailCatcher, in_parts: bool
) -> Iterator[Running]:
    """A whole Heed; tests take an organization each."""
    running = start_heed(tmp_path_factory.mktemp("heed"), azurite, mail, in_parts=in_parts)
    yield running
    running.stop()


@pytest.fixture(scope="package")
def heed_with_service_bus(
    tmp_path_factory: pytest.TempPathFactory, mail: MailCatcher, in_parts: bool
) -> Iterator[Running]:
    """A whole Heed with queues in Service Bus, and storage of its own."""
    folder = tmp_path_factory.mktemp("heed-servicebus")
    running = start_heed(folder, None, mail, in_parts=in_parts, HEED_QUEUES="servicebus")
    yield running
    running.stop()


@pytest.fixture
async def searched(request: pytest.FixtureRequest, in_parts: bool) -> AsyncIterator[Searched]:
    """A whole Heed with its servers: one app with queues in storage, or three apps with queues in Service Bus."""
    running: Running = request.getfixturevalue("heed_with_service_bus" if in_parts else "heed")
    azurite: Azurite | None = None if in_parts else request.getfixturevalue("azurite")
    async with opened(running, azurite) as found:
        yield found
