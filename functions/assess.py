"""The assessor's triggers: the queue `interactions`, the timer that looks for what the queue has lost, and an endpoint
that has a message judged again."""

from __future__ import annotations

import json

import azure.functions as func

from functions.endpoint import Answer, Call, Endpoints
from functions.messages import load
from functions.problems import not_there
from functions.queue_trigger import on_queue
from lib.assessment.rejudge import Reassessment
from lib.services import Services
from lib.storage.layout import INTERACTIONS
from lib.tracking.facts import read_interactions

endpoints = Endpoints("Verdicts")


@endpoints("POST", "/messages/{message}/reassess", answers={200: Reassessment})
async def reassess_message(call: Call) -> Answer:
    """Judge a message again, from all its facts, by the rules of today; what has changed. Again is the same."""
    loaded = await load(call)
    report = await call.services.rejudge.message(call.org, loaded.message.id, write=True)
    if report is None:
        raise not_there("message")
    return Answer(200, report)


def blueprint(services: Services) -> func.Blueprint:
    triggers = func.Blueprint()

    @on_queue(triggers, services, INTERACTIONS)
    async def assess(body: bytes) -> None:
        await services.intake.assess_interactions(read_interactions(json.loads(body)))

    @triggers.function_name("sweep_journal")
    @triggers.timer_trigger("timer", "0 */5 * * * *")
    async def sweep_journal(timer: func.TimerRequest) -> None:  # noqa: ARG001
        await services.sweep.run()

    return triggers
