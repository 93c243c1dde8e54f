"""Data subjects: export and erasure of what is held about an address, as jobs."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from functions.api.endpoint import Answer, Call, Endpoints
from functions.api.problems import Problem, invalid_fields, not_there
from lib.fields import Email, Moment, QueryFlag
from lib.ids import MADE
from lib.privacy.jobs import Job, JobKind, JobStatus

endpoints = Endpoints("Data subjects", may=("full", "admin"), everybodys=True)

_EMAIL = TypeAdapter(Email)
_JSON = "application/json"


class EraseQuery(BaseModel):
    """The extent of an erasure."""

    model_config = ConfigDict(extra="forbid")

    also_sent_mail: QueryFlag = Field(
        False, description="whether mail that the organization has sent to the address alone is erased, too"
    )


class JobBegun(BaseModel):
    """A job that has begun."""

    job: str = Field(description="its id, for `GET /jobs/{id}`")


class JobProgress(BaseModel):
    """Progress of a job."""

    phase: str = Field(description="what it is at; empty before it has begun")
    looked_at: int = Field(description="rows and blobs that it has looked at")


class JobReport(BaseModel):
    """Result of a job: the things that it has found or changed."""

    counts: dict[str, int] = Field(description="rows, messages, events, cards and blobs, by where they are")
    notes: list[str] = Field(description="what else is to be known, in sentences")


class JobRead(BaseModel):
    """A job."""

    id: str
    kind: JobKind
    status: JobStatus
    made_at: Moment
    finished_at: Moment | None
    progress: JobProgress
    report: JobReport | None = Field(description="null until the job has ended")
    result: str | None = Field(description="the path at which the result of an export can be read, for seven days")
    result_until: Moment | None


def job_read(organization: str, job: Job) -> JobRead:
    """Shape a job. It names no address."""
    path = f"/api/orgs/{organization}/jobs/{job.id}/result" if job.result else None
    return JobRead(
        id=job.id,
        kind=job.kind,
        status=job.status,
        made_at=job.made_at,
        finished_at=job.finished_at,
        progress=JobProgress(phase=job.phase, looked_at=job.looked_at),
        report=None if job.is_open else JobReport(counts=job.counts, notes=job.notes),
        result=path,
        result_until=job.result_until if job.result else None,
    )


@endpoints("GET", "/subjects/{*email}", answers={202: JobBegun})
async def export_subject(call: Call) -> Answer:
    """Have all that is held about an address exported, as one JSON document that the job leads to."""
    return await _begin(call, "export")


@endpoints("DELETE", "/subjects/{*email}", query=EraseQuery, answers={202: JobBegun})
async def erase_subject(call: Call) -> Answer:
    """Have what is held about an address erased. This cannot be undone."""
    return await _begin(call, "erase", also_sent_mail=call.query.also_sent_mail)


@endpoints("GET", "/jobs/{job}", answers={200: JobRead})
async def get_job(call: Call) -> Answer:
    """Read how far a job has come, and what it has found or changed."""
    return Answer(200, job_read(call.org, await _load(call)))


@endpoints("GET", "/jobs/{job}/result", answers={200: _JSON})
async def get_job_result(call: Call) -> Answer:
    """Read the result of an export, within seven days."""
    result = await call.services.subject_jobs.read_result(call.org, await _load(call))
    if result is None:
        raise Problem(404, "The job has no result, or not any more.")
    return Answer(200, result, headers={"Cache-Control": "no-store"}, media_type=_JSON, size=len(result))


async def _begin(call: Call, kind: Literal["export", "erase"], *, also_sent_mail: bool = False) -> Answer:
    try:
        email = _EMAIL.validate_python(call.path["email"])
    except ValidationError as error:
        raise invalid_fields(error, ["path", "email"]) from None
    job = await call.services.subject_jobs.begin_job(
        call.org, kind, email, also_sent_mail=also_sent_mail, by=call.actor
    )
    return Answer(202, JobBegun(job=job.id), headers={"Location": f"/api/orgs/{call.org}/jobs/{job.id}"})


async def _load(call: Call) -> Job:
    job = call.path["job"]
    found = await call.services.subject_jobs.load_job(call.org, job) if MADE.fullmatch(job) else None
    if found is None:
        raise not_there("job")
    return found
