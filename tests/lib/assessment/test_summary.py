"""The summary of a message, whose row other processes and earlier versions have written."""

from __future__ import annotations

import json
from dataclasses import replace

from lib.assessment.followers import read_part
from lib.assessment.summary import Summary, summary_of
from lib.storage import Row
from lib.storage.documents import pack
from lib.verdicts.kpis import Kpis
from tests.support.heed import Heed

PARTS = {"list_places": [], "shown_cards": {"c1": "reminder"}, "records": [{"record": "contact|c1", "generation": 3}]}


async def test_a_summary_is_stored_with_the_parts_of_the_followers_beside_its_own_fields() -> None:
    heed = await Heed().start()
    message = await heed.sent(to=[{"email": "ada@x.example", "record": {"type": "contact", "id": "c1"}}])
    loaded = await heed.services.messages.load("acme", message)
    assert loaded
    assert loaded.summary_row

    stored = json.loads(loaded.summary_row.text("d0"))

    assert stored["kpis"]["opens"] == 0
    assert stored["list_places"][0]["message"] == message
    assert stored["records"][0]["record"] == "contact|c1"
    assert stored["shown_cards"] == {}


async def test_what_an_earlier_version_has_stored_is_read() -> None:
    heed = await Heed().start()
    loaded = await heed.services.messages.load("acme", await heed.draft())
    assert loaded
    columns = pack(Summary.model_validate({"kpis": Kpis(opens=2), "live": 2, **PARTS}))

    read = summary_of(replace(loaded, summary_row=Row(loaded.message.id, "s", columns, "1")))

    assert (read.kpis.opens, read.live, read.parts) == (2, 2, PARTS)
    followers = heed.services.followers
    assert {follower.part_name for follower in followers if read_part(follower, read.parts) is not None} == set(PARTS)


async def test_parts_are_read_under_the_names_that_release_0_1_0_has_given_them() -> None:
    heed = await Heed().start()
    followers = {follower.part_name: follower for follower in heed.services.followers}

    assert read_part(followers["shown_cards"], {"cards": {"c1": "reminder"}}) == {"c1": "reminder"}
    assert read_part(followers["list_places"], {"places": []}) == []
