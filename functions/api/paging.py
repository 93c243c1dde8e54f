"""Lists: `?limit=` and `?cursor=` in, `{"items", "next"}` out.

A cursor is sealed. It holds the key of the last item and a digest of its query: organization, path, filters, order
and acting user. So a cursor continues its own list alone, and shows no key of storage.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from functions.api.endpoint import Call
from functions.api.problems import Problem
from lib.fields import QueryNumber
from lib.ids import short_hash
from lib.tokens import LONGEST, Purpose

PageItem = TypeVar("PageItem")

_DIGEST_BYTES = 16
_Cursor = Annotated[str, WithJsonSchema({"type": "string", "maxLength": LONGEST})]
"""A longer cursor is refused like any other that no list has given: 400, not 422."""


class PageQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: Annotated[QueryNumber, Field(ge=1, le=200, description="items of a page")] = 50
    cursor: _Cursor | None = Field(
        None,
        description="`next` of the page before, of the same list with the same filters, order and acting user",
    )


class Page(BaseModel, Generic[PageItem]):
    """A page of a list."""

    # pydantic does not hand the docstring on to `Page[…]`.
    model_config = ConfigDict(json_schema_extra={"description": "A page of a list."})

    items: list[PageItem]
    next: str | None = Field(description="the `cursor` of the next page, null on the last one")


def last_key(call: Call) -> str | None:
    """Return the key of the last item of the page before. Raises Problem (400) for a cursor of another query."""
    cursor = call.query.cursor
    if cursor is None:
        return None
    plain = call.services.ring.unseal(Purpose.CURSOR, cursor) if len(cursor) <= LONGEST else None
    if plain is None or plain[:_DIGEST_BYTES] != _query_digest(call):
        detail = "The cursor is none that this list has given for this query: begin again without a cursor."
        raise Problem(400, detail, code="unknown_cursor")
    return plain[_DIGEST_BYTES:].decode()


def page(call: Call, found: Sequence[tuple[str, PageItem]]) -> Page[PageItem]:
    """Make a page of `found`, which holds one item more than the limit where there is a next page."""
    shown = found[: call.query.limit]
    return page_until(call, [item for _, item in shown], shown[-1][0] if len(found) > len(shown) else None)


def page_until(call: Call, items: list[PageItem], last: str | None) -> Page[PageItem]:
    """Make a page whose list says behind which key the next one begins; None where there is none."""
    if last is None:
        return Page(items=items, next=None)
    return Page(items=items, next=call.services.ring.seal(Purpose.CURSOR, _query_digest(call) + last.encode()))


def _query_digest(call: Call) -> bytes:
    """Digest all that decides about the list. The limit may change from page to page."""
    query = call.query.model_dump_json(exclude={"limit", "cursor"})
    path = [text for parameter in sorted(call.path.items()) for text in parameter]
    return bytes.fromhex(short_hash(call.route, query, call.user() or "", *path))
