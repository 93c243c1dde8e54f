"""Webhooks: their receivers, tests, deliveries and secrets."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, get_args

from functions.api.paging import Page
from functions.api.problems import Problem
from functions.console.refusals import told_in_form
from functions.console.rendering import path_to, with_query
from functions.console.screen import Redirect, Reply, Screens
from functions.console.screens.administration import ADMINISTRATORS, PATH, ask_once_more, settings_form, settings_page
from functions.console.visit import Visit
from functions.resources.webhooks import DeliveryRead, TestDelivery
from lib.errors import Refusal
from lib.feed.models import EventType
from lib.storage.versions import etag_of
from lib.verdicts.evidence import Class
from lib.webhooks.models import DeliveryOutcome, WebhookRead

screens = Screens(ADMINISTRATORS)

_WEBHOOKS = f"{PATH}/webhooks"
_MOST_SHOWN = 50
_LABELS = {"url": "Address", "events": "Events", "verdicts": "Verdicts", "enabled": "Deliver"}
_OUTCOMES = {"delivered": "Delivered", "waiting": "Waiting", "dead": "Given up"}


@screens("GET", "settings/webhooks")
async def webhooks(visit: Visit) -> Reply:
    """Show all webhooks."""
    query = {"limit": _MOST_SHOWN, "cursor": visit.query("cursor")}
    found: Page[WebhookRead] = await visit.ask("list_webhooks", query=query)
    more = with_query(_WEBHOOKS, cursor=found.next) if found.next else None
    return settings_page("webhooks", "webhooks", {"webhooks": found.items, "more": more})


@screens("GET", "settings/webhooks/new")
async def new_webhook(_: Visit) -> Reply:
    """Show an empty form."""
    return _form("", {"url": "", "events": [], "verdicts": [], "enabled": True})


@screens("GET", "settings/webhooks/{id}")
async def webhook(visit: Visit) -> Reply:
    """Show a webhook with its deliveries."""
    return await _webhook(visit)


@screens("GET", "settings/webhooks/{id}/edit")
async def edit_webhook(visit: Visit) -> Reply:
    """Show the form with the webhook."""
    found: WebhookRead = await visit.ask("get_webhook", _path(visit))
    return _form(found.id, found.model_dump(), etag_of(found.etag))


@screens("POST", "settings/webhooks/save")
async def save_webhook(visit: Visit) -> Reply:
    """Make a webhook, whose secret is shown this once, or change the version that the form showed."""
    form, chosen, etag = visit.form, visit.form.text("id"), visit.form.text("etag")
    given = {
        "url": form.text("url"),
        "events": form.texts("events"),
        "verdicts": form.texts("verdicts"),
        "enabled": form.is_checked("enabled"),
    }
    try:
        if chosen:
            await visit.ask("patch_webhook", {"id": chosen}, body=given, etag=etag or None)
            return Redirect(path_to("settings", "webhooks", chosen))
        made = await visit.ask("make_webhook", body=given)
    except (Problem, Refusal) as error:
        return _form(chosen, given, etag, told_in_form(error, has_if_match=bool(etag)))
    return _secret(made.id, made.secret)


@screens("POST", "settings/webhooks/{id}/test")
async def test_webhook(visit: Visit) -> Reply:
    """Post a test at once, and show the answer."""
    return await _webhook(visit, await visit.ask("test_webhook", _path(visit)))


@screens("POST", "settings/webhooks/{id}/replay")
async def replay_all(visit: Visit) -> Reply:
    """Deliver once more what was given up."""
    await visit.ask("replay_dead_deliveries", _path(visit))
    return Redirect(f"{_here(visit)}?status=waiting")


@screens("POST", "settings/webhooks/{id}/deliveries/{delivery}/replay")
async def replay(visit: Visit) -> Reply:
    """Deliver one event once more."""
    await visit.ask("replay_delivery", {**_path(visit), "delivery": visit.path["delivery"]})
    return Redirect(f"{_here(visit)}?status=waiting")


@screens("GET", "settings/webhooks/{id}/secret")
async def ask_to_rotate(visit: Visit) -> Reply:
    """Ask once more."""
    texts = ["Deliveries are signed with the old one, too, for 24 hours: give the receiver the new one by then."]
    return ask_once_more(visit, "webhooks", "Make a new secret?", texts, "Make a new secret")


@screens("POST", "settings/webhooks/{id}/secret")
async def rotate(visit: Visit) -> Reply:
    """Make a new secret. Only the page that answers shows it."""
    made = await visit.ask("rotate_webhook_secret", _path(visit))
    return _secret(visit.path["id"], made.secret)


@screens("GET", "settings/webhooks/{id}/delete")
async def ask_to_delete(visit: Visit) -> Reply:
    """Ask once more."""
    found: WebhookRead = await visit.ask("get_webhook", _path(visit))
    texts = [f"{found.url} gets no more events, and what is known of its deliveries goes."]
    fields = {"etag": etag_of(found.etag)}
    return ask_once_more(visit, "webhooks", "Delete the webhook?", texts, "Delete it", fields)


@screens("POST", "settings/webhooks/{id}/delete")
async def delete(visit: Visit) -> Reply:
    """Delete the version that the page showed."""
    await visit.ask("delete_webhook", _path(visit), etag=visit.form.text("etag") or None)
    return Redirect(_WEBHOOKS)


async def _webhook(visit: Visit, tested: TestDelivery | None = None) -> Reply:
    chosen = visit.query("status")
    status = chosen if chosen in get_args(DeliveryOutcome) else "delivered"
    query = {"status": status, "limit": _MOST_SHOWN, "cursor": visit.query("cursor")}
    found: WebhookRead
    deliveries: Page[DeliveryRead]
    found, deliveries = await asyncio.gather(
        visit.ask("get_webhook", _path(visit)), visit.ask("list_deliveries", _path(visit), query)
    )
    values = {
        "webhook": found,
        "here": _here(visit),
        "deliveries": deliveries.items,
        "outcomes": _OUTCOMES,
        "status": status,
        "tested": tested,
        "more": with_query(_here(visit), status=status, cursor=deliveries.next) if deliveries.next else None,
    }
    return settings_page("webhooks", "webhook", values)


def _form(webhook_id: str, given: Mapping[str, Any], etag: str = "", problem: Problem | None = None) -> Reply:
    values = {
        "id": webhook_id,
        "given": given,
        "etag": etag,
        "types": get_args(EventType),
        "classes": get_args(Class),
    }
    lists = {name: given[name] for name in ("events", "verdicts")}
    return settings_form("webhooks", "webhook_edit", values, problem, _LABELS, lists)


def _secret(webhook_id: str, secret: str | None) -> Reply:
    values = {
        "title": "The secret of the webhook",
        "secret": secret or "",
        "text": "The receiver checks the signature of each delivery with it, as Standard Webhooks says.",
        "back": path_to("settings", "webhooks", webhook_id),
    }
    return settings_page("webhooks", "secret", values)


def _path(visit: Visit) -> dict[str, str]:
    return {"id": visit.path["id"]}


def _here(visit: Visit) -> str:
    return path_to("settings", "webhooks", visit.path["id"])
