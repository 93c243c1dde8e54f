"""The call of each route with which rival reaches for what is acme's, and the answer that it gets.

Texts are filled in with acme's ids: `{message}` is the id of a message of acme's. Every registered function has a case
here, and every parameter of a query is in a case or among those that name nothing; a new one without fails the suite.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

NOT_THERE = frozenset({404})
OWN = frozenset({200})
"""Rival's own things, and nothing of acme's."""

ADMINISTRATION = frozenset({403})
"""Open to the administrator of the deployment alone."""

REFUSED = frozenset({422})
"""The body names what rival does not have."""

OWN_THING = frozenset({200, 201})
"""An id that the client chooses: rival makes a thing of its own, which has only its id in common with acme's."""

JOB_OF_ITS_OWN = frozenset({202})
"""A job about what rival holds of the address."""

NAMES_NOTHING = frozenset(
    {
        "limit",
        "cursor",
        "after",
        "kind",
        "verdict",
        "opt_in",
        "view",
        "sort",
        "status",
        "type",
        "version",
        "language",
        "now",
        "month",
        "days",
        "followed",
        "also_sent_mail",
        "filename",
        "folder",
        "category",
        "include",
        "sent_after",
        "sent_before",
        "updated_since",
        "checks",
        "regarding",
    }
)
"""Parameters of queries that choose among the caller's own. `regarding` is a type of records; cursors have a test."""


@dataclass(frozen=True, slots=True)
class Case:
    """A call, and what becomes of it."""

    becomes: frozenset[int] = NOT_THERE
    """Statuses that rival's call may get in its own organization, with acme's ids. Some of its keys may get 403."""

    body: Any = None
    queries: Sequence[Mapping[str, str]] = ({},)
    """Queries with which the route is called, one after the other."""

    ids: Mapping[str, str] = field(default_factory=dict)
    """Parameters of the path that are other ones than acme's by their name."""


_MAIL = (
    "From: ada@example.com\r\nTo: eve@rival.example\r\nMessage-ID: <x@rival.example>\r\nSubject: Re: x\r\n"
    "In-Reply-To: {message_id}\r\nReferences: {message_id}\r\n\r\nhello\r\n"
)
_REGARDING = {"type": "opportunity", "id": "acme-thing"}
_TO = [{"email": "ada@example.com", "record": {"type": "contact", "id": "acme-thing"}}]
_MESSAGE = {"from": "eve", "to": _TO, "subject": "x", "html": "<p>x</p>", "regarding": _REGARDING}
_AT = "2026-06-01T09:00:00Z"
_USER = {"email": "acme-rep@acme.example", "name": "E"}
_RECORD = {"name": "E", "emails": ["ada@example.com"], "parent": {"type": "account", "id": "acme-thing"}}
_TEMPLATE = {"name": "E", "language": "en", "subject": "x", "html": "<p>x</p>"}
_MAILBOX = {
    "kind": "imap",
    "host": "imap.example.com",
    "user": "eve",
    "secret": "HEED_MAILBOX_RIVAL_X",
    "folders": [{"path": "INBOX", "regarding": _REGARDING}],
}
_RULE = {"when": {"from": "ada@example.com"}, "create": {"type": "task"}}
_REPORT = {
    "id": "e1",
    "eventType": "Microsoft.Communication.EmailDeliveryReportReceived",
    "data": {"messageId": "{provider_id}", "recipient": "ada@example.com", "status": "Bounced"},
}
_SAID = {"email": "ada@example.com", "follow": "allow", "at": "2020-01-01T00:00:00Z"}
_NO_IDS_TEXT = b"no line of a log"

