"""All endpoints of the API. This module imports every resource, which takes a second: apps import it in a thread."""

from __future__ import annotations

from functions.api.openapi import openapi_document
from functions.api.table import TableRow
from functions.operations import dead_letters, replay
from functions.resources import (
    access,
    activities,
    alerts,
    attachments,
    audit,
    batches,
    cards,
    composing,
    consents,
    conversations,
    deletions,
    delivery_advice,
    delivery_reports,
    events,
    feedback,
    follow_ups,
    health,
    inbound,
    mailboxes,
    merged_records,
    messages,
    organizations,
    people,
    readiness,
    recipients,
    reports,
    rules,
    sending,
    simulate,
    subjects,
    switches,
    templates,
    timing,
    verdicts,
    webhooks,
)
from functions.shapes.webhook_events import webhook_events

RESOURCES = (
    health.endpoints,
    organizations.every,
    organizations.endpoints,
    audit.endpoints,
    access.endpoints,
    access.service,
    switches.administration,
    people.endpoints,
    batches.endpoints,
    merged_records.endpoints,
    deletions.endpoints,
    templates.endpoints,
    composing.endpoints,
    messages.endpoints,
    conversations.endpoints,
    attachments.endpoints,
    recipients.endpoints,
    switches.endpoints,
    consents.endpoints,
    sending.endpoints,
    simulate.endpoints,
    timing.endpoints,
    delivery_advice.endpoints,
    cards.endpoints,
    alerts.endpoints,
    follow_ups.endpoints,
    activities.endpoints,
    events.endpoints,
    webhooks.endpoints,
    reports.endpoints,
    readiness.endpoints,
    verdicts.endpoints,
    verdicts.operations,
    feedback.endpoints,
    mailboxes.endpoints,
    inbound.endpoints,
    delivery_reports.endpoints,
    rules.endpoints,
    subjects.endpoints,
    replay.endpoints,
    dead_letters.endpoints,
)
"""The endpoints of the API, in the order in which the OpenAPI document lists them."""

ENDPOINTS = {endpoint.name: endpoint for resource in RESOURCES for endpoint in resource.all}
"""Every endpoint by its name, which is the name of its function."""


def table_rows() -> list[TableRow]:
    """The rows of the table of endpoints, from the endpoints' declarations."""
    return [TableRow(each.name, each.method, each.route) for each in ENDPOINTS.values()]


def document(base_url: str) -> bytes:
    """Make the OpenAPI document, in 0.2 s or more."""
    return openapi_document(RESOURCES, base_url, webhook_events(base_url))
