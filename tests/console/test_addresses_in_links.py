"""No person's address stands in the address of a page: links hold it sealed, for one organization alone."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from functions.console.screens import SCREENS
from lib.tokens import Purpose
from tests.console.administering import OPERATOR_PATHS, SETTINGS_PATHS, fill
from tests.console.site import Visitor, sealed
from tests.console.test_operator import Operator
from tests.console.test_pages import paths
from tests.console.test_walls import filled
from tests.console.world import World
from tests.support.links import forms_that_show_addresses, links_in, naming_addresses, places_in

ADA = "ada@example.com"
SEALED = ("people?address", "people/address?address", "people/erase?address", "write?to", "messages?q")


async def test_no_link_or_form_names_an_address(world: World, rita: Visitor) -> None:
    await make_many(world)
    admin, operator = Visitor(world.heed), Operator(world.heed)
    await admin.sign_in(key=await fill(world.heed))
    await operator.enter()
    address = f"people/address?address={sealed(world.heed, ADA)}"
    assert "All mails" in await rita.page(address)
    assert ">more</a>" in await rita.page(address)
    visitors: list[tuple[Visitor, Iterable[str]]] = [
        (rita, [*paths(world), address]),
        (admin, SETTINGS_PATHS),
        (operator, OPERATOR_PATHS),
    ]
    for visitor, pages in visitors:
        assert await faults(visitor, pages) == []


async def make_many(world: World) -> None:
    """Give an address so many mails and records that its page links to the lists of them."""
    for number in range(26):
        await world.heed.draft(subject=f"Offer {number}", to=[{"email": ADA, "name": "Ada"}])
    for number in range(11):
        await world.heed.put(f"/records/lead/ada{number}", {"name": "Ada", "emails": [ADA]})


async def faults(visitor: Visitor, pages: Iterable[str]) -> list[str]:
    """Read pages and those that they link to; the places with an address to which they lead."""
    found, seen, some = list[str](), set[str](), set(pages)
    for _ in range(2):
        linked = set[str]()
        for path in sorted(some - seen):
            answer = await visitor.get(path)
            assert answer.status in (200, 303), path
            page = answer.body.decode() if answer.headers.get("content-type", "").startswith("text/html") else ""
            way_on = answer.headers.get("location", "")
            found += [*naming_addresses([*places_in(page), way_on]), *forms_that_show_addresses(page)]
            linked |= {each.removeprefix("/console/") for each in (*links_in(page), way_on) if is_page(each)}
        seen, some = seen | some, linked
    return found


def is_page(place: str) -> bool:
    return place.startswith("/console/") and not place.startswith("/console/static/")


async def test_no_form_leads_to_a_page_whose_address_names_one(world: World, rita: Visitor) -> None:
    names = ("email", "recipient", "q", "to", "source", "typed", "subject", "cursor", "parent")
    form = {"form_token": "", **dict.fromkeys(names, ADA), "follow": "allow", "act": "save"}
    form["form_token"] = (await rita.page()).partition('name="form_token" value="')[2].partition('"')[0]
    led = []
    for screen in SCREENS:
        if screen.method == "POST":
            for path in filled(screen, {"message": [world.draft], "type": ["contact"], "id": ["ada"]}):
                answer = await rita.post_raw(path, form)
                assert naming_addresses([answer.headers.get("location", "")]) == [], path
                led += [path] if answer.status == 303 else []
    assert {"messages", "people/consent", "people/export", "people/erase", "write/new"} <= set(led)


@pytest.mark.parametrize("place", SEALED)
async def test_a_link_that_cannot_be_opened_says_so(world: World, rita: Visitor, place: str) -> None:
    ours = sealed(world.heed, ADA)
    broken = {
        "cut off": ours[:-3],
        "of another organization": sealed(world.heed, ADA, "globex"),
        "of a key that is gone": f"k0{ours[2:]}",
        "for another purpose": world.heed.services.ring.seal(Purpose.SUBJECT, ADA.encode(), "acme"),
        "not sealed": "ada%40example.com",
        "too long": "k1" + "A" * 5_000,
    }

    await rita.page(f"{place}={ours}")
    for why, token in broken.items():
        answer = await rita.get(f"{place}={token}")
        assert (answer.status, "This link cannot be opened" in answer.body.decode()) == (404, True), why
