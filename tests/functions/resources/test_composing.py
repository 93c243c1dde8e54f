"""A message in one call: its text from a template, its files, the CRM's own words about it, and sending it."""

from __future__ import annotations

import base64
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from lib.storage import Unavailable
from lib.transports.memory import MemoryTransport
from tests.support.attachments import PDF, blobs, content, parts
from tests.support.disturbed import disturbed_heed
from tests.support.failing import Failure, Result
from tests.support.heed import Heed, Response
from tests.support.pictures import png

TO = [{"email": "ada@example.com", "name": "Ada Lovelace"}]
TEMPLATE = {
    "name": "Offer",
    "language": "en",
    "subject": "An offer for {{ recipient.first_name }}",
    "html": '<p>Dear {{ recipient.name }}, {{ regarding.name }}</p><img src="cid:logo" alt="logo">',
}


def in_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def whole(**fields: Any) -> dict[str, Any]:
    """A message with everything in it."""
    return {
        "from": "rep1",
        "to": TO,
        "regarding": {"type": "opportunity", "id": "o1", "name": "Windmill"},
        "template": "t1",
        "render": True,
        "attachments": [
            {"filename": "Offer.pdf", "content": in_base64(PDF), "followed": True},
            {"filename": "terms.txt", "content": in_base64(b"as it was\r\n")},
        ],
        "images": [{"filename": "logo.png", "content": in_base64(png()), "cid": "logo"}],
        "metadata": {"deal": "17", "campaign": "Frühling"},
        "send": True,
        **fields,
    }


async def post(heed: Heed, **fields: Any) -> Response:
    return await heed.api("POST", "/messages", {"from": "rep1", "to": TO, "subject": "Hi", "text": "Hi", **fields})


async def stored(heed: Heed) -> list[str]:
    """What storage holds of messages: subjects in lists, and names of files."""
    items = (await heed.get("/messages"))["items"]
    return [each["subject"] for each in items] + [name for name in blobs(heed) if "answers/" not in name]


def sent(heed: Heed) -> int:
    assert isinstance(heed.transport, MemoryTransport)
    return len(heed.transport.sent)


async def test_a_mail_to_two_people_greets_both(heed: Heed) -> None:
    template = {"name": "T", "language": "de", "subject": "x", "html": "<p>Hallo {{ recipient.first_name }}!</p>"}
    await heed.put("/templates/t1", template)
    both = [{"email": "ada@example.com", "name": "Meier, Ada"}, {"email": "bob@example.com", "name": "Bob Nuri"}]

    made = await heed.post("/messages", {"from": "rep1", "to": both, "template": "t1", "render": True})

    assert made["html"] == "<p>Hallo Ada und Bob!</p>"


async def test_one_call_renders_takes_the_files_and_sends(heed: Heed) -> None:
    await heed.put("/templates/t1", TEMPLATE)

    made = await heed.post("/messages", whole())
    await heed.work()

    assert (made["status"], made["subject"]) == ("scheduled", "An offer for Ada")
    assert "Dear Ada Lovelace, Windmill" in made["html"]
    assert (made["template"], made["template_version"]) == ("t1", 1)
    assert [(each["filename"], each["followed"]) for each in made["attachments"]] == [
        ("Offer.pdf", True),
        ("terms.txt", False),
    ]
    assert (await heed.get(f"/messages/{made['id']}"))["status"] == "sent"
    mail = parts(heed)
    assert content(mail["terms.txt"]) == b"as it was\r\n"
    html = content(mail["text/html"]).decode()
    assert "https://heed.test/i/" in html, "the image is hosted, as the mail is followed"
    assert "Offer.pdf" in html
    assert "cid:logo" not in html
    assert sent(heed) == 1


async def test_an_image_is_inside_a_mail_that_is_not_followed_under_the_cid_that_was_chosen(heed: Heed) -> None:
    image = {"filename": "logo.png", "content": in_base64(png()), "cid": "logo"}
    html = '<p>Hi</p><img src="cid:logo">'
    assert (await post(heed, html=html, text=None, images=[image], follow=False, send=True)).status == 201
    await heed.work()

    part = parts(heed)["logo.png"]
    assert (part["Content-ID"], content(part)) == ("<logo>", png())
    assert 'src="cid:logo"' in content(parts(heed)["text/html"]).decode()


async def test_without_send_it_is_a_draft(heed: Heed) -> None:
    made = await heed.post("/messages", whole(send=False, template=None, render=False, text="Hi"))
    await heed.work()

    assert made["status"] == "draft"
    assert len(made["attachments"]) == 2
    assert sent(heed) == 0


async def test_with_a_time_it_is_sent_then(heed: Heed) -> None:
    made = await heed.post(
        "/messages", whole(template=None, render=False, text="Hi", deliver_at="2026-05-05T07:00:00Z")
    )
    await heed.work()

    assert (made["status"], made["deliver_at"]) == ("scheduled", "2026-05-05T07:00:00.000Z")
    assert sent(heed) == 0


async def test_the_subject_that_is_given_comes_before_that_of_the_template(heed: Heed) -> None:
    await heed.put("/templates/t1", TEMPLATE)

    made = await heed.post("/messages", whole(subject="My own"))

    assert made["subject"] == "My own"


