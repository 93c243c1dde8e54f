"""Two organizations in one storage: acme, which has some of everything, and rival, which would like to see it.

What acme keeps holds the word `SECRET`: an answer to rival that holds it has shown something of acme's. Acme's ids do
not hold it, because rival sends them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lib.storage import Storage, layout
from lib.storage.memory import MemoryBlobs, MemoryQueues, MemoryTables
from lib.storage.protocols import EVERYTHING
from tests.support.heed import ADMIN_KEY, GMAIL, Heed, Response
from tests.support.inbound import answer_to, receive

SECRET = "zebrafinch"
OF_MAIL = f"{SECRET}-woodlark"
"""What mail of acme's holds, and nothing else of acme's."""

ADDRESS = "ada@example.com"
SCOPES = ("full", "read", "inbound", "admin")

_MAILBOX = {
    "kind": "imap",
    "owner": "acme-rep",
    "host": "imap.example.com",
    "user": f"{SECRET}@acme.example",
    "secret": "HEED_MAILBOX_ACME_REP",
}


@dataclass(slots=True)
class TwoOrganizations:
    """Heed with both. `keys` are rival's, by scope; `ids` are acme's, by the name of the path's parameter."""

    heed: Heed
    keys: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    draft: str = ""
    """A message of acme's that was not sent."""

    links: list[str] = field(default_factory=list)
    """Paths of links, pixels, files and images in acme's mail."""

    cursor: str = ""
    """A cursor of acme's list of users."""

    async def as_rival(self, method: str, path: str, body: Any = None, key: str = "full", **headers: str) -> Response:
        """A request with a key of rival's."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.heed.request(method, path, body, key=self.keys[key], headers=named)

    async def contents(self) -> Mapping[str, Any]:
        """All that storage holds of acme: rows, blobs, queued messages, rows of shared tables that name it."""
        return await contents_of(self.heed.storage, "acme")


async def contents_of(storage: Storage, organization: str) -> dict[str, Any]:
    """All that a storage in memory holds of the organization, by its place."""
    tables, blobs, queues = storage.tables, storage.blobs, storage.queues
    assert isinstance(tables, MemoryTables)
    assert isinstance(blobs, MemoryBlobs)
    assert isinstance(queues, MemoryQueues)
    found: dict[str, Any] = {}
    for name in tables.names():
        async for row in tables.query(name, EVERYTHING):
            is_named = name == layout.DUE and re.search(rf"\b{organization}\b", f"{row}")
            is_registered = name == layout.ORGANIZATIONS and row.partition == organization
            if name.startswith(f"heed{organization}") or is_named or is_registered:
                found[f"{name}/{row.partition}/{row.key}"] = (row.etag, dict(row.values))
    container = layout.container(organization)
    for name in blobs.names(container):
        found[f"blob {name}"] = await blobs.read_blob(container, name)
    for number, sent in enumerate(each for each in queues.waiting if f'"{organization}"' in each.body):
        found[f"{sent.queue} {number}"] = sent.body
    return found


async def two_organizations(**settings: str) -> TwoOrganizations:
    """Make both: acme with messages, hits, an answer, cards, tasks, files and the like; rival with keys and a user.

    `settings` are those of the app.
    """
    heed = await Heed(settings=settings).start()
    world = TwoOrganizations(heed)
    await _fill(world)
    await heed.organization("rival")
    for scope in SCOPES:
        made = await heed.request("POST", "/api/orgs/rival/keys", {"scope": scope, "name": "k"}, key=ADMIN_KEY)
        world.keys[scope] = made.json["key"]
    user = {"email": "eve@rival.example", "name": "Eve", "opt_in": True}
    assert (await world.as_rival("PUT", "/api/orgs/rival/users/eve", user)).status == 201
    world.keys["user"] = (await world.as_rival("POST", "/api/orgs/rival/users/eve/tokens")).json["token"]
    return world


async def _fill(world: TwoOrganizations) -> None:
    heed = world.heed
    for name in ("acme-rep", "acme-boss"):
        await heed.put(f"/users/{name}", {"email": f"{name}@acme.example", "name": SECRET, "opt_in": True})
    for kind in ("contact", "opportunity"):
        fields = {"name": SECRET, "emails": [ADDRESS] if kind == "contact" else [], "owner": "acme-rep"}
        await heed.put(f"/records/{kind}/acme-thing", fields)
    template = {"name": SECRET, "language": "en", "subject": SECRET, "html": f"<p>{SECRET}</p>", "text": SECRET}
    await heed.put("/templates/acme-thing", template)
    await heed.put("/mailboxes/acme-thing", _MAILBOX)
    await heed.put("/rules/acme-thing", {"when": {"from": "@example.com"}, "create": {"type": "task"}})
    await heed.put(f"/consents/{ADDRESS}", {"follow": "allow", "basis": SECRET, "source": SECRET, "notice": SECRET})
    await _send(world)
    key = await heed.request("POST", "/api/orgs/acme/keys", {"scope": "read", "name": SECRET}, key=ADMIN_KEY)
    world.cursor = (await heed.get("/users?limit=1"))["next"]
    sent = await heed.get(f"/messages/{world.ids['message']}")
    world.ids |= {
        "user": "acme-rep",
        "id": "acme-thing",
        "key": key.json["id"],
        "email": ADDRESS,
        "attachment": (await heed.get(f"/messages/{world.ids['message']}/attachments"))["items"][0]["id"],
        "event": (await heed.get(f"/messages/{world.ids['message']}/timeline"))["items"][0]["id"],
        "card": (await heed.get("/cards", x_heed_user="acme-rep"))["items"][0]["id"],
        "activity": (await heed.get("/activities"))["items"][0]["id"],
        "job": await _exported(heed),
        "conversation": sent["conversation"],
        "message_id": sent["message_id"],
        "link": "0",
        "type": "contact",
        "org": "acme",
    }


async def _exported(heed: Heed) -> str:
    """The id of an export that is done."""
    begun = await heed.api("GET", f"/subjects/{ADDRESS}")
    assert begun.status == 202
    await heed.work()
    return str(begun.json["job"])


async def _send(world: TwoOrganizations) -> None:
    """Send a followed mail with a file and an image, which is opened, clicked and answered; and leave a draft."""
    heed = world.heed
    fields = {
        "from": "acme-rep",
        "to": [{"email": ADDRESS, "name": SECRET, "record": {"type": "contact", "id": "acme-thing"}}],
        "subject": OF_MAIL,
        "regarding": {"type": "opportunity", "id": "acme-thing", "name": SECRET},
        "html": f'<p>{OF_MAIL} <a href="https://example.com/{OF_MAIL}">offer</a></p>',
    }
    world.draft = await heed.draft(**fields)
    message = world.ids["message"] = await heed.draft(**fields, template="acme-thing")
    path = f"/api/orgs/acme/messages/{message}/attachments?filename={OF_MAIL}.txt&followed=true"
    assert (await heed.request("POST", path, OF_MAIL.encode(), key=heed.key)).status == 201
    await heed.post(f"/messages/{message}/send")
    await heed.work()
    heed.clock.move(minutes=90)
    world.links = [path for kind in "oca" for path in heed.urls(kind)]
    for path in world.links:
        await heed.hit(path, GMAIL)
    await heed.work()
    world.ids["inbound"] = (await receive(heed, await answer_to(heed, message, OF_MAIL, subject=f"Re: {OF_MAIL}")))[
        "id"
    ]
