"""The text `/api/llms.txt`: a guide for language models that write against the API (https://llmstxt.org)."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from functions.pages.conventions import CONVENTIONS
from functions.pages.start import SUMMARY

_ABOUT = """\
Heed is HTTP and JSON. Each customer of a deployment is an organization, whose paths begin with
`/api/orgs/{org}`. A CRM puts its users and records there, sends mail by Heed or prepares it, and learns what became of
it: opens, clicks, answers and bounces, each with a verdict (`human`, `machine` or `uncertain`) and reasons. Count
people by the plain numbers of `kpis`; `kpis.raw` counts machines, too."""

_FLOW = (
    (
        "Make a key, once, with the administrator's key",
        "POST /api/orgs/acme/keys",
        {"scope": "full"},
    ),
    (
        "Put the user who sends; nothing is followed before the user opts in",
        "PUT /api/orgs/acme/users/rita",
        {"email": "rita@acme.example", "name": "Rita Rep", "time_zone": "Europe/Vienna", "opt_in": True},
    ),
    (
        "Put the record that the mail goes to",
        "PUT /api/orgs/acme/records/contact/c1",
        {"name": "Ada Lovelace", "emails": ["ada@example.com"]},
    ),
    (
        "Write and send in one call, with an `Idempotency-Key`; without `send` it is a draft",
        "POST /api/orgs/acme/messages",
        {
            "from": "rita",
            "to": [{"email": "ada@example.com", "name": "Ada", "record": {"type": "contact", "id": "c1"}}],
            "subject": "Our offer",
            "html": '<p>Hello Ada, here is <a href="https://acme.example/offer">our offer</a>.</p>',
            "metadata": {"deal": "windmill"},
            "send": True,
        },
    ),
    (
        "Read the feed; keep `next`, and give it as `after` the next time",
        "GET /api/orgs/acme/events",
        None,
    ),
    (
        "Or have events posted to you; the answer has the secret that signs them",
        "PUT /api/orgs/acme/webhooks/crm",
        {"url": "https://crm.example.com/heed", "events": ["message.opened", "message.replied", "verdict.changed"]},
    ),
    (
        "Show what became of a message, and why Heed thinks so",
        "GET /api/orgs/acme/messages/{message}/timeline",
        None,
    ),
)
"""The way of a mail: what is done, the request, and its body."""


@lru_cache(maxsize=1)
def llms_text(document: bytes) -> str:
    """Write the text from the OpenAPI document."""
    described = json.loads(document)
    base_url = described["servers"][0]["url"]
    parts = [
        f"# {described['info']['title']}",
        f"> {SUMMARY}",
        _ABOUT,
        _links(base_url),
        f"## What all endpoints share\n\nThe address of this deployment is {base_url}.\n\n{_conventions()}",
        f"## The way of a mail\n\n{_steps()}",
        *(_operations(described, tag["name"], tag["description"]) for tag in described["tags"]),
        _events(described),
    ]
    return "\n\n".join(parts) + "\n"


def _links(base_url: str) -> str:
    links = (
        ("OpenAPI 3.1 document", "openapi.json", "every path, field and event, with examples; make clients of it"),
        ("Endpoints", "docs", "the same as a page, with a call by curl for each"),
        ("Errors", "errors", "every `code`, and what to do"),
        ("Health", "health", "whether the service is well"),
    )
    listed = "\n".join(f"- [{name}]({base_url}/api/{path}): {what}" for name, path, what in links)
    return f"## Docs\n\n{listed}"


def _conventions() -> str:
    return "\n".join(f"- {heading}: {text}" for heading, text in CONVENTIONS.items())


def _steps() -> str:
    return "\n".join(
        f"{number}. {what}: `{request}`" + (f"\n   `{json.dumps(body)}`" if body else "")
        for number, (what, request, body) in enumerate(_FLOW, 1)
    )


def _operations(described: Any, tag: str, text: str) -> str:
    listed = "\n".join(
        f"- `{method.upper()} {path}`: {operation['summary']}"
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
        if operation["tags"][0] == tag
    )
    return f"## {tag}\n\n{text}\n\n{listed}"


def _events(described: Any) -> str:
    listed = "\n".join(f"- `{name}`: {each['post']['summary']}" for name, each in described["webhooks"].items())
    return f"## Events of the feed and of webhooks\n\n{listed}"
