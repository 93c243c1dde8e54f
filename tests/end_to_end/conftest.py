from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local.servers.azurite import Azurite
from infra.local.servers.mail_catcher import MailCatcher, start_mail_catcher
from tests.end_to_end.running import Running, start_heed

pytest.register_assert_rewrite("tests.end_to_end.answers")


@pytest.fixture(scope="session")
def mail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailCatcher]:
    """A real SMTP server that keeps what it gets."""
    catcher = start_mail_catcher(tmp_path_factory.mktemp("mail"))
    yield catcher
    catcher.stop()


@pytest.fixture(scope="session")
def heed(tmp_path_factory: pytest.TempPathFactory, azurite: Azurite, mail: MailCatcher) -> Iterator[Running]:
    """A whole Heed; tests take an organization each."""
    running = start_heed(tmp_path_factory.mktemp("heed"), azurite, mail)
    yield running
    running.stop()


@pytest.fixture(scope="session", params=["storage", "servicebus"])
def heed_of_either_kind(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, mail: MailCatcher
) -> Iterator[Running]:
    """A whole Heed by the backend of its queues; the one with Service Bus has storage of its own."""
    if request.param == "storage":
        yield request.getfixturevalue("heed")
        return
    running = start_heed(tmp_path_factory.mktemp("heed-servicebus"), None, mail, HEED_QUEUES="servicebus")
    yield running
    running.stop()
