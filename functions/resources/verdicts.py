"""Verdicts of a message, judged again on request."""

from __future__ import annotations

from functions.api.endpoint import Answer, Call, Endpoints
from functions.api.problems import not_there
from functions.resources.messages import load_message
from lib.assessment.rejudge import Reassessment

endpoints = Endpoints("Verdicts")


@endpoints("POST", "/messages/{message}/reassess", answers={200: Reassessment})
async def reassess_message(call: Call) -> Answer:
    """Judge a message again, from all its facts, by the rules of today; what has changed. Again is the same."""
    loaded = await load_message(call)
    report = await call.services.rejudge.message(call.org, loaded.message.id, write=True)
    if report is None:
        raise not_there("message")
    return Answer(200, report)
