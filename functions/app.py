"""The Functions app: every trigger of Heed, over the given services."""

from __future__ import annotations

import azure.functions as func

import attachment_fn
import pixel_fn
import redirect_fn
import reminder_fn
import scheduler_fn
from functions import (
    activities,
    advice,
    assess,
    attachments,
    cards,
    dead_letters,
    messages,
    organizations,
    people,
    recipients,
    reports,
    sending,
    service,
    simulate,
    templates,
    timing,
)
from functions.openapi import openapi_document
from lib.services import Services

RESOURCES = (
    service.endpoints,
    organizations.endpoints,
    people.endpoints,
    templates.endpoints,
    messages.endpoints,
    attachments.endpoints,
    recipients.endpoints,
    sending.endpoints,
    simulate.endpoints,
    timing.endpoints,
    advice.endpoints,
    cards.endpoints,
    activities.endpoints,
    reports.endpoints,
    assess.endpoints,
    service.operations,
    dead_letters.operations,
)

TRIGGERS = (pixel_fn, redirect_fn, attachment_fn, scheduler_fn, reminder_fn, assess, people, dead_letters)


class HeedApp(func.FunctionApp):
    """The app with its services: a host that ends in order, as the local one does, closes them."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services

    async def close(self) -> None:
        """Close all that the services have opened."""
        await self._services.close()


def make_app(services: Services) -> HeedApp:
    app = HeedApp(services)
    document = openapi_document(RESOURCES, services.settings.base_url)
    blueprints = [
        *(resource.blueprint(services) for resource in RESOURCES),
        *(triggers.blueprint(services) for triggers in TRIGGERS),
        service.pages(document),
    ]
    for blueprint in blueprints:
        app.register_functions(blueprint)
    return app
