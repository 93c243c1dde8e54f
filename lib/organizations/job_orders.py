"""Messages of the queue `jobs`: orders to do a piece of an organization's long work.

That is a piece of a job (`lib.privacy.jobs`), or of what follows the deletion of a user
(`lib.operations.deleted_users`). They hold ids alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from lib.ids import CHOSEN, MADE
from lib.storage.queue_bodies import id_in, read_body


@dataclass(frozen=True, slots=True)
class JobOrder:
    """A message of the queue `jobs`: a piece of a job is to be done."""

    organization: str
    job: str

    def to_json(self) -> str:
        return json.dumps({"v": 1, "org": self.organization, "job": self.job})


@dataclass(frozen=True, slots=True)
class DeletedUserOrder:
    """A message of the queue `jobs`: mail and mailboxes of a deleted user are to be held."""

    organization: str
    user: str
    shown_to: str | None
    """The id of the user who gets a card for each mail."""

    def to_json(self) -> str:
        shown_to = {} if self.shown_to is None else {"shown_to": self.shown_to}
        return json.dumps({"v": 1, "org": self.organization, "deleted_user": self.user, **shown_to})


def read_job_order(body: bytes) -> JobOrder | DeletedUserOrder:
    """Read an order. Raises ValueError for any other body, which ends in the poison queue."""
    organization, fields = read_body(body)
    if "deleted_user" in fields:
        shown_to = id_in(fields, "shown_to", CHOSEN) if "shown_to" in fields else None
        return DeletedUserOrder(organization, id_in(fields, "deleted_user", CHOSEN), shown_to)
    return JobOrder(organization, id_in(fields, "job", MADE))
