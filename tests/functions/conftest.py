from __future__ import annotations

import pytest

from tests.support.heed import Heed


@pytest.fixture
async def heed() -> Heed:
    """Heed over storage in memory, with the organization acme and its user rep1."""
    return await Heed().start()
