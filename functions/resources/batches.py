"""Users and records in batches: each item is put as a PUT of it alone would put it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from functions.api.batches import LARGEST_BATCH, ItemOutcome, WrongItem, batch_of, do_batch
from functions.api.endpoint import Answer, Call, EndpointHandler, Endpoints
from functions.resources.people import MAY_CHANGE_USERS, put_record, put_user
from lib.fields import ChosenId, Model, RecordType
from lib.people.records import RecordSpec
from lib.people.users import UserSpec

endpoints = Endpoints("People and records", may=("full",))


class RecordInBatch(RecordSpec):
    """A record to be put."""

    type: RecordType
    id: ChosenId


class UserInBatch(UserSpec):
    """A user to be put."""

    id: ChosenId


if TYPE_CHECKING:
    _Records = list[RecordInBatch | WrongItem]
    _Users = list[UserInBatch | WrongItem]
else:
    _Records = batch_of(RecordInBatch)
    _Users = batch_of(UserInBatch)


class RecordBatch(Model):
    """Up to 200 records to be put."""

    items: _Records


class UserBatch(Model):
    """Up to 200 users to be put."""

    items: _Users


class RecordOutcome(ItemOutcome):
    """The outcome of a record of the batch."""

    type: str | None
    id: str | None


class UserOutcome(ItemOutcome):
    """The outcome of a user of the batch."""

    id: str | None


class RecordOutcomes(BaseModel):
    """The outcomes of the records, in the order of the batch."""

    items: list[RecordOutcome]


class UserOutcomes(BaseModel):
    """The outcomes of the users, in the order of the batch."""

    items: list[UserOutcome]


@endpoints("POST", "/records/batch", body=RecordBatch, answers={200: RecordOutcomes}, largest_body=LARGEST_BATCH)
async def put_records(call: Call) -> Answer:
    """Put up to 200 records, each as `PUT` alone would do; the outcomes are in the same order.

    The answer is 200 whatever becomes of the items: look at the `status` of each. Items of the same type and id are
    done one after the other.
    """

    async def put_one(item: RecordInBatch) -> Answer:
        return await _put(call, put_record, RecordSpec, item, {"type": item.type, "id": item.id})

    has_if_match = call.if_match is not None
    done = await do_batch(call.body.items, lambda item: (item.type, item.id), put_one, has_if_match=has_if_match)
    pairs = zip(call.body.items, done, strict=True)
    items = [RecordOutcome(**dict(each), type=_named(item, "type"), id=_named(item, "id")) for item, each in pairs]
    return Answer(200, RecordOutcomes(items=items))


@endpoints(
    "POST",
    "/users/batch",
    body=UserBatch,
    answers={200: UserOutcomes},
    largest_body=LARGEST_BATCH,
    may=MAY_CHANGE_USERS,
    everybodys=True,
)
async def put_users(call: Call) -> Answer:
    """Put up to 200 users, each as `PUT` alone would do; the outcomes are in the same order.

    The answer is 200 whatever becomes of the items: look at the `status` of each.
    """

    async def put_one(item: UserInBatch) -> Answer:
        return await _put(call, put_user, UserSpec, item, {"user": item.id})

    done = await do_batch(call.body.items, lambda item: item.id, put_one, has_if_match=call.if_match is not None)
    pairs = zip(call.body.items, done, strict=True)
    return Answer(200, UserOutcomes(items=[UserOutcome(**dict(each), id=_named(item, "id")) for item, each in pairs]))


async def _put(call: Call, put: EndpointHandler, spec: type[Model], item: Model, path: Mapping[str, str]) -> Answer:
    """Do what the endpoint of one item does. Notes for the audit log are those of the whole call."""
    fields: dict[str, Any] = item.model_dump(include=set(spec.model_fields), exclude_unset=True)
    return await put(replace(call, path={**call.path, **path}, body=spec.model_validate(fields)))


def _named(item: Model | WrongItem, field: str) -> str | None:
    return item.named(field) if isinstance(item, WrongItem) else getattr(item, field)
