"""A request that storage cut short either did nothing, or gives the same answer when it is sent again."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.cards import TOMORROW, cards, opened
from tests.support.disturbed import disturbed_heed
from tests.support.failing import Failure, When
from tests.support.heed import ADMIN_KEY, Heed, Response
from tests.support.pictures import png

Prepare = Callable[[Heed], Awaitable[str]]
"""What is there before; the path of what the request is about."""

_BY_CHANCE = ("etag", "key", "message_id")
REMINDER = {"title": "t", "condition": "always", "at": "2026-05-06T07:00:00Z"}


async def nothing(heed: Heed) -> str:
    return ""


async def draft(heed: Heed) -> str:
    return f"/messages/{await heed.draft()}"


async def waiting(heed: Heed) -> str:
    path = await draft(heed)
    await heed.put(f"{path}/schedule", {"deliver_at": TOMORROW})
    await heed.post(f"{path}/send")
    return path


async def prepared(heed: Heed) -> str:
    path = await draft(heed)
    await heed.post(f"{path}/prepare")
    return path


async def with_file(heed: Heed) -> str:
    path = await draft(heed)
    file = await heed.post(f"{path}/attachments?filename=a.txt&followed=true", b"old")
    return f"{path}/attachments/{file['id']}"


async def card(heed: Heed) -> str:
    await opened(heed)
    [there] = await cards(heed)
    return f"/cards/{there['id']}"


async def called(heed: Heed) -> str:
    path = await card(heed)
    assert (await heed.api("POST", f"{path}/call", x_heed_user="rep1")).status == 201
    return path


WHOLE = {
    "from": "rep1",
    "to": [{"email": "ada@example.com", "name": "Ada"}],
    "template": "t1",
    "render": True,
    "attachments": [{"filename": "a.txt", "content": base64.b64encode(b"a file").decode(), "followed": True}],
    "images": [{"filename": "logo.png", "content": base64.b64encode(png()).decode(), "cid": "logo"}],
    "metadata": {"deal": "17"},
    "send": True,
}


async def template(heed: Heed) -> str:
    html = '<p>Hi {{ recipient.name }}</p><img src="cid:logo">'
    await heed.put("/templates/t1", {"name": "T", "language": "en", "subject": "Our offer", "html": html})
    return ""


REQUESTS: list[tuple[Prepare, str, str, Any]] = [
    (nothing, "POST", "/messages", {"from": "rep1", "subject": "Hi", "html": "x" * 40_000, "reminder": REMINDER}),
    (template, "POST", "/messages", WHOLE),
    (draft, "PATCH", "", {"subject": "Other", "html": "x" * 40_000}),
    (draft, "POST", "/send", None),
    (draft, "POST", "/attachments?filename=b.txt", b"new"),
    (waiting, "DELETE", "", None),
    (prepared, "POST", "/sent", {"sent_at": "2026-05-04T09:00:00Z"}),
    (with_file, "PUT", "", b"new"),
    (card, "POST", "/snooze", {"until": TOMORROW}),
    (card, "POST", "/call", None),
    (called, "POST", "/undo", None),
    (nothing, "PUT", "/records/contact/c1", {"name": "Ada", "parent": {"type": "account", "id": "a1"}}),
    (nothing, "PUT", "/consents/ada@example.com", {"follow": "allow"}),
    (nothing, "POST", "/records/opportunity/o1/outcome", {"won": True}),
    (nothing, "POST", "/keys", {"scope": "read"}),
    (nothing, "PATCH", "", {"name": "Other"}),
]


async def send(heed: Heed, method: str, path: str, body: Any) -> Response:
    administers = path == "" or path.startswith("/keys")
    headers = {"x-heed-user": "rep1", "idempotency-key": "once"}
    key = ADMIN_KEY if administers else heed.key
    return await heed.request(method, f"/api/orgs/acme{path}", body, key=key, headers=headers)


async def held(heed: Heed) -> dict[str, Any]:
    """What can be read of the organization, without versions, names made by chance, and sealed links."""
    paths = ["/users", "/records?type=contact", "/templates", "/consents/ada@example.com"]
    paths += ["/records/contact/c1/activities", "/messages", "/messages?view=scheduled", "/messages?sort=-subject"]
    paths += [f"/cards?status={status}" for status in ("open", "snoozed", "done")]
    found: dict[str, Any] = {path: await heed.get(path, x_heed_user="rep1") for path in paths}
    for message in found["/messages"]["items"]:
        files = (await heed.get(f"/messages/{message['id']}/attachments"))["items"]
        found[f"files of {message['subject']}"] = files
        found[f"body of {message['subject']}"] = (await heed.get(f"/messages/{message['id']}"))["html"]
    keys = (await heed.request("GET", "/api/orgs/acme/keys", key=ADMIN_KEY)).json["items"]
    found["keys"] = sorted(each["scope"] for each in keys)
    return dict(plain(found))


def plain(answer: Any) -> Any:
    if isinstance(answer, dict):
        return {
            name: plain(value)
            for name, value in answer.items()
            if name not in ("etag", "key", "message_id", "mime", "html")
        }
    if isinstance(answer, list):
        return [plain(each) for each in answer]
    if isinstance(answer, str):
        return re.sub(r"[0-9a-f]{32}", "…", answer)
    return answer


@pytest.mark.parametrize(
    ("prepare", "method", "way", "body"),
    REQUESTS,
    ids=[f"{number}-{prepare.__name__}-{method}{way}" for number, (prepare, method, way, _) in enumerate(REQUESTS)],
)
async def test_sent_again_it_gives_the_answer_that_it_would_have_given(
    prepare: Prepare, method: str, way: str, body: Any
) -> None:
    when: When = "after"  # what was done is the harder case
    failure = Failure()
    heed = await disturbed_heed(failure)
    path = await prepare(heed) + way
    failure.arm(0, when)
    undisturbed = await send(heed, method, path, body)
    operations, state = failure.count, await held(heed)
    assert undisturbed.status < 300, undisturbed.body

    for number in range(1, operations + 1):
        heed = await disturbed_heed(failure := Failure())
        path = await prepare(heed) + way
        failure.arm(number, when)
        answer = await send(heed, method, path, body)
        assert answer.status < 300 or answer.status in (409, 503), (number, answer.body)
        failure.arm(0, when)
        for _ in range(3):
            if answer.status < 300:
                break
            if "under way" in answer.json["detail"]:
                heed.clock.move(seconds=61)
            answer = await send(heed, method, path, body)
        # What the first try deleted is not there any more, and what it made is.
        expected = {undisturbed.status, *({404} if method == "DELETE" else {200} if method == "PUT" else ())}
        assert answer.status in expected, (number, answer.body)
        if answer.status != 404:
            assert comparable(plain(answer.json)) == comparable(plain(undisturbed.json)), number
        assert comparable(await held(heed)) == comparable(state), number


def comparable(state: Any) -> str:
    """Times of a try that came later differ."""
    return re.sub(r"2026-05-0[45]T[0-9:.]+Z", "now", json.dumps(state, sort_keys=True))
