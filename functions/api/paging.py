"""Lists: `?limit=` and `?cursor=` in, `{"items", "next"}` out."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from functions.api.problems import Problem
from lib.fields import QueryNumber

PageItem = TypeVar("PageItem")


class PageQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: Annotated[QueryNumber, Field(ge=1, le=200, description="items of a page")] = 50
    cursor: Annotated[str, Field(max_length=1024, description="`next` of the page before")] | None = None

    def after(self) -> str | None:
        """Return the key of the last item of the page before. Raises Problem for a cursor of another list."""
        if self.cursor is None:
            return None
        try:
            after = base64.urlsafe_b64decode(self.cursor + "=" * (-len(self.cursor) % 4)).decode("ascii")
        except (binascii.Error, ValueError):
            after = ""
        if _cursor(after) != self.cursor or not after.isprintable() or any(sign in after for sign in "/\\#?'"):
            raise Problem(400, "The cursor is none that this list has given.")
        return after


def _cursor(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


class Page(BaseModel, Generic[PageItem]):
    """A page of a list."""

    # pydantic does not hand the docstring on to `Page[…]`.
    model_config = ConfigDict(json_schema_extra={"description": "A page of a list."})

    items: list[PageItem]
    next: str | None = Field(description="the `cursor` of the next page, null on the last one")


def page(found: Sequence[tuple[str, PageItem]], limit: int) -> Page[PageItem]:
    """Make a page of `found`, which holds one item more than the limit where there is a next page."""
    shown = found[:limit]
    more = len(found) > limit
    cursor = _cursor(shown[-1][0]) if more else None
    return Page(items=[item for _, item in shown], next=cursor)


def page_until(items: list[PageItem], after: str | None) -> Page[PageItem]:
    """Make a page whose list says where the next one begins; None where there is none."""
    return Page(items=items, next=None if after is None else _cursor(after))
