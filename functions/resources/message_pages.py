"""Pages of the list of messages: the rows that are read for a query, and what is passed over of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Literal, cast, get_args

from pydantic import Field, StringConstraints

from functions.api.endpoint import Call
from functions.api.paging import last_key
from functions.resources.message_filters import MessageFilters, sift_messages
from lib.clock import milliseconds
from lib.errors import NotAllowed
from lib.fields import ChosenId, RecordRef
from lib.ids import RECORD_TYPE
from lib.lists.keys import (
    ChangeSort,
    FilterBlock,
    change_block,
    is_in_view,
    mailbox_block,
    place_of_change,
    status_block,
    template_block,
)
from lib.lists.store import Listed, Sort, View, scope_of
from lib.messages.models import records_of
from lib.storage.sifted_pages import Sifted, SiftedPage, sifted_page

_CHANGE_SORTS = get_args(ChangeSort)


class MessagesQuery(MessageFilters):
    view: Literal[View, "engaged-this-week"] = Field(
        "all",
        description="`engaged-this-week`: mails that were sent, with more than 1 and fewer than 20 opens of people, "
        "the last one within 7 days; sorted by `-last_opened_at`, and pages may be short",
    )
    owner: ChosenId | None = None
    record: Annotated[str, StringConstraints(max_length=141, pattern=rf"^{RECORD_TYPE.pattern}/[^/]+$")] | None = None
    sort: Literal[Sort, ChangeSort] = Field(
        "-sent_at",
        description="`updated_at`: the order of changes, in which `view`, `record` and all filters but `updated_since` "
        "narrow the pages. `-last_read_at`: mails that a person has opened, clicked or viewed a file of, the last one "
        "first; `view`, `record` and all filters narrow the pages. Both are 409 in the hours after an upgrade in which "
        "they are made",
    )


async def read_page(call: Call, view: View, owner: str | None, record: RecordRef | None) -> SiftedPage[Listed]:
    """Read a page of the query, of a user's messages where an owner is named, or of a record's.

    Raises NotAllowed while the rows of the order are not whole, StorageError.
    """
    query: MessagesQuery = call.query
    after, sift = last_key(call), sift_messages(query, query.sort, call.sees_only)
    block = await _block_of(call, owner, record)
    if block is None:
        scope, order = scope_of(owner, record), cast(Sort, query.sort)

        def read_list(place: str | None, most: int) -> AsyncIterator[tuple[str, Listed]]:
            return call.services.lists.page(call.org, scope, view, order, place, most)

        return await sifted_page(read_list, sift, after, query.limit, passes_many=query.narrows)
    if after is None and query.sort == "updated_at" and query.updated_since:
        after = place_of_change(milliseconds(query.updated_since))
    records = await call.services.people.united_records(call.org, record) if record else []

    def sift_block(place: str, listed: Listed) -> Sifted:
        message = listed.message
        is_there = (
            (owner is None or message.sender == owner)
            and (record is None or any(named in records for named in records_of(message)))
            and is_in_view(message, view)
        )
        found = sift(place, listed)
        return "pass" if found == "show" and not is_there else found

    def read_block(place: str | None, most: int) -> AsyncIterator[tuple[str, Listed]]:
        return call.services.lists.filter_page(call.org, block, place, most)

    return await sifted_page(read_block, sift_block, after, query.limit)


async def _block_of(call: Call, owner: str | None, record: RecordRef | None) -> FilterBlock | None:
    """Return the rows that hold what a filter wants, in the order of the query; None where a list is narrowed.

    The list of a record is short as it is. A cursor of a narrowed list goes on in these rows once they are whole.
    """
    query: MessagesQuery = call.query
    if query.sort in _CHANGE_SORTS:
        if not await call.services.filter_rows.are_whole(call.org):
            raise NotAllowed("This order is made in the hours after an upgrade. Use another one until then.")
        return change_block(owner, cast(ChangeSort, query.sort))
    has_own_rows = query.status is not None and query.own_view is None
    is_wanted = query.recipient or (record is None and (query.template or has_own_rows))
    if query.sort != "-sent_at" or not is_wanted or not await call.services.filter_rows.are_whole(call.org):
        return None
    if query.recipient:
        return mailbox_block(await call.services.address_hashes.hash_address(call.org, query.recipient))
    if query.template:
        return template_block(owner, query.template)
    return status_block(owner, query.status) if query.status else None
