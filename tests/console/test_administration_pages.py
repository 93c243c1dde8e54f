"""What every page of settings and of the operator keeps: its policy, its size, and how often it asks storage."""

from __future__ import annotations

import re

import pytest

from lib.storage.memory import memory_storage
from tests.console.administering import OPERATOR_PATHS, SETTINGS_PATHS, fill
from tests.console.site import Visitor
from tests.console.test_operator import Operator
from tests.console.test_pages import HOSTILE
from tests.console.world import make_world
from tests.support.heed import Heed
from tests.support.rounds import LARGEST, MOST_REQUESTS, MOST_ROUNDS, Counted, counting_rounds


async def test_each_page_is_small_and_asks_storage_seldom() -> None:
    counted = Counted()
    heed = (await make_world(await Heed(storage=counting_rounds(memory_storage(), counted)).start())).heed
    admin, operator = Visitor(heed), Operator(heed)
    await admin.sign_in(key=await fill(heed))
    await operator.enter()
    await admin.page("settings/readiness")  # its checks ask more, once a minute
    for visitor, paths in ((admin, SETTINGS_PATHS), (operator, OPERATOR_PATHS)):
        for path in paths:
            counted.clear()
            answer = await visitor.get(path)
            page = answer.body.decode()
            assert answer.status == 200, path
            assert counted.rounds <= MOST_ROUNDS, (path, counted)
            assert counted.requests <= MOST_REQUESTS, (path, counted)
            assert len(answer.body) < LARGEST, path
            assert "unsafe" not in answer.headers["content-security-policy"]
            assert not re.search(r"<script(?! src)|\son\w+=|\sstyle=|<style", page), path


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_no_address_makes_a_page_fail(heed: Heed, text: str) -> None:
    admin, operator = Visitor(heed), Operator(heed)
    await admin.sign_in(key=await fill(heed))
    await operator.enter()
    for name in ("opt_in", "cursor", "status", "did", "changed"):
        for path in ("settings/users", "settings/keys", "settings/webhooks/crm", "settings/audit", "settings/hours"):
            assert (await admin.get(f"{path}?{name}={text}")).status in (200, 400, 422), (path, name)
    for path in ("users", "webhooks", "users/{}/delete", "keys/{}/revoke", "rules/{}/delete", "switches", "nothing"):
        found = await admin.get(f"settings/{path.format(text)}" if "{}" in path else f"settings/{path}/{text}")
        assert found.status in (200, 400, 404, 422), path
    for name in ("org", "replayed"):
        for path in ("operator/verdicts", "operator/rejudge", "operator/dead-letters"):
            assert (await operator.get(f"{path}?{name}={text}")).status in (200, 400, 404, 422), (path, name)
    assert (await operator.send("operator/rejudge", {"org": text, "cursor": text})).status in (400, 404, 422)
    assert (await operator.send("operator/dead-letters", {"queue": text})).status == 422


async def test_what_was_typed_in_is_escaped(heed: Heed) -> None:
    admin = Visitor(heed)
    await admin.sign_in(key=await fill(heed))
    name = '<script>alert("a")</script>'
    await heed.put("/users/u9", {"email": "x@acme.example", "name": name})
    for path in ("settings/users", "settings/users/u9", "settings/users/u9/delete"):
        assert "<script>alert" not in await admin.page(path)
