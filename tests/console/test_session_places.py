"""Where users work in the console and in the add-in tells the sender's own looks at sent mail from recipients'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from lib.storage import Change, Storage, Unavailable
from lib.storage.layout import EVIDENCE
from lib.storage.memory import memory_storage
from lib.tracking.requests import new_fact
from tests.console.site import Visitor
from tests.support.heed import CHROME, Heed, Response
from tests.support.known_subject import run_job
from tests.support.other_mails import ADA, HOME, OFFICE, OUTLOOK, World
from tests.support.passing_storage import PassingTables

PLACE = {"x-forwarded-for": HOME["x_forwarded_for"], "user-agent": CHROME}
SAME_ORIGIN = {"sec-fetch-site": "same-origin"}


class _FailingEvidence(PassingTables):
    """Tables of which the table of evidence takes nothing while it fails."""

    fails = False

    async def write_rows(self, table: str, changes: Sequence[Change]) -> list[str | None]:
        if self.fails and table.endswith(EVIDENCE):
            raise Unavailable("it fails")
        return await super().write_rows(table, changes)


@dataclass
class Site:
    """Heed, and a user who works in it."""

    world: World
    visitor: Visitor
    failing: _FailingEvidence

    @property
    def heed(self) -> Heed:
        return self.world.heed

    async def work(self, path: str = "", **headers: str) -> Response:
        sent = {"cookie": self.visitor.cookie, **PLACE, **headers}
        answer = await self.heed.request("GET", f"/console/{path}", headers=sent)
        await self.heed.services.session_places.settle()
        return answer

    async def work_on_two_days(self) -> None:
        for _ in range(2):
            await self.visitor.sign_in()
            assert (await self.work()).status == 200
            await self.world.pass_time(days=1)

    async def ask(self, token: str, headers: dict[str, str]) -> int:
        """Ask the API, as the add-in or a CRM does."""
        sent = {**PLACE, **headers, "authorization": f"Bearer {token}"}
        answer = await self.heed.request("GET", "/api/orgs/acme/messages", headers=sent)
        await self.heed.services.session_places.settle()
        return answer.status

    async def noted(self) -> int:
        """Number of places that are remembered."""
        return len([row for row in await self.world.rows() if row.partition.startswith("s")])


@pytest.fixture
async def site() -> Site:
    storage = memory_storage()
    failing = _FailingEvidence(storage.tables)
    heed = await Heed(storage=Storage(failing, storage.blobs, storage.queues)).start()
    visitor = Visitor(heed)
    await visitor.sign_in()
    return Site(World(heed), visitor, failing)


async def test_a_look_from_where_its_sender_works_raises_no_card_and_says_why(site: Site) -> None:
    await site.work_on_two_days()
    message = await site.world.send()
    await site.world.hit("o", 7_200, OUTLOOK, **HOME)
    await site.world.pass_time(minutes=5)

    assert "perhaps-own-place" in await site.world.codes(message)
    [event] = await site.world.events(message)
    assert "The sender works in the console at this place." in str(event)
    assert not [word for word in ("81.2", HOME["x_forwarded_for"]) if word in str(event["verdict"])]
    assert (await site.heed.get("/cards", x_heed_user="rep1"))["items"] == []


async def test_without_the_session_the_same_look_raises_one(site: Site) -> None:
    await site.world.send()
    await site.world.hit("o", 7_200, OUTLOOK, **HOME)
    await site.world.pass_time(minutes=5)

    assert len((await site.heed.get("/cards", x_heed_user="rep1"))["items"]) == 1


async def test_a_session_that_comes_after_the_look_corrects_it_a_day_later(site: Site) -> None:
    """It has looked at mail to someone else from there: alone, that says too little to take a card back."""
    await site.world.send("bob@two.example")
    await site.world.hit("o", 7_200, OUTLOOK, **HOME)
    message = await site.world.send()
    await site.world.hit("o", 7_200, OUTLOOK, **HOME)
    await site.world.pass_time(minutes=5)
    assert await site.world.classes(message) == ["human"]

    await site.visitor.sign_in()
    await site.work()
    await site.world.pass_time(hours=31)

    assert "own-place" in await site.world.codes(message)
    assert await site.world.classes(message) == ["machine"]


async def test_looks_elsewhere_and_at_other_senders_mail_are_judged_as_before(site: Site) -> None:
    await site.heed.put("/users/rep2", {"email": "rep2@acme.example", "opt_in": True})
    await site.work_on_two_days()
    elsewhere = await site.world.send()
    await site.world.hit("o", 7_200, OUTLOOK, **OFFICE)
    of_another = await site.world.send("bob@two.example", **{"from": "rep2"})
    await site.world.hit("o", 7_200, OUTLOOK, **HOME)
    await site.world.pass_time(minutes=5)

    for message in (elsewhere, of_another):
        assert not {"own-place", "perhaps-own-place"} & await site.world.codes(message)


async def test_only_pages_that_are_answered_to_a_user_tell_a_place(site: Site) -> None:
    cookie, site.visitor.cookie = site.visitor.cookie, ""
    assert (await site.work()).status == 303
    assert (await site.work("sign-in")).status == 200
    assert (await site.work(cookie="heed-session=forged")).status == 303
    site.visitor.cookie = cookie
    assert (await site.work("there-is-none")).status == 404
    assert await site.noted() == 0

    assert (await site.work("messages")).status == 200
    assert await site.noted() == 1


async def test_the_add_in_tells_a_place_and_a_crm_none(site: Site) -> None:
    """A CRM asks from its servers, by its key or by a user's token; a browser says that a page of ours asks."""
    token = (await site.heed.post("/users/rep1/tokens"))["token"]

    assert await site.ask(site.heed.key, SAME_ORIGIN) == 200
    assert await site.ask(token, {}) == 200
    assert await site.ask(token, {"sec-fetch-site": "cross-site"}) == 200
    assert await site.noted() == 0

    assert await site.ask(token, SAME_ORIGIN) == 200
    assert await site.noted() == 1


