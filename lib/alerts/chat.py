"""Bodies of posts in chat channels: cards of Microsoft Teams, and blocks of Slack.

Titles and texts hold words of strangers, such as subjects and names. They go into elements that show plain text alone,
so that no markup of theirs is read. Sources: Adaptive Cards, "RichTextBlock"; Slack, "Block Kit", "Formatting text".
"""

from __future__ import annotations

import json
from html import escape
from typing import Any, NamedTuple

from lib.people.alert_choices import Channel

_LONGEST = 2_500
"""Characters of a text; Slack takes 3,000."""


class Post(NamedTuple):
    """Title, text and link of a post in a chat channel."""

    title: str
    text: str
    url: str | None
    """The address of the card, in the CRM or the console."""


def body_of(channel: Channel, told: Post) -> bytes:
    """Write the JSON body of a post."""
    return json.dumps((_of_teams if channel == "teams" else _of_slack)(told)).encode()


def _of_teams(told: Post) -> dict[str, Any]:
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.2",
        "fallbackText": _cut(told.title),
        "body": [_plain_block(told.title, weight="Bolder"), _plain_block(told.text)],
    }
    if told.url:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open", "url": told.url}]
    content = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [content]}


def _plain_block(text: str, **style: str) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": _cut(text), **style}]}


def _of_slack(told: Post) -> dict[str, Any]:
    words = f"{told.title}\n{told.text}"
    blocks: list[dict[str, Any]] = [
        {"type": "section", "text": {"type": "plain_text", "text": _cut(words), "emoji": False}}
    ]
    if told.url:
        button = {"type": "button", "text": {"type": "plain_text", "text": "Open"}, "url": told.url}
        blocks.append({"type": "actions", "elements": [button]})
    return {"text": escape(_cut(told.title), quote=False), "blocks": blocks, "unfurl_links": False}


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
