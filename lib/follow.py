"""The follow state: whether a message may be followed, and if not, who or what is in the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel

from lib.organizations import OrganizationSettings
from lib.people import StoredUser

Preference = Literal["allow", "do_not_allow", "unknown"]


class FollowState(BaseModel):
    """`on`: followed. `off`: nobody asked for it. `blocked`: asked for, but not allowed."""

    state: Literal["on", "off", "blocked"]
    blocked_by: list[str] = []
    reason: str


def follow_state(
    settings: OrganizationSettings,
    user: StoredUser | None,
    wanted: bool,
    preferences: Sequence[tuple[str, Preference]],
) -> FollowState:
    """`preferences` are (address, preference) of every recipient, in the message's order."""
    if not wanted:
        return FollowState(state="off", reason="Following was not asked for.")
    if not settings.engagement_enabled:
        return FollowState(state="blocked", reason="The organization has switched engagement off.")
    if settings.tracking == "off":
        return FollowState(state="blocked", reason="The organization follows no mail.")
    if settings.require_opt_in and not (user and user.opt_in):
        return FollowState(state="blocked", reason="The sender has not opted in to following mail.")
    if settings.tracking == "consent":
        blockers = [address for address, preference in preferences if preference != "allow"]
        why = "Only recipients who said yes are followed, and not all have."
    else:
        blockers = [address for address, preference in preferences if preference == "do_not_allow"]
        why = "A recipient does not allow following."
    if blockers:
        return FollowState(state="blocked", blocked_by=blockers, reason=why)
    return FollowState(state="on", reason="Opens and clicks are recorded.")
