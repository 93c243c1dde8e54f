from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.heed import Heed
from tests.support.receiver import Receiver


@pytest.fixture
async def heed() -> Heed:
    """Heed over storage in memory, with the organization acme and its user rep1."""
    return await Heed().start()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A server to which webhooks are posted."""
    made = await Receiver().start()
    yield made
    await made.stop()
