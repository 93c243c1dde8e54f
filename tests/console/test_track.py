"""Tracking a mail by hand in the console: the file of a mail, with the record that it is about."""

from __future__ import annotations

import pytest

from tests.console.site import Visitor
from tests.console.test_people import reader
from tests.console.world import World
from tests.support.heed import Response
from tests.support.inbound import answer_to, raw_mail

BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"


async def upload(visitor: Visitor, mail: bytes | None, regarding: str = "", kind: str = "message/rfc822") -> Response:
    """Send the form as Chromium does, which names the type of an .eml file."""
    token = (await visitor.page("options")).partition('name="form_token" value="')[2].partition('"')[0]
    texts = {"form_token": token, "regarding": regarding}
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{text}'.encode() for name, text in texts.items()]
    name = "mail.eml" if mail is not None else ""
    head = f'Content-Disposition: form-data; name="mail"; filename="{name}"\r\nContent-Type: {kind}\r\n\r\n'
    parts.append(head.encode() + (mail or b""))
    line = f"--{BOUNDARY}".encode()
    body = b"".join(line + b"\r\n" + part + b"\r\n" for part in parts) + line + b"--\r\n"
    headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}", "sec-fetch-site": "same-origin"}
    headers["cookie"] = visitor.cookie
    return await visitor.heed.request("POST", "/console/track", body, headers=headers)


@pytest.mark.parametrize("kind", ["message/rfc822", "application/octet-stream"])
async def test_a_mail_is_tracked_and_shown(visitor: Visitor, kind: str) -> None:
    await visitor.heed.put("/records/opportunity/o1", {"name": "The deal"})
    assert '<option value="opportunity/o1">The deal</option>' in await visitor.page("track")

    answer = await upload(visitor, raw_mail(), "opportunity/o1", kind)

    assert answer.status == 303
    page = await visitor.page(answer.headers["location"].removeprefix("/console/"))
    assert "Re: Hello" in page
    assert "regarding The deal" in page
    [found] = (await visitor.heed.get("/messages?record=opportunity/o1"))["items"]
    assert (found["tracked_by"], found["from"]) == (["hand"], "rep1")


async def test_an_answer_joins_its_conversation(world: World, rita: Visitor) -> None:
    mail = await answer_to(world.heed, world.quiet, number=9, subject="Re: Notes of our call on Friday")

    await upload(rita, mail)

    assert "Yes, please." in await rita.page(f"conversations/{world.quiet}")


async def test_the_record_of_a_persons_page_is_filled_in(world: World, rita: Visitor) -> None:
    assert 'name="regarding" list="records" value="contact/ada"' in await rita.page("track?regarding=contact%2Fada")


@pytest.mark.parametrize(
    ("mail", "regarding", "said"),
    [
        (None, "", "Choose the file of a mail."),
        (b"", "", "Choose the file of a mail."),
        (raw_mail(), "opportunity/none", "There is no record opportunity/none."),
        (raw_mail(), "opportunity", "Name the record by its type and its id"),
        (b"\0\1\2", "contact/ada", "mail cannot be read"),
    ],
    ids=["no file", "empty file", "no such record", "no record", "no mail"],
)
async def test_what_cannot_be_tracked_leads_back_to_the_form(
    world: World, rita: Visitor, mail: bytes | None, regarding: str, said: str
) -> None:
    answer = await upload(rita, mail, regarding)

    page = answer.body.decode()
    assert answer.status == 422
    assert said in page
    assert f'value="{regarding}"' in page


async def test_a_key_that_only_reads_tracks_nothing(world: World) -> None:
    visitor = await reader(world.heed)

    assert (await visitor.get("track")).status == 403
    assert 'href="/console/track"' not in await visitor.page("people")
