"""Every route, called for a colleague's mail by people who see their own alone.

They learn nothing of it, change nothing of it, and are kept out of what concerns everybody's mail.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from functions.endpoints import ENDPOINTS
from tests.support.heed import ADMIN_KEY, Response
from tests.support.identity_provider import AUDIENCE, running_provider, signed
from tests.walls.cases import CASES
from tests.walls.test_matrix import Route, api_routes, filled, paths_of
from tests.walls.two_organizations import OF_MAIL, TwoOrganizations, two_organizations

ROLES = {"Integrators": "full", "Auditors": "read", "Sellers": "user"}

OF_ADMINISTRATORS = frozenset(
    {
        "list_organizations",
        "put_organization",
        "get_organization",
        "patch_organization",
        "delete_organization",
        "make_key",
        "list_keys",
        "revoke_key",
        "list_audit",
        "get_organization_switch",
        "switch_organization_off",
        "switch_organization_on",
        "reassess_organization",
        "replay_log",
        "list_dead_letters",
        "replay_dead_letters",
        "deep_health",
    }
)
"""Closed to all who are no administrators."""

ABOUT_EVERYBODY = frozenset(
    {
        # Who a user is decides whose mail it is.
        "put_user",
        "put_users",
        "delete_user",
        "opt_in_users",
        # All events, to an address of the caller's choice
        "list_events",
        "put_webhook",
        "make_webhook",
        "get_webhook",
        "patch_webhook",
        "delete_webhook",
        "list_webhooks",
        "rotate_webhook_secret",
        "test_webhook",
        "list_deliveries",
        "replay_delivery",
        "replay_dead_deliveries",
        # Whose mail comes in, and what is made of it
        "put_mailbox",
        "patch_mailbox",
        "poll_mailbox",
        "delete_mailbox",
        "put_rule",
        "delete_rule",
        "receive_mail",
        "take_delivery_reports",
        "allow_delivery_reports",
        # All that is held about an address
        "export_subject",
        "erase_subject",
        "get_job",
        "get_job_result",
        # Counts by the day of sending
        "report_verdicts",
    }
)
"""Closed to those who see their own mail alone, and open to a key of the same scope."""

OF_A_COLLEAGUE = frozenset({"make_user_token", "patch_user", "put_alerts", "get_alerts", "delete_alerts", "try_alerts"})
"""A colleague's own choices: refused."""

A_COLLEAGUES = frozenset(
    {
        "get_message",
        "get_mail",
        "patch_message",
        "delete_message",
        "message_timeline",
        "read_conversation",
        "list_recipients",
        "list_links",
        "switch_message_off",
        "switch_message_on",
        "switch_link_off",
        "switch_link_on",
        "send_message",
        "prepare_message",
        "mark_sent",
        "resolve_message",
        "put_schedule",
        "delete_schedule",
        "take_back_message",
        "put_reminder",
        "delete_reminder",
        "delivery_advice",
        "reassess_message",
        "give_feedback",
        "add_attachment",
        "list_attachments",
        "replace_attachment",
        "patch_attachment",
        "delete_attachment",
        "add_image",
        "get_card",
        "dismiss_card",
        "snooze_card",
        "call_from_card",
        "move_reminder_of_card",
        "undo_card",
        "rate_card",
        "draft_from_card",
        "get_inbound",
    }
)
"""A colleague's mail and cards: not there."""

OF_NO_MAIL = frozenset(
    {
        "health",
        "whoami",
        "whoami_here",
        "get_user",
        "list_users",
        "get_opt_in_share",
        "put_record",
        "get_record",
        "patch_record",
        "list_records",
        "put_records",
        "delete_record",
        "merge_record",
        "put_outcome",
        "put_consent",
        "get_consents",
        "import_consents",
        "put_template",
        "get_template",
        "delete_template",
        "list_templates",
        "render_template",
        "preview_template",
        "get_mailbox",
        "list_mailboxes",
        "get_rule",
        "list_rules",
        "report_reliability",
        "get_readiness",
    }
)
"""What all people of the organization share: its users, records, consents, templates, and counts that name no mail."""

