"""Conversations: the sent and received messages of a thread, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from functions.api.endpoint import Answer, Call, Endpoints
from functions.api.paging import Page, PageQuery, last_key, page_until
from functions.api.problems import not_there
from functions.shapes.message import MessageItem, listed_message, message_item, time_zone_of
from lib.ids import MADE
from lib.messages.store import Loaded
from lib.storage.batches import batches_of

endpoints = Endpoints("Conversations")

_UNSENT = ("draft", "cancelled")
_FIRST = "0"
"""The cursor of the first message, before those of all others."""

_AT_ONCE = 16
"""Messages that are read at the same time."""

_MOST_PAGES = 5
"""Pages of other users' mail alone that a request passes over, where the caller sees the own mail alone."""


@endpoints("GET", "/conversations/{conversation}", query=PageQuery, answers={200: Page[MessageItem]})
async def read_conversation(call: Call) -> Answer:
    """List the messages of a conversation, oldest first, without drafts.

    Messages of one page stand in the order in which they went or came; pages follow the order in which they were made.
    """
    conversation = call.path["conversation"]
    if not MADE.fullmatch(conversation):
        raise not_there("conversation")
    begin = behind = last_key(call)
    shown, has_others = list[Loaded](), False
    for _ in range(_MOST_PAGES):
        there, behind = await _read_page(call, conversation, behind)
        shown = [each for each in there if call.sees_mail_of(each.message.sender)]
        has_others = has_others or len(shown) < len(there)
        if shown or behind is None or not has_others:
            break
    if begin is None and behind is None and has_others and not shown:
        raise not_there("conversation")
    shown.sort(key=lambda each: (each.message.sort_time(), each.message.created_at))
    zone = await time_zone_of(call)
    items = [message_item(await listed_message(call, each), call.now, zone) for each in shown]
    return Answer(200, page_until(call, items, behind))


async def _read_page(call: Call, conversation: str, after: str | None) -> tuple[list[Loaded], str | None]:
    """Read a page, of every user's mail, and where the next one begins. Raises Problem where there is no first one."""
    limit = call.query.limit
    rows = call.services.threads.list_conversation(call.org, conversation, after, limit + 1)
    found = [] if after else [(_FIRST, conversation)]
    found += [row async for row in rows]
    loaded = await _load_messages(call, [message for _, message in found[:limit]])
    if after is None and not loaded:
        raise not_there("conversation")
    there = [each for each in loaded if each.message.thread == conversation and each.message.state not in _UNSENT]
    return there, found[limit - 1][0] if len(found) > limit else None


async def _load_messages(call: Call, messages: Sequence[str]) -> list[Loaded]:
    loaded: list[Loaded | None] = []
    for some in batches_of(messages, _AT_ONCE):
        loaded += await asyncio.gather(*(call.services.messages.load(call.org, each) for each in some))
    return [each for each in loaded if each is not None]
