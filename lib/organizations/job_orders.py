"""Messages of the queue `jobs`: orders to do a piece of an organization's long work (`lib.privacy.jobs`)."""

from __future__ import annotations

import json
from dataclasses import dataclass

from lib.ids import MADE
from lib.storage.queue_bodies import id_in, read_body


@dataclass(frozen=True, slots=True)
class JobOrder:
    """A message of the queue `jobs`: a piece of a job is to be done."""

    organization: str
    job: str

    def to_json(self) -> str:
        return json.dumps({"v": 1, "org": self.organization, "job": self.job})


def read_job_order(body: bytes) -> JobOrder:
    """Read an order. Raises ValueError for any other body, which ends in the poison queue."""
    organization, fields = read_body(body)
    return JobOrder(organization, id_in(fields, "job", MADE))
