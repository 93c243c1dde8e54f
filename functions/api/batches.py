"""Batches: one request that does what as many single ones would do. Each item has its own outcome, in their order."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from functions.api.endpoint import Answer
from functions.api.problems import MOST_ERRORS, FieldError, Problem, field_errors, problem_of
from lib.fields import Model
from lib.storage.at_once import some_at_once
from lib.storage.versions import ETag

MOST_ITEMS = 200
"""Items of one batch."""

LARGEST_BATCH = 2 * 1024 * 1024
"""Bytes of the body of a batch."""

BatchItem = TypeVar("BatchItem", bound=Model)


@dataclass(frozen=True, slots=True)
class WrongItem:
    """An item whose fields are wrong: it is not done, and its errors become its outcome."""

    given: dict[str, str]
    """Those fields of the item that are texts."""
    errors: list[FieldError]

    def named(self, field: str) -> str | None:
        """Return a field that names the item, as it was given, if it was a short text."""
        value = self.given.get(field)
        return value if value is not None and len(value) <= _LONGEST_NAME else None


_LONGEST_NAME = 100


class ItemOutcome(BaseModel):
    """The outcome of one item."""

    status: int = Field(description="the status that the item alone would have got, such as 201, 200, 409 or 422")
    etag: ETag | None = Field(description="the version that the item is now; null where it was not done")
    code: str | None = Field(description="what went wrong, in a stable word of the catalogue of errors")
    detail: str | None = Field(description="what went wrong, in a sentence")
    errors: list[FieldError] | None = Field(description="the fields of the item that are wrong")


def batch_of(model: type[BatchItem]) -> Any:
    """Return the type of a batch's items: an item that does not fit the model becomes a `WrongItem`."""

    def check(value: Any, handler: ValidatorFunctionWrapHandler) -> BatchItem | WrongItem:
        try:
            checked: BatchItem = handler(value)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)[:MOST_ERRORS]
            given = value if isinstance(value, dict) else {}
            texts = {name: each for name, each in given.items() if isinstance(each, str)}
            return WrongItem(texts, field_errors(found, (), model))
        return checked

    return Annotated[list[Annotated[model, WrapValidator(check)]], Field(min_length=1, max_length=MOST_ITEMS)]  # type: ignore[valid-type]


async def do_batch(
    items: Sequence[BatchItem | WrongItem],
    key_of: Callable[[BatchItem], Hashable],
    do_item: Callable[[BatchItem], Awaitable[Answer]],
    *,
    has_if_match: bool,
) -> list[ItemOutcome]:
    """Do the items, many at the same time; those of the same key one after the other, in their order.

    No failure of an item ends the batch. `has_if_match`: whether the header If-Match came, which is that of each item.
    """
    outcomes: dict[int, ItemOutcome] = {}
    places = defaultdict[Hashable, list[tuple[int, BatchItem]]](list)
    for place, item in enumerate(items):
        if isinstance(item, WrongItem):
            outcomes[place] = _outcome_of(Problem.of_fields(item.errors, len(item.errors)))
        else:
            places[key_of(item)].append((place, item))

    async def do_some(some: Sequence[tuple[int, BatchItem]]) -> None:
        for place, item in some:
            outcomes[place] = await _outcome(do_item(item), has_if_match)

    await some_at_once(do_some(some) for some in places.values())
    return [outcomes[place] for place in range(len(items))]


async def _outcome(doing: Awaitable[Answer], has_if_match: bool) -> ItemOutcome:
    try:
        answer = await doing
    except asyncio.CancelledError:
        raise
    except Exception as error:
        return _outcome_of(problem_of(error, has_if_match=has_if_match))
    etag = getattr(answer.body, "etag", None)
    return ItemOutcome(status=answer.status, etag=etag, code=None, detail=None, errors=None)


def _outcome_of(problem: Problem) -> ItemOutcome:
    document = problem.document
    return ItemOutcome(
        status=document.status, etag=None, code=document.code, detail=document.detail, errors=document.errors
    )
