"""Messages of the queue `jobs`: orders to do a piece of an organization's long work (`lib.privacy.jobs`)."""

from __future__ import annotations

import json
from dataclasses import dataclass

from lib.ids import MADE, ORGANIZATION


@dataclass(frozen=True, slots=True)
class JobOrder:
    """A message of the queue `jobs`: a piece of a job is to be done."""

    organization: str
    job: str

    def to_json(self) -> str:
        return json.dumps({"v": 1, "org": self.organization, "job": self.job})


def read_job_order(body: bytes) -> JobOrder:
    """Read an order. Raises ValueError for any other body, which ends in the poison queue."""
    raw = json.loads(body)
    if not isinstance(raw, dict) or raw.get("v") != 1:
        raise ValueError("a message of another version, or none")
    organization, job = raw.get("org"), raw.get("job")
    if not isinstance(organization, str) or not ORGANIZATION.fullmatch(organization):
        raise ValueError("it names no organization")
    if not isinstance(job, str) or not MADE.fullmatch(job):
        raise ValueError("it names no job")
    return JobOrder(organization, job)