@pytest.mark.parametrize(
    "settings", [{"tracking": "aggregate"}, {"tracking": "off"}, {"engagement_enabled": False}], ids=str
)
async def test_an_organization_that_records_nobody_remembers_no_place(site: Site, settings: dict[str, Any]) -> None:
    await site.world.switch(**settings)
    await site.visitor.sign_in()

    assert (await site.work()).status == 200

    assert await site.noted() == 0


@pytest.mark.parametrize("mode", ["aggregate", "off"])
async def test_the_removal_takes_the_places_of_an_organization_that_counts_without_who_from_now_on(
    site: Site, mode: str
) -> None:
    await site.work()
    await site.world.switch(tracking=mode)

    await site.world.sweep(hours=17)

    assert await site.noted() == 0


async def test_a_page_comes_though_the_place_cannot_be_noted(site: Site) -> None:
    site.failing.fails = True
    assert (await site.work()).status == 200
    site.failing.fails = False
    assert await site.noted() == 0

    await site.work()

    assert await site.noted() == 1


# What goes


async def test_a_deleted_user_leaves_no_place(site: Site) -> None:
    await site.work()
    await site.heed.put("/users/boss", {"email": "boss@acme.example"})

    assert (await site.heed.api("DELETE", "/users/rep1", x_heed_user="boss")).status == 200

    assert await site.noted() == 0


async def test_a_page_that_was_answered_just_before_the_deletion_leaves_no_place(site: Site) -> None:
    """Its place is noted when the user is gone; the queue looks once more a minute later."""
    await site.heed.put("/users/boss", {"email": "boss@acme.example"})
    assert (await site.heed.api("DELETE", "/users/rep1", x_heed_user="boss")).status == 200
    request = new_fact("open", "", site.heed.clock.now(), "GET", PLACE, trusted_hops=1)
    await site.heed.services.session_places.save_session("acme", "rep1", "rep@acme.example", request)
    assert await site.noted() == 1

    await site.world.pass_time(minutes=2)

    assert await site.noted() == 0


async def test_an_erasure_of_the_users_address_takes_the_places_and_an_export_shows_them(site: Site) -> None:
    await site.work()
    job = await run_job(site.heed, "GET", email="rep@acme.example")
    result = await site.heed.get(f"/jobs/{job['id']}/result")
    assert len([entry for entry in result["entries"] if entry.get("table") == EVIDENCE]) == 1

    await run_job(site.heed, "DELETE", email=ADA)
    assert await site.noted() == 1
    await run_job(site.heed, "DELETE", email="rep@acme.example")

    assert await site.noted() == 0


async def test_places_go_ninety_days_after_the_last_session(site: Site) -> None:
    await site.work()
    await site.world.sweep(hours=17)
    assert await site.noted() == 1

    for _ in range(91):
        await site.world.pass_time(days=1)
        await site.heed.tick("remove_old_data")
    await site.world.sweep(hours=17)

    assert await site.noted() == 0


async def test_the_check_of_consistency_passes_places_and_names_old_and_broken_ones(site: Site) -> None:
    await site.work()
    checks = [each for each in site.heed.services.consistency_checks if each.name == "evidence"]
    assert [wrong async for wrong in checks[0].find("acme")] == []

    site.heed.clock.move(days=91)
    [wrong] = [wrong async for wrong in checks[0].find("acme")]
    assert "older than 90 days" in str(wrong)
    await wrong.repair()

    assert await site.noted() == 0
