"""The Functions app: every trigger of Heed, over the given services."""

from __future__ import annotations

import azure.functions as func

import attachment_fn
import pixel_fn
import redirect_fn
import reminder_fn
import scheduler_fn
from functions import dead_letters
from functions.api.openapi import openapi_document
from functions.resources import (
    activities,
    attachments,
    cards,
    messages,
    organizations,
    people,
    recipients,
    reports,
    sending,
    simulate,
    templates,
    timing,
)
from functions.resources import delivery_advice as advice
from functions.resources import health as service
from functions.resources import verdicts as assess
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


def make_app(services: Services) -> func.FunctionApp:
    app = func.FunctionApp()
    document = openapi_document(RESOURCES, services.settings.base_url)
    blueprints = [
        *(resource.blueprint(services) for resource in RESOURCES),
        *(triggers.blueprint(services) for triggers in TRIGGERS),
        service.pages(document),
    ]
    for blueprint in blueprints:
        app.register_functions(blueprint)
    return app
