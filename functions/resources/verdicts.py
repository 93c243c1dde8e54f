"""Verdicts of a message, judged again on request."""

from __future__ import annotations

from pydantic import BaseModel, Field

from functions.api.endpoint import Answer, Call, Endpoints
from functions.api.paging import PageQuery, last_key, page_until
from functions.api.problems import not_there
from functions.resources.messages import load_message
from lib.assessment.rejudge import Reassessment
from lib.fields import Model
from lib.verdicts import RULES_VERSION

endpoints = Endpoints("Verdicts")
operations = Endpoints("Operations", may=("administrator",))


class JudgeAgain(Model):
    """Order to judge again, with or without writing what changes."""

    write: bool = Field(False, description="false: only tell what would change")


class Reassessments(BaseModel):
    """Messages that were judged again, newest first."""

    rules: str = Field(description="the version of the rules that they were judged by")
    written: bool = Field(description="whether the changes were written")
    items: list[Reassessment]
    next: str | None = Field(description="the `cursor` of the messages before these; null where there are none")


@operations("POST", "/reassess", body=JudgeAgain, query=PageQuery, answers={200: Reassessments})
async def reassess_organization(call: Call) -> Answer:
    """Judge some messages of an organization again, newest first: what changes, or would change by the rules of today.

    What other mails tell of the same sources is taken as it stands. To judge a whole organization as if all of its mail
    came today, run `python -m heed rejudge`.
    """
    if await call.services.organizations.load_organization(call.org) is None:
        raise not_there("organization")
    write = call.body.write
    found, last = await call.services.rejudge.some(call.org, last_key(call), call.query.limit, write=write)
    if write:
        call.note("verdicts.judged_again", messages=len(found), changed=sum(each.changed for each in found))
    following = page_until(call, list[str](), last).next
    return Answer(200, Reassessments(rules=RULES_VERSION, written=write, items=found, next=following))


@endpoints("POST", "/messages/{message}/reassess", answers={200: Reassessment})
async def reassess_message(call: Call) -> Answer:
    """Judge a message again, from all its facts, by the rules of today; what has changed. Again is the same."""
    loaded = await load_message(call)
    report = await call.services.rejudge.message(call.org, loaded.message.id, write=True)
    if report is None:
        raise not_there("message")
    return Answer(200, report)
