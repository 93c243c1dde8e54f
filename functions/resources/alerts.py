"""Alerts: whether and how a user is told of new cards beside the list of cards."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import BaseModel, Field

from functions.api.authorization import Who
from functions.api.endpoint import READERS, Answer, Call, Deleted, Endpoints
from functions.api.problems import Problem, answering_not_there, invalid, not_there
from lib.alerts.told import PostState
from lib.errors import Stale
from lib.outside import NotOutside
from lib.outside.http import check_address, is_loopback
from lib.people.alert_choices import (
    ALERTS,
    CHANNELS,
    AlertRules,
    Channel,
    ChannelAddress,
    StoredAlerts,
    hosts_text,
    is_host_of,
)
from lib.people.users import StoredUser
from lib.storage import Conflict
from lib.storage.versions import ETag, check_version

endpoints = Endpoints("Alerts")

_MAY_READ: tuple[Who, ...] = (*READERS, "admin")
_MAY_CHANGE: tuple[Who, ...] = ("full", "admin", "user")

_CHANNEL = "the address of an incoming webhook, kept sealed and never shown; left out: it stays; null: none"


class AlertsSpec(AlertRules):
    """A user's choice of alerts. Without one, a user is told by the list of cards alone."""

    teams: ChannelAddress | None = Field(None, description=f"a channel of Microsoft Teams: {_CHANNEL}")
    slack: ChannelAddress | None = Field(None, description=f"a channel of Slack: {_CHANNEL}")


class ChannelRead(BaseModel):
    """A channel, and the last failure to tell in it."""

    channel: Channel
    failed_at: str | None
    failure: str | None


class AlertsRead(AlertRules):
    """A user's choice of alerts, without secrets."""

    channels: list[ChannelRead] = Field(description="the channels that have an address")
    etag: ETag


class TrialsRead(BaseModel):
    """Outcome of a trial, by channel."""

    channels: dict[Channel, PostState] = Field(
        description="`told`: the channel took it; `trying`: it did not answer, and may have taken it; `again`: not "
        "now; `failed`: it refuses the address or the post"
    )


async def _user(call: Call) -> StoredUser:
    """Load the user of the path, if the caller may choose for that user, or may read. Raises Problem."""
    user = call.path["user"]
    if call.is_one_person and not _reads_all(call) and user != call.user():
        raise Problem(403, "People see and change their own alerts alone.")
    found = await call.services.people.user(call.org, user)
    if found is None:
        raise not_there("user")
    return found


def _reads_all(call: Call) -> bool:
    """Whether the call reads with a scope that reads of all users, and sees the mail of all."""
    if call.caller is None or call.sees_only is not None:
        return False
    return call.request.method in ("GET", "HEAD") and "read" in call.caller.scopes


async def _read(call: Call, stored: StoredAlerts, etag: str) -> AlertsRead:
    failures = {each.channel: each for each in await call.services.told_cards.failures(call.org, stored.user)}
    channels = [
        ChannelRead(
            channel=each,
            failed_at=failures[each].model_dump(mode="json")["at"] if each in failures else None,
            failure=failures[each].text if each in failures else None,
        )
        for each in CHANNELS
        if stored.sealed(each)
    ]
    return AlertsRead(**stored.model_dump(exclude={"user", "teams", "slack"}), channels=channels, etag=etag)


@endpoints("PUT", "/users/{user}/alerts", body=AlertsSpec, answers={201: AlertsRead, 200: AlertsRead}, may=_MAY_CHANGE)
async def put_alerts(call: Call) -> Answer:
    """Choose how a user is told of new cards: a daily mail, a channel of Teams or Slack, quiet hours, what is muted."""
    spec: AlertsSpec = call.body
    user, rows = await _user(call), call.services.alert_choices.rows
    found = await rows.load(call.org, ALERTS, user.id)
    check_version(call.if_match, found[1] if found else None)
    stored = StoredAlerts(user=user.id, **spec.model_dump(exclude={"teams", "slack"}))
    for channel in CHANNELS:
        address = getattr(spec, channel)
        if address is not None:
            _check_channel(call, channel, address)
            address = call.services.alert_choices.seal(call.org, user.id, address)
        elif channel not in spec.model_fields_set and found:
            address = found[0].sealed(channel)
        setattr(stored, channel, address)
    await call.services.digests.enter(call.org, stored, user.time_zone)
    try:
        etag, is_new = await rows.save(call.org, ALERTS, user.id, stored, call.if_match)
    except Conflict as error:
        raise Stale from error
    await call.services.told_cards.forget_failures(
        call.org, user.id, [each for each in CHANNELS if each in spec.model_fields_set]
    )
    return Answer(201 if is_new else 200, await _read(call, stored, etag), etag)


def _check_channel(call: Call, channel: Channel, address: str) -> None:
    """Check the address of a channel. Raises Problem."""
    loopback = call.services.settings.loopback == "on"
    try:
        check_address(address, loopback=loopback)
    except NotOutside as refusal:
        raise invalid([channel], f"{refusal}") from None
    if not is_host_of(channel, address) and not (loopback and is_loopback(urlsplit(address).hostname or "")):
        raise invalid([channel], f"this is no incoming webhook, whose host is one of {hosts_text(channel)}")


@endpoints("GET", "/users/{user}/alerts", answers={200: AlertsRead}, may=_MAY_READ)
async def get_alerts(call: Call) -> Answer:
    """Read a user's choice of alerts."""
    user = await _user(call)
    found = await call.services.alert_choices.rows.load(call.org, ALERTS, user.id)
    if found is None:
        raise not_there("choice of alerts")
    return Answer(200, await _read(call, *found), found[1])


@endpoints("DELETE", "/users/{user}/alerts", answers={200: Deleted}, may=_MAY_CHANGE)
async def delete_alerts(call: Call) -> Answer:
    """End a user's alerts: the list of cards is all that tells."""
    user, rows = await _user(call), call.services.alert_choices.rows
    found = await rows.load(call.org, ALERTS, user.id)
    if found is None:
        raise not_there("choice of alerts")
    check_version(call.if_match, found[1])
    with answering_not_there("choice of alerts"):
        await rows.remove(call.org, ALERTS, user.id, found[1])
    return Answer(200, Deleted(deleted=user.id))


@endpoints("POST", "/users/{user}/alerts/trial", answers={200: TrialsRead}, may=_MAY_CHANGE)
async def try_alerts(call: Call) -> Answer:
    """Post a trial in each channel of a user."""
    user = await _user(call)
    choice = await call.services.alert_choices.load(call.org, user.id)
    if choice is None or not choice.has_channels:
        raise Problem(409, "The user has no channel: choose one with PUT …/alerts.")
    return Answer(200, TrialsRead(channels=await call.services.telling.try_channels(call.org, user.id, choice)))
