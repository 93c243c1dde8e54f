"""Servers that tests of any folder may ask for; each is started at most once, on free ports."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from infra.local.servers.azurite import Azurite, start_azurite

# An example that is slow on a busy machine is no failure.
settings.register_profile("heed", deadline=None)
settings.register_profile("fuzz", deadline=None, max_examples=3000)
settings.load_profile("heed")


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """A real Azurite, empty at the start. Tests share it: take names of your own for what you make."""
    running = start_azurite(tmp_path_factory.mktemp("azurite"))
    yield running
    running.stop()
