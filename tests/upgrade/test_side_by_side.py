"""A rolling upgrade: for some minutes, release 0.1.0 and today's code work on one storage."""

from __future__ import annotations

import re

from infra.local.servers.azurite import Azurite
from lib.lists.keys import is_old
from lib.services import Services
from lib.settings import load_settings
from lib.storage import Range
from lib.storage.layout import table
from tests.end_to_end.running import Running, eventually
from tests.end_to_end.test_a_followed_mail import html_part
from tests.support.heed import SETTINGS


async def _send(heed: Running, organization: str, key: str, subject: str) -> tuple[str, str, str]:
    """Send a mail from this host; its id, its pixel and its link, as paths."""
    draft = {
        "from": "rep1",
        "to": [{"email": "ada@example.com", "name": "Ada"}],
        "subject": subject,
        "html": '<p>Hi, <a href="https://example.com/offer">the offer</a>.</p>',
    }
    _, message = await heed.request("POST", f"/api/orgs/{organization}/messages", key=key, json=draft)
    status, answer = await heed.request("POST", f"/api/orgs/{organization}/messages/{message['id']}/send", key=key)
    assert status == 202, answer
    html = html_part(await eventually(lambda: heed.inbox(subject)))
    [pixel] = re.findall(r'src="http://[^/"]+(/o/[^"]+)"', html)
    [link] = re.findall(r'href="http://[^/"]+(/c/[^"]+)"', html)
    return message["id"], pixel, link


async def _visit(heed: Running, pixel: str, link: str) -> None:
    assert (await heed.visit(heed.base_url + pixel))[0] == 200
    assert await heed.visit(heed.base_url + link) == (302, "https://example.com/offer")


async def _listed(heed: Running, organization: str, key: str) -> dict[str, tuple[int, int, str]]:
    """The list at this host: raw opens, raw clicks and status by subject."""
    status, page = await heed.request("GET", f"/api/orgs/{organization}/messages?limit=100", key=key)
    assert status == 200, page
    found = {
        item["subject"]: (item["kpis"]["raw"]["opens"], item["kpis"]["raw"]["clicks"], item["status"])
        for item in page["items"]
    }
    assert len(found) == len(page["items"])
    return found


async def _move_lists(azurite: Azurite, organization: str) -> list[str]:
    """Move the lists, as the timer does after the roll; the partitions of release 0.1.0 that are left."""
    services = Services(load_settings({**SETTINGS, "AzureWebJobsStorage": azurite.connection_string}))
    try:
        await services.old_lists.move_organization(organization)
        rows = services.storage.tables.query(table(organization, "index"), Range())
        return [row.partition async for row in rows if is_old(row.partition)]
    finally:
        await services.close()


async def test_mail_of_either_is_followed_by_the_other_and_lists_are_right(
    old: Running, new: Running, azurite: Azurite
) -> None:
    key = await old.organization("roll")
    hosts = {"old": old, "new": new}
    mails = {
        f"{sender} to {visited}": await _send(heed, "roll", key, f"{sender} to {visited}")
        for sender, heed in hosts.items()
        for visited in ("old", "new", "nobody")
    }
    for visited, heed in hosts.items():
        for sender in hosts:
            await _visit(heed, *mails[f"{sender} to {visited}"][1:])
    expected = {subject: (0, 0, "sent") if "nobody" in subject else (1, 1, "sent") for subject in mails}

    async def counted() -> bool:
        return await _listed(new, "roll", key) == expected

    async def read_alike() -> bool:
        """Whether either host shows the hits of every message, and as many events."""
        answers = [
            await heed.request("GET", f"/api/orgs/roll/messages/{message}{path}", key=key)
            for message, _, _ in mails.values()
            for heed in hosts.values()
            for path in ("", "/timeline")
        ]
        assert {status for status, _ in answers} == {200}
        opens = [body["kpis"]["raw"]["opens"] for _, body in answers[::2]]
        events = [len(body["items"]) for _, body in answers[1::2]]
        return (opens, events) == ([1, 1, 1, 1, 0, 0] * 2, [2, 2, 2, 2, 0, 0] * 2)

    await eventually(counted)
    await eventually(read_alike)

    old.stop()
    assert await _move_lists(azurite, "roll") == []
    assert await _listed(new, "roll", key) == expected


async def test_what_the_old_release_deletes_leaves_the_new_lists_once_they_are_moved(
    old: Running, new: Running, azurite: Azurite
) -> None:
    key = await old.organization("gone")
    draft = {"from": "rep1", "to": [{"email": "ada@example.com"}], "html": "<p>Hi</p>"}
    made = {}
    for heed, subject in ((old, "kept"), (new, "deleted")):
        _, message = await heed.request("POST", "/api/orgs/gone/messages", key=key, json={**draft, "subject": subject})
        made[subject] = message["id"]
    status, _ = await old.request("DELETE", f"/api/orgs/gone/messages/{made['deleted']}", key=key)
    assert status == 200

    assert await _move_lists(azurite, "gone") == []
    assert [*await _listed(new, "gone", key)] == ["kept"]


async def test_rows_that_either_has_written_are_read_by_the_other(old: Running, new: Running) -> None:
    key = (await new.organization("rows")).removeprefix("heed_")  # which the earlier release does not know
    bodies = {
        "users/u{}": {"email": "ben@acme.example", "name": "Ben", "opt_in": True},
        "records/contact/c{}": {"name": "Ada", "emails": ["ada@example.com"]},
        "templates/t{}": {"name": "Offer", "language": "en", "subject": "Hi", "html": "<p>Hi {{ recipient.name }}</p>"},
        "consents/ada{}@example.com": {"follow": "allow", "source": "a call"},
    }
    for name, writer, reader in (("1", old, new), ("2", new, old)):
        for path, body in bodies.items():
            url = "/api/orgs/rows/" + path.format(name)
            written, answer = await writer.request("PUT", url, key=key, json=body)
            assert written in (200, 201), answer
            read, answer = await reader.request("GET", url, key=key)
            assert read == 200, answer
