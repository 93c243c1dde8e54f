"""The Functions app: all functions of Heed, registered over the given services."""

from __future__ import annotations

import azure.functions as func

import attachment_fn
import pixel_fn
import redirect_fn
import reminder_fn
import scheduler_fn
from functions.api.openapi import openapi_document
from functions.operations import dead_letters, replay
from functions.resources import (
    activities,
    api_document,
    attachments,
    cards,
    consents,
    conversations,
    delivery_advice,
    delivery_reports,
    follow_ups,
    health,
    inbound,
    mailboxes,
    messages,
    organizations,
    people,
    recipients,
    reports,
    rules,
    sending,
    simulate,
    start,
    templates,
    timing,
    unknown_paths,
    verdicts,
)
from functions.triggers import dead_letters as dead_letter_alarm
from functions.triggers import engaged_records, interactions, kept_answers, recipient_page
from functions.triggers import inbound as inbound_queue
from functions.triggers import mailboxes as mailbox_polling
from lib.services import Services

RESOURCES = (
    health.endpoints,
    organizations.listing,
    organizations.endpoints,
    people.endpoints,
    templates.endpoints,
    messages.endpoints,
    conversations.endpoints,
    attachments.endpoints,
    recipients.endpoints,
    consents.endpoints,
    sending.endpoints,
    simulate.endpoints,
    timing.endpoints,
    delivery_advice.endpoints,
    cards.endpoints,
    follow_ups.endpoints,
    activities.endpoints,
    reports.endpoints,
    verdicts.endpoints,
    mailboxes.endpoints,
    inbound.endpoints,
    delivery_reports.endpoints,
    rules.endpoints,
    replay.endpoints,
    dead_letters.endpoints,
)
"""The endpoints of the API, in the order in which the OpenAPI document lists them."""

TRIGGERS = (
    pixel_fn,
    redirect_fn,
    attachment_fn,
    recipient_page,
    scheduler_fn,
    reminder_fn,
    interactions,
    engaged_records,
    kept_answers,
    dead_letter_alarm,
    mailbox_polling,
    inbound_queue,
)
"""Modules of functions beside the API: what recipients request, timers and queues."""


class HeedApp(func.FunctionApp):
    """The app with its services: a host that ends in order, as the local one does, closes them."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services

    async def close(self) -> None:
        """Close all that the services have opened."""
        await self._services.close()


def make_app(services: Services) -> HeedApp:
    """Register every function over the services."""
    app = HeedApp(services)
    document = openapi_document(RESOURCES, services.settings.base_url)
    blueprints = [
        *(resource.blueprint(services) for resource in RESOURCES),
        *(triggers.blueprint(services) for triggers in TRIGGERS),
        api_document.blueprint(document),
        start.blueprint(),
        unknown_paths.blueprint(RESOURCES),
    ]
    for blueprint in blueprints:
        app.register_functions(blueprint)
    return app