async def test_metadata_come_back_whole_and_in_lists_and_can_be_changed(heed: Heed) -> None:
    words = {"deal": "17", "campaign.name": "Frühling " + "x" * 400, "empty": ""}
    made = (await post(heed, metadata=words)).json

    assert made["metadata"] == words
    assert (await heed.get("/messages"))["items"][0]["metadata"] == words
    changed = await heed.api("PATCH", f"/messages/{made['id']}", {"metadata": {"deal": "18"}})
    assert changed.json["metadata"] == {"deal": "18"}
    assert (await heed.get(f"/messages/{await heed.draft()}"))["metadata"] == {}


@pytest.mark.parametrize(
    "metadata",
    [
        {f"k{number}": "x" for number in range(21)},
        {"x" * 41: "long name"},
        {"long": "x" * 501},
        {"a b": "space"},
        {"": "none"},
        {"number": 1},
        {"ada@example.com": "an address is no name"},
    ],
)
async def test_metadata_are_bounded(heed: Heed, metadata: Any) -> None:
    answer = await post(heed, metadata=metadata)

    assert answer.status == 422
    assert answer.json["errors"][0]["loc"][0] == "metadata"


async def test_an_erased_address_is_gone_from_metadata_too(heed: Heed) -> None:
    full = ("ada@example.com " + "x" * 500)[:500]
    made = (await post(heed, to=[*TO, {"email": "bob@example.com"}], metadata={"about": full}, send=True)).json
    await heed.work()

    assert (await heed.api("DELETE", "/subjects/ada@example.com")).status in (200, 202)
    await heed.work()

    assert "ada@example.com" not in str((await heed.get(f"/messages/{made['id']}"))["metadata"])


BROKEN = {"filename": "a.png", "content": in_base64(b"not an image"), "cid": "a"}
FILE = {"filename": "a.txt", "content": in_base64(b"a file")}


@pytest.mark.parametrize(
    ("fields", "status", "place"),
    [
        ({"attachments": [FILE], "images": [BROKEN]}, 422, ["images", 0, "content"]),
        ({"attachments": [{**FILE, "followed": True}], "follow": False}, 409, None),
        ({"attachments": [FILE], "to": [], "send": True}, 422, ["to"]),
        ({"attachments": [FILE], "text": None, "send": True}, 422, ["html"]),
        ({"attachments": [{**FILE, "content": "%%%"}]}, 422, ["attachments", 0, "content"]),
        ({"attachments": [{**FILE, "content": "YQ"}]}, 422, ["attachments", 0, "content"]),
        ({"attachments": [{**FILE, "content": "YWFh\nYWFh"}]}, 422, ["attachments", 0, "content"]),
        ({"attachments": [{**FILE, "content": ""}]}, 422, ["attachments", 0, "content"]),
        ({"attachments": [{**FILE, "content": 7}]}, 422, ["attachments", 0, "content"]),
        ({"attachments": [FILE] * 51}, 422, ["attachments"]),
        ({"attachments": [FILE] * 30, "images": [{**BROKEN, "cid": f"c{n}"} for n in range(30)]}, 422, []),
        ({"images": [BROKEN, BROKEN]}, 422, []),
        ({"images": [{**BROKEN, "cid": "a b>"}]}, 422, ["images", 0, "cid"]),
        ({"render": True, "text": None}, 422, []),
        ({"render": True, "template": "t1"}, 422, []),
        ({"render": True, "template": "none", "text": None}, 422, ["template"]),
    ],
)
async def test_what_is_refused_leaves_nothing_behind(heed: Heed, fields: Any, status: int, place: Any) -> None:
    answer = await post(heed, **fields)
    await heed.work()

    assert answer.status == status, answer.body
    if place is not None:
        assert answer.json["errors"][0]["loc"] == place
    assert await stored(heed) == []
    assert sent(heed) == 0


async def test_what_cannot_be_sent_for_want_of_a_mail_server_is_not_made() -> None:
    heed = await Heed(transport=None).start()

    assert (await post(heed, send=True)).status == 409
    assert await stored(heed) == []


class Death(Failure):
    """A process that dies: after its last operation it does nothing more."""

    last = sys.maxsize

    async def meet(self, operation: Callable[[], Awaitable[Result]]) -> Result:
        if self.count >= self.last:
            raise Unavailable("the process is dead")
        self.count += 1
        return await operation()

    def come(self, last: int) -> None:
        self.count, self.last = 0, last


async def die_after(operations: int) -> tuple[Heed, Death]:
    heed = await disturbed_heed(death := Death())
    await heed.put("/templates/t1", TEMPLATE)
    death.come(operations)
    await heed.api("POST", "/messages", whole(), idempotency_key="k")
    return heed, death


async def test_whenever_the_process_dies_a_repeat_finishes_and_nothing_is_sent_twice() -> None:
    _, undisturbed = await die_after(sys.maxsize)
    assert undisturbed.count > 20
    for number in range(undisturbed.count + 1):
        heed, death = await die_after(number)
        death.come(sys.maxsize)
        await heed.work()  # what was queued so far leaves before the repeat comes
        heed.clock.move(seconds=61)

        for _ in range(2):
            answer = await heed.api("POST", "/messages", whole(), idempotency_key="k")
            assert answer.status == 201, (number, answer.body)
            await heed.work()
            heed.clock.move(minutes=2)
            await heed.tick("sweep_due")
            await heed.work()

        assert sent(heed) == 1, number
        [message] = (await heed.get("/messages"))["items"]
        files = (await heed.get(f"/messages/{message['id']}/attachments"))["items"]
        assert (message["status"], [each["filename"] for each in files]) == ("sent", ["Offer.pdf", "terms.txt"]), number