CASES: Mapping[str, Case] = {
    # The service, and what the administrator does
    "health": Case(OWN),
    "deep_health": Case(ADMINISTRATION),
    "whoami": Case(OWN),
    "whoami_here": Case(OWN),
    "list_organizations": Case(ADMINISTRATION),
    "put_organization": Case(ADMINISTRATION, {"name": "acme"}),
    "get_organization": Case(OWN),
    "patch_organization": Case(OWN, {"name": "acme"}),
    "delete_organization": Case(ADMINISTRATION),
    "get_organization_switch": Case(OWN),
    "switch_organization_off": Case(OWN),
    "switch_organization_on": Case(OWN),
    "reassess_organization": Case(ADMINISTRATION, {}),
    "replay_log": Case(ADMINISTRATION, _NO_IDS_TEXT),
    "list_dead_letters": Case(ADMINISTRATION),
    "replay_dead_letters": Case(ADMINISTRATION, {"queue": "outbox", "ids": ["{message}"]}),
    # Keys, users, records
    "make_key": Case(OWN_THING, {"scope": "full"}),
    "list_keys": Case(OWN),
    "revoke_key": Case(),
    "list_audit": Case(OWN),
    "make_user_token": Case(),
    "put_alerts": Case(body={"most_a_day": 5}),
    "get_alerts": Case(),
    "delete_alerts": Case(),
    "try_alerts": Case(),
    "put_user": Case(OWN_THING, _USER),
    "get_user": Case(),
    "patch_user": Case(body={"name": "E"}),
    "list_users": Case(OWN),
    "get_opt_in_share": Case(OWN),
    "opt_in_users": Case(OWN, {"users": ["acme-rep"], "opt_in": True}),
    "put_record": Case(OWN_THING, _RECORD),
    "get_record": Case(),
    "patch_record": Case(body={"name": "E"}),
    "list_records": Case(
        OWN,
        queries=[
            {"email": "{email}"},
            {"type": "contact", "q": "{email}"},
            {"type": "contact", "parent": "account/acme-thing", "include": "engagement"},
        ],
    ),
    "put_records": Case(OWN_THING, {"items": [{"type": "contact", "id": "acme-thing", **_RECORD}]}),
    "put_users": Case(OWN_THING, {"items": [{"id": "acme-rep", **_USER}]}),
    "delete_user": Case(),
    "delete_record": Case(),
    "merge_record": Case(body={"into": _REGARDING}),
    "list_activities": Case(OWN),
    "put_outcome": Case(OWN, {"won": True}),
    "put_consent": Case(OWN_THING, {"follow": "allow"}),
    "get_consents": Case(OWN),
    "import_consents": Case(OWN, {"items": [_SAID]}),
    # Templates
    "put_template": Case(OWN_THING, _TEMPLATE),
    "get_template": Case(),
    "delete_template": Case(),
    "list_templates": Case(OWN, queries=[{"q": "zebra"}]),
    "render_template": Case(body={"recipient": {"record": _REGARDING}, "sender": "acme-rep"}),
    "preview_template": Case(),
    # Messages
    "make_message": Case(REFUSED, {**_MESSAGE, "template": "acme-thing", "in_reply_to": "{message}"}),
    "simulate": Case(REFUSED, {**_MESSAGE, "from": "acme-rep", "template": "acme-thing"}),
    "track_message": Case(OWN_THING, {"mime": _MAIL, "regarding": _REGARDING}),
    "get_message": Case(),
    "get_mail": Case(),
    "patch_message": Case(body={"subject": "x"}),
    "delete_message": Case(),
    "list_messages": Case(
        OWN,
        queries=[
            {"owner": "acme-rep"},
            {"record": "contact/acme-thing"},
            {"message_id": "{message_id}"},
            {"template": "acme-thing", "recipient": "{email}", "q": "zebra"},
        ],
    ),
    "message_timeline": Case(),
    "put_webhook": Case(OWN_THING, {"url": "https://hooks.example.com/x"}),
    "make_webhook": Case(OWN_THING, {"url": "https://hooks.example.com/x"}),
    "get_webhook": Case(),
    "patch_webhook": Case(body={"enabled": False}),
    "delete_webhook": Case(),
    "list_webhooks": Case(OWN),
    "rotate_webhook_secret": Case(),
    "test_webhook": Case(),
    "list_deliveries": Case(),
    "replay_delivery": Case(ids={"delivery": "0-0"}),
    "replay_dead_deliveries": Case(),
    "list_events": Case(OWN, queries=[{"kind": "message.opened"}, {"verdict": "human"}]),
    "read_conversation": Case(),
    "list_recipients": Case(),
    "list_links": Case(),
    "switch_message_off": Case(),
    "switch_message_on": Case(),
    "switch_link_off": Case(),
    "switch_link_on": Case(),
    "send_message": Case(),
    "prepare_message": Case(),
    "mark_sent": Case(body={"message_id": "<x@rival.example>", "sent_at": _AT}),
    "resolve_message": Case(body={"as": "sent"}),
    "put_schedule": Case(body={"deliver_at": _AT}),
    "delete_schedule": Case(),
    "take_back_message": Case(),
    "put_reminder": Case(body={"title": "x", "condition": "always", "at": _AT}),
    "delete_reminder": Case(),
    "list_reminders": Case(OWN),
    "delivery_advice": Case(),
    "reassess_message": Case(),
    "give_feedback": Case(body={"was": "machine"}),
    # Files
    "add_attachment": Case(body=b"file", queries=[{"filename": "x.txt"}]),
    "list_attachments": Case(),
    "replace_attachment": Case(body=b"file"),
    "patch_attachment": Case(body={"revoked": True}),
    "delete_attachment": Case(),
    "add_image": Case(body=b"GIF89a", queries=[{"filename": "x.gif"}]),
    # Cards, tasks, reports
    "list_cards": Case(OWN),
    "get_card": Case(),
    "dismiss_card": Case(),
    "snooze_card": Case(),
    "call_from_card": Case(),
    "move_reminder_of_card": Case(body={"at": _AT}),
    "undo_card": Case(),
    "rate_card": Case(body={"useful": True}),
    "draft_from_card": Case(),
    "list_tasks": Case(OWN),
    "close_task": Case(),
    "scanner_noise": Case(OWN),
    "report_verdicts": Case(OWN),
    "report_reliability": Case(OWN),
    "get_readiness": Case(OWN),
    # Inbound mail
    "put_mailbox": Case(OWN_THING, _MAILBOX),
    "get_mailbox": Case(),
    "patch_mailbox": Case(body={"enabled": False}),
    "poll_mailbox": Case(),
    "delete_mailbox": Case(),
    "list_mailboxes": Case(OWN),
    "receive_mail": Case(frozenset({202, 404, 422}), _MAIL.encode(), queries=[{"mailbox": "acme-thing"}]),
    "get_inbound": Case(ids={"id": "{inbound}"}),
    "take_delivery_reports": Case(OWN, [_REPORT]),
    "allow_delivery_reports": Case(OWN),
    "put_rule": Case(OWN_THING, _RULE),
    "get_rule": Case(),
    "list_rules": Case(OWN),
    "delete_rule": Case(),
    "try_rule": Case(),
    # Data subjects
    "export_subject": Case(JOB_OF_ITS_OWN),
    "erase_subject": Case(
        JOB_OF_ITS_OWN, queries=[{"also_sent_mail": "true"}], ids={"email": "acme-boss@acme.example"}
    ),
    "get_job": Case(),
    "get_job_result": Case(),
}
"""By the function's name."""

FOR_RECIPIENTS = frozenset({"pixel", "redirect", "attachment", "image", "recipient_page", "recipients_health"})
"""Functions whose proof is the token in their path: they have tests of their own."""

FOR_SIGNED_IN = frozenset({"console"})
"""Functions whose proof is a session, which names its organization: they have tests of their own."""

FOR_ALL = frozenset(
    {"docs", "docs_files", "docs_try", "errors", "llms", "openapi", "outlook", "start", "zz_unknown_path"}
)
"""Functions that touch no organization, or show of it what everybody may see."""
