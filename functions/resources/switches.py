"""Kill switches of links: of one link, of a message, of a whole organization.

A switch acts at once in the instance that takes the request, and within a minute in every other one. Then the links
show a plain page instead of leading on, and nothing is recorded.
"""

from __future__ import annotations

import re

from pydantic import BaseModel, Field

from functions.api.endpoint import Answer, Call, Endpoints
from functions.api.problems import not_there
from functions.resources.messages import load_message

administration = Endpoints("Organizations", may=("administrator", "admin"))
endpoints = Endpoints("Links")

_NUMBER = re.compile(r"[0-9]{1,5}")


class SwitchRead(BaseModel):
    """Whether the links lead on."""

    switched_off: bool


class LinkRead(BaseModel):
    """A link of a message that has gone out."""

    link: int = Field(description="its number, for `/links/{link}/switch-off`")
    url: str
    switched_off: bool = Field(description="whether it, its message or the organization is switched off")


class LinksRead(BaseModel):
    """The followed links of a message."""

    items: list[LinkRead]


async def _switch(call: Call, message: str | None = None, link: int | None = None, *, off: bool) -> Answer:
    """Switch links off or on again, for this instance at once. Again is the same."""
    stops = call.services.stops
    await (stops.kill(call.org, message, link) if off else stops.revive(call.org, message, link))
    await stops.load_stops(call.org)
    target = "/".join(f"{part}" for part in (message, link) if part is not None) or call.org
    call.note("links.switched_off" if off else "links.switched_on", target)
    return Answer(200, SwitchRead(switched_off=off))


async def _links(call: Call) -> tuple[str, dict[int, str]]:
    """Return the message's id and its links by number. Raises Problem."""
    loaded = await load_message(call)
    found: dict[int, str] = {}
    for copy in loaded.copies:
        if copy.links:
            links = await call.services.messages.links(call.org, copy)
            found.update({number: url for number, url in enumerate(links) if number not in copy.honeypots})
            break  # copies differ in their tokens alone
    return loaded.message.id, found


async def _link(call: Call) -> tuple[str, int]:
    number = call.path["link"]
    message, links = await _links(call)
    if not _NUMBER.fullmatch(number) or int(number) not in links:
        raise not_there("link")
    return message, int(number)


async def _check_organization(call: Call) -> None:
    if await call.services.organizations.load_organization(call.org) is None:
        raise not_there("organization")


@administration("GET", "/switch-off", answers={200: SwitchRead})
async def get_organization_switch(call: Call) -> Answer:
    """Tell whether all links of an organization are switched off."""
    await _check_organization(call)
    stops = await call.services.stops.load_stops(call.org)
    return Answer(200, SwitchRead(switched_off=stops.is_everything_off))


@administration("PUT", "/switch-off", answers={200: SwitchRead})
async def switch_organization_off(call: Call) -> Answer:
    """Switch off all links of an organization, files included."""
    await _check_organization(call)
    return await _switch(call, off=True)


@administration("DELETE", "/switch-off", answers={200: SwitchRead})
async def switch_organization_on(call: Call) -> Answer:
    """Let the links of an organization lead on again."""
    await _check_organization(call)
    return await _switch(call, off=False)


@endpoints("GET", "/messages/{message}/links", answers={200: LinksRead})
async def list_links(call: Call) -> Answer:
    """List the followed links of a message, with their numbers."""
    message, links = await _links(call)
    stops = await call.services.stops.load_stops(call.org)
    items = [
        LinkRead(link=number, url=url, switched_off=stops.is_switched_off(message, number))
        for number, url in links.items()
    ]
    return Answer(200, LinksRead(items=items))


@endpoints("PUT", "/messages/{message}/links/switch-off", answers={200: SwitchRead})
async def switch_message_off(call: Call) -> Answer:
    """Switch off all links of a message, files included."""
    return await _switch(call, (await load_message(call)).message.id, off=True)


@endpoints("DELETE", "/messages/{message}/links/switch-off", answers={200: SwitchRead})
async def switch_message_on(call: Call) -> Answer:
    """Let the links of a message lead on again, but for those that are switched off by themselves."""
    return await _switch(call, (await load_message(call)).message.id, off=False)


@endpoints("PUT", "/messages/{message}/links/{link}/switch-off", answers={200: SwitchRead})
async def switch_link_off(call: Call) -> Answer:
    """Switch off one link of a message, in every copy."""
    return await _switch(call, *await _link(call), off=True)


@endpoints("DELETE", "/messages/{message}/links/{link}/switch-off", answers={200: SwitchRead})
async def switch_link_on(call: Call) -> Answer:
    """Let one link of a message lead on again."""
    return await _switch(call, *await _link(call), off=False)
