from __future__ import annotations

import pytest

from tests.console.site import Visitor
from tests.console.world import World, make_world
from tests.support.heed import Heed


@pytest.fixture
async def heed() -> Heed:
    """Heed over storage in memory, with the organization acme and its user rep1."""
    return await Heed().start()


@pytest.fixture
async def visitor(heed: Heed) -> Visitor:
    """The user rep1 of an empty organization, who has signed in."""
    made = Visitor(heed)
    await made.sign_in()
    return made


@pytest.fixture
async def world() -> World:
    """An organization with mail in every state."""
    return await make_world()


@pytest.fixture
async def rita(world: World) -> Visitor:
    """The user rep1 of the world, who has signed in."""
    made = Visitor(world.heed)
    await made.sign_in()
    return made
