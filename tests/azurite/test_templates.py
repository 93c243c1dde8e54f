"""Templates over a real Azurite: rows of the largest size, and processes that meet."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from lib.clock import SetClock
from lib.storage import Storage
from lib.storage.layout import table
from lib.templates import TemplateCounting, Templates
from lib.templates.models import LONGEST_HTML, LONGEST_TEXT, TemplateSpec
from lib.templates.shares import TemplateShare
from lib.templates.tallies import Tally
from tests.support.heed import START


@pytest.fixture
async def organization(storage: Storage) -> str:
    organization = f"t{uuid4().hex[:12]}"
    await storage.tables.create(table(organization, "templates"))
    return organization


@pytest.mark.parametrize("sign", ['"', "🎈"])
async def test_the_largest_template_is_stored_and_read_whole(storage: Storage, organization: str, sign: str) -> None:
    templates = Templates(storage.tables, SetClock(START))
    spec = TemplateSpec(name="Large", language="en", html=sign * LONGEST_HTML, text=sign * LONGEST_TEXT)

    await templates.save_template(organization, "a.b_c@d:{e}-f", spec, None)

    version = await templates.load_version(organization, "a.b_c@d:{e}-f", 1)
    assert version is not None
    assert (version.html, version.text) == (spec.html, spec.text)
    assert [template.name for template, _ in await templates.list_templates(organization)] == ["Large"]


async def test_what_two_processes_count_at_once_all_counts(storage: Storage, organization: str) -> None:
    processes = [TemplateCounting(storage.tables) for _ in range(2)]
    share = TemplateShare(generation=1, regarding="opportunity", numbers=Tally(won=1).numbers())

    await asyncio.gather(
        *(processes[number % 2].enter_sale_share(organization, "t1", f"o{number}", share) for number in range(10)),
        *(processes[1 - number % 2].enter_sale_share(organization, "t1", f"o{number}", share) for number in range(10)),
    )

    [numbers] = (await processes[0].load_counts(organization))["t1"].cells.values()
    assert Tally.from_numbers(numbers) == Tally(won=10)
