"""The functions on queues, by the backend that the queues have."""

from __future__ import annotations

import asyncio
from typing import Any

import azure.functions as func
import pytest
from azure.functions.queue import QueueMessage
from azure.functions.servicebus import ServiceBusMessage

from functions.triggers import queues as queue_trigger
from functions.triggers.queues import on_queue, pause_after
from infra.local.host.application import Function, list_functions
from lib.services import Services
from lib.storage import Unavailable
from lib.storage.memory import MemoryQueues
from tests.support.heed import Heed

SERVICE_BUS = {
    "HEED_QUEUES": "servicebus",
    "HEED_SERVICEBUS": "Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=n;SharedAccessKey=k",
}
BACKENDS: dict[str, Any] = {
    "queueTrigger": ({}, lambda body: QueueMessage(id="1", body=body, dequeue_count=1)),
    "serviceBusTrigger": (
        SERVICE_BUS,
        lambda body: ServiceBusMessage(body=body, message_id="1", delivery_count=3, **_NO_PROPERTIES),
    ),
}
_NO_PROPERTIES: Any = {"application_properties": {}, "user_properties": {}}


def registered(heed: Heed, **handlers: queue_trigger.MessageHandler) -> dict[str, Function]:
    """The functions of an app with these handlers on the queue `work`."""
    app, triggers = func.FunctionApp(), func.Blueprint()

    async def load_services() -> Services:
        return heed.services

    for name, handler in handlers.items():
        handler.__name__ = name
        on_queue(triggers, heed.services.settings, load_services, "work")(handler)
    app.register_functions(triggers)
    return {function.name: function for function in list_functions(app)}


@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_handler_gets_the_body_whichever_backend_it_is(backend: str) -> None:
    settings, message = BACKENDS[backend]
    bodies: list[bytes] = []

    async def handle(body: bytes) -> None:
        bodies.append(body)

    async def other(body: bytes) -> None:
        raise AssertionError

    functions = registered(Heed(settings=settings), handle=handle, other=other)
    await functions["handle"].handler(msg=message(b'{"v": 1}'))

    assert bodies == [b'{"v": 1}']
    assert {function.trigger_type for function in functions.values()} == {backend}
    assert functions["handle"].trigger.queue_name == "work"
    assert functions["handle"].trigger.connection in ("AzureWebJobsStorage", "HEED_SERVICEBUS")


async def test_heeds_own_functions_are_on_the_queues_that_the_setting_names() -> None:
    from functions.app import make_app

    found = {
        function.name: function for function in list_functions(make_app(Heed(settings=SERVICE_BUS).services.recipients))
    }

    of_queues = {
        name: each.trigger.queue_name for name, each in found.items() if each.trigger_type == "serviceBusTrigger"
    }
    assert of_queues == {
        "send": "outbox",
        "assess": "interactions",
        "take_in_mail": "inbound",
        "work_on_job": "jobs",
        "deliver_events": "webhooks",
    }
    assert not [each for each in found.values() if each.trigger_type == "queueTrigger"]


@pytest.mark.parametrize(
    ("error", "pauses"),
    [(RuntimeError("unforeseen"), [2.0]), (ValueError("nonsense"), [])],
    ids=["unforeseen", "nonsense"],
)
async def test_on_service_bus_a_failure_is_not_tried_again_at_once_unless_it_is_hopeless(
    monkeypatch: pytest.MonkeyPatch, error: Exception, pauses: list[float]
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def fail(body: bytes) -> None:
        raise error

    function = registered(Heed(settings=SERVICE_BUS), fail=fail)["fail"]
    monkeypatch.setattr(asyncio, "sleep", sleep)

    with pytest.raises(type(error)):
        await function.handler(msg=BACKENDS["serviceBusTrigger"][1](b""))

    assert slept == pauses


def test_ten_tries_outlast_a_minute_of_outage() -> None:
    pauses = [pause_after(tries) for tries in range(1, 11)]

    assert pauses[0] == 0.5
    assert pauses == sorted(pauses)
    assert sum(pauses) > 60
    assert pause_after(10_000) == 10


@pytest.mark.parametrize("backend", BACKENDS)
async def test_an_outage_of_storage_uses_up_no_tries(backend: str) -> None:
    settings, message = BACKENDS[backend]

    async def handle(_body: bytes) -> None:
        raise Unavailable("storage answers 503")

    heed = Heed(settings=settings)
    await registered(heed, handle=handle)["handle"].handler(msg=message(b'{"v": 1}'))

    queues = heed.storage.queues
    assert isinstance(queues, MemoryQueues)
    [sent] = queues.waiting
    assert (sent.queue, sent.body, sent.delay) == ("work", '{"v": 1}', queue_trigger.AFTER_AN_OUTAGE)