OF_THEIR_OWN = frozenset(
    {
        "make_message",
        "simulate",
        "track_message",
        "list_messages",
        "list_reminders",
        "list_cards",
        "list_activities",
        "list_tasks",
        "close_task",
        "scanner_noise",
        "try_rule",
    }
)
"""What goes over mail, or makes some: of the caller's own alone."""

REFUSED = OF_ADMINISTRATORS | ABOUT_EVERYBODY | OF_A_COLLEAGUE


@pytest.fixture
async def world() -> AsyncIterator[TwoOrganizations]:
    """acme, whose people see their own mail. The tokens of its user eve, by role, take the place of rival's keys."""
    async with running_provider() as provider:
        world = await two_organizations(HEED_LOOPBACK="on")
        heed = world.heed
        await heed.put("/users/eve", {"email": "eve@acme.example", "name": "Eve", "opt_in": True})
        sign_in = {"issuer": provider.issuer, "audience": AUDIENCE, "role_claim": "roles", "roles": ROLES}
        settings = {"sign_in": sign_in, "people_see": "own_mail"}
        changed = await heed.request("PATCH", "/api/orgs/acme", {"settings": settings}, key=ADMIN_KEY)
        assert changed.status == 200, changed.body
        now = heed.clock.now().timestamp()
        world.keys = {role: signed(provider.claims(now, sub="eve", roles=[role])) for role in ROLES}
        world.keys["token"] = (await heed.post("/users/eve/tokens"))["token"]
        yield world


async def answers_to(world: TwoOrganizations, route: Route, person: str) -> AsyncIterator[Response]:
    case = CASES[route.name]
    for path in paths_of(route, case, world):
        yield await world.as_rival(route.method, path, filled(case.body, world.ids), person, webhook_request_origin="x")


def test_it_is_said_of_every_endpoint_what_people_get_who_see_their_own_mail_alone() -> None:
    groups = [OF_ADMINISTRATORS, ABOUT_EVERYBODY, OF_A_COLLEAGUE, A_COLLEAGUES, OF_NO_MAIL, OF_THEIR_OWN]

    assert sorted(name for group in groups for name in group) == sorted(ENDPOINTS)
    assert {name for name, each in ENDPOINTS.items() if each.everybodys} == ABOUT_EVERYBODY


async def test_what_is_everybodys_or_a_colleagues_is_closed_to_them(world: TwoOrganizations) -> None:
    before, wrong = await world.contents(), []
    for route in api_routes(world):
        becomes = 403 if route.name in REFUSED else 404 if route.name in A_COLLEAGUES else None
        for person in world.keys if becomes else ():
            async for answer in answers_to(world, route, person):
                # A scope that may not do it at all is told so first; without an organization nobody has signed in.
                is_right = answer.status == becomes or (person != "Integrators" and answer.status == 403)
                is_right = is_right or ("{org}" not in route.path and answer.status == 401)
                if not is_right or OF_MAIL.encode() in answer.body:
                    wrong.append((route, person, answer.status, answer.body[:200]))

    assert not wrong, "\n".join(map(str, wrong))
    assert await world.contents() == before


async def test_what_is_open_to_them_tells_nothing_of_a_colleagues_mail(world: TwoOrganizations) -> None:
    wrong = []
    for route in api_routes(world):
        for person in world.keys if route.name in OF_NO_MAIL | OF_THEIR_OWN else ():
            async for answer in answers_to(world, route, person):
                if OF_MAIL.encode() in answer.body or answer.status >= 500:
                    wrong.append((route, person, answer.status, answer.body[:200]))

    assert not wrong, "\n".join(map(str, wrong))


async def test_a_key_of_the_scope_full_is_not_closed_out(world: TwoOrganizations) -> None:
    for path in ("/events", "/webhooks", "/reports/verdicts", f"/messages/{world.ids['message']}"):
        assert (await world.heed.api("GET", path)).status == 200, path
